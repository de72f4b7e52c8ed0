//! Troubles drawn from a seed, several in one night.

use std::time::Duration;

use fastrand::Rng;

use super::trouble::When;
use super::{Act, CallTrouble, DeliveryTrouble, Plan, Trouble};
use crate::aws::model_host::Backup;
use crate::lambda::Death;

/// More calls and events than an undisturbed night has, since trouble makes it longer.
const CALLS: u64 = 120;
const EVENTS: u64 = 40;
const MINUTES: u64 = 40;

/// The night of a seed: the same seed, the same night.
#[must_use]
pub fn plan(seed: u64) -> Plan {
    let mut rng = Rng::with_seed(seed);
    let backups = [
        Backup::Good,
        Backup::Good,
        Backup::Damaged,
        Backup::ServerDoesNotStart,
        Backup::BrokenFilesystem,
        Backup::CannotBeTested,
    ];
    let backup = backups[rng.usize(..backups.len())];
    let troubles = (0..rng.u32(1..=4)).map(|_| trouble(&mut rng)).collect();
    Plan {
        backup,
        troubles,
        seed,
    }
}

fn trouble(rng: &mut Rng) -> Trouble {
    let moment = Duration::from_millis(rng.u64(..MINUTES * 60_000));
    match rng.u32(..12) {
        0..=4 => Trouble::Call(rng.u64(1..CALLS), CallTrouble::ALL[rng.usize(..10)]),
        5 | 6 => {
            let when = if rng.bool() {
                When::Before
            } else {
                When::After
            };
            let death = if rng.bool() {
                Death::Exit
            } else {
                Death::TimeOut
            };
            Trouble::Death(rng.u64(1..CALLS), when, death)
        }
        7 | 8 => Trouble::Delivery(rng.u64(..EVENTS), DeliveryTrouble::ALL[rng.usize(..6)]),
        9 => Trouble::Act(moment, Act::ALL[rng.usize(..10)]),
        10 => {
            let service = ["datadog", "ssm", "ec2", "lambda"][rng.usize(..4)];
            Trouble::Outage(service, moment, Duration::from_secs(rng.u64(10..3600)))
        }
        _ => Trouble::Lag(Duration::from_secs(rng.u64(1..90))),
    }
}
