//! What is chosen before a run: its faults, and the constants that all runs share.

use std::time::Duration;

use aws_stand_in::simulated_host::{Backup, Durations};

use serde_json::json;

use super::fault::DAY;
use super::{DeliveryFault, Mutant, OperatorAction, PlannedFault};
use crate::environment::Environment;

/// No night takes longer, whatever goes wrong.
pub(super) const BOUND: Duration = Duration::from_hours(20);

/// The integrity test of a simulated night: it runs when Lambda repeats a failed event.
const TEST: Duration = Duration::from_secs(70);
/// How long the scripts of a simulated night take.
pub(super) const DURATIONS: Durations = Durations {
    mount: Duration::from_secs(6),
    test: TEST,
    release: Duration::from_secs(6),
};
/// The snapshot of the night after.
pub(super) const NEXT_SNAPSHOT: &str = "snap-rehearsal0002";

/// The test volume of another environment of the account.
pub(super) const OTHERS_VOLUME: &str = "vol-rehearsalothers";

/// A night to be played.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What last night's backup holds.
    pub backup: Backup,
    /// The copy is damaged on purpose, and the test has to find that.
    pub canary: bool,
    /// What goes wrong.
    pub faults: Vec<PlannedFault>,
    /// Where everything comes from that is left to chance, such as the SDK's pauses.
    pub seed: u64,
    /// The guard that is taken away, where the night is a mutant.
    pub without: Option<Mutant>,
}

impl Plan {
    /// No night with these faults takes longer.
    pub(super) fn bound(&self) -> Duration {
        let longest = self.faults.iter().map(|fault| match fault {
            PlannedFault::Delivery(_, DeliveryFault::AgainNextDay) => DAY,
            // No run has as many events.
            PlannedFault::Queue(wait) => *wait * 150,
            _ => Duration::ZERO,
        });
        BOUND + longest.max().unwrap_or_default()
    }

    /// What its runs are told: of a canary, of the backup's maker where there are several, of the
    /// volume where production is gone.
    pub(super) fn start(&self, mut night: Environment) -> Environment {
        let acts = |act| {
            let mut faults = self.faults.iter();
            faults.any(|one| matches!(one, PlannedFault::OperatorAction(_, of) if *of == act))
        };
        if self.canary {
            night = night.starting_with("canary", json!(true));
        }
        if acts(OperatorAction::Scan) {
            night = night.starting_with("snapshot_filters", json!("description=nightly*"));
        }
        if acts(OperatorAction::ReplaceProduction) {
            let former = night.stack.fixture.production_volume_id.clone();
            night = night.starting_with("source_volume_id", json!(former));
        }
        night
    }
}
