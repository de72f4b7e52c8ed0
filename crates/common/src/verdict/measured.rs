//! What a test measured and counted, as its last line has it.

use serde::{Deserialize, Serialize};

/// What a test measured: read from the last line of its output, handed on in the payload, sent to
/// Datadog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Percent of the data that was read, where the test says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// Seconds that production was paused for the backup, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_seconds: Option<f64>,
    /// Whether the test had a manifest of the same night, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<bool>,
}

/// What the last line of a script counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Checks made.
    pub checks: u64,
    /// Tables read.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
}
