//! The plan of a night, which is chosen before it starts, and the constants that all nights share.

use std::time::Duration;

use aws_stand_in::simulated_host::{Backup, Durations};

use serde_json::{Value, json};

use super::fault::DAY;
use super::{DeliveryFault, Mutant, OperatorAction, PlannedFault};
use crate::environment::Environment;

/// Every night ends within this time, whatever goes wrong.
pub(super) const BOUND: Duration = Duration::from_hours(20);

/// How long a simulated integrity test takes: it still runs when Lambda retries a failed event.
pub(super) const TEST: Duration = Duration::from_secs(70);
/// How long the scripts of a simulated night take.
pub(super) const DURATIONS: Durations = Durations {
    mount: Duration::from_secs(6),
    test: TEST,
    release: Duration::from_secs(6),
};
/// The snapshots of the following nights.
pub(super) const NEXT_SNAPSHOTS: [&str; 2] = ["snap-rehearsal0002", "snap-rehearsal0003"];

/// A night to play.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The state of last night's backup.
    pub backup: Backup,
    /// The copy is damaged on purpose, and the test has to find that.
    pub canary: bool,
    /// The faults of the night.
    pub faults: Vec<PlannedFault>,
    /// How long its integrity test takes.
    pub test: Duration,
    /// The faults of the next bad night, before the clean one. If empty, there is no such night.
    pub next: Vec<PlannedFault>,
    /// The seed of all random choices, such as the SDK's back-off.
    pub seed: u64,
    /// The guard that is removed, if the night is a mutant.
    pub without: Option<Mutant>,
}

impl Plan {
    /// Sets the fields of the start event.
    pub(super) fn start(&self, mut night: Environment) -> Environment {
        if self.canary {
            night = night.starting_with("canary", json!(true));
        }
        for (field, value) in start_fields(&self.faults, &night) {
            night = night.starting_with(field, value);
        }
        night
    }
}

/// Every night with these faults ends within this time.
pub(super) fn bound(faults: &[PlannedFault]) -> Duration {
    let later = faults.iter().map(|fault| match fault {
        PlannedFault::Delivery(_, DeliveryFault::AgainNextDay) => DAY,
        // More events than any run has.
        PlannedFault::Queue(wait) => *wait * 400,
        _ => Duration::ZERO,
    });
    // The delays may follow one another, so they add up.
    BOUND + later.sum::<Duration>()
}

/// The start event's fields for a night with these faults: a filter if several jobs make snapshots,
/// the volume if production is gone.
pub(super) fn start_fields(
    faults: &[PlannedFault],
    night: &Environment,
) -> Vec<(&'static str, Value)> {
    let acts = |act| {
        let mut faults = faults.iter();
        faults.any(|one| matches!(one, PlannedFault::OperatorAction(_, of) if *of == act))
    };
    let mut fields = Vec::new();
    if acts(OperatorAction::Scan) {
        fields.push(("snapshot_filters", json!("description=nightly*")));
    }
    if acts(OperatorAction::ReplaceProduction) {
        let former = &night.stack.fixture.production_volume_id;
        fields.push(("source_volume_id", json!(former)));
    }
    fields
}
