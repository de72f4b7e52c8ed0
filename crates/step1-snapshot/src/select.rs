//! Which snapshot is tested.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use common::ec2::{Snapshot, SnapshotFilters, SnapshotState, tags};
use common::event::{Pick, Run, Start};
use common::{Error, Kind, Result};
use tracing::warn;

use crate::source::Source;

/// The newest snapshot that is, or will be, complete. `owned` comes with the newest first.
pub(crate) fn newest(
    owned: &[Snapshot],
    source: &Source,
    filters: &SnapshotFilters,
) -> Result<Snapshot> {
    let mut dead = Vec::new();
    for snapshot in owned {
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
    let matching = if filters.is_empty() {
        String::new()
    } else {
        format!(" that matches SnapshotFilters `{filters}`")
    };
    let by_id = if source.by_id {
        " Is SourceVolumeId the volume that is backed up?"
    } else {
        ""
    };
    Err(Error::new(
        Kind::NotFound,
        format!(
            "no snapshot of {}{matching} can be tested: {found}; is the backup job running?{by_id}",
            source.name
        ),
    ))
}

/// Whether a snapshot of this age can still be last night's backup.
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

/// The snapshots from which a volume can be created, now or once complete.
pub(crate) fn not_dead(owned: &[Snapshot]) -> impl Iterator<Item = &Snapshot> {
    let mut all = owned.iter();
    std::iter::from_fn(move || {
        all.find(|snapshot| !matches!(snapshot.state, SnapshotState::Dead(_)))
    })
}

/// Whether there was a newer backup when the run started.
pub(crate) fn is_older(run: &Run, chosen: &Snapshot, owned: &[Snapshot]) -> bool {
    let known = owned.iter().any(|snapshot| snapshot.id == chosen.id);
    let newer = |snapshot: &&Snapshot| {
        (chosen.started_at < snapshot.started_at) && snapshot.started_at <= run.started_at
    };
    !known || not_dead(owned).any(|snapshot| newer(&snapshot))
}

/// The backup that `pick` chooses; every delivery of a run chooses the same one.
pub(crate) fn picked(run: &Run, pick: Pick, start: &Start, owned: &[Snapshot]) -> Option<Snapshot> {
    const DAY: u64 = 24 * 3600;
    let age = |snapshot: &Snapshot| run.started_at.since(snapshot.started_at).as_secs();
    let within = |snapshot: &&Snapshot| {
        let old = start.older_than_days;
        let young = start.younger_than_days;
        old.is_none_or(|days| age(snapshot) > u64::from(days) * DAY)
            && young.is_none_or(|days| age(snapshot) < u64::from(days) * DAY)
    };
    let mut candidates = not_dead(owned).filter(within);
    if pick != Pick::Random {
        return candidates
            .find(|snapshot| !snapshot.tags.contains_key(tags::VALID))
            .cloned();
    }
    let ready = candidates.filter(|snapshot| snapshot.state == SnapshotState::Ready);
    // Ordered by what does not change between deliveries of a run.
    let draw = |snapshot: &&Snapshot| {
        let mut hash = std::hash::DefaultHasher::new();
        (&run.run_id, &snapshot.id).hash(&mut hash);
        hash.finish()
    };
    ready.min_by_key(draw).cloned()
}

pub(crate) fn none_to_pick(pick: Pick, start: &Start) -> String {
    let days = |name, days: Option<u32>| {
        days.map_or_else(String::new, |days| format!(" with {name} {days}"))
    };
    let which = match pick {
        Pick::Untested => "without a verdict",
        _ => "that can be tested",
    };
    format!(
        "there is no backup {which}{}{}",
        days("older_than_days", start.older_than_days),
        days("younger_than_days", start.younger_than_days)
    )
}

/// How far back snapshots are compared to find out who creates them.
const MAKERS: Duration = Duration::from_hours(7 * 24);

/// Without filters the newest snapshot counts, whoever created it: if several jobs create snapshots
/// of the volume, the others hide that the backup job is dead.
pub(crate) fn warn_of_several_makers(owned: &[Snapshot]) {
    let Some(newest) = owned.first() else {
        return;
    };
    let recent = owned
        .iter()
        .filter(|snapshot| newest.started_at.since(snapshot.started_at) < MAKERS);
    let makers: BTreeSet<String> = recent.map(maker).collect();
    if makers.len() > 1 {
        let makers: Vec<String> = makers.into_iter().collect();
        warn!(
            "several make snapshots of {}, and the newest counts whoever made it: {}; say which \
             are the backup by the stack's parameter SnapshotFilters",
            newest.volume_id,
            makers.join("; ")
        );
    }
}

/// Identifies the job that created a snapshot by what is the same each night: the description
/// without numbers and ids, and the keys of the tags.
fn maker(snapshot: &Snapshot) -> String {
    let words = snapshot.description.split_whitespace();
    let words: Vec<&str> = words
        .map(|word| {
            if word.contains(|c: char| c.is_ascii_digit()) {
                "*"
            } else {
                word
            }
        })
        .collect();
    let keys = snapshot.tags.keys();
    let keys: Vec<&str> = keys
        .map(String::as_str)
        .filter(|key| !key.starts_with("DBBackup"))
        .collect();
    format!(
        "description `{}`, tags [{}]",
        words.join(" "),
        keys.join(", ")
    )
}
