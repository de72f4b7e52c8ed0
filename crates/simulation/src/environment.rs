//! One night in memory: the real steps in this process, a test instance in memory, a paused clock.

use std::sync::Arc;
use std::time::Duration;

use aws_stand_in::in_memory::{CycleBreaker, InMemory, machine};
use aws_stand_in::lambda::Delivery;
use aws_stand_in::simulated_host::{Backup, Durations, SimulatedHost};
use aws_stand_in::stack::Stack;
use aws_stand_in::template::Template;
use aws_stand_in::{Event, Fixture, Point, TEST_INSTANCE, Tags};
use serde_json::{Value, json};

use crate::in_process::InProcess;

/// The test volume of another environment of the account.
pub(super) const OTHERS_VOLUME: &str = "vol-rehearsalothers";

/// Whether what is left belongs to this environment.
#[expect(
    clippy::ptr_arg,
    reason = "Vec::retain passes a reference to its element"
)]
pub(super) fn is_own(left: &String) -> bool {
    !left.contains(OTHERS_VOLUME)
}

/// A stack and its test instance, on which nights are played.
pub struct Environment {
    /// The stack.
    pub stack: Stack,
    /// The test instance.
    pub host: SimulatedHost,
    /// The event that starts its runs.
    event: Value,
    _cycle_breaker: CycleBreaker,
}

/// One more database in the account, with a test instance of its own.
pub struct Another {
    /// The ids of its resources.
    pub fixture: Fixture,
    /// Its test instance.
    pub host: SimulatedHost,
}

/// What can be seen when a night has ended.
#[derive(Debug)]
pub struct Ending {
    /// The tags of last night's snapshot.
    pub tags: Tags,
    /// What Datadog shows.
    pub points: Vec<Point>,
    /// Datadog's events.
    pub events: Vec<Event>,
    /// Every invocation.
    pub deliveries: Vec<Delivery>,
    /// Failed events that Lambda passed to no function.
    pub given_up: Vec<String>,
    /// The events that EventBridge's rules stored.
    pub kept: Vec<Value>,
    /// Log lines, each after its function's name.
    pub log: Vec<String>,
    /// How many test volumes were created in all.
    pub made: usize,
    /// What is left: volumes, attachments, mounts, servers, locks, lost events, and calls that the
    /// stand-in does not know.
    pub left: Vec<String>,
}

impl Environment {
    /// An ordinary night that has not begun. Needs a paused clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// The same with a changed template.
    ///
    /// # Panics
    /// If `template.yaml` cannot be read.
    #[must_use]
    pub fn with(change: impl FnOnce(&mut Template)) -> Self {
        Self::parameters(&[], change)
    }

    /// The same with parameters of the stack set.
    ///
    /// # Panics
    /// If `template.yaml` cannot be read.
    #[must_use]
    pub fn parameters(set: &[(&str, &str)], change: impl FnOnce(&mut Template)) -> Self {
        let InMemory {
            stack,
            host,
            cycle_breaker,
        } = InMemory::deploy(set, change);
        let in_process = InProcess::new(stack.aws.clone(), stack.lambda.clone());
        stack.lambda.set_executor(Arc::new(in_process));
        Self {
            stack,
            host,
            event: json!({"source": "aws.events", "detail-type": "Scheduled Event"}),
            _cycle_breaker: cycle_breaker,
        }
    }

    /// Adds this field to the event that starts its runs.
    #[must_use]
    pub fn starting_with(mut self, field: &str, value: Value) -> Self {
        self.event[field] = value;
        self
    }

    /// Adds a database of this number to the account, with a test instance of its own.
    #[must_use]
    pub fn add_another(&self, number: u32) -> Another {
        let fixture = self.stack.aws.another_fixture(number);
        let host = machine(&self.stack, &fixture);
        Another { fixture, host }
    }

    /// What last night's snapshot holds.
    #[must_use]
    pub fn backup(self, backup: Backup) -> Self {
        self.host
            .set_backup(&self.stack.fixture.snapshot_id, backup);
        self
    }

    /// How long the integrity test takes.
    #[must_use]
    pub fn testing_for(self, test: Duration) -> Self {
        let durations = Durations {
            test,
            ..Durations::default()
        };
        self.host.set_durations(durations);
        self
    }

    /// Adds the volume `vol-rehearsalearlier`, left by the run `an-earlier-run`. It is attached if
    /// an instance and a device are given.
    pub fn leave_a_volume(&self, attached: Option<(&str, &str)>) {
        let tags = [
            ("IBBackupTest", "True"),
            ("IBBackupEnvironment", "dev"),
            ("IBBackupRun", "an-earlier-run"),
            ("IBBackupTestInstance", TEST_INSTANCE),
        ];
        let tags: Tags = tags
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let aws = &self.stack.aws;
        aws.add_volume("vol-rehearsalearlier", "us-east-1a", tags, attached);
    }

    /// Plays a night as the schedule starts it.
    pub async fn play(&self) -> Ending {
        self.start(self.event.clone()).await
    }

    /// Plays a night that this event starts, until no function runs and no event waits.
    ///
    /// # Panics
    /// If the template has no schedule.
    pub async fn start(&self, event: Value) -> Ending {
        self.start_with(event);
        self.stack.lambda.idle().await;
        self.ending()
    }

    /// Starts a run as the schedule does, and does not wait for it.
    pub fn start_run(&self) {
        self.start_with(self.event.clone());
    }

    /// Starts a run with this event, the schedule's or a person's, and does not wait for it.
    ///
    /// # Panics
    /// If the template has no schedule.
    pub fn start_with(&self, event: Value) {
        let schedule = self
            .stack
            .template
            .schedule
            .as_ref()
            .expect("there is a schedule");
        let lambda = &self.stack.lambda;
        if event["source"] == "aws.events" {
            lambda.start_scheduled(schedule, event);
        } else {
            lambda.start(&schedule.function, event);
        }
    }

    /// What is left: volumes, attachments, mounts, servers, locks.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        let mut left = self.stack.left_volumes();
        left.extend(self.host.leftovers());
        left
    }

    /// What can be seen now.
    #[must_use]
    pub fn ending(&self) -> Ending {
        let Stack {
            aws,
            lambda,
            fixture,
            ..
        } = &self.stack;
        let lines = lambda.log(0).into_iter();
        let mut left = self.left();
        left.extend(lambda.lost());
        left.extend(aws.unmodelled());
        let volumes = aws.volumes();
        Ending {
            made: volumes
                .iter()
                .filter(|volume| volume.tags.contains_key("IBBackupTest"))
                .count(),
            tags: aws.snapshot_tags(&fixture.snapshot_id),
            points: aws.points(),
            events: aws.events(),
            deliveries: lambda.deliveries(),
            given_up: lambda.given_up(),
            kept: lambda.kept().into_iter().map(|kept| kept.event).collect(),
            log: lines
                .map(|line| format!("{}: {}", line.function, line.text))
                .collect(),
            left,
        }
    }
}

impl Another {
    /// The start event of a schedule that names this database.
    #[must_use]
    pub fn start_event(&self) -> Value {
        json!({
            "production_instance_name": self.fixture.production_instance,
            "test_instance_name": self.fixture.test_instance,
        })
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::new()
    }
}

impl Ending {
    /// The value of `DBBackupValid`, if the night wrote it.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tags.get("DBBackupValid").map(String::as_str)
    }

    /// The values of a metric.
    #[must_use]
    pub fn metric(&self, name: &str) -> Vec<f64> {
        let points = self.points.iter().filter(|point| point.metric == name);
        points.map(|point| point.value).collect()
    }

    /// The verdict metric's values.
    #[must_use]
    pub fn valid(&self) -> Vec<f64> {
        self.metric("infobright_backup_valid")
    }

    /// Asserts the contract for a night without a verdict: neither tag nor metric, an error of a
    /// function, one event, nothing left, and `named` in the error and in the event.
    ///
    /// # Panics
    /// If the contract is broken.
    #[track_caller]
    pub fn assert_undetermined(&self, named: &str) {
        assert_eq!(self.tag(), None, "tag");
        assert_eq!(self.valid(), Vec::<f64>::new(), "metric");
        let errors = self.errors();
        assert!(
            errors.iter().any(|error| error.contains(named)),
            "{named} is not in {errors:#?}"
        );
        let texts: Vec<&str> = self
            .events
            .iter()
            .map(|event| event.text.as_str())
            .collect();
        assert_eq!(texts.len(), 1, "{texts:#?}");
        assert!(texts[0].contains(named), "{named} is not in {}", texts[0]);
        assert_eq!(self.left, Vec::<String>::new(), "left");
    }

    /// Asserts the contract for a night with a verdict: tag and metric agree, no error, no event,
    /// nothing left.
    ///
    /// # Panics
    /// If the contract is broken.
    #[track_caller]
    pub fn assert_verdict(&self, valid: bool) {
        assert_eq!(self.errors(), Vec::<String>::new());
        assert_eq!(self.tag(), Some(if valid { "True" } else { "False" }));
        assert_eq!(self.valid(), [if valid { 1.0 } else { 0.0 }]);
        assert_eq!(self.events, Vec::new());
        assert_eq!(self.made, 1);
        assert_eq!(self.left, Vec::<String>::new());
    }

    /// The errors that functions ended with, each after the function's name.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        let failed = self.deliveries.iter().filter_map(|delivery| {
            let error = delivery.outcome.as_ref()?.as_ref().err()?;
            let function = &delivery.accepted.function;
            Some(format!(
                "{function}: {}: {}",
                error.error_type, error.error_message
            ))
        });
        failed.collect()
    }
}
