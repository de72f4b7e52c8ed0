//! The payloads, one for each step.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read::{Payload, read};
use crate::error::Result;
use crate::time::Timestamp;

/// The start event, from a person or the schedule; step 1 sends it to itself as well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Test this snapshot, whatever its age, instead of the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// Which of the backups to test, where no snapshot is named.
    #[serde(default, skip_serializing_if = "Pick::is_newest")]
    pub pick: Pick,
    /// With `pick`: older than so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than_days: Option<u32>,
    /// With `pick`: younger than so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub younger_than_days: Option<u32>,
    /// Which snapshots are the backup, in EC2's filter words, instead of the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_filters: Option<String>,
    /// The volume whose snapshots are the backup, instead of the one that the production instance
    /// has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_volume_id: Option<String>,
    /// Report the state of the backups, and start no run.
    #[serde(default, skip_serializing)]
    pub status: bool,
    /// Damage the copy first, to see whether the test finds it. It travels with the run.
    #[serde(default, skip_serializing)]
    pub canary: bool,
}

/// Which of the backups is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    /// The newest: last night's backup.
    #[default]
    Newest,
    /// The newest that has no verdict.
    Untested,
    /// Any, by chance.
    Random,
}

impl Pick {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_newest(&self) -> bool {
        *self == Self::Newest
    }
}

/// What is tested, and where: chosen by step 1, repeated in every later payload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The snapshot under test.
    pub snapshot_id: String,
    /// When it was started: the point in time of its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_started_at: Option<Timestamp>,
    /// The instance that tests it.
    pub dev_ib_backup_instance_id: String,
}

/// The attached test volume: in every payload from step 3 on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestVolume {
    /// The test volume.
    pub volume_id: String,
    /// The name it was attached under.
    pub device: String,
}

impl Subject {
    /// A subject whose snapshot time is unknown.
    #[must_use]
    pub fn new(snapshot_id: &str, dev_ib_backup_instance_id: &str) -> Self {
        Self {
            snapshot_id: snapshot_id.to_owned(),
            dev_ib_backup_instance_id: dev_ib_backup_instance_id.to_owned(),
            ..Self::default()
        }
    }
}

impl TestVolume {
    /// The volume attached under that name.
    #[must_use]
    pub fn new(volume_id: &str, device: &str) -> Self {
        Self {
            volume_id: volume_id.to_owned(),
            device: device.to_owned(),
        }
    }
}

/// From step 1: what is tested, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// What is tested, and where.
    #[serde(flatten, skip_deserializing)]
    pub subject: Subject,
    /// It is not the newest backup. The run carries this from here on.
    #[serde(skip)]
    pub older_backup: bool,
}

/// From step 2: the volume made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeCreated {
    /// What is tested, and where.
    #[serde(flatten, skip_deserializing)]
    pub subject: Subject,
    /// The test volume.
    pub volume_id: String,
    /// The performance that was requested, for people who read the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_performance: Option<String>,
}

/// From step 3: where the volume is attached. Step 4 adds its command for its own later polls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attached {
    /// What is tested, and where.
    #[serde(flatten, skip_deserializing)]
    pub subject: Subject,
    /// The volume that is attached.
    #[serde(flatten, skip_deserializing)]
    pub volume: TestVolume,
    /// The SSM command that mounts it, once sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_command_id: Option<String>,
}

/// From step 4: the command that mounted the volume, or showed that it cannot be mounted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mounted {
    /// What is tested, and where.
    #[serde(flatten, skip_deserializing)]
    pub subject: Subject,
    /// The volume that is mounted.
    #[serde(flatten, skip_deserializing)]
    pub volume: TestVolume,
    /// The SSM command that mounted it.
    pub mount_command_id: String,
    /// The file system is broken: the mount command is the test that found the fault.
    pub mount_found_fault: bool,
}

/// From step 5: the command whose result is the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Testing {
    /// What is tested, and where.
    #[serde(flatten, skip_deserializing)]
    pub subject: Subject,
    /// The volume that is tested.
    #[serde(flatten, skip_deserializing)]
    pub volume: TestVolume,
    /// The SSM command that runs the test; the mount command where that found the fault.
    pub test_command_id: String,
}

// Each part is read by itself: through `flatten`, serde loses the field's name in errors.

impl Payload for Start {
    fn read(event: &Value) -> Result<Self> {
        read(event)
    }
}

impl Payload for Chosen {
    fn read(event: &Value) -> Result<Self> {
        Ok(Self {
            subject: read(event)?,
            ..read(event)?
        })
    }
}

impl Payload for VolumeCreated {
    fn read(event: &Value) -> Result<Self> {
        Ok(Self {
            subject: read(event)?,
            ..read(event)?
        })
    }
}

impl Payload for Attached {
    fn read(event: &Value) -> Result<Self> {
        Ok(Self {
            subject: read(event)?,
            volume: read(event)?,
            ..read(event)?
        })
    }
}

impl Payload for Mounted {
    fn read(event: &Value) -> Result<Self> {
        Ok(Self {
            subject: read(event)?,
            volume: read(event)?,
            ..read(event)?
        })
    }
}

impl Payload for Testing {
    fn read(event: &Value) -> Result<Self> {
        Ok(Self {
            subject: read(event)?,
            volume: read(event)?,
            ..read(event)?
        })
    }
}
