//! Nights drawn from a seed: pairs of the single faults, and mixtures of up to four faults at any
//! call, delivery or moment.

use std::sync::OnceLock;
use std::time::Duration;

use fastrand::Rng;

use super::exhaustive::{single_faults, undisturbed};
use super::fault::When;
use super::plan::TEST;
use super::{Answers, CallFault, DeliveryFault, OperatorAction, Plan, PlannedFault, Service};
use aws_stand_in::lambda::Death;
use aws_stand_in::simulated_host::Backup;

/// More calls and events than an undisturbed night has, because faults make it longer.
const CALLS: u64 = 120;
const EVENTS: u64 = 40;
const MINUTES: u64 = 40;

/// Most tests take [`TEST`]; a few take long, up to nearly the limit.
const TESTS: [Duration; 16] = {
    let mut tests = [TEST; 16];
    tests[0] = Duration::from_mins(20);
    tests[1] = Duration::from_mins(170);
    tests
};

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

/// The night of a seed: the same seed gives the same night. The first night with each backup needs
/// a paused clock.
pub async fn plan(seed: u64) -> Plan {
    let mut rng = Rng::with_seed(seed);
    let backup = rng.usize(..BACKUPS.len());
    let test = TESTS[rng.usize(..TESTS.len())];
    let faults = if rng.bool() {
        let single = if let Some(single) = SINGLE[backup].get() {
            single
        } else {
            let found = single_faults(&undisturbed(BACKUPS[backup])).await;
            SINGLE[backup].get_or_init(|| found)
        };
        (0..2).map(|_| single[rng.usize(..single.len())]).collect()
    } else {
        (0..rng.u32(1..=4)).map(|_| fault(&mut rng, test)).collect()
    };
    let canary = rng.u32(..8) == 0;
    let next = (0..rng.u32(..4) / 3)
        .map(|_| fault(&mut rng, TEST))
        .collect();
    Plan {
        canary,
        faults,
        test,
        next,
        seed,
        ..undisturbed(BACKUPS[backup])
    }
}

fn fault(rng: &mut Rng, test: Duration) -> PlannedFault {
    // While the test runs, step 6 polls once a minute, with two calls.
    let looks = test.as_secs() / 60;
    let (calls, events, minutes) = (CALLS + 2 * looks, EVENTS + looks, MINUTES + looks);
    let moment = Duration::from_millis(rng.u64(..minutes * 60_000));
    match rng.u32(..14) {
        0..=4 => PlannedFault::Call(rng.u64(1..calls), one_of(rng, &CallFault::ALL)),
        5 | 6 => {
            let when = one_of(rng, &[When::Before, When::After]);
            let death = one_of(rng, &[Death::Exit, Death::TimeOut]);
            PlannedFault::Death(rng.u64(1..calls), when, death)
        }
        7 | 8 => PlannedFault::Delivery(rng.u64(..events), one_of(rng, &DeliveryFault::ALL)),
        9 => PlannedFault::OperatorAction(moment, one_of(rng, &OperatorAction::ALL)),
        10 => {
            let service = one_of(rng, &Service::ALL);
            PlannedFault::Outage(service, moment, Duration::from_secs(rng.u64(10..3600)))
        }
        11 => {
            let (service, how) = (one_of(rng, &Service::ALL), one_of(rng, &Answers::ALL));
            let lasts = Duration::from_secs(rng.u64(10..3600));
            PlannedFault::Answers(service, how, moment, lasts)
        }
        12 => PlannedFault::Queue(Duration::from_secs(rng.u64(1..600))),
        _ => PlannedFault::Lag(Duration::from_secs(rng.u64(1..90))),
    }
}

fn one_of<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())]
}
