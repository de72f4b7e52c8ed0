//! Injects the faults of a plan, and repairs them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;

use super::fault::When;
use super::perform::mend_states;
use super::plan::DURATIONS;
use super::{CallFault, Mutant, PlannedFault};
use crate::environment::Environment;
use aws_stand_in::{Call, Fault, InstanceState};

/// Longer than any function lives: the call is executed and never answered.
const NEVER: Duration = Duration::from_hours(24);

/// How many calls and events there were before a night began. The night's own follow these.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    pub calls: u64,
    pub events: u64,
}

impl Before {
    /// The numbers so far.
    pub fn now(night: &Environment) -> Self {
        Self {
            calls: night.stack.aws.made_calls().len() as u64,
            events: night.stack.lambda.accepted(),
        }
    }
}

/// Which of a night's faults have happened, by their place in the plan.
#[derive(Clone, Default)]
pub(super) struct Injected(Arc<Mutex<BTreeSet<usize>>>);

impl Injected {
    fn note(&self, place: usize) {
        self.places().insert(place);
    }

    pub fn places(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets the faults up before the night begins. Dropping the returned tasks ends operators' actions.
pub(super) fn set_up(
    night: &Arc<Environment>,
    faults: &[PlannedFault],
    without: Option<Mutant>,
) -> (Injected, JoinSet<()>) {
    let happened = Injected::default();
    let before = Before::now(night);
    set_up_calls(night, faults.to_vec(), without, before, happened.clone());
    set_up_deliveries(night, faults.to_vec(), without, before, happened.clone());
    let mut acts = JoinSet::new();
    for (place, &fault) in faults.iter().enumerate() {
        match fault {
            PlannedFault::OperatorAction(after, act) => {
                let (night, happened) = (night.clone(), happened.clone());
                acts.spawn(async move {
                    night.stack.aws.clock().sleep(after).await;
                    happened.note(place);
                    act.perform(&night).await;
                });
            }
            PlannedFault::Lag(lag) => {
                let aws = &night.stack.aws;
                aws.set_timing(|timing| timing.read_lag = lag);
            }
            _ => {}
        }
    }
    if let Some(control) = without {
        control.take_away(night);
    }
    (happened, acts)
}

/// Waits until the night is over, operators' actions included. `false` if it takes longer than
/// `bound`.
pub(super) async fn is_over(night: &Environment, acts: &mut JoinSet<()>, bound: Duration) -> bool {
    let over = async {
        while acts.join_next().await.is_some() {}
        night.stack.lambda.idle().await;
    };
    night.stack.aws.clock().within(bound, over).await
}

fn set_up_calls(
    night: &Environment,
    faults: Vec<PlannedFault>,
    without: Option<Mutant>,
    before: Before,
    happened: Injected,
) {
    let (aws, lambda) = (night.stack.aws.clone(), night.stack.lambda.clone());
    let began = aws.clock().now();
    aws.set_faults(Box::new(move |call| {
        let own = call.number - before.calls;
        let hit = |fault: &PlannedFault| match *fault {
            PlannedFault::Call(number, how) if number == own => Some(how.fault(call)),
            PlannedFault::Death(number, when, death) if number == own => {
                lambda.kill(&call.caller, death);
                Some(match when {
                    When::Before => Fault::Hang,
                    When::After => Fault::Slow(NEVER),
                })
            }
            PlannedFault::Outage(service, from, lasts) if service.takes(call) => {
                let down = is_within(began, call, from, lasts);
                down.then(|| CallFault::ServerError.fault(call))
            }
            PlannedFault::Answers(service, how, from, lasts) if service.takes(call) => {
                let hit = is_within(began, call, from, lasts);
                let fault = without.and_then(|control| control.believes(how, call));
                hit.then(|| fault.unwrap_or_else(|| how.to_each().fault(call)))
            }
            _ => None,
        };
        let mut faults = faults.iter().enumerate();
        let (place, fault) = faults.find_map(|(place, one)| Some((place, hit(one)?)))?;
        happened.note(place);
        Some(fault)
    }));
}

fn is_within(began: SystemTime, call: &Call, from: Duration, lasts: Duration) -> bool {
    let since = call.time.duration_since(began).unwrap_or_default();
    since >= from && since < from + lasts
}

fn set_up_deliveries(
    night: &Environment,
    faults: Vec<PlannedFault>,
    without: Option<Mutant>,
    before: Before,
    happened: Injected,
) {
    let aws = night.stack.aws.clone();
    night.stack.lambda.set_copies(Box::new(move |accepted| {
        let mut each = faults.iter().enumerate();
        let hit = each.find_map(|(place, fault)| match *fault {
            PlannedFault::Delivery(number, how) if number + before.events == accepted.number => {
                Some((place, how))
            }
            _ => None,
        });
        let mut copies = match hit {
            Some((place, how)) => {
                happened.note(place);
                how.copies(accepted, &aws)
            }
            None => vec![Duration::ZERO],
        };
        for (place, fault) in faults.iter().enumerate() {
            if let PlannedFault::Queue(wait) = fault {
                happened.note(place);
                for copy in &mut copies {
                    *copy += *wait;
                }
            }
        }
        if let Some(control) = without {
            control.rewrite(accepted, &aws);
        }
        copies
    }));
}

/// Repairs what is broken, so that the next night is clean.
pub(super) fn mend(night: &Environment) {
    let aws = &night.stack.aws;
    aws.clear_faults();
    night
        .stack
        .lambda
        .set_copies(Box::new(|_| vec![Duration::ZERO]));
    aws.set_timing(|timing| timing.read_lag = Duration::ZERO);
    let instance = &night.stack.fixture.test_instance_id;
    aws.set_agent(instance, true);
    aws.set_agent_report(None);
    night.host.set_held_by(None);
    mend_states(night);
    night.host.set_durations(DURATIONS);
    let mut instances = aws.instances().into_iter();
    if instances.any(|one| one.id == *instance && one.state == InstanceState::Stopped) {
        aws.start_instance(instance);
    }
}
