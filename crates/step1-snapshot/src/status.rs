//! The state of the backups: step 1's response to `{"status": true}`. It only reads. What AWS
//! refuses to show is listed in the response and is no error, since an error would invoke step 6.

use std::time::Duration;

use common::ec2::{self, Snapshot, SnapshotState, Volume, VolumeState, tags};
use common::event::{Run, Start};
use common::reply::Reply;
use common::time::Timestamp;
use common::{Error, Result};
use serde::Serialize;
use tracing::info;

use crate::ChooseSnapshot;
use crate::schedule::Next;

/// How many of the newest snapshots are shown.
const SHOWN: usize = 14;

/// The answer.
#[derive(Serialize)]
struct Status<'a> {
    environment: &'a str,
    at: Timestamp,
    #[serde(flatten)]
    backups: Option<Backups>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_now: Option<Vec<HeldVolume>>,
    next_start: Next,
    /// What AWS refused to show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_known: Vec<String>,
}

#[derive(Serialize)]
struct Backups {
    database: String,
    /// The newest snapshot that was found good.
    newest_known_good: Option<Shown>,
    snapshots: String,
    last_snapshots: Vec<Shown>,
}

/// A snapshot, and what is known of it.
#[derive(Serialize)]
struct Shown {
    snapshot_id: String,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    age: String,
    started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
}

/// A test volume.
#[derive(Serialize)]
struct HeldVolume {
    run_id: String,
    volume_id: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached_to: Option<String>,
    held_for: String,
    since: Option<Timestamp>,
    environment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

impl ChooseSnapshot {
    /// The response, which is also logged on one line.
    pub(crate) async fn status(&self, run: &Run, start: &Start) -> Reply {
        let now = self.clock.now();
        let mut not_known = Vec::new();
        let mut unknown = |what: &str, error: Error| {
            not_known.push(format!("{what}: {:?}: {}", error.kind(), error.chain()));
        };
        let backups = self.backups(run, start, now).await;
        let backups = backups.map_err(|error| unknown("the snapshots", error));
        let held_now = self.held_now(run, now).await;
        let held_now = held_now.map_err(|error| unknown("what runs hold", error));
        let status = Status {
            environment: &self.environment,
            at: now,
            backups: backups.ok(),
            held_now: held_now.ok(),
            next_start: self.schedule.next(now),
            not_known,
        };
        info!("status: {}", serde_json::json!(status));
        Reply::of(&status)
    }

    async fn backups(&self, run: &Run, start: &Start, now: Timestamp) -> Result<Backups> {
        let filters = self.filters(start)?;
        let source = self.source(run, start, &filters).await?;
        let snapshots = ec2::snapshots_of(&self.ec2, &source.volume_id, &filters).await?;
        let good = |one: &&Snapshot| one.is_valid() && one.state == SnapshotState::Ready;
        let last_snapshots: Vec<_> = snapshots
            .iter()
            .take(SHOWN)
            .map(|one| shown(one, now))
            .collect();
        Ok(Backups {
            database: source.name,
            newest_known_good: snapshots.iter().find(good).map(|one| shown(one, now)),
            snapshots: format!("the newest {} of {}", last_snapshots.len(), snapshots.len()),
            last_snapshots,
        })
    }

    /// The test volumes of this environment, and those of others on the same test instance.
    async fn held_now(&self, run: &Run, now: Timestamp) -> Result<Vec<HeldVolume>> {
        let mut volumes = ec2::volumes_of_environment(&self.ec2, &self.environment).await?;
        for other in ec2::test_volumes(&self.ec2, self.names(run).test_instance).await? {
            if volumes.iter().all(|volume| volume.id != other.id) {
                volumes.push(other);
            }
        }
        Ok(volumes
            .iter()
            .map(|volume| self.held(volume, now))
            .collect())
    }

    fn held(&self, volume: &Volume, now: Timestamp) -> HeldVolume {
        let tag = |key: &str| volume.tags.get(key).cloned().unwrap_or_default();
        let deleted = volume.state == VolumeState::Deleted;
        let left = !deleted && self.is_dead(volume);
        HeldVolume {
            run_id: tag(tags::RUN),
            volume_id: volume.id.clone(),
            state: match volume.state {
                VolumeState::Creating => "creating",
                VolumeState::Available => "available",
                VolumeState::InUse => "in-use",
                VolumeState::Failed => "error",
                VolumeState::Deleted => "deleting",
            },
            attached_to: volume
                .attachment
                .as_ref()
                .map(|at| format!("{} {} ({})", at.instance_id, at.device, at.state.as_str())),
            held_for: volume
                .created_at
                .map_or_else(String::new, |made| age(now.since(made))),
            since: volume.created_at,
            environment: tag(tags::ENVIRONMENT),
            note: left.then_some("older than any run at work: the next start has it given back"),
        }
    }
}

fn shown(snapshot: &Snapshot, now: Timestamp) -> Shown {
    let tag = |key: &str| snapshot.tags.get(key).cloned();
    Shown {
        snapshot_id: snapshot.id.clone(),
        verdict: match tag(tags::VALID).as_deref() {
            Some("True") => "valid",
            Some("False") => "invalid",
            Some(_) => "cannot be read",
            None => "none",
        },
        reason: tag(tags::CHECK_DETAIL),
        age: age(now.since(snapshot.started_at)),
        started_at: snapshot.started_at,
        state: match &snapshot.state {
            SnapshotState::Ready => None,
            SnapshotState::Pending(progress) => Some(format!("pending ({progress})")),
            SnapshotState::Dead(why) => Some(why.clone()),
        },
        checked_at: tag(tags::CHECKED_AT),
        run_id: tag(tags::CHECK_RUN),
    }
}

/// A duration in its two largest units.
fn age(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let (hours, days) = (minutes / 60, minutes / (24 * 60));
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}
