//! `DescribeInstances`, `DescribeVolumes`, `DescribeSnapshots`.

use super::filter::{Page, out_of_order};
use super::id::{check_snapshot_id, check_volume_id};
use super::instance::InstanceView;
use super::query::Query;
use super::snapshot::SnapshotView;
use super::volume::{Volume, VolumeState};
use super::xml::{self, write};
use super::{snapshot_not_found, volume_not_found};
use crate::ACCOUNT_ID;
use crate::account::Context;
use crate::error_response::ErrorResponse;

pub(super) fn instances(
    context: &mut Context<'_>,
    mut query: Query,
) -> Result<String, ErrorResponse> {
    let ids = query.list("InstanceId");
    let filters = query.filters();
    let page = Page::read(&mut query, !ids.is_empty(), context.account.page_size)?;
    query.finish()?;
    context.authorize_ec2("ec2:DescribeInstances", "*", vec![])?;
    for id in &ids {
        context.account.ec2.instance(id)?;
    }
    let instances = &context.account.ec2.instances;
    let whole = page.is_whole(instances.len());
    let entries = instances.values().map(|entry| &entry.instance);
    let wanted = entries.filter(|instance| {
        let named = ids.is_empty() || ids.contains(&instance.id);
        named
            && !(whole
                && filters
                    .iter()
                    .any(|filter| filter.rules_out(&instance.tags)))
    });
    let on = |id: &str| {
        let here = |volume: &&Volume| {
            let at = volume.attached.as_ref();
            at.is_some_and(|at| at.instance_id == id)
        };
        let volumes = seen_volumes(context).filter(here);
        volumes.map(|volume| volume.view(context.now)).collect()
    };
    let mut all: Vec<_> = wanted
        .map(|instance| InstanceView {
            instance,
            volumes: on(&instance.id),
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

pub(super) fn volumes(
    context: &mut Context<'_>,
    mut query: Query,
) -> Result<String, ErrorResponse> {
    let ids = query.list("VolumeId");
    let filters = query.filters();
    let page = Page::read(&mut query, !ids.is_empty(), context.account.page_size)?;
    query.finish()?;
    context.authorize_ec2("ec2:DescribeVolumes", "*", vec![])?;
    let mut seen: Vec<_> = seen_volumes(context).collect();
    for id in &ids {
        check_volume_id(id, "volumes")?;
        if !seen.iter().any(|volume| volume.id == *id) {
            return Err(volume_not_found(id));
        }
    }
    let whole = page.is_whole(seen.len());
    seen.retain(|volume| {
        let named = ids.is_empty() || ids.contains(&volume.id);
        named && !(whole && filters.iter().any(|filter| filter.rules_out(&volume.tags)))
    });
    let views = seen.into_iter().map(|volume| volume.view(context.now));
    let mut all: Vec<_> = views.collect();
    all.sort_by_key(|volume| volume.created_at);
    let (shown, next_token) = page.of(out_of_order(all), &filters)?;
    let answer = xml::DescribeVolumes {
        volume_set: shown.iter().map(Into::into).collect(),
        next_token,
    };
    Ok(write("DescribeVolumesResponse", &answer))
}

pub(super) fn snapshots(
    context: &mut Context<'_>,
    mut query: Query,
) -> Result<String, ErrorResponse> {
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
        let Some(snapshot) = lagging.seen(context.now) else {
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
fn seen_volumes<'a>(context: &'a Context<'_>) -> impl Iterator<Item = &'a Volume> {
    let all = context.account.ec2.volumes.values();
    let seen = all.filter_map(|lagging| lagging.seen(context.now));
    seen.filter(|volume| volume.state(context.now) != VolumeState::Deleted)
}
