//! `DescribeInstances`, `DescribeVolumes`, `DescribeSnapshots`.

use super::filter::{Page, out_of_order};
use super::id::{check_snapshot_id, check_volume_id};
use super::instance::InstanceView;
use super::query::Query;
use super::snapshot::SnapshotView;
use super::volume::{VolumeState, VolumeView};
use super::xml::{self, write};
use super::{snapshot_not_found, volume_not_found};
use crate::aws::ACCOUNT_ID;
use crate::aws::account::Context;
use crate::aws::refusal::Refusal;

pub(super) fn instances(context: &mut Context<'_>, mut query: Query) -> Result<String, Refusal> {
    let ids = query.list("InstanceId");
    let filters = query.filters();
    let page = Page::read(&mut query, !ids.is_empty(), context.account.page_size)?;
    query.finish()?;
    context.authorize_ec2("ec2:DescribeInstances", "*", vec![])?;
    for id in &ids {
        context.account.ec2.instance(id)?;
    }
    let volumes = seen_volumes(context);
    let on = |id: &str| {
        let here = |volume: &&VolumeView| {
            volume
                .attachment
                .as_ref()
                .is_some_and(|at| at.instance_id == id)
        };
        volumes.iter().filter(here).cloned().collect()
    };
    let entries = context.account.ec2.instances.values();
    let wanted = entries.filter(|entry| ids.is_empty() || ids.contains(&entry.instance.id));
    let mut all: Vec<_> = wanted
        .map(|entry| InstanceView {
            instance: entry.instance.clone(),
            volumes: on(&entry.instance.id),
        })
        .collect();
    all.sort_by_key(|view| view.instance.launched_at);
    let (shown, next_token) = page.of(out_of_order(all), &filters)?;
    let answer = xml::DescribeInstances {
        reservation_set: shown.iter().map(Into::into).collect(),
        next_token,
    };
    Ok(write("DescribeInstancesResponse", &answer))
}

pub(super) fn volumes(context: &mut Context<'_>, mut query: Query) -> Result<String, Refusal> {
    let ids = query.list("VolumeId");
    let filters = query.filters();
    let page = Page::read(&mut query, !ids.is_empty(), context.account.page_size)?;
    query.finish()?;
    context.authorize_ec2("ec2:DescribeVolumes", "*", vec![])?;
    let mut all = seen_volumes(context);
    for id in &ids {
        check_volume_id(id, "volumes")?;
        if !all.iter().any(|volume| volume.id == *id) {
            return Err(volume_not_found(id));
        }
    }
    all.retain(|volume| ids.is_empty() || ids.contains(&volume.id));
    all.sort_by_key(|volume| volume.created_at);
    let (shown, next_token) = page.of(out_of_order(all), &filters)?;
    let answer = xml::DescribeVolumes {
        volume_set: shown.iter().map(Into::into).collect(),
        next_token,
    };
    Ok(write("DescribeVolumesResponse", &answer))
}

pub(super) fn snapshots(context: &mut Context<'_>, mut query: Query) -> Result<String, Refusal> {
    let ids = query.list("SnapshotId");
    let mut owners = query.list("Owner");
    let filters = query.filters();
    let page = Page::read(&mut query, !ids.is_empty(), context.account.page_size)?;
    query.finish()?;
    context.authorize_ec2("ec2:DescribeSnapshots", "*", vec![])?;
    for owner in &mut owners {
        if owner == "self" {
            ACCOUNT_ID.clone_into(owner);
        }
    }
    let mut all = Vec::new();
    for lagging in context.account.ec2.snapshots.values() {
        let Some(snapshot) = lagging.seen(context.now).cloned() else {
            continue;
        };
        let state = snapshot.state(context.now);
        all.push(SnapshotView { snapshot, state });
    }
    for id in &ids {
        check_snapshot_id(id)?;
        if !all.iter().any(|view| view.snapshot.id == *id) {
            return Err(snapshot_not_found(id));
        }
    }
    all.retain(|view| ids.is_empty() || ids.contains(&view.snapshot.id));
    all.retain(|view| owners.is_empty() || owners.contains(&view.snapshot.owner_id));
    all.sort_by_key(|view| view.snapshot.started_at);
    let (shown, next_token) = page.of(out_of_order(all), &filters)?;
    let answer = xml::DescribeSnapshots {
        snapshot_set: shown.iter().map(Into::into).collect(),
        next_token,
    };
    Ok(write("DescribeSnapshotsResponse", &answer))
}

/// The volumes that reads show now.
fn seen_volumes(context: &Context<'_>) -> Vec<VolumeView> {
    let all = context.account.ec2.volumes.values();
    let seen = all.filter_map(|lagging| lagging.seen(context.now));
    let views = seen.map(|volume| volume.view(context.now));
    views
        .filter(|volume| volume.state != VolumeState::Deleted)
        .collect()
}
