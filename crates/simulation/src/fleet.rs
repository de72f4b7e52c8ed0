//! Many databases in one night: one run for each on one stack, under EC2's request limits.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;

use crate::environment::{Another, Environment};
use aws_stand_in::VolumeState;
use aws_stand_in::lambda::Delivery;
use aws_stand_in::simulated_host::{Backup, Durations};

/// The integrity test of each database.
const TEST: Duration = Duration::from_mins(40);
/// Every night ends within this time.
const BOUND: Duration = Duration::from_hours(20);

/// The default concurrency limit of an account.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const CONCURRENCY: usize = 1000;

/// A night with many databases.
#[derive(Clone, Copy, Debug)]
pub struct Databases {
    /// How many databases, each with its own test instance.
    pub count: u32,
    /// The time over which their schedules are spread; zero starts them all at once.
    pub within: Duration,
    /// How many functions the account runs at once.
    pub concurrency: usize,
    /// The seed of all random choices.
    pub seed: u64,
}

/// The result of such a night.
#[derive(Debug, PartialEq)]
pub struct DatabasesPlayed {
    /// Databases by outcome.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Violated invariants, each with its database.
    pub violations: Vec<String>,
    /// AWS calls of each run, fewest first.
    pub calls: Vec<usize>,
    /// Calls that were throttled: by EC2, Run Command, Parameter Store.
    pub refused: [usize; 3],
    /// How often an event waited for other functions to end.
    pub throttled: u64,
    /// The time from the first start to the end of the last run.
    pub lasted: Duration,
}

/// Plays it. Needs a paused clock and a runtime of one thread.
pub async fn play(databases: Databases) -> DatabasesPlayed {
    fastrand::seed(databases.seed);
    let mut rng = Rng::with_seed(databases.seed);
    let night = Environment::new();
    let aws = &night.stack.aws;
    aws.limit_requests();
    night.stack.lambda.limit_concurrency(databases.concurrency);
    let clock = aws.clock();
    let began = clock.now();
    let mut others = Vec::new();
    for number in 1..=databases.count {
        let another = night.add_another(number);
        let backup = backup(&mut rng);
        another
            .host
            .set_backup(&another.fixture.snapshot_id, backup);
        another.host.set_durations(Durations {
            test: TEST,
            ..Durations::default()
        });
        others.push((another, backup));
    }
    let apart = databases.within / databases.count.max(1);
    let ended = clock
        .within(BOUND, async {
            for (another, _) in &others {
                night.start_with(another.start_event());
                if !apart.is_zero() {
                    clock.sleep(apart).await;
                }
            }
            night.stack.lambda.idle().await;
        })
        .await;
    let mut violations = Vec::new();
    if !ended {
        violations.push(format!("5: not ended after {} h", BOUND.as_secs() / 3600));
    }
    let lasted = clock.now().duration_since(began).unwrap_or_default();
    let mut outcomes = BTreeMap::new();
    let (tags, metrics) = (verdict_tags(&night), verdict_metrics(&night));
    for (another, backup) in &others {
        let tag = tags.get(&another.fixture.snapshot_id).map(String::as_str);
        *outcomes.entry(outcome(tag)).or_default() += 1;
        let source = format!("source:{}", another.fixture.production_instance);
        let values = metrics.get(&source).map_or(&[][..], Vec::as_slice);
        violations.extend(broken(another, *backup, tag, values));
    }
    let calls = calls_by_run(&night);
    violations.extend(left_volumes(&night));
    DatabasesPlayed {
        outcomes,
        violations,
        refused: calls.refused,
        throttled: night.stack.lambda.throttled(),
        calls: calls.of_runs,
        lasted,
    }
}

/// A random backup, good in most cases.
fn backup(rng: &mut Rng) -> Backup {
    match rng.u32(..20) {
        0 => Backup::Damaged,
        1 => Backup::BrokenFilesystem,
        2 => Backup::CannotBeTested,
        _ => Backup::Good,
    }
}

fn outcome(tag: Option<&str>) -> &'static str {
    match tag {
        Some("True") => "valid",
        Some(_) => "invalid",
        None => "undetermined",
    }
}

/// `DBBackupValid` by snapshot.
fn verdict_tags(night: &Environment) -> BTreeMap<String, String> {
    let snapshots = night.stack.aws.snapshots().into_iter();
    let tagged = snapshots.filter_map(|mut one| Some((one.id, one.tags.remove("DBBackupValid")?)));
    tagged.collect()
}

/// The values of `infobright_backup_valid` by the tag that names its source.
fn verdict_metrics(night: &Environment) -> BTreeMap<String, Vec<f64>> {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for point in night.stack.aws.points() {
        let mut tags = point.tags.into_iter();
        let source = tags.find(|tag| tag.starts_with("source:"));
        if point.metric == "infobright_backup_valid" {
            let of_source = values.entry(source.unwrap_or_default()).or_default();
            of_source.push(point.value);
        }
    }
    values
}

fn broken(another: &Another, backup: Backup, tag: Option<&str>, values: &[f64]) -> Vec<String> {
    let truth = match backup {
        Backup::Good => Some("True"),
        Backup::Damaged | Backup::ServerDoesNotStart | Backup::BrokenFilesystem => Some("False"),
        Backup::CannotBeTested => None,
    };
    let name = &another.fixture.production_instance;
    let mut violations = Vec::new();
    if tag != truth {
        violations.push(format!("2: {name}: {tag:?}, and the truth is {truth:?}"));
    }
    let told: &[f64] = match tag {
        Some("True") => &[1.0],
        Some(_) => &[0.0],
        None => &[],
    };
    if values != told {
        violations.push(format!("2: {name}: tag {tag:?}, metric {values:?}"));
    }
    let left = another.host.leftovers();
    if !left.is_empty() {
        violations.push(format!("1: {name}: left {left:?}"));
    }
    violations
}

fn left_volumes(night: &Environment) -> Vec<String> {
    let volumes = night.stack.aws.volumes().into_iter();
    let ours = volumes.filter(|volume| volume.tags.contains_key("IBBackupTest"));
    let mut of_run: BTreeMap<String, usize> = BTreeMap::new();
    let mut violations = Vec::new();
    for volume in ours {
        if volume.state != VolumeState::Deleted {
            violations.push(format!("1: {} is {:?}", volume.id, volume.state));
        }
        let run = volume.tags.get("IBBackupRun").cloned().unwrap_or_default();
        *of_run.entry(run).or_default() += 1;
    }
    let several = of_run.into_iter().filter(|(_, made)| *made > 1);
    violations.extend(several.map(|(run, made)| format!("3: run {run} made {made} volumes")));
    violations
}

#[derive(Default)]
struct Calls {
    of_runs: Vec<usize>,
    refused: [usize; 3],
}

fn calls_by_run(night: &Environment) -> Calls {
    let deliveries = night.stack.lambda.deliveries();
    let mut of_run: BTreeMap<String, usize> = BTreeMap::new();
    let mut calls = Calls::default();
    for record in night.stack.aws.calls() {
        let invocation = aws_stand_in::lambda::invocation_of(&record.call.caller);
        if record.call.service != "datadog"
            && let Some(delivery) = deliveries.get(invocation)
        {
            *of_run.entry(run_of(delivery)).or_default() += 1;
        }
        let refused_by = match record.call.action.as_str() {
            _ if record.outcome.ends_with("RequestLimitExceeded") => Some(0),
            _ if !record.outcome.ends_with("ThrottlingException") => None,
            "GetParameter" => Some(2),
            _ => Some(1),
        };
        if let Some(service) = refused_by {
            calls.refused[service] += 1;
        }
    }
    calls.of_runs = of_run.into_values().collect();
    calls.of_runs.sort_unstable();
    calls
}

/// The run of an invocation: from its event, from the event that failed, or its own request id.
fn run_of(delivery: &Delivery) -> String {
    let event = &delivery.accepted.event;
    let run = [event, &event["requestPayload"]]
        .into_iter()
        .find_map(|event| event["run_id"].as_str());
    let failed = event["requestContext"]["requestId"].as_str();
    let run = run.or(failed).unwrap_or(&delivery.accepted.request_id);
    run.to_owned()
}

impl std::fmt::Display for DatabasesPlayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let runs = self.calls.len();
        let at = |part: usize| {
            self.calls
                .get((runs * part / 100).min(runs.saturating_sub(1)))
        };
        let row = |f: &mut std::fmt::Formatter<'_>, name: &str, value: String| {
            writeln!(f, "| {name} | {value} |")
        };
        writeln!(f, "| {runs} databases | |\n|---|---|")?;
        for (outcome, count) in &self.outcomes {
            row(f, outcome, count.to_string())?;
        }
        let calls = [0, 50, 99, 100].map(|part| at(part).copied().unwrap_or_default());
        let [fewest, median, most, all] = calls.map(|calls| calls.to_string());
        row(
            f,
            "calls of a run: fewest, median, 99th percentile, most",
            [fewest, median, most, all].join(", "),
        )?;
        row(
            f,
            "calls refused: by EC2, Run Command, Parameter Store",
            self.refused.map(|refused| refused.to_string()).join(", "),
        )?;
        row(
            f,
            "times that an event waited for concurrency",
            self.throttled.to_string(),
        )?;
        let minutes = self.lasted.as_secs_f64() / 60.0;
        row(f, "simulated time", format!("{minutes:.0} min"))?;
        row(f, "violations", self.violations.len().to_string())?;
        for violation in &self.violations {
            writeln!(f, "\n{violation}")?;
        }
        Ok(())
    }
}
