//! Step 2 makes the test volume.
//!
//! Takes: `snapshot_id`, `dev_ib_backup_instance_id`.
//! Promises: one volume of this run, made of that snapshot, in the test instance's zone.
//! Touches: `DescribeInstances`, `DescribeVolumes`, `DescribeSnapshots`, `ListCommands`,
//! `CreateVolume` with `CreateTags`.
//! Waits for: the volume to be available.
//! Leaves behind: the volume, tagged with the run.

mod doctor;

use std::time::Duration;

use common::clients::{Clients, Clock, Lazy};
use common::doctor::Examination;
use common::ec2::{self, NewVolume, Performance, VolumeState, VolumeTags};
use common::event::{Chosen, Phase, Run, VolumeCreated};
use common::polling::limits;
use common::settings::Settings;
use common::ssm;
use common::step::{NeverEnds, Outcome, Step};
use common::{Error, Kind, Result};

/// Step 2.
pub struct MakeVolume {
    ec2: Lazy<aws_sdk_ec2::Client>,
    ssm: Lazy<aws_sdk_ssm::Client>,
    clock: Clock,
    release_document: String,
    test_instance: String,
    environment: String,
    performance: Performance,
    tags: VolumeTags,
    /// The customer managed key that the role may use, if the stack names one.
    key: Option<String>,
    interval: Duration,
}

impl Step for MakeVolume {
    const NAME: &'static str = "step-2-volume";
    const GIVE_UP_AFTER: Duration = limits::VOLUME;
    const PHASE: Option<Phase> = Some(Phase::Volume);
    type Input = Chosen;
    type Next = VolumeCreated;
    type End = NeverEnds;

    fn build(clients: &Clients, settings: &mut Settings<'_>) -> Self {
        Self {
            ec2: clients.ec2.clone(),
            ssm: clients.ssm.clone(),
            clock: clients.clock.clone(),
            release_document: settings.text("RELEASE_DOCUMENT"),
            test_instance: settings.text("TEST_INSTANCE_NAME"),
            environment: settings.text("ENVIRONMENT"),
            performance: Performance::read(settings),
            tags: VolumeTags::read(settings),
            key: settings.text_or_empty("KMS_KEY_ARN"),
            interval: settings.seconds("POLL_SECONDS"),
        }
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn examine(&self, _: &Clients, examination: &mut Examination) {
        self.look_for_needs(examination).await;
    }

    async fn poll(&self, run: &Run, chosen: Chosen) -> Result<Outcome<Self>> {
        let volumes = ec2::volumes_of_run(&self.ec2, &run.run_id, &self.environment).await?;
        let Some(volume) = volumes.into_iter().next() else {
            return self.ensure_volume(run, chosen).await;
        };
        match volume.state {
            VolumeState::Available | VolumeState::InUse => Ok(Outcome::GoOn(VolumeCreated {
                subject: chosen.subject,
                volume_id: volume.id,
                volume_performance: Some(self.performance.to_string()),
            })),
            VolumeState::Creating => Ok(Outcome::PollAgain {
                why: format!("volume {} is being made", volume.id),
                payload: chosen,
            }),
            VolumeState::Failed => Err(Error::new(
                Kind::Dead,
                format!(
                    "volume {} of snapshot {} has failed; {}",
                    volume.id,
                    chosen.subject.snapshot_id,
                    volume.key.advice("it")
                ),
            )),
            VolumeState::Deleted => Err(Error::new(
                Kind::Dead,
                format!(
                    "volume {} was deleted while this run was at work on it",
                    volume.id
                ),
            )),
        }
    }
}

impl MakeVolume {
    /// The client token is the run's id, so a repeated call returns the same volume. A late
    /// delivery of an ended run must not call: EC2 forgets tokens after a while.
    async fn ensure_volume(&self, run: &Run, chosen: Chosen) -> Result<Outcome<Self>> {
        let snapshot = ec2::snapshot(&self.ec2, &chosen.subject.snapshot_id).await?;
        if snapshot.checked_by(&run.run_id).is_some() || self.was_released(run, &chosen).await? {
            return Ok(Outcome::AlreadyEnded);
        }
        let name = run.target.test_instance_name.as_ref();
        let name = name.unwrap_or(&self.test_instance);
        let test = ec2::running_instance(&self.ec2, name).await?;
        let id = ec2::create(
            &self.ec2,
            &NewVolume {
                run_id: &run.run_id,
                snapshot_id: &chosen.subject.snapshot_id,
                zone: &test.zone,
                test_instance_name: name,
                environment: &self.environment,
                performance: &self.performance,
                tags: &self.tags,
            },
        )
        .await
        .map_err(|error| self.explained(error))?;
        let of = format!("snapshot {}", chosen.subject.snapshot_id);
        let why = if run.has_polled_long_enough(self.interval) {
            let advice = snapshot.key.advice(&of);
            format!(
                "volume {id} was made of {of} and is not in sight with its tag {}={}; {advice}",
                ec2::tags::RUN,
                run.run_id
            )
        } else {
            format!("volume {id} is being made of {of}: {}", self.performance)
        };
        Ok(Outcome::PollAgain {
            why,
            payload: chosen,
        })
    }

    /// A run without a verdict (a canary, for example) leaves no tag, but its release command is on
    /// record.
    async fn was_released(&self, run: &Run, chosen: &Chosen) -> Result<bool> {
        let instance = &chosen.subject.dev_ib_backup_instance_id;
        let (document, now) = (&self.release_document, self.clock.now());
        ssm::was_released(&self.ssm, document, instance, &run.run_id, now).await
    }

    /// Adds the stack's parameters to EC2's refusal of the volume.
    fn explained(&self, error: Error) -> Error {
        let text = error.chain();
        if !text.contains("InvalidParameter") && !text.contains("MissingParameter") {
            return error;
        }
        let say = format!(
            "EC2 makes no such volume: {}; set the stack's parameters VolumeType, VolumeIops, \
             VolumeThroughput and VolumeInitializationRate to what EC2 takes together, or leave \
             them empty",
            self.performance
        );
        Error::caused(error.kind(), say, error)
    }
}

#[cfg(test)]
mod tests;
