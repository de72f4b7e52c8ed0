//! Every single fault, at every call, every delivery and every moment of a night.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fault::When;
use super::{CallFault, DeliveryFault, OperatorAction, Plan, PlannedFault, Played, Service, play};
use aws_stand_in::lambda::Death;
use aws_stand_in::simulated_host::Backup;

/// A night on which nothing goes wrong.
#[must_use]
pub fn undisturbed(backup: Backup) -> Plan {
    Plan {
        backup,
        faults: Vec::new(),
        seed: 0,
        without: None,
    }
}

/// Every fault that can hit a night with this backup, one at a time.
pub async fn single_faults(backup: Backup) -> Vec<PlannedFault> {
    let clean = play(&undisturbed(backup)).await;
    let mut faults = Vec::new();
    for number in 1..=clean.calls.len() as u64 {
        faults.extend(CallFault::ALL.map(|how| PlannedFault::Call(number, how)));
        for when in [When::Before, When::After] {
            let deaths = [Death::Exit, Death::TimeOut];
            faults.extend(deaths.map(|death| PlannedFault::Death(number, when, death)));
        }
    }
    for (number, time) in events(&clean) {
        faults.extend(DeliveryFault::ALL.map(|how| PlannedFault::Delivery(number, how)));
        let moment = time + Duration::from_millis(500);
        faults.extend(OperatorAction::ALL.map(|act| PlannedFault::OperatorAction(moment, act)));
        for lasts in [Duration::from_mins(3), Duration::from_hours(2)] {
            let missed = |service: &Service| is_called(&clean, *service, time, lasts);
            let services = Service::ALL.into_iter().filter(missed);
            faults.extend(services.map(|service| PlannedFault::Outage(service, time, lasts)));
        }
    }
    // Longer than the shortest time from a write to the next look.
    for seconds in [20, 40, 60] {
        faults.push(PlannedFault::Lag(Duration::from_secs(seconds)));
    }
    faults
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

/// Whether a night calls a service in that time: else nobody sees that it is down.
fn is_called(played: &Played, service: Service, from: Duration, lasts: Duration) -> bool {
    let from = played.began + from;
    let mut calls = played.calls.iter();
    calls.any(|call| service.takes(call) && call.time >= from && call.time < from + lasts)
}
