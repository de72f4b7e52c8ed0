//! KMS keys of snapshots and volumes.

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use crate::aws::error::code;

/// The key of a snapshot or a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// It is not encrypted.
    None,
    /// It is encrypted under this key, as far as EC2 says.
    Of(String),
}

impl Key {
    pub(super) fn read(encrypted: Option<bool>, key_id: Option<&str>) -> Self {
        match (encrypted, key_id) {
            (_, Some(id)) => Self::Of(id.to_owned()),
            (Some(true), None) => Self::Of("a key that EC2 does not name".to_owned()),
            (_, None) => Self::None,
        }
    }

    /// What to do where it could not be used for `what`, such as snapshot snap-1.
    #[must_use]
    pub fn advice(&self, what: &str) -> String {
        const GRANT: &str = "name the key by the stack's parameter KmsKeyArn, let its key policy \
            allow the account's roles kms:CreateGrant, kms:Decrypt, kms:DescribeKey, \
            kms:GenerateDataKeyWithoutPlaintext and kms:ReEncrypt*, and see that it is enabled \
            and, where it is of another account, shared";
        let key = match self {
            Self::Of(key) => format!(
                "{what} is encrypted under {key}, which could not be used, so that EC2 took the \
                 volume away again: {GRANT}"
            ),
            Self::None => format!(
                "{what} is not encrypted; where the account encrypts new volumes by default, its \
                 key (`aws ec2 get-ebs-default-kms-key-id`) could not be used: {GRANT}"
            ),
        };
        format!(
            "{key}; else somebody deleted the volume while the run was at work, or the run had \
             ended before this event came"
        )
    }
}

/// Codes by which EC2 says that a key cannot be used. A volume whose key cannot be used is made,
/// vanishes, and its client token then stands for something deleted:
/// <https://github.com/kubernetes-sigs/aws-ebs-csi-driver/issues/3010>
pub(super) fn is_refused<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    code(error).is_some_and(|code| {
        code == "IdempotentParameterMismatch"
            || code == "CustomerKeyHasBeenRevoked"
            || code.starts_with("InvalidKmsKey.")
            || code.starts_with("KMS")
    })
}
