//! `CreateTags`, on snapshots and volumes.

use super::query::Query;
use super::tags::{self, Tags};
use super::xml::{Done, write};
use super::{arn, request_tags, resource_tags, snapshot_not_found};
use crate::account::Context;
use crate::error_response::ErrorResponse;

/// All resources get their tags, or none does.
pub(super) fn create_tags(
    context: &mut Context<'_>,
    mut query: Query,
) -> Result<String, ErrorResponse> {
    let ids = query.list("ResourceId");
    let more = query.tags("Tag")?;
    let dry_run = query.is_dry_run()?;
    query.finish()?;
    if ids.is_empty() || more.is_empty() {
        let message = "The request must contain the parameters resourceIdSet and tagSet";
        return Err(ErrorResponse::new("MissingParameter", message));
    }
    let mut changed = Vec::new();
    for id in ids {
        let (kind, before) = tags_of(context, &id)?;
        let mut conditions = request_tags(&more);
        conditions.extend(resource_tags(&before));
        context.authorize_ec2("ec2:CreateTags", &arn(kind, &id), conditions)?;
        changed.push((id, tags::merged(&before, &more)?));
    }
    if dry_run {
        return Err(ErrorResponse::dry_run());
    }
    let seen_from = context.seen_from;
    for (id, tags) in changed {
        let ec2 = &mut context.account.ec2;
        if let Some(lagging) = ec2.snapshots.get_mut(&id) {
            let snapshot = lagging.latest().clone();
            lagging.write(super::Snapshot { tags, ..snapshot }, seen_from);
        } else if let Some(lagging) = ec2.volumes.get_mut(&id) {
            let volume = lagging.latest().clone();
            lagging.write(super::Volume { tags, ..volume }, seen_from);
        }
    }
    Ok(write("CreateTagsResponse", &Done::DONE))
}

fn tags_of(context: &Context<'_>, id: &str) -> Result<(&'static str, Tags), ErrorResponse> {
    let ec2 = &context.account.ec2;
    if id.starts_with("snap-") {
        let snapshot = ec2
            .snapshots
            .get(id)
            .ok_or_else(|| snapshot_not_found(id))?;
        return Ok(("snapshot", snapshot.latest().tags.clone()));
    }
    if id.starts_with("vol-") {
        return Ok(("volume", ec2.volume(id, context.now)?.tags.clone()));
    }
    Err(ErrorResponse::not_modelled(format!("tags on {id}")))
}
