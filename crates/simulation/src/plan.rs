//! What is chosen before a run: its faults, and the constants that all runs share.

use std::time::Duration;

use aws_stand_in::simulated_host::{Backup, Durations};

use serde_json::{Value, json};

use super::fault::DAY;
use super::{DeliveryFault, Mutant, OperatorAction, PlannedFault};
use crate::environment::Environment;

/// No night takes longer, whatever goes wrong.
pub(super) const BOUND: Duration = Duration::from_hours(20);

/// The integrity test of a simulated night: it runs when Lambda repeats a failed event.
pub(super) const TEST: Duration = Duration::from_secs(70);
/// How long the scripts of a simulated night take.
pub(super) const DURATIONS: Durations = Durations {
    mount: Duration::from_secs(6),
    test: TEST,
    release: Duration::from_secs(6),
};
/// The snapshots of the nights after.
pub(super) const NEXT_SNAPSHOTS: [&str; 2] = ["snap-rehearsal0002", "snap-rehearsal0003"];

/// A night to be played.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What last night's backup holds.
    pub backup: Backup,
    /// The copy is damaged on purpose, and the test has to find that.
    pub canary: bool,
    /// What goes wrong.
    pub faults: Vec<PlannedFault>,
    /// How long its integrity test takes.
    pub test: Duration,
    /// What goes wrong in the night after it, before the clean one; without any there is none.
    pub next: Vec<PlannedFault>,
    /// Where everything comes from that is left to chance, such as the SDK's pauses.
    pub seed: u64,
    /// The guard that is taken away, where the night is a mutant.
    pub without: Option<Mutant>,
}

impl Plan {
    /// What its runs are told.
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

/// No night with these faults takes longer.
pub(super) fn bound(faults: &[PlannedFault]) -> Duration {
    let later = faults.iter().map(|fault| match fault {
        PlannedFault::Delivery(_, DeliveryFault::AgainNextDay) => DAY,
        // No run has as many events.
        PlannedFault::Queue(wait) => *wait * 400,
        _ => Duration::ZERO,
    });
    // What one brings a day later may be what the next waits for.
    BOUND + later.sum::<Duration>()
}

/// What the runs of a night with these faults are told: the backup's maker where there are several,
/// the volume where production is gone.
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
