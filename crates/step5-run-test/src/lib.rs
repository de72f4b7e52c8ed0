//! Step 5 starts the integrity test.
//!
//! Takes: `snapshot_id` and when it was begun, `volume_id`, `dev_ib_backup_instance_id`, and how
//! the mount ended.
//! Promises: the command whose result is the verdict.
//! Touches: `ListCommands`, `SendCommand` with the programs and the test document,
//! `GetCommandInvocation`.
//! Waits for: the command that puts the test's programs on the instance; for the test, step 6 does.
//! Leaves behind: the test, at work.

mod doctor;

use std::time::Duration;

use common::clients::{Clients, Clock, Lazy};
use common::doctor::Examination;
use common::event::{Mounted, Phase, Run, Subject, Testing};
use common::polling::limits;
use common::settings::Settings;
use common::ssm::{self, Command, Progress};
use common::step::{NeverEnds, Outcome, Step};
use common::{Error, Kind, Result, verdict};
use tracing::info;

/// Step 5.
pub struct RunTest {
    ssm: Lazy<aws_sdk_ssm::Client>,
    clock: Clock,
    /// Installs on the instance what does not fit into the test document. A document of the user's
    /// own needs none.
    programs: Option<String>,
    document: String,
    script_log_group: Option<String>,
    interval: Duration,
}

impl Step for RunTest {
    const NAME: &'static str = "step-5-run-test";
    const GIVE_UP_AFTER: Duration = limits::START;
    /// The phase of the test begins where the mount's phase ended, and ends in step 6.
    const PHASE: Option<Phase> = None;
    type Input = Mounted;
    type Next = Testing;
    type End = NeverEnds;

    fn build(clients: &Clients, settings: &mut Settings<'_>) -> Self {
        Self {
            ssm: clients.ssm.clone(),
            clock: clients.clock.clone(),
            programs: settings.text_or_empty("PROGRAMS_DOCUMENT"),
            document: settings.text("TEST_DOCUMENT"),
            script_log_group: settings.text_or_empty("SCRIPT_LOG_GROUP"),
            interval: settings.seconds("POLL_SECONDS"),
        }
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn examine(&self, _: &Clients, examination: &mut Examination) {
        self.look_for_needs(examination).await;
    }

    async fn poll(&self, run: &Run, mounted: Mounted) -> Result<Outcome<Self>> {
        let test_command_id = if mounted.mount_found_fault {
            if run.canary {
                return Err(Error::new(
                    Kind::HostFailed,
                    "the copy's file system is broken already: there is nothing to damage, and \
                     nothing to learn of the test; run again without canary",
                ));
            }
            info!("the file system is broken: there is nothing to start a server on");
            mounted.mount_command_id
        } else {
            if let Some(why) = self.programs_missing(run, &mounted).await? {
                let payload = mounted;
                return Ok(Outcome::PollAgain { why, payload });
            }
            self.ensure_test(run, &mounted).await?
        };
        Ok(Outcome::GoOn(Testing {
            // No later step reads the snapshot's time.
            subject: Subject {
                snapshot_started_at: None,
                ..mounted.subject
            },
            volume: mounted.volume,
            test_command_id,
        }))
    }
}

impl RunTest {
    /// Why the test's programs are not on the instance yet; `None` once they are.
    async fn programs_missing(&self, run: &Run, mounted: &Mounted) -> Result<Option<String>> {
        let Some(document) = &self.programs else {
            return Ok(None);
        };
        let instance = &mounted.subject.dev_ib_backup_instance_id;
        let command = Command {
            document,
            instance_id: instance,
            purpose: "programs",
            run_id: &run.run_id,
            parameters: vec![
                ("runId", &run.run_id),
                ("volumeId", &mounted.volume.volume_id),
            ],
            log_group: self.script_log_group.as_deref(),
        };
        let command_id = ssm::ensure_command(&self.ssm, &command, run.started_at).await?;
        let (report, progress) =
            ssm::progress(&self.ssm, &command_id, instance, &["programs"]).await?;
        let failed = |why: &str| {
            let tried = format!("cannot put the programs of the test on {instance}");
            Err(Error::new(Kind::HostFailed, format!("{tried}: {why}")))
        };
        match progress {
            Progress::Pending(why) => Ok(Some(why)),
            Progress::Lost(why) => failed(&why),
            Progress::Ended(_) if verdict::mounted(&report)? => Ok(None),
            Progress::Ended(_) => failed(&format!("command {command_id} says that it did not")),
        }
    }

    async fn ensure_test(&self, run: &Run, mounted: &Mounted) -> Result<String> {
        let snapshot_time = mounted
            .subject
            .snapshot_started_at
            .map(|time| time.to_string());
        let mut parameters = vec![
            ("runId", run.run_id.as_str()),
            ("volumeId", &mounted.volume.volume_id),
            ("snapshotId", &mounted.subject.snapshot_id),
        ];
        // A run that was started by an older release has no such field.
        if let Some(time) = &snapshot_time {
            parameters.push(("snapshotTime", time));
        }
        // Sent only then, so that a document of the user's own need not declare it.
        if run.canary {
            parameters.push(("canary", "true"));
        }
        let command = Command {
            document: &self.document,
            instance_id: &mounted.subject.dev_ib_backup_instance_id,
            purpose: "test",
            run_id: &run.run_id,
            parameters,
            log_group: self.script_log_group.as_deref(),
        };
        ssm::ensure_command(&self.ssm, &command, run.started_at).await
    }
}

#[cfg(test)]
mod tests;
