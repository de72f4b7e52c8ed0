//! EC2, version 2016-11-15: instances, volumes and snapshots as far as the check touches them.

mod attach_volume;
mod create_tags;
mod create_volume;
mod delete_volume;
mod describe;
mod detach_volume;
mod filter;
mod guest;
mod id;
mod instance;
mod limits;
mod query;
mod snapshot;
mod speed;
mod tags;
mod volume;
mod xml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};

use super::account::{Conditions, Context, condition};
use super::error_response::{ErrorResponse, response};
use super::eventual_consistency::EventuallyConsistent;
use super::instance_host::{AttachedVolume, Host};

pub(super) use guest::Guest;
pub use instance::{Instance, InstanceState};
pub(super) use instance::{InstanceEntry, Machine};
pub(super) use limits::Limits;
pub use snapshot::{Snapshot, SnapshotState};
pub use speed::Speed;
pub use tags::Tags;
pub(super) use volume::{Attached, Volume};
pub use volume::{Attachment, AttachmentState, VolumeState, VolumeView};

use create_volume::UsedToken;
use id::{arn, instance_not_found, snapshot_not_found, volume_not_found};
use query::Query;

/// All of EC2.
#[derive(Default)]
pub(crate) struct Ec2 {
    pub instances: BTreeMap<String, InstanceEntry>,
    /// Every volume ever made; see [`VolumeState::Deleted`].
    pub volumes: BTreeMap<String, EventuallyConsistent<Volume>>,
    pub snapshots: BTreeMap<String, EventuallyConsistent<Snapshot>>,
    tokens: BTreeMap<String, UsedToken>,
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

    fn is_stale(&self, now: SystemTime) -> bool {
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
    fn volume(&self, id: &str, now: SystemTime) -> Result<&Volume, ErrorResponse> {
        id::check_volume_id(id, "volumeId")?;
        let volume = self.volumes.get(id).map(EventuallyConsistent::latest);
        let volume = volume.filter(|volume| volume.state(now) != VolumeState::Deleted);
        volume.ok_or_else(|| volume_not_found(id))
    }

    /// Changes a volume; reads show it later.
    fn write_volume(&mut self, volume: Volume, seen_from: SystemTime) {
        if let Some(lagging) = self.volumes.get_mut(&volume.id) {
            lagging.write(volume, seen_from);
        }
    }

    /// The instance that a call names, and its tags.
    fn instance(&self, id: &str) -> Result<&Instance, ErrorResponse> {
        id::check_instance_id(id)?;
        let entry = self.instances.get(id);
        let entry = entry.ok_or_else(|| instance_not_found(id))?;
        Ok(&entry.instance)
    }
}

/// Answers one call.
pub(super) fn answer(
    context: &mut Context<'_>,
    request: &Request<Bytes>,
    request_id: &str,
) -> Result<Response<Bytes>, ErrorResponse> {
    let mut query = Query::read(request.body())?;
    let action = query.need("Action")?;
    if action.starts_with("Describe") && context.account.ec2.is_stale(context.now) {
        context.account.stale_reads += 1;
    }
    let body = match action.as_str() {
        "DescribeInstances" => describe::instances(context, query),
        "DescribeVolumes" => describe::volumes(context, query),
        "DescribeSnapshots" => describe::snapshots(context, query),
        "CreateVolume" => create_volume::create_volume(context, query),
        "AttachVolume" => attach_volume::attach_volume(context, query),
        "DetachVolume" => detach_volume::detach_volume(context, query),
        "DeleteVolume" => delete_volume::delete_volume(context, query),
        "CreateTags" => create_tags::create_tags(context, query),
        _ => Err(ErrorResponse::not_modelled("the operation")),
    }?;
    let root = format!("<{action}Response>");
    let head = format!(
        "<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>{request_id}</requestId>"
    );
    let body = body.replacen(&root, &head, 1);
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
    Ok(response(200, "text/xml;charset=UTF-8", request_id, body))
}

/// The condition keys that tell a resource's tags.
fn resource_tags(tags: &Tags) -> Conditions {
    let pairs = tags.iter().flat_map(|(key, value)| {
        let ec2 = condition(format!("ec2:ResourceTag/{key}"), value);
        [ec2, condition(format!("aws:ResourceTag/{key}"), value)]
    });
    pairs.collect()
}

/// The condition keys that tell the tags of a request.
fn request_tags(tags: &Tags) -> Conditions {
    let pairs = tags
        .iter()
        .map(|(key, value)| condition(format!("aws:RequestTag/{key}"), value));
    let mut conditions: Conditions = pairs.collect();
    if !tags.is_empty() {
        conditions.push(("aws:TagKeys".to_owned(), tags.keys().cloned().collect()));
    }
    conditions
}
