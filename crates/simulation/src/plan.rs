//! What is chosen before a run: its faults, and the constants that all runs share.

use std::time::Duration;

use aws_stand_in::simulated_host::{Backup, Durations};

use super::{Mutant, PlannedFault};

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
    /// What goes wrong.
    pub faults: Vec<PlannedFault>,
    /// Where everything comes from that is left to chance, such as the SDK's pauses.
    pub seed: u64,
    /// The guard that is taken away, where the night is a mutant.
    pub without: Option<Mutant>,
}
