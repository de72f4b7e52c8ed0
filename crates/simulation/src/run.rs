//! Plays one bad night and the clean night after it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::inject::{Injected, is_over, mend, set_up};
use super::plan::{DURATIONS, bound};
use super::{Plan, PlannedFault, after, invariants};
use crate::environment::{Ending, Environment, OTHERS_VOLUME, is_own};
use aws_stand_in::clock::rfc3339;
use aws_stand_in::simulated_host::Durations;
use aws_stand_in::{Call, Tags};

/// A night that was played.
pub struct Played {
    /// Which invariants it violated, and how.
    pub violations: Vec<String>,
    /// How it ended.
    pub ending: Ending,
    /// How long it took, in simulated time.
    pub lasted: Duration,
    /// The calls that it made, in order.
    pub calls: Vec<Call>,
    /// The planned faults that happened. The night may end before a fault's time.
    pub happened: Vec<PlannedFault>,
    /// When it began.
    pub began: SystemTime,
    night: Arc<Environment>,
}

impl Played {
    /// Calls, deliveries and log lines in simulated time. Call this at once: anything that is still
    /// running, such as a script that hangs, goes on while the clock does.
    #[must_use]
    pub fn trace(&self) -> String {
        trace(&self.night, self.began)
    }

    /// The planned faults that did not happen. That is normal in a random night, which may end
    /// first. If a fault was chosen for a night, the night proves nothing without it.
    #[must_use]
    pub fn missed(&self, plan: &Plan) -> Vec<String> {
        let missed = plan.faults.iter();
        let missed = missed.filter(|fault| !self.happened.contains(fault));
        missed
            .map(|fault| format!("0: {fault:?} did not happen"))
            .collect()
    }
}

/// Runs on one thread with a paused clock, so that events always have the same order.
///
/// # Panics
/// Within a runtime.
pub fn on_paused_clock<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime needs nothing that can be missing")
        .block_on(work)
}

/// Plays a bad night, repairs what is broken, and plays a clean night. Needs a paused clock and a
/// runtime of one thread.
pub async fn play(plan: &Plan) -> Played {
    fastrand::seed(plan.seed);
    let night = Environment::with(|template| {
        if let Some(mutant) = plan.without {
            mutant.change(template);
        }
    });
    night.host.set_durations(Durations {
        test: plan.test,
        ..DURATIONS
    });
    let night = Arc::new(plan.start(night.backup(plan.backup)));
    add_others_volume(&night);
    let clock = night.stack.aws.clock();
    let before = invariants::production(&night);
    let began = clock.now();
    let (happened, mut acts) = set_up(&night, &plan.faults, plan.without);
    night.start_run();
    let bound = bound(&plan.faults);
    let ended = is_over(&night, &mut acts, bound).await;
    let mut ending = night.ending();
    ending.left.retain(is_own);
    let lasted = clock.now().duration_since(began).unwrap_or_default();
    let happened = happened_in(&night, plan, &happened);
    let calls = night.stack.aws.made_calls();
    let mut violations = Vec::new();
    if !ended {
        violations.push(format!(
            "5: the night has not ended after {} h",
            bound.as_secs() / 3600
        ));
    }
    violations.extend(invariants::of_night(&night, plan, &ending));
    mend(&night);
    let mut days = 1;
    if !plan.next.is_empty() {
        violations.extend(after::bad_night(&night, plan, began).await);
        mend(&night);
        days += 1;
    }
    violations.extend(after::clean_night(&night, began, days).await);
    violations.extend(invariants::unchanged(before, &night, plan));
    Played {
        violations,
        ending,
        lasted,
        calls,
        happened,
        began,
        night,
    }
}

/// Adds a test volume of another environment, which must not be touched.
fn add_others_volume(night: &Environment) {
    let tags = [
        ("IBBackupTest", "True"),
        ("IBBackupEnvironment", "prod"),
        ("IBBackupRun", "a-run-of-prod"),
        ("IBBackupTestInstance", "ib-test.prod.code418.net"),
    ];
    let tags: Tags = tags
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let aws = &night.stack.aws;
    aws.add_volume(OTHERS_VOLUME, "us-east-1a", tags, None);
}

/// The planned faults that happened. A lag happened if any read was stale.
fn happened_in(night: &Environment, plan: &Plan, happened: &Injected) -> Vec<PlannedFault> {
    let lagged = night.stack.aws.stale_reads() > 0;
    let places = happened.places();
    let faults = plan.faults.iter().enumerate();
    let did = faults.filter(|(place, fault)| match fault {
        PlannedFault::Lag(_) => lagged,
        _ => places.contains(place),
    });
    did.map(|(_, fault)| *fault).collect()
}

fn since(began: SystemTime, time: SystemTime) -> Duration {
    time.duration_since(began).unwrap_or_default()
}

/// Calls, deliveries and log lines, in the order of their time.
fn trace(night: &Environment, began: SystemTime) -> String {
    let mut lines: Vec<(SystemTime, String)> = Vec::new();
    for record in night.stack.aws.calls() {
        let call = &record.call;
        lines.push((
            call.time,
            format!(
                "  call {:>3} {} {} {} -> {}",
                call.number, call.caller, call.action, record.parameters, record.outcome
            ),
        ));
    }
    for delivery in night.stack.lambda.deliveries() {
        let outcome = match &delivery.outcome {
            None => "running".to_owned(),
            Some(Ok(())) => "ok".to_owned(),
            Some(Err(error)) => format!("{}: {}", error.error_type, error.error_message),
        };
        let accepted = &delivery.accepted;
        lines.push((
            delivery.time,
            format!(
                "event {} to {}, attempt {}: {outcome}",
                accepted.number, accepted.function, delivery.attempt
            ),
        ));
    }
    for line in night.stack.lambda.log(0) {
        lines.push((
            line.time,
            format!("  log {}: {}", line.function, line.text.trim()),
        ));
    }
    lines.sort_by_key(|(time, _)| *time);
    let mut trace = String::new();
    for (time, line) in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(
            trace,
            "{} +{:>7.1}s {line}",
            rfc3339(time),
            since(began, time).as_secs_f64()
        );
    }
    trace
}
