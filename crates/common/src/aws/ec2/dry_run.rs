//! Whether a role may do what a step does, asked with `DryRun`: EC2 then does nothing, and says
//! `DryRunOperation` where it would have.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html>

use std::error::Error as StdError;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use super::volumes::request;
use super::{NewVolume, tag, tags};
use crate::aws::error::{code, refused};
use crate::error::{Error, Kind, Result};

/// What EC2 says of a volume whose state does not allow it now; it asks IAM before that.
const STATE: &[&str] = &["IncorrectState", "VolumeInUse"];

/// Whether a test volume may be made.
///
/// # Errors
/// Where it may not, or EC2 makes no such volume.
pub async fn may_create(client: &Client, new: &NewVolume<'_>) -> Result<()> {
    let asked = request(client, new).dry_run(true).send().await;
    let tried = format!(
        "ask whether a volume ({}) may be made of snapshot {} in {}",
        new.performance, new.snapshot_id, new.zone
    );
    answer(&tried, asked)
}

/// Whether a volume may be attached.
///
/// # Errors
/// Where it may not.
pub async fn may_attach(client: &Client, id: &str, instance_id: &str, device: &str) -> Result<()> {
    let asked = client
        .attach_volume()
        .volume_id(id)
        .instance_id(instance_id)
        .device(device)
        .dry_run(true)
        .send()
        .await;
    let tried = format!("ask whether volume {id} may be attached to {instance_id}");
    answer(&tried, asked)
}

/// Whether a volume may be detached.
///
/// # Errors
/// Where it may not.
pub async fn may_detach(client: &Client, id: &str) -> Result<()> {
    let asked = client.detach_volume().volume_id(id).dry_run(true);
    let asked = asked.send().await;
    answer(&format!("ask whether volume {id} may be detached"), asked)
}

/// Whether a volume may be deleted.
///
/// # Errors
/// Where it may not.
pub async fn may_delete(client: &Client, id: &str) -> Result<()> {
    let asked = client.delete_volume().volume_id(id).dry_run(true);
    let asked = asked.send().await;
    answer(&format!("ask whether volume {id} may be deleted"), asked)
}

/// Whether a verdict may be written on a snapshot.
///
/// # Errors
/// Where it may not.
pub async fn may_tag(client: &Client, snapshot_id: &str) -> Result<()> {
    let mut asked = client.create_tags().resources(snapshot_id);
    for key in [
        tags::VALID,
        tags::CHECKED_AT,
        tags::CHECK_RUN,
        tags::CHECK_DETAIL,
    ] {
        asked = asked.tags(tag(key, "doctor"));
    }
    let asked = asked.dry_run(true).send().await;
    let tried = format!("ask whether the verdict may be written on snapshot {snapshot_id}");
    answer(&tried, asked)
}

fn answer<T, E>(tried: &str, asked: std::result::Result<T, SdkError<E>>) -> Result<()>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    match asked {
        Err(error) => match code(&error) {
            Some("DryRunOperation") => Ok(()),
            Some(code) if STATE.contains(&code) => Ok(()),
            _ => Err(refused(tried, error)),
        },
        Ok(_) => Err(Error::new(
            Kind::AwsRefused,
            format!("tried to {tried}, and the answer is not that to a question: was it done?"),
        )),
    }
}
