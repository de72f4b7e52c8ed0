//! Which snapshot speaks for last night.

use std::time::Duration;

use common::ec2::{Instance, Snapshot, SnapshotState};
use common::{Error, Kind, Result};
use tracing::warn;

/// The newest snapshot that is, or will be, complete. `ours` comes with the newest first.
pub(crate) fn newest(ours: &[Snapshot], device: &str, production: &Instance) -> Result<Snapshot> {
    let mut dead = Vec::new();
    for snapshot in ours {
        let SnapshotState::Dead(why) = &snapshot.state else {
            return Ok(snapshot.clone());
        };
        warn!(
            "passing over snapshot {} of {}: {why}",
            snapshot.id, snapshot.started_at
        );
        dead.push(format!("{} is {why}", snapshot.id));
    }
    let found = match dead.len() {
        0 => "there is none".to_owned(),
        _ => dead.join("; "),
    };
    Err(Error::new(
        Kind::NotFound,
        format!(
            "no snapshot of {device} of {} ({}) can be tested: {found}; is the backup job running?",
            production.name, production.id
        ),
    ))
}

/// Whether a snapshot of this age still speaks for last night.
pub(crate) fn young_enough(snapshot: &Snapshot, age: Duration, max_age: Duration) -> Result<()> {
    if age <= max_age {
        return Ok(());
    }
    let hours = |time: Duration| time.as_secs_f64() / 3600.0;
    Err(Error::new(
        Kind::SnapshotTooOld,
        format!(
            "the newest snapshot {} is of {}: {:.1} hours old, and {:.0} are allowed; is the \
             backup job running?",
            snapshot.id,
            snapshot.started_at,
            hours(age),
            hours(max_age)
        ),
    ))
}
