//! Snapshots of the production volume.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Snapshot as Described, SnapshotState as State, StorageTier};

use super::{Key, PAGE, SnapshotFilters, filter, tag, tag_map, tags};
use crate::aws::error::{code, refused};
use crate::error::{Error, Kind, Result};
use crate::text::{LONGEST_TAG, one_line};
use crate::time::Timestamp;
use crate::verdict::{Measured, RecordedVerdict, Verdict};

/// The volume id that EC2 shows for a copied snapshot, whose real volume is unknown.
pub const COPIED: &str = "vol-ffffffff";

/// A snapshot that this account owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: String,
    /// The volume that it was taken from.
    pub volume_id: String,
    /// When it was started: the point in time of its data.
    pub started_at: Timestamp,
    /// Its description.
    pub description: String,
    /// Whether a volume can be created from it.
    pub state: SnapshotState,
    /// What it is encrypted under.
    pub key: Key,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// EC2's snapshot states and storage tiers, grouped by whether a volume can be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotState {
    /// Complete, and not archived.
    Ready,
    /// Still being copied; how far.
    Pending(String),
    /// Failed, archived or in the recycle bin; which.
    Dead(String),
}

impl Snapshot {
    /// Whether a run has found it good.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.tags
            .get(tags::VALID)
            .is_some_and(|valid| valid == Verdict::TRUE)
    }

    /// When the given run wrote its verdict on this snapshot, if it did.
    #[must_use]
    pub fn checked_by(&self, run_id: &str) -> Option<Timestamp> {
        if self.tags.get(tags::CHECK_RUN)? != run_id {
            return None;
        }
        Timestamp::parse(self.tags.get(tags::CHECKED_AT)?)
    }

    /// Another run's verdict on this snapshot, unless it is older than `at`: the run, and the time.
    /// A time that is unreadable or in the future does not count as newer.
    #[must_use]
    pub fn newer_verdict(
        &self,
        run_id: &str,
        at: Timestamp,
        now: Timestamp,
    ) -> Option<(&str, Timestamp)> {
        self.tags.get(tags::VALID)?;
        let other = self.tags.get(tags::CHECK_RUN).map_or("", String::as_str);
        let checked_at = Timestamp::parse(self.tags.get(tags::CHECKED_AT)?)?;
        let newer = other != run_id && (at..=now).contains(&checked_at);
        newer.then_some((other, checked_at))
    }
}

/// This account's snapshots of a volume that match the filters, newest first.
///
/// # Errors
/// Where EC2 refuses to list them.
pub async fn snapshots_of(
    client: &Client,
    volume_id: &str,
    matching: &SnapshotFilters,
) -> Result<Vec<Snapshot>> {
    let mut pages = client
        .describe_snapshots()
        .owner_ids("self")
        .set_filters(Some(with(filter("volume-id", volume_id), matching)))
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send();
    let mut snapshots = Vec::new();
    while let Some(found) = pages.next().await {
        let tried = format!("list the snapshots of {volume_id}");
        let found = read(&found.map_err(|error| refused(&tried, error))?);
        snapshots.extend(found.filter(|snapshot| snapshot.volume_id == volume_id));
    }
    snapshots.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
    Ok(snapshots)
}

/// The verdict that the given run wrote, on whichever snapshot, if it did.
///
/// # Errors
/// Where EC2 refuses to list them.
pub async fn verdict_of(client: &Client, run_id: &str) -> Result<Option<RecordedVerdict>> {
    let mut pages = client
        .describe_snapshots()
        .owner_ids("self")
        .filters(filter(&format!("tag:{}", tags::CHECK_RUN), run_id))
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send();
    while let Some(found) = pages.next().await {
        let tried = format!("look for the verdict of run {run_id}");
        let snapshot = read(&found.map_err(|error| refused(&tried, error))?);
        let checked_at = snapshot.as_ref().and_then(|one| one.checked_by(run_id));
        if let (Some(snapshot), Some(checked_at)) = (snapshot, checked_at) {
            let valid = snapshot.tags.get(tags::VALID);
            return Ok(valid.map(|valid| RecordedVerdict {
                valid: valid == Verdict::TRUE,
                checked_at,
                measured: Measured::default(),
            }));
        }
    }
    Ok(None)
}

/// EC2's codes for the id of another account's snapshot, or no id at all.
const UNKNOWN: &[&str] = &["InvalidSnapshot", "InvalidParameterValue"];

fn with(first: Filter, matching: &SnapshotFilters) -> Vec<Filter> {
    let mut filters = vec![first];
    filters.extend(matching.to_ec2());
    filters
}

/// One snapshot of this account, of any volume, if it matches the filters.
///
/// # Errors
/// Where EC2 refuses to list it.
pub async fn snapshot_matching(
    client: &Client,
    id: &str,
    matching: &SnapshotFilters,
) -> Result<Option<Snapshot>> {
    let asked = client
        .describe_snapshots()
        .owner_ids("self")
        .set_filters(Some(with(filter("snapshot-id", id), matching)))
        .send()
        .await;
    let answer = asked.map_err(|error| refused(&format!("ask for snapshot {id}"), error))?;
    let mut found = answer.snapshots().iter().filter_map(read);
    Ok(found.find(|snapshot| snapshot.id == id))
}

/// One snapshot of this account.
///
/// # Errors
/// Where there is none of this id, or it is somebody else's.
pub async fn snapshot(client: &Client, id: &str) -> Result<Snapshot> {
    let unknown = || {
        Error::new(
            Kind::NotFound,
            format!(
                "snapshot {id} does not exist, or is not of this account; check its id and region"
            ),
        )
    };
    let asked = client
        .describe_snapshots()
        .owner_ids("self")
        .snapshot_ids(id)
        .send()
        .await;
    let answer = match asked {
        Ok(answer) => answer,
        Err(error)
            if code(&error)
                .is_some_and(|code| UNKNOWN.iter().any(|unknown| code.starts_with(unknown))) =>
        {
            return Err(unknown());
        }
        Err(error) => return Err(refused(&format!("ask for snapshot {id}"), error)),
    };
    answer
        .snapshots()
        .iter()
        .filter_map(read)
        .find(|snapshot| snapshot.id == id)
        .ok_or_else(unknown)
}

/// The result of writing a verdict.
#[derive(Debug)]
pub enum Tagged {
    /// The tags are on the snapshot.
    Written,
    /// The snapshot has as many tags as EC2 allows, and none of the check's among them.
    NoRoom(Error),
}

/// Writes the verdict on a snapshot, in one call: all of its tags or none.
///
/// # Errors
/// Where EC2 refuses.
pub async fn tag_snapshot(
    client: &Client,
    id: &str,
    run_id: &str,
    verdict: &Verdict,
    checked_at: Timestamp,
) -> Result<Tagged> {
    let asked = client
        .create_tags()
        .resources(id)
        .tags(tag(tags::VALID, verdict.tag()))
        .tags(tag(tags::CHECKED_AT, &checked_at.to_string()))
        .tags(tag(tags::CHECK_RUN, run_id))
        .tags(tag(
            tags::CHECK_DETAIL,
            &one_line(&verdict.detail, LONGEST_TAG),
        ))
        .send()
        .await;
    let Err(error) = asked else {
        return Ok(Tagged::Written);
    };
    let no_room = code(&error) == Some("TagLimitExceeded");
    let error = refused(&format!("write the verdict on snapshot {id}"), error);
    if no_room {
        return Ok(Tagged::NoRoom(error));
    }
    Err(error)
}

fn read(described: &Described) -> Option<Snapshot> {
    let archived = described.storage_tier() == Some(&StorageTier::Archive);
    let state = match described.state() {
        Some(State::Completed) if archived => {
            SnapshotState::Dead("archived: restore it from the archive first".to_owned())
        }
        Some(State::Completed) => SnapshotState::Ready,
        Some(State::Pending) => {
            SnapshotState::Pending(described.progress().unwrap_or("begun").to_owned())
        }
        Some(State::Recoverable | State::Recovering) => {
            SnapshotState::Dead("in the recycle bin".to_owned())
        }
        state => SnapshotState::Dead(format!(
            "failed ({}) {}",
            state.map_or("no state", State::as_str),
            described.state_message().unwrap_or_default()
        )),
    };
    Some(Snapshot {
        id: described.snapshot_id()?.to_owned(),
        volume_id: described.volume_id().unwrap_or_default().to_owned(),
        description: described.description().unwrap_or_default().to_owned(),
        started_at: (*described.start_time()?).into(),
        state,
        key: Key::read(described.encrypted(), described.kms_key_id()),
        tags: tag_map(described.tags()),
    })
}
