//! Every single trouble, at every call, every delivery and every moment of a night.

use std::time::Duration;

use super::trouble::When;
use super::{Act, CallTrouble, DeliveryTrouble, Plan, Service, Trouble, play};
use crate::aws::model_host::Backup;
use crate::lambda::Death;

/// A night on which nothing goes wrong.
#[must_use]
pub fn undisturbed(backup: Backup) -> Plan {
    Plan {
        backup,
        troubles: Vec::new(),
        seed: 0,
        without: None,
    }
}

/// Every trouble that can hit a night with this backup, one at a time.
pub async fn single_troubles(backup: Backup) -> Vec<Trouble> {
    let clean = play(&undisturbed(backup)).await;
    let mut troubles = Vec::new();
    for number in 1..=clean.calls.len() as u64 {
        troubles.extend(CallTrouble::ALL.map(|how| Trouble::Call(number, how)));
        for when in [When::Before, When::After] {
            let deaths = [Death::Exit, Death::TimeOut];
            troubles.extend(deaths.map(|death| Trouble::Death(number, when, death)));
        }
    }
    for (number, &time) in (0..).zip(&clean.delivered) {
        troubles.extend(DeliveryTrouble::ALL.map(|how| Trouble::Delivery(number, how)));
        let moment = time + Duration::from_millis(500);
        troubles.extend(Act::ALL.map(|act| Trouble::Act(moment, act)));
        for service in Service::ALL {
            troubles.push(Trouble::Outage(service, time, Duration::from_mins(3)));
            troubles.push(Trouble::Outage(service, time, Duration::from_hours(2)));
        }
    }
    for seconds in [1, 10, 60] {
        troubles.push(Trouble::Lag(Duration::from_secs(seconds)));
    }
    troubles
}
