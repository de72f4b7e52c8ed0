//! Step 3 attaches the test volume.
//!
//! Takes: `volume_id`, `dev_ib_backup_instance_id`. Promises: the volume attached to the test
//! instance, under the test device's name. Touches: `DescribeVolumes`, `AttachVolume`. Waits for:
//! the attachment to be `attached`. Leaves behind: the attachment. The device name is the lock: of
//! two runs, one gets it.

mod doctor;

use std::time::Duration;

use aws_sdk_ec2::types::VolumeAttachmentState;
use common::clients::{Clients, Lazy};
use common::doctor::Examination;
use common::ec2::{self, Asked, Volume, VolumeState};
use common::event::{Attached, Phase, Run, TestVolume, VolumeCreated};
use common::polling::limits;
use common::settings::Settings;
use common::step::{NeverEnds, Outcome, Step};
use common::{Error, Kind, Result};

/// Attachments rarely take longer.
const SLOW: Duration = Duration::from_mins(5);
/// Why an attachment can hang for ever.
const HELD_NAME: &str = ", for long: the guest may still hold that device name, /dev/sdX and \
    /dev/xvdX being one, since a volume was once detached while it was mounted; choose another \
    TestDevice, or reboot the test instance";

/// Step 3.
pub struct AttachVolume {
    ec2: Lazy<aws_sdk_ec2::Client>,
    device: String,
    interval: Duration,
}

impl Step for AttachVolume {
    const NAME: &'static str = "step-3-attach";
    const GIVE_UP_AFTER: Duration = limits::ATTACH;
    const PHASE: Option<Phase> = Some(Phase::Attach);
    type Input = VolumeCreated;
    type Next = Attached;
    type End = NeverEnds;

    fn build(clients: &Clients, settings: &mut Settings<'_>) -> Self {
        Self {
            ec2: clients.ec2.clone(),
            device: settings.text("TEST_DEVICE"),
            interval: settings.seconds("POLL_SECONDS"),
        }
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn examine(&self, _: &Clients, examination: &mut Examination) {
        self.look_for_needs(examination).await;
    }

    async fn poll(&self, run: &Run, made: VolumeCreated) -> Result<Outcome<Self>> {
        match ec2::volume(&self.ec2, &made.volume_id).await? {
            None if !run.has_polled_long_enough(self.interval) => Ok(Outcome::PollAgain {
                why: format!("volume {} is not in sight", made.volume_id),
                payload: made,
            }),
            None => Err(gone(&made)),
            Some(volume) => self.ensure_attached(run, volume, made).await,
        }
    }
}

impl AttachVolume {
    async fn ensure_attached(
        &self,
        run: &Run,
        volume: Volume,
        made: VolumeCreated,
    ) -> Result<Outcome<Self>> {
        let device = run.target.test_device.as_ref().unwrap_or(&self.device);
        let waiting = |why: String, payload| Ok(Outcome::PollAgain { why, payload });
        let (id, instance) = (&volume.id, &made.subject.dev_ib_backup_instance_id);
        let Some(attachment) = volume.attachment else {
            return match volume.state {
                VolumeState::Available => {
                    let why = match ec2::attach(&self.ec2, id, instance, device).await? {
                        Asked::Taken => format!("volume {id} is being attached to {instance}"),
                        Asked::Duplicate => format!("volume {id} was attached to {instance}"),
                        Asked::NotNow(why) => why,
                    };
                    waiting(why, made)
                }
                VolumeState::Creating | VolumeState::InUse => waiting(
                    format!("the attachment of volume {id} is not in sight"),
                    made,
                ),
                VolumeState::Failed | VolumeState::Deleted => Err(gone(&made)),
            };
        };
        if attachment.instance_id != *instance {
            return Err(Error::new(
                Kind::Occupied,
                format!(
                    "volume {id} is attached to {}, not to {instance}",
                    attachment.instance_id
                ),
            ));
        }
        match attachment.state {
            VolumeAttachmentState::Attached => Ok(Outcome::GoOn(Attached {
                subject: made.subject,
                volume: TestVolume {
                    volume_id: volume.id,
                    device: attachment.device,
                },
                mount_command_id: None,
            })),
            VolumeAttachmentState::Attaching => {
                let mut why = format!("volume {id} is being attached to {instance} as {device}");
                if run.waited() >= SLOW {
                    why.push_str(HELD_NAME);
                }
                waiting(why, made)
            }
            state => Err(Error::new(
                Kind::Dead,
                format!("volume {id} is {state}: somebody detaches it while this run is at work"),
            )),
        }
    }
}

fn gone(made: &VolumeCreated) -> Error {
    Error::new(
        Kind::Dead,
        format!(
            "volume {} was deleted while this run was at work on it",
            made.volume_id
        ),
    )
}

#[cfg(test)]
mod tests;
