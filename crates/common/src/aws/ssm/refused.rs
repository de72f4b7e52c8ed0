//! What Systems Manager refuses.

use std::error::Error as StdError;

use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};

use crate::aws::error::{code, refused};
use crate::error::{Error, Kind};

/// What Systems Manager refused; where it does not know the instance, with what to look at.
pub(super) fn ssm_refused<E>(tried: &str, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if code(&error) != Some("InvalidInstanceId") {
        return refused(tried, error);
    }
    Error::new(
        Kind::HostFailed,
        format!(
            "tried to {tried}: AWS answered InvalidInstanceId: Systems Manager does not know it as \
             a running instance; check that it runs, that its SSM agent is connected, and that its \
             instance profile and network let the agent reach Systems Manager"
        ),
    )
}
