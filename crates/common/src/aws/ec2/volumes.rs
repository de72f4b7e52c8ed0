//! Test volumes: made, attached, detached and deleted.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::create_volume::builders::CreateVolumeFluentBuilder;
use aws_sdk_ec2::types::{
    ResourceType, TagSpecification, Volume as Described, VolumeAttachmentState,
    VolumeState as State,
};

use super::key::{Key, is_refused as key_is_refused};
use super::{PAGE, Performance, VolumeTags, filter, snapshot, tag, tag_map, tags};
use crate::aws::error::{code, refused};
use crate::error::Result;
use crate::time::Timestamp;

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: VolumeState,
    /// Where it is attached, or on its way to or from. A detached volume has none.
    pub attachment: Option<Attachment>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The snapshot that it was made of.
    pub snapshot_id: String,
    /// What it is encrypted under.
    pub key: Key,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Volume {
    /// Whether it is a test volume, of whichever run.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.has_tag(tags::TEST, "True")
    }

    /// Whether it bears this tag with this value.
    #[must_use]
    pub fn has_tag(&self, key: &str, value: &str) -> bool {
        self.tags.get(key).is_some_and(|found| found == value)
    }
}

/// EC2's volume states, grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeState {
    /// `creating`: it will be available.
    Creating,
    /// `available`: attached to nothing.
    Available,
    /// `in-use`: attached, or about to be.
    InUse,
    /// `error`: it was made, and will never be available.
    Failed,
    /// `deleting` or `deleted`.
    Deleted,
}

/// Where a volume is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The instance.
    pub instance_id: String,
    /// The device name.
    pub device: String,
    /// `attaching`, `attached`, `detaching` or `busy`.
    pub state: VolumeAttachmentState,
}

/// What a test volume is made of.
#[derive(Clone, Debug)]
pub struct NewVolume<'a> {
    /// The run that will hold it; also the client token, so that a repeated call makes no second.
    pub run_id: &'a str,
    /// The snapshot.
    pub snapshot_id: &'a str,
    /// The availability zone of the test instance.
    pub zone: &'a str,
    /// The `Name` of the test instance.
    pub test_instance_name: &'a str,
    /// The environment of the stack.
    pub environment: &'a str,
    /// How fast it is to be.
    pub performance: &'a Performance,
    /// What the company wants on it besides.
    pub tags: &'a VolumeTags,
}

/// Creates a test volume, or returns the id of the one that an earlier call of this run created.
///
/// # Errors
/// Where EC2 refuses.
pub async fn create(client: &Client, new: &NewVolume<'_>) -> Result<String> {
    let made = request(client, new).client_token(new.run_id).send().await;
    let error = match made {
        Ok(made) => return Ok(made.volume_id().unwrap_or_default().to_owned()),
        Err(error) => error,
    };
    let tried = format!(
        "make a volume ({}) of snapshot {} in {}",
        new.performance, new.snapshot_id, new.zone
    );
    let about_key = key_is_refused(&error);
    let error = refused(&tried, error);
    if !about_key {
        return Err(error);
    }
    // If this check fails as well, EC2's first error counts.
    let key = snapshot(client, new.snapshot_id).await;
    let key = key.map_or(Key::None, |snapshot| snapshot.key);
    Err(error.advised(&key.advice(&format!("snapshot {}", new.snapshot_id))))
}

/// What is asked of EC2 for a test volume.
pub(super) fn request(client: &Client, new: &NewVolume<'_>) -> CreateVolumeFluentBuilder {
    let name = format!("test-ib-snapshot-{}", new.snapshot_id);
    let own = [
        tag("Name", &name),
        tag(tags::TEST, "True"),
        tag(tags::RUN, new.run_id),
        tag(tags::TEST_INSTANCE, new.test_instance_name),
        tag(tags::ENVIRONMENT, new.environment),
    ];
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Volume)
        .set_tags(Some(own.into_iter().chain(new.tags.tags()).collect()))
        .build();
    client
        .create_volume()
        .snapshot_id(new.snapshot_id)
        .availability_zone(new.zone)
        .set_volume_type(new.performance.volume_type.clone())
        .set_iops(new.performance.iops)
        .set_throughput(new.performance.throughput)
        .set_volume_initialization_rate(new.performance.initialization_rate)
        .tag_specifications(tags)
}

/// A volume by its id; `None` where it is gone, or not yet visible.
///
/// # Errors
/// Where EC2 refuses to say.
pub async fn volume(client: &Client, id: &str) -> Result<Option<Volume>> {
    match client.describe_volumes().volume_ids(id).send().await {
        Ok(answer) => Ok(answer
            .volumes()
            .iter()
            .filter_map(read)
            .find(|volume| volume.id == id)),
        Err(error) if code(&error) == Some("InvalidVolume.NotFound") => Ok(None),
        Err(error) => Err(refused(&format!("ask for volume {id}"), error)),
    }
}

/// The volumes that a run of this environment holds, found by their tags. A deleted one does not
/// count.
///
/// # Errors
/// Where EC2 refuses to list them.
pub async fn volumes_of_run(
    client: &Client,
    run_id: &str,
    environment: &str,
) -> Result<Vec<Volume>> {
    list(
        client,
        &[(tags::RUN, run_id), (tags::ENVIRONMENT, environment)],
    )
    .await
}

/// The test volumes for a test instance, of whichever run and environment: two environments may
/// test on one instance, one after the other.
///
/// # Errors
/// Where EC2 refuses to list them.
pub async fn test_volumes(client: &Client, test_instance_name: &str) -> Result<Vec<Volume>> {
    list(client, &[(tags::TEST_INSTANCE, test_instance_name)]).await
}

/// The test volumes of an environment, of whichever run and test instance.
///
/// # Errors
/// Where EC2 refuses to list them.
pub async fn volumes_of_environment(client: &Client, environment: &str) -> Result<Vec<Volume>> {
    list(client, &[(tags::ENVIRONMENT, environment)]).await
}

async fn list(client: &Client, wanted: &[(&str, &str)]) -> Result<Vec<Volume>> {
    let mut request = client
        .describe_volumes()
        .filters(filter(&format!("tag:{}", tags::TEST), "True"));
    for (key, value) in wanted {
        request = request.filters(filter(&format!("tag:{key}"), value));
    }
    let mut pages = request.into_paginator().page_size(PAGE).items().send();
    let words: Vec<String> = wanted
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let tried = format!("list the test volumes with {}", words.join(" and "));
    let has = |volume: &Volume| wanted.iter().all(|(key, value)| volume.has_tag(key, value));
    let mut volumes = Vec::new();
    while let Some(found) = pages.next().await {
        let found = read(&found.map_err(|error| refused(&tried, error))?);
        // The result is going to be detached and deleted, so it is checked against the request.
        volumes.extend(found.filter(|volume| volume.is_test() && has(volume)));
    }
    Ok(volumes)
}

/// The result of a request to attach a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is being attached.
    Taken,
    /// A duplicate of this invocation has attached it already.
    Duplicate,
    /// The state of the volume or (mostly) the instance does not allow it now: EC2's message.
    NotNow(String),
}

/// Attaches a volume.
///
/// # Errors
/// Where EC2 refuses, among others because the device name is in use.
pub async fn attach(client: &Client, id: &str, instance_id: &str, device: &str) -> Result<Asked> {
    let asked = client
        .attach_volume()
        .volume_id(id)
        .instance_id(instance_id)
        .device(device)
        .send()
        .await;
    let Err(error) = asked else {
        return Ok(Asked::Taken);
    };
    let about_key = key_is_refused(&error);
    let code = code(&error).unwrap_or_default().to_owned();
    let tried = format!("attach volume {id} to {instance_id} as {device}");
    let error = refused(&tried, error);
    if about_key {
        let key = volume(client, id).await.ok().flatten();
        let key = key.map_or(Key::None, |volume| volume.key);
        return Err(error.advised(&key.advice(&format!("volume {id}"))));
    }
    Err(match code.as_str() {
        "VolumeInUse" => return Ok(Asked::Duplicate),
        "IncorrectState" => return Ok(Asked::NotNow(error.to_string())),
        "AttachmentLimitExceeded" => error.advised(
            "detach volumes that the test instance does not need, or take a type that takes more",
        ),
        "InvalidParameterValue" if error.to_string().contains("in use") => error.advised(
            "/dev/sdX and /dev/xvdX are one name; detach what has it, or choose another TestDevice",
        ),
        _ => error,
    })
}

/// Detaches a volume, wherever it is attached; a volume that is detached or gone is no error. The
/// call does not name the instance: IAM then checks only the volume's tags, and not the name of an
/// instance that somebody may have renamed.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>
///
/// # Errors
/// Where EC2 refuses.
pub async fn detach(client: &Client, id: &str, force: bool) -> Result<()> {
    let asked = client
        .detach_volume()
        .volume_id(id)
        .force(force)
        .send()
        .await;
    match asked {
        Ok(_) => Ok(()),
        Err(error)
            if matches!(
                code(&error),
                Some("IncorrectState" | "InvalidAttachment.NotFound" | "InvalidVolume.NotFound")
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(refused(&format!("detach volume {id}"), error)),
    }
}

/// Deletes a volume; a volume that is gone is no error.
///
/// # Errors
/// Where EC2 refuses, among others because it is attached.
pub async fn delete(client: &Client, id: &str) -> Result<()> {
    match client.delete_volume().volume_id(id).send().await {
        Ok(_) => Ok(()),
        Err(error) if code(&error) == Some("InvalidVolume.NotFound") => Ok(()),
        Err(error) => Err(refused(&format!("delete volume {id}"), error)),
    }
}

fn read(described: &Described) -> Option<Volume> {
    let state = match described.state()? {
        State::Creating => VolumeState::Creating,
        State::Available => VolumeState::Available,
        State::InUse => VolumeState::InUse,
        State::Deleting | State::Deleted => VolumeState::Deleted,
        _ => VolumeState::Failed,
    };
    let attachments = described.attachments().iter();
    let attachment = attachments
        .filter_map(|attachment| {
            Some(Attachment {
                instance_id: attachment.instance_id()?.to_owned(),
                device: attachment.device().unwrap_or_default().to_owned(),
                state: attachment.state()?.clone(),
            })
        })
        .find(|attachment| attachment.state != VolumeAttachmentState::Detached);
    Some(Volume {
        id: described.volume_id()?.to_owned(),
        state,
        attachment,
        created_at: described.create_time().map(|&time| time.into()),
        snapshot_id: described.snapshot_id().unwrap_or_default().to_owned(),
        key: Key::read(described.encrypted(), described.kms_key_id()),
        tags: tag_map(described.tags()),
    })
}
