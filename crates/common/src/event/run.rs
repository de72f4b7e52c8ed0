//! The part that all events share: which run it is, and how far it is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read::read;
use crate::aws::ec2::OUT_OF_SIGHT;
use crate::error::Result;
use crate::time::Timestamp;

/// The fields that every event of a run has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The request id of step 1's first invocation, so that a retry keeps it.
    pub run_id: String,
    /// When step 1 was first invoked.
    pub started_at: Timestamp,
    /// Polls so far in this step, 0 at first.
    pub iteration_count: u64,
    /// When each phase ended; the metric of their durations comes from this.
    #[serde(default)]
    pub ready_at: BTreeMap<Phase, Timestamp>,
    /// Seconds that this step has waited between its polls so far.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waited_seconds: u64,
    /// Consecutive polls at which AWS was too busy to answer; each doubles the next wait.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub busy: u64,
    /// What started the run: the schedule that Lambda's event names, or an event by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// A canary run: the copy is damaged on purpose, and the test has to find the damage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub canary: bool,
    /// The snapshot is not the newest backup, so its verdict does not go to the metric of the
    /// newest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub older_backup: bool,
    /// The database and test instance that the start event names.
    // Read by `Run::read`: through `flatten`, serde loses the field's name in errors.
    #[serde(flatten, skip_deserializing)]
    pub target: Target,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Which database is tested, and where. Settings fill in what a start event leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The `Name` of the instance whose data volume is backed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub production_instance_name: Option<String>,
    /// The device name of that data volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub production_device: Option<String>,
    /// The `Name` of the instance that tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_instance_name: Option<String>,
    /// The device name to attach the test volume under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_device: Option<String>,
}

/// The phases of a run; the tag `phase` of the duration metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Until the chosen snapshot is complete.
    Snapshot,
    /// Until the test volume is available.
    Volume,
    /// Until it is attached.
    Attach,
    /// Until it is mounted.
    Mount,
    /// Until the integrity test has ended.
    Test,
    /// Until everything is released.
    Release,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 6] = [
        Self::Snapshot,
        Self::Volume,
        Self::Attach,
        Self::Mount,
        Self::Test,
        Self::Release,
    ];

    /// The name in the metric's tag.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Volume => "volume",
            Self::Attach => "attach",
            Self::Mount => "mount",
            Self::Test => "test",
            Self::Release => "release",
        }
    }
}

impl Run {
    /// A run that begins.
    #[must_use]
    pub fn begin(run_id: &str, started_at: Timestamp, target: Target) -> Self {
        Self {
            run_id: run_id.to_owned(),
            started_at,
            iteration_count: 0,
            ready_at: BTreeMap::new(),
            waited_seconds: 0,
            busy: 0,
            started_by: None,
            canary: false,
            older_backup: false,
            target,
        }
    }

    /// Whether an event is of a run that has begun, and no start event. With two of the three
    /// fields that every run has, it is a broken event of one: to start another would hide that.
    #[must_use]
    pub fn has_begun(event: &Value) -> bool {
        let fields = ["run_id", "started_at", "iteration_count"];
        let there = fields.iter().filter(|&&field| event.get(field).is_some());
        there.count() > 1
    }

    /// Reads the run from an event of the chain.
    pub fn read(event: &Value) -> Result<Self> {
        let run: Self = read(event)?;
        let target = read(event)?;
        Ok(Self { target, ..run })
    }

    /// The same run before the first poll of another step.
    #[must_use]
    pub fn at_next_step(self) -> Self {
        Self {
            iteration_count: 0,
            waited_seconds: 0,
            busy: 0,
            ..self
        }
    }

    /// Whether AWS was too busy at every earlier poll of this step, so that this may be the first
    /// answer.
    #[must_use]
    pub fn is_first_answered_poll(&self) -> bool {
        self.iteration_count == self.busy
    }

    /// How long this step has waited between its polls so far.
    #[must_use]
    pub fn waited(&self) -> Duration {
        Duration::from_secs(self.waited_seconds)
    }

    /// True once we have polled without errors for long enough to treat a missing resource as
    /// absent rather than not yet visible.
    #[must_use]
    pub fn has_polled_long_enough(&self, interval: Duration) -> bool {
        self.busy == 0 && self.waited() >= OUT_OF_SIGHT * interval
    }

    /// Seconds that each completed phase took, in order.
    #[must_use]
    pub fn durations(&self) -> Vec<(Phase, f64)> {
        let mut began = self.started_at;
        let mut durations = Vec::new();
        for phase in Phase::ALL {
            if let Some(&ended) = self.ready_at.get(&phase) {
                durations.push((phase, ended.seconds_since(began)));
                began = ended;
            }
        }
        durations
    }
}
