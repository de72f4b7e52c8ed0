//! What step 6 knows of a run that ends.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::payload::{Subject, TestVolume, Testing};
use super::read::{Payload, read};
use crate::error::Result;
use crate::time::Timestamp;
use crate::verdict::{Counts, Measured, RecordedVerdict, Verdict};

/// What is known of a run that ends, for step 6 to release what it holds.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the payload, which people read"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Why the run ends.
    pub because: EndReason,
    /// The snapshot under test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// The instance that tested it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev_ib_backup_instance_id: Option<String>,
    /// The test volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
    /// The name it was attached under: the test instance may have it mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The SSM command that ran the test: the evidence for what `because` says of a canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_command_id: Option<String>,
    /// The SSM command that stops the server and unmounts, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_command_id: Option<String>,
    /// The volume is not mounted on the test instance any more, or never was.
    #[serde(default)]
    pub unmounted: bool,
    /// The test instance did not unmount the volume, which is detached by force.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_force: bool,
    /// Why the test instance does not unmount it, as the release script reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// There was a volume to release, so the run had not ended before.
    #[serde(default)]
    pub gave_back: bool,
    /// The end of the run is in Datadog.
    #[serde(default)]
    pub reported: bool,
    /// Whether the test found the backup good, where the snapshot could not be tagged with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<bool>,
    /// The volume that has lost the tags of this run, and what that means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// What the test reported, for the run's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<Box<Tested>>,
}

/// What a test that has ended says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// What was covered, or what was found.
    pub detail: String,
    /// What it counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// What it measured.
    #[serde(flatten)]
    pub measured: Measured,
    /// The version of its script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
}

impl From<&Verdict> for Box<Tested> {
    fn from(verdict: &Verdict) -> Self {
        Self::new(Tested {
            detail: verdict.detail.clone(),
            counts: verdict.counts,
            measured: verdict.measured,
            script: verdict.script.clone(),
        })
    }
}

/// Why a run ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The test has a verdict.
    Verdict(RecordedVerdict),
    /// The copy was damaged on purpose, and the test has ended.
    Canary {
        /// Whether it found that.
        caught: bool,
        /// When it ended.
        checked_at: Timestamp,
    },
    /// The run ended without a verdict.
    Failure {
        /// The function that failed.
        function: String,
        /// What it said.
        error: String,
    },
    /// A dead run left a volume behind.
    Leftover,
    /// The snapshot already has the verdict of a later test.
    Superseded,
}

impl Release {
    /// Only the reason is known; what the run holds is found by its tag.
    #[must_use]
    pub fn unknown(because: EndReason) -> Self {
        Self {
            because,
            snapshot_id: None,
            dev_ib_backup_instance_id: None,
            volume_id: None,
            device: None,
            test_command_id: None,
            release_command_id: None,
            unmounted: false,
            by_force: false,
            held_by: None,
            gave_back: false,
            reported: false,
            found: None,
            lost: None,
            tested: None,
        }
    }

    /// What `testing` holds.
    #[must_use]
    pub fn after(testing: Testing, because: EndReason) -> Self {
        let Testing {
            subject,
            volume,
            test_command_id,
        } = testing;
        Self {
            snapshot_id: Some(subject.snapshot_id),
            dev_ib_backup_instance_id: Some(subject.dev_ib_backup_instance_id),
            volume_id: Some(volume.volume_id),
            device: Some(volume.device),
            test_command_id: Some(test_command_id),
            ..Self::unknown(because)
        }
    }

    /// The test after which it releases, where all of it is known.
    #[must_use]
    pub fn testing(&self) -> Option<Testing> {
        Some(Testing {
            subject: Subject::new(
                self.snapshot_id.as_deref()?,
                self.dev_ib_backup_instance_id.as_deref()?,
            ),
            volume: TestVolume::new(self.volume_id.as_deref()?, self.device.as_deref()?),
            test_command_id: self.test_command_id.clone()?,
        })
    }
}

impl Payload for Release {
    fn read(event: &Value) -> Result<Self> {
        // First by themselves: through `flatten`, serde loses the field's name in errors.
        for part in ["/because/verdict", "/tested"] {
            if let Some(part) = event.pointer(part).filter(|part| part.is_object()) {
                read::<Measured>(part)?;
            }
        }
        if let Some(tested) = event.get("tested").filter(|tested| tested.is_object()) {
            read::<Counts>(tested)?;
        }
        read(event)
    }
}
