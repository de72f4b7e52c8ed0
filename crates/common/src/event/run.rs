//! The part that all payloads share: which run it is, and how far it has come.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read::read;
use crate::aws::ec2::OUT_OF_SIGHT;
use crate::error::Result;
use crate::time::Timestamp;

/// What every payload of a run has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The request id of step 1's first invocation, so that a retry keeps it.
    pub run_id: String,
    /// When step 1 was first invoked.
    pub started_at: Timestamp,
    /// Looks so far in this step, 0 at first.
    pub iteration_count: u64,
    /// When each phase ended; the metric of their durations comes from this.
    #[serde(default)]
    pub ready_at: BTreeMap<Phase, Timestamp>,
    /// Seconds that this step has waited between its looks so far.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waited_seconds: u64,
    /// Looks in a row at which AWS was too busy to answer; each doubles the wait for the next.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub busy: u64,
    /// What started the run: the schedule that Lambda's event names, or an event by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// The copy is damaged on purpose, and the test has to find that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub canary: bool,
    /// The snapshot is not the newest backup: the metric of the newest does not hear of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub older_backup: bool,
    /// What the start event says of the database and its test instance.
    // Read by `Run::read`: a flattened field would lose its name in the error.
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

/// Which database is tested, and where. What a start event leaves out, the settings say.
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

/// The parts of a night that take time; the tag `phase` of the duration metric.
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
    /// Until everything is given back.
    Release,
}

impl Phase {
    /// All of them, in the order of a night.
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

    /// The run that an event of ours goes on with.
    pub fn read(event: &Value) -> Result<Self> {
        let run: Self = read(event)?;
        let target = read(event)?;
        Ok(Self { target, ..run })
    }

    /// The same run before the first look of another step.
    #[must_use]
    pub fn at_next_step(self) -> Self {
        Self {
            iteration_count: 0,
            waited_seconds: 0,
            busy: 0,
            ..self
        }
    }

    /// Whether no look of this step was answered before this one: AWS was too busy at all of them.
    #[must_use]
    pub fn is_first_answered_poll(&self) -> bool {
        self.iteration_count == self.busy
    }

    /// How long this step has waited between its looks so far.
    #[must_use]
    pub fn waited(&self) -> Duration {
        Duration::from_secs(self.waited_seconds)
    }

    /// Whether what is not in sight by now is not there. What is seen right after AWS was too busy
    /// is not enough for that: nobody looked meanwhile.
    #[must_use]
    pub fn has_polled_long_enough(&self, interval: Duration) -> bool {
        self.busy == 0 && self.waited() >= OUT_OF_SIGHT * interval
    }

    /// Seconds that each ended phase took, in the order of a night.
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
