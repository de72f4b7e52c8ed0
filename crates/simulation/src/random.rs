//! Nights drawn from a seed: pairs of the faults that are also played one at a time, and
//! mixtures of up to four at any call, delivery or moment.

use std::sync::OnceLock;
use std::time::Duration;

use fastrand::Rng;

use super::exhaustive::{single_faults, undisturbed};
use super::fault::When;
use super::{CallFault, DeliveryFault, OperatorAction, Plan, PlannedFault, Service};
use aws_stand_in::lambda::Death;
use aws_stand_in::simulated_host::Backup;

/// More calls and events than an undisturbed night has, since fault makes it longer.
const CALLS: u64 = 120;
const EVENTS: u64 = 40;
const MINUTES: u64 = 40;

const BACKUPS: [Backup; 6] = [
    Backup::Good,
    Backup::Good,
    Backup::Damaged,
    Backup::ServerDoesNotStart,
    Backup::BrokenFilesystem,
    Backup::CannotBeTested,
];

/// The single faults of a night with each of [`BACKUPS`], found once.
static SINGLE: [OnceLock<Vec<PlannedFault>>; BACKUPS.len()] =
    [const { OnceLock::new() }; BACKUPS.len()];

/// The night of a seed: the same seed, the same night. Needs a paused clock, for the first night
/// with each backup.
pub async fn plan(seed: u64) -> Plan {
    let mut rng = Rng::with_seed(seed);
    let backup = rng.usize(..BACKUPS.len());
    let faults = if rng.bool() {
        let single = if let Some(single) = SINGLE[backup].get() {
            single
        } else {
            let mut found = single_faults(BACKUPS[backup]).await;
            found.retain(is_drawn);
            SINGLE[backup].get_or_init(|| found)
        };
        (0..2).map(|_| single[rng.usize(..single.len())]).collect()
    } else {
        (0..rng.u32(1..=4)).map(|_| fault(&mut rng)).collect()
    };
    Plan {
        faults,
        seed,
        ..undisturbed(BACKUPS[backup])
    }
}

/// Only single nights know the states that last, answers that are not AWS's and events that wait.
fn is_drawn(fault: &PlannedFault) -> bool {
    match fault {
        PlannedFault::OperatorAction(_, act) => !act.lasts(),
        PlannedFault::Answers(..) | PlannedFault::Queue(_) => false,
        _ => true,
    }
}

fn fault(rng: &mut Rng) -> PlannedFault {
    let moment = Duration::from_millis(rng.u64(..MINUTES * 60_000));
    match rng.u32(..12) {
        0..=4 => PlannedFault::Call(rng.u64(1..CALLS), one_of(rng, &CallFault::ALL)),
        5 | 6 => {
            let when = one_of(rng, &[When::Before, When::After]);
            let death = one_of(rng, &[Death::Exit, Death::TimeOut]);
            PlannedFault::Death(rng.u64(1..CALLS), when, death)
        }
        7 | 8 => PlannedFault::Delivery(rng.u64(..EVENTS), one_of(rng, &DeliveryFault::ALL)),
        9 => PlannedFault::OperatorAction(moment, one_of(rng, &drawn_acts())),
        10 => {
            let service = one_of(rng, &Service::ALL);
            PlannedFault::Outage(service, moment, Duration::from_secs(rng.u64(10..3600)))
        }
        _ => PlannedFault::Lag(Duration::from_secs(rng.u64(1..90))),
    }
}

fn one_of<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())]
}

fn drawn_acts() -> Vec<OperatorAction> {
    let acts = OperatorAction::ALL.into_iter();
    acts.filter(|act| !act.lasts()).collect()
}
