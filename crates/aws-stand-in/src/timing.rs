//! How long AWS takes.

use std::time::Duration;

/// How long AWS takes.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Reads show what a call wrote only after this long. None by default.
    pub read_lag: Duration,
    /// `creating` until `available`.
    pub creating: Duration,
    /// `attaching` until `attached`.
    pub attaching: Duration,
    /// `detaching` until the attachment is gone, or `busy`.
    pub detaching: Duration,
    /// `deleting` until the volume is gone.
    pub deleting: Duration,
    /// From `SendCommand` until a reachable agent starts the script.
    pub delivery: Duration,
}

impl Timing {
    /// No time at all.
    pub const NONE: Self = Self {
        read_lag: Duration::ZERO,
        creating: Duration::ZERO,
        attaching: Duration::ZERO,
        detaching: Duration::ZERO,
        deleting: Duration::ZERO,
        delivery: Duration::ZERO,
    };
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            creating: Duration::from_secs(4),
            attaching: Duration::from_secs(3),
            detaching: Duration::from_secs(3),
            deleting: Duration::from_secs(2),
            delivery: Duration::from_secs(1),
            ..Self::NONE
        }
    }
}
