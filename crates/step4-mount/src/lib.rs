//! Step 4 mounts the test volume on the test instance.
//!
//! Takes: `volume_id`, `device`, `dev_ib_backup_instance_id`.
//! Promises: the volume is mounted, or its file system is known to be broken.
//! Touches: `ListCommands`, `SendCommand` with the mount document, `GetCommandInvocation`.
//! Waits for: the mount command to end.
//! Leaves behind: the mount.

mod doctor;

use std::time::Duration;

use common::clients::{Clients, Clock, Lazy};
use common::doctor::Examination;
use common::event::{Attached, Mounted, Phase, Run};
use common::polling::limits;
use common::settings::Settings;
use common::ssm::{self, Command, Progress};
use common::step::{NeverEnds, Outcome, Step};
use common::{Error, Kind, Result, verdict};
use tracing::info;

/// Step 4.
pub struct Mount {
    ssm: Lazy<aws_sdk_ssm::Client>,
    clock: Clock,
    document: String,
    script_log_group: Option<String>,
    interval: Duration,
}

impl Step for Mount {
    const NAME: &'static str = "step-4-mount";
    const GIVE_UP_AFTER: Duration = limits::MOUNT;
    const PHASE: Option<Phase> = Some(Phase::Mount);
    type Input = Attached;
    type Next = Mounted;
    type End = NeverEnds;

    fn build(clients: &Clients, settings: &mut Settings<'_>) -> Self {
        Self {
            ssm: clients.ssm.clone(),
            clock: clients.clock.clone(),
            document: settings.text("MOUNT_DOCUMENT"),
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

    async fn poll(&self, run: &Run, attached: Attached) -> Result<Outcome<Self>> {
        let Some(command_id) = attached.mount_command_id.clone() else {
            let command_id = self.ensure_mounting(run, &attached).await?;
            return Ok(Outcome::PollAgain {
                why: format!("mount command {command_id} was sent"),
                payload: Attached {
                    mount_command_id: Some(command_id),
                    ..attached
                },
            });
        };
        let instance = &attached.subject.dev_ib_backup_instance_id;
        let (report, progress) =
            ssm::progress(&self.ssm, &command_id, instance, &["mount"]).await?;
        if !matches!(progress, Progress::Pending(_)) {
            let shown = serde_json::to_string(&report).unwrap_or_default();
            info!("mount cmd job status resp=[{{'{instance}': {shown} }}]");
        }
        match progress {
            Progress::Pending(why) => Ok(Outcome::PollAgain {
                why,
                payload: attached,
            }),
            Progress::Lost(why) => Err(Error::new(
                Kind::HostFailed,
                format!(
                    "cannot mount volume {} on {instance}: {why}",
                    attached.volume.volume_id
                ),
            )),
            Progress::Ended(_) => {
                let mounted = verdict::mounted(&report)?;
                Ok(Outcome::GoOn(Mounted {
                    subject: attached.subject,
                    volume: attached.volume,
                    mount_command_id: command_id,
                    mount_found_fault: !mounted,
                }))
            }
        }
    }
}

impl Mount {
    async fn ensure_mounting(&self, run: &Run, attached: &Attached) -> Result<String> {
        let command = Command {
            document: &self.document,
            instance_id: &attached.subject.dev_ib_backup_instance_id,
            purpose: "mount",
            run_id: &run.run_id,
            parameters: vec![
                ("runId", &run.run_id),
                ("volumeId", &attached.volume.volume_id),
                ("device", &attached.volume.device),
            ],
            log_group: self.script_log_group.as_deref(),
        };
        ssm::ensure_command(&self.ssm, &command, run.started_at).await
    }
}

#[cfg(test)]
mod tests;
