//! Step 1 chooses the snapshot.
//!
//! Takes: any JSON object; `snapshot_id` in it names the snapshot to test, the fields of [`Target`]
//! the database and where it is tested, `canary` a run whose copy is damaged on purpose; `status`
//! only returns a report. Promises: a complete snapshot of the production volume, and a test
//! instance that nothing holds. Touches: `DescribeInstances`, `DescribeVolumes`,
//! `DescribeSnapshots`, `ListCommands`; step 6, by invoking it. Waits for: the snapshot to be
//! complete, and for step 6 to release what a dead run holds. Leaves behind: nothing.

mod doctor;
mod find_source;
mod occupancy;
mod schedule;
mod select;
mod source;
mod status;

use std::time::Duration;

use common::clients::{Clients, Clock, Lazy};
use common::datadog::{Datadog, Gauge};
use common::doctor::Examination;
use common::ec2::{self, Instance, Snapshot, SnapshotFilters, SnapshotState, tags};
use common::event::{self, Chosen, Envelope, Phase, Pick, Run, Start, Subject, Target};
use common::polling::limits;
use common::reply::Reply;
use common::settings::Settings;
use common::ssm;
use common::step::{Invocation, NeverEnds, Outcome, Step};
use common::{Error, Kind, Result};
use serde_json::Value;
use tracing::{error, info};

use schedule::Schedule;
use source::Source;

/// Step 1.
pub struct ChooseSnapshot {
    ec2: Lazy<aws_sdk_ec2::Client>,
    lambda: Lazy<aws_sdk_lambda::Client>,
    ssm: Lazy<aws_sdk_ssm::Client>,
    datadog: Datadog,
    clock: Clock,
    release_function: String,
    release_document: String,
    production_instance: String,
    production_device: String,
    environment: String,
    test_instance: String,
    test_device: String,
    max_age: Duration,
    longest_run: Duration,
    filters: SnapshotFilters,
    source_volume: Option<String>,
    schedule: Schedule,
    interval: Duration,
}

impl Step for ChooseSnapshot {
    const NAME: &'static str = "step-1-snapshot";
    const GIVE_UP_AFTER: Duration = limits::SNAPSHOT;
    const PHASE: Option<Phase> = Some(Phase::Snapshot);
    type Input = Start;
    type Next = Chosen;
    type End = NeverEnds;

    fn build(clients: &Clients, settings: &mut Settings<'_>) -> Self {
        let filters = SnapshotFilters::parse(
            &settings
                .text_or_empty("SNAPSHOT_FILTERS")
                .unwrap_or_default(),
        );
        let filters = filters.unwrap_or_else(|fault| {
            settings.fault(format!("SNAPSHOT_FILTERS cannot be read: {fault}"));
            SnapshotFilters::default()
        });
        Self {
            ec2: clients.ec2.clone(),
            lambda: clients.lambda.clone(),
            ssm: clients.ssm.clone(),
            datadog: Datadog::read(settings, clients),
            clock: clients.clock.clone(),
            release_function: settings.text("RELEASE_LAMBDA_NAME"),
            release_document: settings.text("RELEASE_DOCUMENT"),
            production_instance: settings.text("PRODUCTION_INSTANCE_NAME"),
            production_device: settings.text("PRODUCTION_DEVICE"),
            environment: settings.text("ENVIRONMENT"),
            test_instance: settings.text("TEST_INSTANCE_NAME"),
            test_device: settings.text("TEST_DEVICE"),
            max_age: settings.hours("SNAPSHOT_MAX_AGE_HOURS"),
            longest_run: limits::longest_run(settings.seconds("TEST_BUDGET_SECONDS")),
            filters,
            source_volume: source::read(settings),
            schedule: Schedule::read(settings),
            interval: settings.seconds("TEST_POLL_SECONDS"),
        }
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    /// An event that this step sent to itself continues its run; any other object starts one.
    fn read(&self, event: &Value, invocation: &Invocation) -> Result<Envelope<Start>> {
        if !event.is_object() {
            return Err(Error::new(
                Kind::BadEvent,
                format!("the start event is `{event}`; it must be a JSON object, such as {{}}"),
            ));
        }
        let payload: Start = event::read(event)?;
        check(&payload)?;
        let target: Target = event::read(event)?;
        let run = if Run::has_begun(event) {
            Run::read(event)?
        } else {
            Run {
                canary: payload.canary,
                started_by: Some(event::started_by(event)),
                ..Run::begin(&invocation.request_id, invocation.now, target)
            }
        };
        Ok(Envelope { run, payload })
    }

    fn mark(&self, run: &mut Run, next: &Chosen) {
        run.older_backup = next.older_backup;
    }

    async fn reply(&self, run: &Run, start: &Start) -> Option<Reply> {
        if start.status {
            return Some(self.status(run, start).await);
        }
        None
    }

    async fn examine(&self, _: &Clients, examination: &mut Examination) {
        self.look_for_needs(examination).await;
    }

    async fn poll(&self, run: &Run, start: Start) -> Result<Outcome<Self>> {
        let names = self.names(run);
        let filters = self.filters(&start)?;
        let source = self.source(run, &start, &filters).await?;
        let test = ec2::running_instance(&self.ec2, names.test_instance).await?;
        self.meant_for_tests(&test)?;
        let snapshots = ec2::snapshots_of(&self.ec2, &source.volume_id, &filters).await?;
        let verdict = |snapshot: &Snapshot| snapshot.checked_by(&run.run_id).is_some();
        if snapshots.iter().any(verdict) || self.was_released(run, &test).await? {
            return Ok(Outcome::AlreadyEnded);
        }
        let chosen = match (&start.snapshot_id, start.pick) {
            (Some(id), _) => self.named(id, &snapshots, &source, &filters).await?,
            (None, Pick::Newest) => self.newest(run, &snapshots, &source, &filters).await?,
            (None, pick) => {
                if run.is_first_answered_poll()
                    && let Some(newest) = select::not_dead(&snapshots).next()
                {
                    let age = run.started_at.since(newest.started_at);
                    self.report_ages(run, age, &snapshots).await;
                }
                match select::picked(run, pick, &start, &snapshots) {
                    Some(picked) => picked,
                    None => return Ok(Outcome::NothingToDo(select::none_to_pick(pick, &start))),
                }
            }
        };
        // A named snapshot of another volume, or one that the filters exclude, is not in the list.
        if chosen.checked_by(&run.run_id).is_some() {
            return Ok(Outcome::AlreadyEnded);
        }
        let older_backup = select::is_older(run, &chosen, &snapshots);
        if let Some(why) = self.occupied(run, &test, names.test_device).await? {
            return Ok(Outcome::PollAgain {
                why,
                payload: start,
            });
        }
        handed_on(chosen, start, test, older_backup)
    }
}

/// What the run does next, by the snapshot's state.
fn handed_on(
    chosen: Snapshot,
    start: Start,
    test: Instance,
    older_backup: bool,
) -> Result<Outcome<ChooseSnapshot>> {
    match &chosen.state {
        SnapshotState::Ready => Ok(Outcome::GoOn(Chosen {
            subject: Subject {
                snapshot_id: chosen.id,
                snapshot_started_at: Some(chosen.started_at),
                dev_ib_backup_instance_id: test.id,
            },
            older_backup,
        })),
        SnapshotState::Pending(progress) => Ok(Outcome::PollAgain {
            why: format!("snapshot {} is not complete yet ({progress})", chosen.id),
            payload: Start {
                snapshot_id: Some(chosen.id),
                pick: Pick::Newest,
                older_than_days: None,
                younger_than_days: None,
                ..start
            },
        }),
        SnapshotState::Dead(why) => Err(Error::new(
            Kind::Dead,
            format!("snapshot {} cannot be tested: it is {why}", chosen.id),
        )),
    }
}

/// The database and its test instance, from the start event, else from the settings.
#[derive(Clone, Copy)]
struct Names<'a> {
    production_instance: &'a str,
    production_device: &'a str,
    test_instance: &'a str,
    test_device: &'a str,
}

/// Checks that the fields of a start event fit together.
fn check(start: &Start) -> Result<()> {
    let days = start.older_than_days.or(start.younger_than_days).is_some();
    let wrong = match (&start.snapshot_id, start.pick) {
        (Some(_), Pick::Untested | Pick::Random) => "snapshot_id names one, and pick chooses one",
        (Some(_), _) | (None, Pick::Newest) if days => {
            "older_than_days and younger_than_days go with pick untested or random"
        }
        _ => return Ok(()),
    };
    Err(Error::new(
        Kind::BadEvent,
        format!("cannot use this start event: {wrong}; leave one of them out"),
    ))
}

impl ChooseSnapshot {
    /// Which snapshots are the backup, from the start event, else from the setting.
    fn filters(&self, start: &Start) -> Result<SnapshotFilters> {
        let Some(text) = &start.snapshot_filters else {
            return Ok(self.filters.clone());
        };
        SnapshotFilters::parse(text).map_err(|fault| {
            let message = format!("cannot use this event at `snapshot_filters`: {fault}");
            Error::new(Kind::BadEvent, message)
        })
    }

    fn names<'a>(&'a self, run: &'a Run) -> Names<'a> {
        let target = &run.target;
        let named = |name: &'a Option<String>, or: &'a String| name.as_ref().unwrap_or(or).as_str();
        Names {
            production_instance: named(&target.production_instance_name, &self.production_instance),
            production_device: named(&target.production_device, &self.production_device),
            test_instance: named(&target.test_instance_name, &self.test_instance),
            test_device: named(&target.test_device, &self.test_device),
        }
    }

    /// A run without a verdict (a canary, for example) leaves no tag, but its release command is on
    /// record.
    async fn was_released(&self, run: &Run, test: &Instance) -> Result<bool> {
        let (document, now) = (&self.release_document, self.clock.now());
        ssm::was_released(&self.ssm, document, &test.id, &run.run_id, now).await
    }

    /// A start event may name any instance, but only one that is marked for tests gets a volume and
    /// a database server.
    fn meant_for_tests(&self, test: &Instance) -> Result<()> {
        let (key, name) = (tags::TEST_HOST, &test.name);
        if *name == self.test_instance || test.tags.get(key).is_some_and(|value| value == "True") {
            return Ok(());
        }
        Err(Error::new(
            Kind::BadEvent,
            format!(
                "test_instance_name {name} ({}) is not meant for tests: tag it {key}=True, or \
                 name another",
                test.id
            ),
        ))
    }

    /// The snapshot that the start event names: of any age, but of the production volume.
    async fn named(
        &self,
        id: &str,
        owned: &[Snapshot],
        source: &Source,
        filters: &SnapshotFilters,
    ) -> Result<Snapshot> {
        if let Some(found) = owned.iter().find(|snapshot| snapshot.id == id) {
            return Ok(found.clone());
        }
        let other = ec2::snapshot(&self.ec2, id).await?;
        if other.volume_id == source.volume_id {
            return Ok(other);
        }
        // EC2 does not know the volume of a copied snapshot; the filters say whether it is the
        // backup.
        if other.volume_id == ec2::COPIED && !filters.is_empty() {
            let matching = ec2::snapshot_matching(&self.ec2, id, filters).await?;
            if let Some(copy) = matching {
                return Ok(copy);
            }
        }
        let advice = match other.volume_id.as_str() {
            ec2::COPIED => {
                "; a copy is tested where it matches SnapshotFilters, such as its tags or description"
            }
            _ => "; where production's volume was replaced, name the former by source_volume_id",
        };
        let which = if source.by_id {
            String::new()
        } else {
            format!(", which is {}", source.name)
        };
        Err(Error::new(
            Kind::BadEvent,
            format!(
                "snapshot_id {id} is a snapshot of {}, not of {}{which}; testing it would say \
                 nothing about production{advice}",
                other.volume_id, source.volume_id
            ),
        ))
    }

    /// The newest snapshot, unless it is too old to be last night's backup.
    async fn newest(
        &self,
        run: &Run,
        owned: &[Snapshot],
        source: &Source,
        filters: &SnapshotFilters,
    ) -> Result<Snapshot> {
        let snapshot = select::newest(owned, source, filters)?;
        let age = run.started_at.since(snapshot.started_at);
        info!(
            "newest snapshot is {}, of {}",
            snapshot.id, snapshot.started_at
        );
        if run.is_first_answered_poll() {
            if filters.is_empty() {
                select::warn_of_several_makers(owned);
            }
            self.report_ages(run, age, owned).await;
        }
        select::young_enough(&snapshot, age, self.max_age)?;
        Ok(snapshot)
    }

    /// Sends the age of the newest snapshot and of the newest one that was found good. If that
    /// fails, the error is logged and the backup is tested all the same.
    async fn report_ages(&self, run: &Run, age: Duration, owned: &[Snapshot]) {
        let mut gauges = vec![Gauge::age(age.as_secs_f64())];
        let last_valid = owned.iter().find(|snapshot| snapshot.is_valid());
        gauges.extend(last_valid.map(|snapshot| {
            let age = run.started_at.since(snapshot.started_at);
            Gauge::last_valid_age(age.as_secs_f64())
        }));
        let sent = self
            .datadog
            .of(run)
            .gauges(&gauges, run.started_at, self.clock.now())
            .await;
        if let Err(error) = sent {
            error!("the snapshot's age is not in Datadog: {}", error.chain());
        }
    }
}

#[cfg(test)]
mod tests;
