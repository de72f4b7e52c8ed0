//! The stage `Release`, in the only order that works: stop the server and unmount, detach, delete.
//! A resource that is gone is no error. Detaching a mounted volume would block it.

use std::time::Duration;

use aws_sdk_ec2::types::{InstanceStateName, VolumeAttachmentState};
use common::ec2::{self, Attachment, Volume, VolumeState, tags};
use common::event::{EndReason, Release, Run};
use common::polling::limits;
use common::ssm::{self, Command, Progress};
use common::step::Outcome;
use common::{Result, verdict};
use tracing::warn;

use crate::error_event::place;
use crate::{AwaitResult, Stage};

/// No attachment takes longer as a rule. EC2 takes back by force alone what the guest never gets:
/// `DetachVolume` without it is an `IncorrectState` as long as it is `attaching`.
const STUCK: Duration = Duration::from_mins(5);

impl AwaitResult {
    /// Performs the next operation of the release; or reports, if nothing is held. Every error is
    /// retried until the time limit, since giving up early would leave the volume behind.
    pub(crate) async fn release(&self, run: &Run, mut back: Release) -> Result<Outcome<Self>> {
        if let EndReason::Verdict(told) = back.because
            && !back.reported
        {
            let sent = self.send_written_verdict(run, told).await;
            back.reported = sent.is_ok_and(|sent| sent);
        }
        let late = if run.is_first_answered_poll() {
            self.is_late(run, &back).await
        } else {
            Ok(false)
        };
        let looked = match late {
            Ok(true) => return Ok(Outcome::AlreadyEnded),
            Ok(false) if run.is_first_answered_poll() && is_told_at_the_end(&back) => {
                Ok(Some("this run has not been released before".to_owned()))
            }
            Ok(false) => self.release_held(run, &mut back).await,
            Err(error) => Err(error),
        };
        if let EndReason::Canary { .. } = back.because
            && !back.reported
            && let Err(error) = self.tell_canary(run, &mut back).await
        {
            warn!("the canary is not in Datadog yet: {}", error.chain());
        }
        match looked {
            Ok(None) => self.report(run, back).await,
            Ok(Some(why)) => Ok(Outcome::PollAgain {
                why,
                payload: Stage::Release(back),
            }),
            Err(error) => {
                warn!("the release is delayed: {}", error.chain());
                Ok(Outcome::Busy {
                    error,
                    payload: Stage::Release(back),
                })
            }
        }
    }

    /// Whether this is a late delivery of a run that was released before: nothing is held, and
    /// nothing is left to report.
    async fn is_late(&self, run: &Run, back: &Release) -> Result<bool> {
        let Some(instance) = &back.dev_ib_backup_instance_id else {
            return Ok(false);
        };
        let untold = matches!(back.because, EndReason::Verdict(_)) && !back.reported;
        if has_begun(back) || untold {
            return Ok(false);
        }
        let held = self.held(run, back).await?;
        if !held.is_empty() || self.untagged(run, back, &held).await?.is_some() {
            return Ok(false);
        }
        let (document, now) = (&self.release_document, self.clock.now());
        ssm::was_released(&self.ssm, document, instance, &run.run_id, now).await
    }

    /// What is still to be waited for, if anything.
    async fn release_held(&self, run: &Run, back: &mut Release) -> Result<Option<String>> {
        let volumes = self.held(run, back).await?;
        back.gave_back |= volumes
            .iter()
            .any(|volume| volume.state != VolumeState::Deleted);
        for volume in &volumes {
            if let Some(why) = self.release_volume(run, back, volume).await? {
                return Ok(Some(why));
            }
        }
        // Somebody may have detached the volume while it was mounted.
        if let (Some(_), Some(instance)) = (&back.device, back.dev_ib_backup_instance_id.clone()) {
            let volume_id = back.volume_id.clone().unwrap_or_default();
            if let Some(why) = self.unmount(run, back, &instance, &volume_id).await? {
                return Ok(Some(why));
            }
        }
        if let Some(volume) = self.untagged(run, back, &volumes).await? {
            let why = format!(
                "volume {} does not bear this run's tags ({}=True, {}={}, {}={}): it is left as \
                 it is; if it is a test volume, see \"Give back by hand\" in RUNBOOK.md",
                place(&volume),
                tags::TEST,
                tags::RUN,
                run.run_id,
                tags::ENVIRONMENT,
                self.environment
            );
            if back.lost.is_none() && !run.has_polled_long_enough(self.interval) {
                return Ok(Some(why));
            }
            back.lost = Some(why);
        }
        // The response to CreateVolume may have been lost, and reads are eventually consistent: a
        // volume may appear later.
        let made_unseen = back.volume_id.is_none() && volumes.is_empty();
        if made_unseen && !run.has_polled_long_enough(self.interval) {
            return Ok(Some("no volume in sight; looking for a while".to_owned()));
        }
        Ok(None)
    }

    /// The run's volumes, by its tag; and the one in the payload, if it bears that tag.
    pub(crate) async fn held(&self, run: &Run, back: &Release) -> Result<Vec<Volume>> {
        let mut volumes = ec2::volumes_of_run(&self.ec2, &run.run_id, &self.environment).await?;
        let named = self.named(back, &volumes).await?;
        volumes.extend(named.filter(|volume| self.is_of_run(run, volume)));
        Ok(volumes)
    }

    /// The volume in the payload, if it exists and has lost this run's tags.
    async fn untagged(&self, run: &Run, back: &Release, held: &[Volume]) -> Result<Option<Volume>> {
        let named = self.named(back, held).await?;
        let there = named.filter(|volume| volume.state != VolumeState::Deleted);
        Ok(there.filter(|volume| !self.is_of_run(run, volume)))
    }

    /// The volume in the payload, if it is not among those.
    async fn named(&self, back: &Release, volumes: &[Volume]) -> Result<Option<Volume>> {
        match &back.volume_id {
            Some(id) if volumes.iter().all(|volume| volume.id != *id) => {
                ec2::volume(&self.ec2, id).await
            }
            _ => Ok(None),
        }
    }

    fn is_of_run(&self, run: &Run, volume: &Volume) -> bool {
        volume.is_test()
            && volume.has_tag(tags::RUN, &run.run_id)
            && volume.has_tag(tags::ENVIRONMENT, &self.environment)
    }

    async fn release_volume(
        &self,
        run: &Run,
        back: &mut Release,
        volume: &Volume,
    ) -> Result<Option<String>> {
        let id = &volume.id;
        if let Some(attachment) = &volume.attachment {
            return self.release_attachment(run, back, id, attachment).await;
        }
        // No attachment: it is detached.
        match volume.state {
            VolumeState::Deleted => Ok(Some(format!("volume {id} is being deleted"))),
            VolumeState::Creating => Ok(Some(format!("volume {id} is still being made"))),
            VolumeState::InUse => Ok(Some(format!(
                "the attachment of volume {id} is not in sight"
            ))),
            VolumeState::Available | VolumeState::Failed => {
                ec2::delete(&self.ec2, id).await?;
                Ok(Some(format!("volume {id} is being deleted")))
            }
        }
    }

    async fn release_attachment(
        &self,
        run: &Run,
        back: &mut Release,
        id: &str,
        attachment: &Attachment,
    ) -> Result<Option<String>> {
        let instance = &attachment.instance_id;
        if attachment.state == VolumeAttachmentState::Detaching {
            return Ok(Some(format!(
                "volume {id} is being detached from {instance}"
            )));
        }
        if attachment.state == VolumeAttachmentState::Busy {
            // It is mounted after all.
            back.unmounted = false;
            back.by_force = false;
        }
        if let Some(why) = self.unmount(run, back, instance, id).await? {
            return Ok(Some(why));
        }
        let attaching = attachment.state == VolumeAttachmentState::Attaching;
        if attaching && run.waited() < STUCK {
            return Ok(Some(format!(
                "volume {id} is still being attached to {instance}"
            )));
        }
        if attaching {
            warn!("{instance} does not take volume {id}: it is taken back by force");
        }
        ec2::detach(&self.ec2, id, back.by_force || attaching).await?;
        Ok(Some(format!(
            "volume {id} is being detached from {instance}"
        )))
    }

    /// Sends the release command, which stops the server and unmounts. `None`: the volume is not
    /// mounted any more, or the instance does not run.
    async fn unmount(
        &self,
        run: &Run,
        back: &mut Release,
        instance: &str,
        volume_id: &str,
    ) -> Result<Option<String>> {
        if back.unmounted {
            return Ok(None);
        }
        // Detaching by force would hang the processes that have the volume open, and maybe the
        // instance. While the script names those processes, a person can end them.
        if force_now(run) && back.held_by.is_none() {
            warn!("{instance} does not unmount volume {volume_id}: it is detached by force");
            back.unmounted = true;
            back.by_force = true;
            return Ok(None);
        }
        match ec2::instance_state(&self.ec2, instance).await? {
            Some(InstanceStateName::Running | InstanceStateName::Pending) => {}
            Some(InstanceStateName::Stopping | InstanceStateName::ShuttingDown) => {
                return Ok(Some(format!("instance {instance} is stopping")));
            }
            // It runs no more, so it has nothing mounted.
            _ => {
                back.unmounted = true;
                return Ok(None);
            }
        }
        let Some(command_id) = back.release_command_id.clone() else {
            let command_id = self.send_release(run, instance, volume_id).await?;
            let why = format!("release command {command_id} was sent to {instance}");
            back.release_command_id = Some(command_id);
            return Ok(Some(why));
        };
        let (report, progress) =
            ssm::progress(&self.ssm, &command_id, instance, &["release"]).await?;
        if !matches!(progress, Progress::Pending(_)) {
            back.held_by = verdict::could_not(&report);
        }
        let why = match progress {
            Progress::Pending(why) => return Ok(Some(why)),
            Progress::Ended(_) => match verdict::mounted(&report) {
                Ok(true) => {
                    back.unmounted = true;
                    back.by_force = false;
                    back.release_command_id = None;
                    return Ok(None);
                }
                Ok(false) => format!("it said {}", report.stdout.trim_end()),
                Err(error) => error.chain(),
            },
            Progress::Lost(why) => why,
        };
        back.release_command_id = None;
        warn!("{instance} has not released volume {volume_id}: {why}");
        Ok(Some(format!(
            "{instance} has not released volume {volume_id}; asking again: {why}"
        )))
    }

    /// Sent anew each time: the result of an earlier command says nothing about the present.
    async fn send_release(&self, run: &Run, instance: &str, volume_id: &str) -> Result<String> {
        let command = Command {
            document: &self.release_document,
            instance_id: instance,
            purpose: "release",
            run_id: &run.run_id,
            parameters: vec![("runId", &run.run_id), ("volumeId", volume_id)],
            log_group: self.script_log_group.as_deref(),
        };
        ssm::send_command(&self.ssm, &command).await
    }
}

fn has_begun(back: &Release) -> bool {
    back.unmounted || back.gave_back || back.release_command_id.is_some()
}

/// Whether people hear of this run only at its end. Then its first poll sends no release command:
/// if that poll failed afterwards and somebody deleted the volume, Lambda's next attempt would find
/// a run that has released everything, and take it for one that was told.
fn is_told_at_the_end(back: &Release) -> bool {
    let told_before = match back.because {
        EndReason::Failure { .. } | EndReason::Canary { .. } => false,
        EndReason::Verdict(_) | EndReason::Leftover | EndReason::Superseded => true,
    };
    !told_before && back.dev_ib_backup_instance_id.is_some() && !has_begun(back)
}

/// Whether half of the release's time limit has passed: then the volume is detached by force.
fn force_now(run: &Run) -> bool {
    run.waited() >= limits::RELEASE / 2
}
