//! Snapshots.

use std::time::{Duration, SystemTime};

use super::filter::Filterable;
use super::tags::Tags;
use crate::ACCOUNT_ID;

/// The key of a snapshot whose key refuses, where none is named.
const KEY_THAT_REFUSES: &str =
    "arn:aws:kms:us-east-1:000000000000:key/7d2f1c7e-0d4b-4f0a-9b35-3c8a1e6b5f42";

/// State of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotState {
    /// Being copied.
    Pending,
    /// Whole.
    Completed,
    /// It failed.
    Error,
    /// In the recycle bin.
    Recoverable,
    /// On its way out of the recycle bin.
    Recovering,
}

impl SnapshotState {
    /// AWS's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Recoverable => "recoverable",
            Self::Recovering => "recovering",
        }
    }
}

/// A snapshot. Fill in what differs: `Snapshot { archived: true, ..Snapshot::completed(…) }`.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// `snap-rehearsal…`
    pub id: String,
    /// The volume that it was taken from.
    pub volume_id: String,
    /// The account that owns it; ours by default.
    pub owner_id: String,
    /// When it was started: its age counts from here.
    pub started_at: SystemTime,
    /// `pending` until then.
    pub completes_at: SystemTime,
    /// What it is after that.
    pub ends_as: SnapshotState,
    /// Size of the volume.
    pub size_gib: u32,
    /// In the archive tier: no volume can be made from it.
    pub archived: bool,
    /// Encrypted with this key, if any; who makes a volume of it needs rights on the key.
    pub kms_key_arn: Option<String>,
    /// The key refuses, whatever the caller's policy says: the volume vanishes.
    pub kms_denied: bool,
    /// What it says about itself.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
}

impl Snapshot {
    /// Ours, complete ten minutes after it was started, plain.
    #[must_use]
    pub fn completed(id: &str, volume_id: &str, started_at: SystemTime) -> Self {
        Self {
            id: id.to_owned(),
            volume_id: volume_id.to_owned(),
            owner_id: ACCOUNT_ID.to_owned(),
            started_at,
            completes_at: started_at + Duration::from_mins(10),
            ends_as: SnapshotState::Completed,
            size_gib: 100,
            archived: false,
            kms_key_arn: None,
            kms_denied: false,
            description: "nightly".to_owned(),
            tags: Tags::new(),
        }
    }

    /// What it is at that time.
    #[must_use]
    pub fn state(&self, now: SystemTime) -> SnapshotState {
        if now < self.completes_at {
            return SnapshotState::Pending;
        }
        self.ends_as
    }

    /// The key that it is encrypted under, if any.
    #[must_use]
    pub fn key_arn(&self) -> Option<String> {
        let refuses = self.kms_denied.then(|| KEY_THAT_REFUSES.to_owned());
        self.kms_key_arn.clone().or(refuses)
    }

    /// Whether it is encrypted.
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.key_arn().is_some()
    }

    pub(super) fn tier(&self) -> &'static str {
        if self.archived { "archive" } else { "standard" }
    }
}

/// A snapshot as a read shows it.
#[derive(Clone, Debug)]
pub(super) struct SnapshotView<'a> {
    pub snapshot: &'a Snapshot,
    pub state: SnapshotState,
}

impl Filterable for SnapshotView<'_> {
    fn values(&self, filter: &str) -> Option<Vec<String>> {
        Some(vec![match filter {
            "snapshot-id" => self.snapshot.id.clone(),
            "status" => self.state.name().to_owned(),
            "volume-id" => self.snapshot.volume_id.clone(),
            "owner-id" => self.snapshot.owner_id.clone(),
            "storage-tier" => self.snapshot.tier().to_owned(),
            "description" => self.snapshot.description.clone(),
            "encrypted" => self.snapshot.encrypted().to_string(),
            "volume-size" => self.snapshot.size_gib.to_string(),
            _ => return None,
        }])
    }

    fn tags(&self) -> &Tags {
        &self.snapshot.tags
    }
}
