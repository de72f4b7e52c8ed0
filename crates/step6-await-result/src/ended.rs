//! What step 6 answers its last invocation of a run with.

use common::event::{Phase, Run};
use common::time::Timestamp;
use serde::Serialize;

/// The run is over, and holds nothing. Only step 6 can say so.
#[derive(Debug, Serialize)]
pub struct Ended(pub(crate) Option<RunRecord>);

/// What is kept of a run, in the order in which people read it.
#[derive(Debug, Serialize)]
pub struct RunRecord {
    pub run: String,
    pub verdict: &'static str,
    pub reason: Option<String>,
    pub environment: String,
    pub database: String,
    pub snapshot: Option<String>,
    pub snapshot_started_at: Option<Timestamp>,
    /// When the run began: how much of the work since would be lost.
    pub snapshot_age_seconds: Option<f64>,
    /// When the test ended, as the snapshot's tag has it.
    pub checked_at: Option<Timestamp>,
    /// The snapshot bears this run's verdict: it was asked for this record.
    pub seen_on_snapshot: bool,
    pub coverage: Option<f64>,
    pub manifest: Option<bool>,
    pub checks: Option<u64>,
    pub tables: Option<u64>,
    pub rows: Option<u64>,
    pub seconds: Seconds,
    pub started_by: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub test_command: Option<String>,
    pub test_document: String,
    /// The script that the test document ran, as it says itself.
    pub script: Option<String>,
    /// What the functions were packaged from.
    pub commit: Option<String>,
}

/// How long each phase took, as far as it came.
#[derive(Debug, Serialize)]
pub struct Seconds {
    pub snapshot: Option<f64>,
    pub volume: Option<f64>,
    pub attach: Option<f64>,
    pub mount: Option<f64>,
    pub test: Option<f64>,
    pub release: Option<f64>,
}

pub(crate) fn seconds(run: &Run, ended_at: Timestamp) -> Seconds {
    let durations = run.durations();
    let of = |phase| {
        let found = durations.iter().find(|(of, _)| *of == phase);
        found.map(|(_, seconds)| *seconds)
    };
    let tested = run.ready_at.get(&Phase::Test);
    Seconds {
        snapshot: of(Phase::Snapshot),
        volume: of(Phase::Volume),
        attach: of(Phase::Attach),
        mount: of(Phase::Mount),
        test: of(Phase::Test),
        release: tested.map(|&tested| ended_at.seconds_since(tested)),
    }
}
