//! Step 1 chooses the snapshot.
//!
//! Takes: any JSON object; `snapshot_id` in it names the snapshot to test.
//! Promises: a complete snapshot of the production volume, and a test instance that nothing holds.
//! Touches: `DescribeInstances`, `DescribeVolumes`, `DescribeSnapshots`; step 6, by invoking it.
//! Waits for: the snapshot to be complete, and for step 6 to give back what a dead run holds.
//! Leaves behind: nothing.

mod choice;
mod ground;

use std::time::Duration;

use common::datadog::{Datadog, Gauge};
use common::ec2::{self, Instance, Snapshot, SnapshotState};
use common::event::{self, Chosen, Envelope, Phase, Run, Start};
use common::settings::Settings;
use common::step::{Invocation, NeverEnds, Outcome, Pace, Step, patience};
use common::world::{Clock, World};
use common::{Error, Kind, Result};
use serde_json::Value;
use tracing::{error, info};

/// Step 1.
pub struct ChooseSnapshot {
    ec2: aws_sdk_ec2::Client,
    lambda: aws_sdk_lambda::Client,
    datadog: Datadog,
    clock: Clock,
    next: String,
    release_function: String,
    production_instance: String,
    production_device: String,
    test_instance: String,
    test_device: String,
    max_age: Duration,
    poll: Duration,
}

impl Step for ChooseSnapshot {
    const NAME: &'static str = "step-1-snapshot";
    type Input = Start;
    type Next = Chosen;
    type End = NeverEnds;

    fn build(world: &World) -> Result<Self> {
        let mut settings = Settings::new(&world.variables);
        let environment = settings.text("ENVIRONMENT");
        let step = Self {
            ec2: world.ec2.clone(),
            lambda: world.lambda.clone(),
            datadog: Datadog::read(&mut settings, world),
            clock: world.clock.clone(),
            next: settings.text("NEXT_LAMBDA_NAME"),
            release_function: format!("{environment}-ib-backup-step-6-await-result"),
            production_instance: settings.text("PRODUCTION_INSTANCE_NAME"),
            production_device: settings.text("PRODUCTION_DEVICE"),
            test_instance: settings.text("TEST_INSTANCE_NAME"),
            test_device: settings.text("TEST_DEVICE"),
            max_age: settings.hours("SNAPSHOT_MAX_AGE_HOURS"),
            poll: settings.seconds("TEST_POLL_SECONDS"),
        };
        settings.check().map(|()| step)
    }

    fn next_function(&self) -> &str {
        &self.next
    }

    fn pace(&self, _: &Start) -> Pace {
        Pace {
            every: self.poll,
            at_most: patience::SNAPSHOT,
        }
    }

    fn phase(&self, _: &Start) -> Option<Phase> {
        Some(Phase::Snapshot)
    }

    /// A payload of our own goes on with its run; any other object starts one.
    fn read(&self, event: &Value, invocation: &Invocation) -> Result<Envelope<Start>> {
        if !event.is_object() {
            return Err(Error::new(
                Kind::BadEvent,
                format!("the start event is `{event}`; it must be a JSON object, such as {{}}"),
            ));
        }
        let payload = event::read(event)?;
        let run = event::read(event).unwrap_or_else(|_| Run {
            run_id: invocation.request_id.clone(),
            started_at: invocation.now,
            iteration_count: 0,
            ready_at: std::collections::BTreeMap::new(),
        });
        Ok(Envelope { run, payload })
    }

    async fn look(&self, run: &Run, start: Start) -> Result<Outcome<Self>> {
        let production = ec2::running_instance(&self.ec2, &self.production_instance).await?;
        let test = ec2::running_instance(&self.ec2, &self.test_instance).await?;
        let volume_id = production.volume_at(&self.production_device)?;
        let snapshots = ec2::snapshots_of(&self.ec2, volume_id).await?;
        if snapshots
            .iter()
            .any(|snapshot| snapshot.checked_by(&run.run_id).is_some())
        {
            return Ok(Outcome::AlreadyEnded);
        }
        let chosen = match &start.snapshot_id {
            Some(id) => self.named(id, &snapshots, volume_id).await?,
            None => self.newest(run, &snapshots, &production).await?,
        };
        if let Some(why) = self.occupied(run, &test).await? {
            return Ok(Outcome::LookAgain {
                why,
                payload: start,
            });
        }
        match &chosen.state {
            SnapshotState::Ready => Ok(Outcome::GoOn(Chosen {
                snapshot_id: chosen.id,
                dev_ib_backup_instance_id: test.id,
            })),
            SnapshotState::Pending(progress) => Ok(Outcome::LookAgain {
                why: format!("snapshot {} is not complete yet ({progress})", chosen.id),
                payload: Start {
                    snapshot_id: Some(chosen.id),
                },
            }),
            SnapshotState::Dead(why) => Err(Error::new(
                Kind::Dead,
                format!("snapshot {} cannot be tested: it is {why}", chosen.id),
            )),
        }
    }
}

impl ChooseSnapshot {
    /// The snapshot that the start event names: whatever its age, but of the production volume.
    async fn named(&self, id: &str, ours: &[Snapshot], volume_id: &str) -> Result<Snapshot> {
        if let Some(found) = ours.iter().find(|snapshot| snapshot.id == id) {
            return Ok(found.clone());
        }
        let other = ec2::snapshot(&self.ec2, id).await?;
        Err(Error::new(
            Kind::BadEvent,
            format!(
                "snapshot_id {id} is a snapshot of {}, not of {volume_id}, which is {} of {}; \
                 testing it would say nothing about production",
                other.volume_id, self.production_device, self.production_instance
            ),
        ))
    }

    /// The newest snapshot, if it is young enough to speak for last night.
    async fn newest(
        &self,
        run: &Run,
        ours: &[Snapshot],
        production: &Instance,
    ) -> Result<Snapshot> {
        let snapshot = choice::newest(ours, &self.production_device, production)?;
        let age = run.started_at.since(snapshot.started_at);
        info!(
            "newest snapshot is {}, of {}",
            snapshot.id, snapshot.started_at
        );
        if run.iteration_count == 0 {
            self.report_age(run, age).await;
        }
        choice::young_enough(&snapshot, age, self.max_age)?;
        Ok(snapshot)
    }

    /// A lost metric is no reason to leave a backup untested: it is logged as the error it is.
    async fn report_age(&self, run: &Run, age: Duration) {
        let gauge = Gauge::age(age.as_secs_f64());
        let sent = self
            .datadog
            .gauges(&[gauge], run.started_at, self.clock.now())
            .await;
        if let Err(error) = sent {
            error!("the snapshot's age is not in Datadog: {}", error.chain());
        }
    }
}

#[cfg(test)]
mod tests;
