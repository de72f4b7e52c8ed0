//! Volumes and their attachments.

use std::time::SystemTime;

use super::filter::Filterable;
use super::speed::Speed;
use super::tags::Tags;

/// State of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeState {
    /// Being made.
    Creating,
    /// Attached to nothing.
    Available,
    /// Attached, or on its way there or back.
    InUse,
    /// Being deleted.
    Deleting,
    /// Gone. AWS shows no such volume; [`crate::Aws::volumes`] does.
    Deleted,
    /// It will never become anything.
    Error,
}

impl VolumeState {
    /// AWS's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::InUse => "in-use",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Error => "error",
        }
    }
}

/// State of an attachment; a detached one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentState {
    /// On its way.
    Attaching,
    /// There.
    Attached,
    /// On its way back.
    Detaching,
    /// It should be detached, but the instance holds it.
    Busy,
}

impl AttachmentState {
    /// AWS's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Attaching => "attaching",
            Self::Attached => "attached",
            Self::Detaching => "detaching",
            Self::Busy => "busy",
        }
    }
}

/// A volume as it is kept; what it shows depends on the time.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "`type` alone is a keyword")]
pub(crate) struct Volume {
    pub id: String,
    pub size_gib: u32,
    pub snapshot_id: Option<String>,
    pub availability_zone: String,
    pub volume_type: String,
    pub speed: Speed,
    /// The key that it is encrypted under, if any.
    pub kms_key_arn: Option<String>,
    pub tags: Tags,
    pub created_at: SystemTime,
    /// `creating` until then.
    pub ready_at: SystemTime,
    /// Its key cannot be used: it is gone after that.
    pub vanishes: bool,
    pub attached: Option<Attached>,
    /// `deleting` until then, if it is deleted at all.
    pub gone_at: Option<SystemTime>,
}

/// An attachment as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    pub instance_id: String,
    pub device: String,
    pub since: SystemTime,
    pub there_at: SystemTime,
    pub delete_on_termination: bool,
    /// The guest cannot take it: `attaching` without end.
    pub stuck: bool,
    /// The machine knows of it.
    pub host_knows: bool,
    pub detach: Option<Detach>,
}

/// A detach under way.
#[derive(Clone, Debug)]
pub(crate) struct Detach {
    pub ends_at: SystemTime,
    pub force: bool,
}

impl Attached {
    fn state(&self, now: SystemTime) -> AttachmentState {
        match &self.detach {
            Some(detach) if detach.ends_at <= now => AttachmentState::Busy,
            Some(_) => AttachmentState::Detaching,
            None if self.there_at <= now && !self.stuck => AttachmentState::Attached,
            None => AttachmentState::Attaching,
        }
    }
}

impl Volume {
    pub fn state(&self, now: SystemTime) -> VolumeState {
        match self.gone_at {
            Some(gone_at) if gone_at <= now => return VolumeState::Deleted,
            Some(_) => return VolumeState::Deleting,
            None => {}
        }
        if now < self.ready_at {
            return VolumeState::Creating;
        }
        if self.vanishes {
            return VolumeState::Deleted;
        }
        if self.attached.is_some() {
            return VolumeState::InUse;
        }
        VolumeState::Available
    }

    pub fn view(&self, now: SystemTime) -> VolumeView {
        VolumeView {
            id: self.id.clone(),
            size_gib: self.size_gib,
            snapshot_id: self.snapshot_id.clone(),
            availability_zone: self.availability_zone.clone(),
            volume_type: self.volume_type.clone(),
            speed: self.speed,
            kms_key_arn: self.kms_key_arn.clone(),
            tags: self.tags.clone(),
            created_at: self.created_at,
            state: self.state(now),
            attachment: self.attached.as_ref().map(|attached| Attachment {
                instance_id: attached.instance_id.clone(),
                device: attached.device.clone(),
                since: attached.since,
                state: attached.state(now),
                delete_on_termination: attached.delete_on_termination,
            }),
        }
    }
}

/// A volume as it is at one moment.
#[derive(Clone, Debug)]
pub struct VolumeView {
    /// `vol-rehearsal…`
    pub id: String,
    /// Its size.
    pub size_gib: u32,
    /// The snapshot that it was made from.
    pub snapshot_id: Option<String>,
    /// Where it stands.
    pub availability_zone: String,
    /// `gp3` and the like.
    pub volume_type: String,
    /// How fast it was asked to be.
    pub speed: Speed,
    /// The key that it is encrypted under, as its snapshot is.
    pub kms_key_arn: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// When it was made.
    pub created_at: SystemTime,
    /// What it is doing.
    pub state: VolumeState,
    /// Where it is attached, if it is.
    pub attachment: Option<Attachment>,
}

/// An attachment as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The instance.
    pub instance_id: String,
    /// The device name.
    pub device: String,
    /// When it was asked for.
    pub since: SystemTime,
    /// What it is doing.
    pub state: AttachmentState,
    /// Whether the volume goes with the instance.
    pub delete_on_termination: bool,
}

impl Filterable for VolumeView {
    fn values(&self, filter: &str) -> Option<Vec<String>> {
        let attachment =
            |field: fn(&Attachment) -> String| self.attachment.iter().map(field).collect();
        Some(match filter {
            "volume-id" => vec![self.id.clone()],
            "status" => vec![self.state.name().to_owned()],
            "snapshot-id" => self.snapshot_id.clone().into_iter().collect(),
            "availability-zone" => vec![self.availability_zone.clone()],
            "volume-type" => vec![self.volume_type.clone()],
            "encrypted" => vec![self.kms_key_arn.is_some().to_string()],
            "size" => vec![self.size_gib.to_string()],
            "attachment.instance-id" => attachment(|at| at.instance_id.clone()),
            "attachment.device" => attachment(|at| at.device.clone()),
            "attachment.status" => attachment(|at| at.state.name().to_owned()),
            "attachment.delete-on-termination" => {
                attachment(|at| at.delete_on_termination.to_string())
            }
            _ => return None,
        })
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}
