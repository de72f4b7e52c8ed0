//! Ids as EC2 checks them, what it says of those that it does not know, and ARNs.

use crate::error_response::ErrorResponse;
use crate::{ACCOUNT_ID, REGION};

/// Something else than a snapshot's id is another error than one that is merely misspelt.
pub(super) fn check_snapshot_id(id: &str) -> Result<(), ErrorResponse> {
    match id.strip_prefix("snap-") {
        None => Err(not_expected(id, "snapshotId", "snap-...")),
        Some(rest) if is_word(rest) => Ok(()),
        Some(_) => {
            let message = format!("Value ( {id} ) for parameter SNAPSHOT is invalid. ");
            Err(ErrorResponse::new("InvalidSnapshotID.Malformed", message))
        }
    }
}

/// Whatever is no volume's id.
pub(super) fn check_volume_id(id: &str, parameter: &str) -> Result<(), ErrorResponse> {
    match id.strip_prefix("vol-") {
        Some(rest) if is_word(rest) => Ok(()),
        _ => Err(not_expected(id, parameter, "vol-...")),
    }
}

/// Whatever is no instance's id.
pub(super) fn check_instance_id(id: &str) -> Result<(), ErrorResponse> {
    match id.strip_prefix("i-") {
        Some(rest) if is_word(rest) => Ok(()),
        _ => {
            let message = format!("Invalid id: \"{id}\"");
            Err(ErrorResponse::new("InvalidInstanceID.Malformed", message))
        }
    }
}

/// AWS wants hexadecimal. Volumes and snapshots are words here on purpose; instances, whose ids SSM checks, are not.
fn is_word(rest: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !rest.is_empty() && rest.bytes().all(letter)
}

fn not_expected(id: &str, parameter: &str, expected: &str) -> ErrorResponse {
    let message =
        format!("Value ({id}) for parameter {parameter} is invalid. Expected: '{expected}'.");
    ErrorResponse::new("InvalidParameterValue", message)
}

pub(super) fn volume_not_found(id: &str) -> ErrorResponse {
    let message = format!("The volume '{id}' does not exist.");
    ErrorResponse::new("InvalidVolume.NotFound", message)
}

pub(super) fn snapshot_not_found(id: &str) -> ErrorResponse {
    let message = format!("The snapshot '{id}' does not exist.");
    ErrorResponse::new("InvalidSnapshot.NotFound", message)
}

pub(super) fn instance_not_found(id: &str) -> ErrorResponse {
    let message = format!("The instance ID '{id}' does not exist");
    ErrorResponse::new("InvalidInstanceID.NotFound", message)
}

/// `arn:aws:ec2:…:volume/vol-…` and the like. Snapshots carry no account.
pub(super) fn arn(kind: &str, id: &str) -> String {
    let account = if kind == "snapshot" { "" } else { ACCOUNT_ID };
    format!("arn:aws:ec2:{REGION}:{account}:{kind}/{id}")
}
