//! EC2's answers.

use serde::Serialize;

use super::instance::InstanceView;
use super::snapshot::SnapshotView;
use super::tags::Tags;
use super::volume::{Attachment, VolumeView};
use crate::ACCOUNT_ID;
use crate::clock::rfc3339;

/// Writes an answer under its root element.
pub(super) fn write<T: Serialize>(root: &str, answer: &T) -> String {
    quick_xml::se::to_string_with_root(root, answer).expect("structs of strings always serialise")
}

/// EC2's way to write a list.
#[derive(Serialize)]
pub(super) struct Items<T> {
    item: Vec<T>,
}

impl<T> FromIterator<T> for Items<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self {
            item: items.into_iter().collect(),
        }
    }
}

/// Done.
#[derive(Serialize)]
pub(super) struct Done {
    #[serde(rename = "return")]
    done: bool,
}

impl Done {
    pub const DONE: Self = Self { done: true };
}

#[derive(Serialize)]
struct TagXml {
    key: String,
    value: String,
}

fn tag_set(tags: &Tags) -> Items<TagXml> {
    let tag = |(key, value): (&String, &String)| TagXml {
        key: key.clone(),
        value: value.clone(),
    };
    tags.iter().map(tag).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeVolumes {
    pub volume_set: Items<VolumeXml>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VolumeXml {
    volume_id: String,
    size: u32,
    snapshot_id: String,
    availability_zone: String,
    status: &'static str,
    create_time: String,
    attachment_set: Items<AttachmentXml>,
    tag_set: Items<TagXml>,
    volume_type: String,
    encrypted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
}

impl From<&VolumeView> for VolumeXml {
    fn from(volume: &VolumeView) -> Self {
        let attachment = |at| AttachmentXml::new(&volume.id, at, at.state.name());
        Self {
            volume_id: volume.id.clone(),
            size: volume.size_gib,
            snapshot_id: volume.snapshot_id.clone().unwrap_or_default(),
            availability_zone: volume.availability_zone.clone(),
            status: volume.state.name(),
            create_time: rfc3339(volume.created_at),
            attachment_set: volume.attachment.iter().map(attachment).collect(),
            tag_set: tag_set(&volume.tags),
            volume_type: volume.volume_type.clone(),
            encrypted: volume.kms_key_arn.is_some(),
            kms_key_id: volume.kms_key_arn.clone(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttachmentXml {
    volume_id: String,
    instance_id: String,
    device: String,
    status: &'static str,
    attach_time: String,
    delete_on_termination: bool,
}

impl AttachmentXml {
    pub fn new(volume_id: &str, attachment: &Attachment, status: &'static str) -> Self {
        Self {
            volume_id: volume_id.to_owned(),
            instance_id: attachment.instance_id.clone(),
            device: attachment.device.clone(),
            status,
            attach_time: rfc3339(attachment.since),
            delete_on_termination: attachment.delete_on_termination,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeSnapshots {
    pub snapshot_set: Items<SnapshotXml>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SnapshotXml {
    snapshot_id: String,
    volume_id: String,
    status: &'static str,
    start_time: String,
    progress: &'static str,
    owner_id: String,
    volume_size: u32,
    description: String,
    tag_set: Items<TagXml>,
    encrypted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    storage_tier: &'static str,
}

impl From<&SnapshotView<'_>> for SnapshotXml {
    fn from(view: &SnapshotView<'_>) -> Self {
        let snapshot = &view.snapshot;
        let whole = view.state.name() == "completed";
        Self {
            snapshot_id: snapshot.id.clone(),
            volume_id: snapshot.volume_id.clone(),
            status: view.state.name(),
            start_time: rfc3339(snapshot.started_at),
            progress: if whole { "100%" } else { "42%" },
            owner_id: snapshot.owner_id.clone(),
            volume_size: snapshot.size_gib,
            description: snapshot.description.clone(),
            tag_set: tag_set(&snapshot.tags),
            encrypted: snapshot.encrypted(),
            kms_key_id: snapshot.key_arn(),
            storage_tier: snapshot.tier(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeInstances {
    pub reservation_set: Items<ReservationXml>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReservationXml {
    reservation_id: String,
    owner_id: &'static str,
    instances_set: Items<InstanceXml>,
}

impl From<&InstanceView<'_>> for ReservationXml {
    fn from(view: &InstanceView<'_>) -> Self {
        Self {
            reservation_id: view.instance.id.replacen("i-", "r-", 1),
            owner_id: ACCOUNT_ID,
            instances_set: std::iter::once(InstanceXml::from(view)).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InstanceXml {
    instance_id: String,
    instance_state: StateXml,
    launch_time: String,
    placement: PlacementXml,
    block_device_mapping: Items<MappingXml>,
    tag_set: Items<TagXml>,
}

impl From<&InstanceView<'_>> for InstanceXml {
    fn from(view: &InstanceView<'_>) -> Self {
        let instance = &view.instance;
        Self {
            instance_id: instance.id.clone(),
            instance_state: StateXml {
                code: instance.state.code(),
                name: instance.state.name(),
            },
            launch_time: rfc3339(instance.launched_at),
            placement: PlacementXml {
                availability_zone: instance.availability_zone.clone(),
            },
            block_device_mapping: view.volumes.iter().filter_map(mapping).collect(),
            tag_set: tag_set(&instance.tags),
        }
    }
}

#[derive(Serialize)]
struct StateXml {
    code: u16,
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlacementXml {
    availability_zone: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MappingXml {
    device_name: String,
    ebs: EbsXml,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EbsXml {
    volume_id: String,
    status: &'static str,
    attach_time: String,
    delete_on_termination: bool,
}

fn mapping(volume: &VolumeView) -> Option<MappingXml> {
    let attachment = volume.attachment.as_ref()?;
    Some(MappingXml {
        device_name: attachment.device.clone(),
        ebs: EbsXml {
            volume_id: volume.id.clone(),
            status: attachment.state.name(),
            attach_time: rfc3339(attachment.since),
            delete_on_termination: attachment.delete_on_termination,
        },
    })
}
