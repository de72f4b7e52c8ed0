//! Inspection of the account: its true state, while calls may still see an older one.

use super::call::{Call, CallRecord};
use super::datadog::{Event, Point};
use super::ec2::{Instance, Snapshot, Tags, VolumeView};
use super::ssm::{Command, Document};
use super::{Aws, locked};

impl Aws {
    /// A document, if there is one of that name.
    #[must_use]
    pub fn document(&self, name: &str) -> Option<Document> {
        self.account(|account, _| account.ssm.documents.get(name).cloned())
    }

    /// Every document.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        self.account(|account, _| account.ssm.documents.values().cloned().collect())
    }

    /// Every call so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<CallRecord> {
        locked(&self.inner.log).records.clone()
    }

    /// The same without what was asked and answered.
    #[must_use]
    pub fn made_calls(&self) -> Vec<Call> {
        let log = locked(&self.inner.log);
        log.records
            .iter()
            .map(|record| record.call.clone())
            .collect()
    }

    /// Everything that was asked for and is not modelled. A good test leaves none.
    #[must_use]
    pub fn unmodelled(&self) -> Vec<String> {
        locked(&self.inner.log).unmodelled.clone()
    }

    /// Volumes that a call detached while the machine had them in use: without force, or by force
    /// though the machine said why it did not let go.
    #[must_use]
    pub fn detached_while_mounted(&self) -> Vec<String> {
        self.account(|account, _| account.detached_while_mounted.clone())
    }

    /// How many reads showed less than the truth.
    #[must_use]
    pub fn stale_reads(&self) -> u64 {
        self.account(|account, _| account.stale_reads)
    }

    /// Every volume ever made, those that are gone in state `Deleted`.
    #[must_use]
    pub fn volumes(&self) -> Vec<VolumeView> {
        self.account(|account, now| {
            let volumes = account.ec2.volumes.values();
            volumes.map(|volume| volume.latest().view(now)).collect()
        })
    }

    /// One volume, as [`Aws::volumes`] has it.
    #[must_use]
    pub fn volume(&self, id: &str) -> Option<VolumeView> {
        self.volumes().into_iter().find(|volume| volume.id == id)
    }

    /// Every snapshot with its tags.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.account(|account, _| {
            let snapshots = account.ec2.snapshots.values();
            snapshots
                .map(|snapshot| snapshot.latest().clone())
                .collect()
        })
    }

    /// The tags of a snapshot; none if there is no such snapshot.
    #[must_use]
    pub fn snapshot_tags(&self, id: &str) -> Tags {
        let snapshots = self.snapshots();
        let snapshot = snapshots.into_iter().find(|snapshot| snapshot.id == id);
        snapshot.map(|snapshot| snapshot.tags).unwrap_or_default()
    }

    /// Every instance.
    #[must_use]
    pub fn instances(&self) -> Vec<Instance> {
        self.account(|account, _| {
            let entries = account.ec2.instances.values();
            entries.map(|entry| entry.instance.clone()).collect()
        })
    }

    /// Every command ever sent, in order.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        self.account(|account, _| account.ssm.commands.clone())
    }

    /// What Datadog shows: one value per metric, tags and time.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        self.account(|account, _| {
            let points = account.datadog.points.iter();
            let point =
                |((metric, tags, timestamp), value): (&(String, Vec<String>, i64), &f64)| Point {
                    metric: metric.clone(),
                    tags: tags.clone(),
                    timestamp: *timestamp,
                    value: *value,
                };
            points.map(point).collect()
        })
    }

    /// What Datadog accepted and threw away: more than an hour old, or ten minutes ahead.
    #[must_use]
    pub fn dropped_points(&self) -> Vec<Point> {
        self.account(|account, _| account.datadog.dropped.clone())
    }

    /// Datadog's events, in order.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.account(|account, _| account.datadog.events.clone())
    }
}
