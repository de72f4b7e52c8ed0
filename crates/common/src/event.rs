//! What one function hands to the next: an envelope of one shape around each step's payload.

mod patterns;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ec2;
use crate::error::{Error, Kind, Result};
use crate::time::Timestamp;

pub use patterns::text;

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
    /// The copy is damaged on purpose, and the test has to find that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub canary: bool,
    /// The snapshot is not the newest backup: the metric of the newest does not hear of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub older_backup: bool,
    /// What the start event says of the database and its test instance.
    // Read by `Run::read`: a flattened field would lose its name in the error.
    #[serde(flatten, skip_deserializing)]
    pub pair: Pair,
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
pub struct Pair {
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
    pub fn begin(run_id: &str, started_at: Timestamp, pair: Pair) -> Self {
        Self {
            run_id: run_id.to_owned(),
            started_at,
            iteration_count: 0,
            ready_at: BTreeMap::new(),
            waited_seconds: 0,
            busy: 0,
            canary: false,
            older_backup: false,
            pair,
        }
    }

    /// The run that an event of ours goes on with.
    pub fn read(event: &Value) -> Result<Self> {
        let run: Self = read(event)?;
        let pair = read(event)?;
        Ok(Self { pair, ..run })
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
    pub fn is_first_answered_look(&self) -> bool {
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
    pub fn has_looked_long_enough(&self, interval: Duration) -> bool {
        self.busy == 0 && self.waited() >= ec2::OUT_OF_SIGHT * interval
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

/// A payload as it travels: one JSON object that a person can read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Envelope<P> {
    /// The part that all payloads share.
    #[serde(flatten)]
    pub run: Run,
    /// What this step needs.
    #[serde(flatten)]
    pub payload: P,
}

impl<P: DeserializeOwned> Envelope<P> {
    /// Reads an event. A field that is missing or of the wrong type is an error naming it.
    pub fn read(event: &Value) -> Result<Self> {
        Ok(Self {
            run: Run::read(event)?,
            payload: read(event)?,
        })
    }
}

/// Reads the fields of `T` out of an event and ignores the others. An id or a name that does not
/// fit its pattern is an error naming it, whether `T` has that field or not.
pub fn read<T: DeserializeOwned>(event: &Value) -> Result<T> {
    patterns::check(event)?;
    serde_path_to_error::deserialize(event).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." {
            String::new()
        } else {
            format!(" at `{path}`")
        };
        let expected = "the payload of each step is described in docs/events.md";
        Error::new(
            Kind::BadEvent,
            format!(
                "cannot use this event{at}: {}; {expected}",
                error.into_inner()
            ),
        )
    })
}

/// What a person or the schedule may ask of step 1, and what step 1 hands to itself.
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
    /// Damage the copy first, to see whether the test finds it. It travels with the run.
    #[serde(default, skip_serializing)]
    pub canary: bool,
}

/// Which of the backups is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    /// The newest, which speaks for last night.
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

/// From step 1: what is tested, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// The snapshot under test.
    pub snapshot_id: String,
    /// When it was begun, which is the instant that its data are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_started_at: Option<Timestamp>,
    /// The instance that tests it.
    pub dev_ib_backup_instance_id: String,
    /// It is not the newest backup; the run bears it from here on.
    #[serde(skip)]
    pub older_backup: bool,
}

/// From step 2: the volume made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// The snapshot under test.
    pub snapshot_id: String,
    /// When it was begun, which is the instant that its data are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_started_at: Option<Timestamp>,
    /// The instance that tests it.
    pub dev_ib_backup_instance_id: String,
    /// The test volume.
    pub volume_id: String,
    /// How fast it was asked to be, for whoever reads the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_performance: Option<String>,
}

/// From step 3: where the volume is attached. Step 4 adds its command for its own later looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attached {
    /// The snapshot under test.
    pub snapshot_id: String,
    /// When it was begun, which is the instant that its data are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_started_at: Option<Timestamp>,
    /// The instance that tests it.
    pub dev_ib_backup_instance_id: String,
    /// The test volume.
    pub volume_id: String,
    /// The name it was attached under.
    pub device: String,
    /// The SSM command that mounts it, once sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_command_id: Option<String>,
}

/// From step 4: the command that mounted the volume, or showed that it cannot be mounted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mounted {
    /// The snapshot under test.
    pub snapshot_id: String,
    /// When it was begun, which is the instant that its data are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_started_at: Option<Timestamp>,
    /// The instance that tests it.
    pub dev_ib_backup_instance_id: String,
    /// The test volume.
    pub volume_id: String,
    /// The name it was attached under.
    pub device: String,
    /// The SSM command that mounted it.
    pub mount_command_id: String,
    /// The file system is broken: the mount command is the test that found the fault.
    pub mount_found_fault: bool,
}

/// From step 5: the command whose result is the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Testing {
    /// The snapshot under test.
    pub snapshot_id: String,
    /// The instance that tests it.
    pub dev_ib_backup_instance_id: String,
    /// The test volume.
    pub volume_id: String,
    /// The name it was attached under.
    pub device: String,
    /// The SSM command that runs the test; the mount command where that found the fault.
    pub test_command_id: String,
}

/// What is known of a run that ends, for step 6 to give back what it holds.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the payload, which people read"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GiveBack {
    /// Why the run ends.
    pub because: Because,
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
    /// The test instance has let go of the volume, or never had it.
    #[serde(default)]
    pub unmounted: bool,
    /// The test instance did not let go, and the volume is taken by force.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_force: bool,
    /// Why the test instance does not let go, in the words of the release script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// There was a volume to give back: the run was not over before.
    #[serde(default)]
    pub gave_back: bool,
    /// Datadog has been told how the run ended.
    #[serde(default)]
    pub reported: bool,
    /// Whether the test found the backup good, where the snapshot could not be tagged with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<bool>,
    /// The volume that has lost the tags of this run, and what that means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

/// A verdict, as Datadog is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Whether the backup is good.
    pub valid: bool,
    /// When the test ended, as the snapshot's tag has it.
    pub checked_at: Timestamp,
    /// Percent of the data that was read, where the test says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// Seconds that production stood still for the backup, where the test knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_seconds: Option<f64>,
    /// Whether the test had a manifest of the same night, where it is still known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<bool>,
}

/// Why a run ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The test found out whether the backup is good.
    Verdict(Told),
    /// The copy was damaged on purpose, and the test has ended.
    Canary {
        /// Whether it found that.
        caught: bool,
        /// When it ended.
        checked_at: Timestamp,
    },
    /// The run could not find out.
    Failure {
        /// The function that failed.
        function: String,
        /// What it said.
        error: String,
    },
    /// A run that died left something behind.
    Leftover,
    /// A later test of the same snapshot has its verdict there already.
    Superseded,
}

impl GiveBack {
    /// Nothing known but the reason; what the run holds is found by its tag.
    #[must_use]
    pub fn unknown(because: Because) -> Self {
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
        }
    }

    /// What `testing` holds.
    #[must_use]
    pub fn after(testing: Testing, because: Because) -> Self {
        Self {
            snapshot_id: Some(testing.snapshot_id),
            dev_ib_backup_instance_id: Some(testing.dev_ib_backup_instance_id),
            volume_id: Some(testing.volume_id),
            device: Some(testing.device),
            test_command_id: Some(testing.test_command_id),
            ..Self::unknown(because)
        }
    }

    /// The test that it gives back after, where all of it is known.
    #[must_use]
    pub fn testing(&self) -> Option<Testing> {
        Some(Testing {
            snapshot_id: self.snapshot_id.clone()?,
            dev_ib_backup_instance_id: self.dev_ib_backup_instance_id.clone()?,
            volume_id: self.volume_id.clone()?,
            device: self.device.clone()?,
            test_command_id: self.test_command_id.clone()?,
        })
    }
}

/// What Lambda gives an on-failure destination once a function's retries are used up.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureRecord {
    /// Which invocation failed.
    pub request_context: RequestContext,
    /// The event that it was invoked with.
    pub request_payload: Value,
    /// What it gave back, where it came so far.
    #[serde(default)]
    pub response_payload: Option<Value>,
}

/// The invocation that failed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    /// The request id, the same over retries.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The function, with its version or alias behind the last colon.
    pub function_arn: String,
    /// Why Lambda gave up, such as `RetriesExhausted`.
    pub condition: String,
}

impl FailureRecord {
    /// Reads Lambda's record of a failed invocation.
    pub fn read(event: &Value) -> Result<Self> {
        let record: Self = read(event)?;
        if let Some(id) = &record.request_context.request_id {
            patterns::check_request_id(id)?;
        }
        Ok(record)
    }

    /// The name of the function that failed.
    #[must_use]
    pub fn function(&self) -> &str {
        self.request_context
            .function_arn
            .split(':')
            .nth(6)
            .unwrap_or(&self.request_context.function_arn)
    }

    /// What the function said, or that it said nothing.
    #[must_use]
    pub fn error(&self) -> String {
        let field = |name| {
            let reply = self.response_payload.as_ref()?;
            reply.get(name)?.as_str()
        };
        match (field("errorType"), field("errorMessage")) {
            (Some(kind), Some(message)) => format!("{kind}: {message}"),
            (None, Some(message)) => message.to_owned(),
            _ => format!(
                "{} without a word: it crashed, was throttled, or its event was dropped",
                self.request_context.condition
            ),
        }
    }
}

#[cfg(test)]
mod tests;
