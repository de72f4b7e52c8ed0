//! All single faults: one at each call, each delivery and each moment of a night.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::fault::When;
use super::plan::TEST;
use super::{
    Answers, CallFault, DeliveryFault, OperatorAction, Plan, PlannedFault, Played, Service, play,
};
use aws_stand_in::lambda::{Death, Delivery};
use aws_stand_in::simulated_host::Backup;

/// This long after a delivery the function is running.
const SOON: Duration = Duration::from_millis(500);

/// A night on which nothing goes wrong.
#[must_use]
pub fn undisturbed(backup: Backup) -> Plan {
    Plan {
        backup,
        canary: false,
        faults: Vec::new(),
        test: TEST,
        next: Vec::new(),
        seed: 0,
        without: None,
    }
}

/// Every single fault that can hit this night. The night itself has none.
pub async fn single_faults(of: &Plan) -> Vec<PlannedFault> {
    let clean = play(of).await;
    let mut faults = Vec::new();
    for number in 1..=clean.calls.len() as u64 {
        faults.extend(CallFault::ALL.map(|how| PlannedFault::Call(number, how)));
        for when in [When::Before, When::After] {
            let deaths = [Death::Exit, Death::TimeOut];
            faults.extend(deaths.map(|death| PlannedFault::Death(number, when, death)));
        }
    }
    let events = events(&clean).into_keys();
    for number in events {
        faults.extend(DeliveryFault::ALL.map(|how| PlannedFault::Delivery(number, how)));
    }
    faults.extend(OperatorAction::ALL.map(|act| PlannedFault::OperatorAction(Duration::ZERO, act)));
    for (time, is_turn) in moments(&clean) {
        faults.extend(faults_at(&clean, time, is_turn));
    }
    // With 55 minutes a run outlasts the longest run by far.
    for minutes in [2, 20, 55] {
        faults.push(PlannedFault::Queue(Duration::from_mins(minutes)));
    }
    // Longer than the shortest time from a write to the next poll.
    for seconds in [20, 40, 60] {
        faults.push(PlannedFault::Lag(Duration::from_secs(seconds)));
    }
    faults
}

/// The faults that can begin at this moment of a night.
fn faults_at(clean: &Played, time: Duration, is_turn: bool) -> Vec<PlannedFault> {
    let mut faults = Vec::new();
    let acts = OperatorAction::ALL.into_iter();
    let acts = acts.filter(|act| is_turn || !act.lasts());
    faults.extend(acts.map(|act| PlannedFault::OperatorAction(time + SOON, act)));
    for lasts in [Duration::from_mins(3), Duration::from_hours(2)] {
        let missed = |service: &Service| is_called(clean, *service, time, lasts);
        let services = Service::ALL.into_iter().filter(missed);
        faults.extend(services.map(|service| PlannedFault::Outage(service, time, lasts)));
    }
    let lasts = Duration::from_mins(8);
    let missed = |service: &Service| is_turn && is_called(clean, *service, time, lasts);
    for service in Service::ALL.into_iter().filter(missed) {
        let answers = Answers::ALL.into_iter();
        faults.extend(answers.map(|how| PlannedFault::Answers(service, how, time, lasts)));
    }
    faults
}

/// The faults of [`single_faults`] that do not hit a single call, at the night's turns only. They
/// are fewer.
pub async fn faults_at_turns(of: &Plan) -> Vec<PlannedFault> {
    let clean = play(of).await;
    let (turns, moments) = (turns(&clean), moments(&clean));
    let is_turn = |at: Duration| {
        let is = |moment: Duration| moments.get(&moment) == Some(&true);
        at == Duration::ZERO || is(at) || at.checked_sub(SOON).is_some_and(is)
    };
    let mut faults = single_faults(of).await;
    faults.retain(|one| match *one {
        PlannedFault::Call(..) | PlannedFault::Death(..) => false,
        PlannedFault::Delivery(number, _) => turns.contains(&number),
        PlannedFault::OperatorAction(at, _)
        | PlannedFault::Outage(_, at, _)
        | PlannedFault::Answers(_, _, at, _) => is_turn(at),
        PlannedFault::Lag(_) | PlannedFault::Queue(_) => true,
    });
    faults
}

/// When events are delivered, and whether one of them is at a turn of the night. If a step invokes
/// the next at once, both events are delivered at the same moment.
fn moments(played: &Played) -> BTreeMap<Duration, bool> {
    let turns = turns(played);
    let mut moments = BTreeMap::new();
    for (number, time) in events(played) {
        *moments.entry(time).or_default() |= turns.contains(&number);
    }
    moments
}

/// The night's turns: the first and the last event of each step, and of both stages of step 6.
/// Faults that last begin at these; faults that pass are tried at every event.
fn turns(played: &Played) -> BTreeSet<u64> {
    let mut turns: BTreeMap<(&str, bool), (u64, u64)> = BTreeMap::new();
    for Delivery { accepted, .. } in &played.ending.deliveries {
        let releases = accepted.event.get("because").is_some();
        let turn = turns.entry((&accepted.function, releases));
        turn.or_insert((accepted.number, accepted.number)).1 = accepted.number;
    }
    turns
        .into_values()
        .flat_map(|(first, last)| [first, last])
        .collect()
}

/// Each event of a night by its number, and how long after the start it was first delivered.
fn events(played: &Played) -> BTreeMap<u64, Duration> {
    let mut events = BTreeMap::new();
    for delivery in &played.ending.deliveries {
        let since = delivery.time.duration_since(played.began);
        let first = events.entry(delivery.accepted.number);
        first.or_insert(since.unwrap_or_default());
    }
    events
}

/// Whether a night calls a service in that time. Otherwise an outage of it has no effect.
fn is_called(played: &Played, service: Service, from: Duration, lasts: Duration) -> bool {
    let from = played.began + from;
    let mut calls = played.calls.iter();
    calls.any(|call| service.takes(call) && call.time >= from && call.time < from + lasts)
}
