//! One bad night and the clean night after it.

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
    /// Which of the invariants it broke, and how.
    pub violations: Vec<String>,
    /// How it ended.
    pub ending: Ending,
    /// How long it took, in simulated time.
    pub lasted: Duration,
    /// The calls that it made, in their order.
    pub calls: Vec<Call>,
    /// The faults of the plan that did happen: a night may be over before.
    pub happened: Vec<PlannedFault>,
    /// When it began.
    pub began: SystemTime,
    night: Arc<Environment>,
}

impl Played {
    /// What happened: calls, deliveries and log lines in simulated time. What is still under way,
    /// such as a script that hangs, goes on as long as the clock does: ask at once.
    #[must_use]
    pub fn trace(&self) -> String {
        trace(&self.night, self.began)
    }

    /// What did not go wrong though it was to. A night drawn at random may end before it does;
    /// where a fault was chosen for a night, a night without it shows nothing.
    #[must_use]
    pub fn missed(&self, plan: &Plan) -> Vec<String> {
        let missed = plan.faults.iter();
        let missed = missed.filter(|fault| !self.happened.contains(fault));
        missed
            .map(|fault| format!("0: {fault:?} did not happen"))
            .collect()
    }
}

/// Plays a bad night, has people mend what is broken, and plays a clean night after it. Needs a
/// paused clock and a runtime of one thread.
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

/// What another environment has in the account, and holds on to.
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

/// Of a lag there is to be seen in the end whether any read showed less than the truth.
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
        // A String takes every line.
        let _ = writeln!(
            trace,
            "{} +{:>7.1}s {line}",
            rfc3339(time),
            since(began, time).as_secs_f64()
        );
    }
    trace
}
