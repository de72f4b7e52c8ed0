//! Step 5 starts the integrity test.
//!
//! Takes: `snapshot_id` and when it was begun, `volume_id`, `dev_ib_backup_instance_id`, and how
//! the mount ended.
//! Promises: the command whose result is the verdict.
//! Touches: `ListCommands`, `SendCommand` with the test document.
//! Waits for: nothing, unless Systems Manager is too busy to take the command; step 6 does.
//! Leaves behind: the test, at work.

use std::time::Duration;

use common::event::{Mounted, Phase, Run, Testing};
use common::settings::Settings;
use common::ssm::{self, Command};
use common::step::{NeverEnds, Outcome, Pace, Step, patience};
use common::world::{Lazy, World};
use common::{Error, Kind, Result};
use tracing::info;

/// Step 5.
pub struct RunTest {
    ssm: Lazy<aws_sdk_ssm::Client>,
    next: String,
    document: String,
    poll: Duration,
}

impl Step for RunTest {
    const NAME: &'static str = "step-5-run-test";
    type Input = Mounted;
    type Next = Testing;
    type End = NeverEnds;

    fn build(world: &World) -> Result<Self> {
        let mut settings = Settings::new(&world.variables);
        let step = Self {
            ssm: world.ssm.clone(),
            next: settings.text("NEXT_LAMBDA_NAME"),
            document: settings.text("TEST_DOCUMENT"),
            poll: settings.seconds("POLL_SECONDS"),
        };
        settings.check().map(|()| step)
    }

    fn next_function(&self) -> &str {
        &self.next
    }

    fn pace(&self, _: &Mounted) -> Pace {
        Pace {
            every: self.poll,
            at_most: patience::START,
        }
    }

    /// The phase of the test begins where the mount's ended, and ends in step 6.
    fn phase(&self, _: &Mounted) -> Option<Phase> {
        None
    }

    async fn look(&self, run: &Run, mounted: Mounted) -> Result<Outcome<Self>> {
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
            let snapshot_time = mounted.snapshot_started_at.map(|time| time.to_string());
            let mut parameters = vec![
                ("runId", run.run_id.as_str()),
                ("volumeId", &mounted.volume_id),
                ("snapshotId", &mounted.snapshot_id),
            ];
            // A run that an older release began does not know it.
            if let Some(time) = &snapshot_time {
                parameters.push(("snapshotTime", time));
            }
            // Only then, so that a document of one's own need not know it.
            if run.canary {
                parameters.push(("canary", "true"));
            }
            let command = Command {
                document: &self.document,
                instance_id: &mounted.dev_ib_backup_instance_id,
                purpose: "test",
                run_id: &run.run_id,
                parameters,
            };
            ssm::ensure_command(&self.ssm, &command, run.started_at).await?
        };
        Ok(Outcome::GoOn(Testing {
            snapshot_id: mounted.snapshot_id,
            dev_ib_backup_instance_id: mounted.dev_ib_backup_instance_id,
            volume_id: mounted.volume_id,
            device: mounted.device,
            test_command_id,
        }))
    }
}

#[cfg(test)]
mod tests;
