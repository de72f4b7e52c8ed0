//! What EC2 has, and what time alone brings about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::guest::Guest;
use super::id::{self, instance_not_found, volume_not_found};
use super::instance::{Instance, InstanceEntry};
use super::snapshot::Snapshot;
use super::volume::{Volume, VolumeState};
use crate::error_response::ErrorResponse;
use crate::eventual_consistency::EventuallyConsistent;
use crate::instance_host::{AttachedVolume, Host};

/// All of EC2.
#[derive(Default)]
pub(crate) struct Ec2 {
    pub instances: BTreeMap<String, InstanceEntry>,
    /// Every volume ever made; see [`VolumeState::Deleted`].
    pub volumes: BTreeMap<String, EventuallyConsistent<Volume>>,
    pub snapshots: BTreeMap<String, EventuallyConsistent<Snapshot>>,
    pub(super) tokens: BTreeMap<String, UsedToken>,
    /// By instance; an ordinary one where there is none.
    pub guests: BTreeMap<String, Guest>,
}

impl Ec2 {
    /// Finishes attaching and detaching where it is due, and tells the machines.
    pub fn settle(&mut self, now: SystemTime, hosts: &BTreeMap<String, Arc<dyn Host>>) {
        for lagging in self.volumes.values_mut() {
            let volume = lagging.latest_mut();
            let Some(attached) = &mut volume.attached else {
                continue;
            };
            let host = hosts.get(&attached.instance_id);
            if !attached.host_knows && attached.there_at <= now && !attached.stuck {
                attached.host_knows = true;
                if let Some(host) = host {
                    host.attached(&AttachedVolume {
                        volume_id: volume.id.clone(),
                        snapshot_id: volume.snapshot_id.clone(),
                        device: attached.device.clone(),
                    });
                }
            }
            let Some(detach) = &attached.detach else {
                continue;
            };
            let held = host.is_some_and(|host| host.in_use(&volume.id));
            if detach.ends_at <= now && (detach.force || !held) {
                if let Some(guest) = self.guests.get_mut(&attached.instance_id) {
                    guest.lose(&attached.device, held);
                }
                if let Some(host) = host {
                    host.detached(&volume.id);
                }
                volume.attached = None;
            }
        }
    }

    pub(super) fn is_stale(&self, now: SystemTime) -> bool {
        self.volumes.values().any(|volume| volume.is_stale(now))
            || self.snapshots.values().any(|one| one.is_stale(now))
    }

    /// A new volume's id, one that cannot exist.
    pub fn next_volume_id(&self) -> String {
        let mut ids = (1..).map(|number| format!("vol-rehearsal{number:04}"));
        let free = ids.find(|id| !self.volumes.contains_key(id));
        free.unwrap_or_default()
    }

    /// The volume itself, whatever reads show.
    pub(super) fn volume(&self, id: &str, now: SystemTime) -> Result<&Volume, ErrorResponse> {
        id::check_volume_id(id, "volumeId")?;
        let volume = self.volumes.get(id).map(EventuallyConsistent::latest);
        let volume = volume.filter(|volume| volume.state(now) != VolumeState::Deleted);
        volume.ok_or_else(|| volume_not_found(id))
    }

    /// Changes a volume; reads show it later.
    pub(super) fn write_volume(&mut self, volume: Volume, seen_from: SystemTime) {
        if let Some(lagging) = self.volumes.get_mut(&volume.id) {
            lagging.write(volume, seen_from);
        }
    }

    /// The instance that a call names, and its tags.
    pub(super) fn instance(&self, id: &str) -> Result<&Instance, ErrorResponse> {
        id::check_instance_id(id)?;
        let entry = self.instances.get(id);
        let entry = entry.ok_or_else(|| instance_not_found(id))?;
        Ok(&entry.instance)
    }
}

/// A client token that made a volume, for good: one that is gone does not free it.
#[derive(Clone, Debug)]
pub(super) struct UsedToken {
    pub parameters: BTreeMap<String, String>,
    pub volume_id: String,
}
