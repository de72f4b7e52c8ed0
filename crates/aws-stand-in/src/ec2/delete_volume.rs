//! `DeleteVolume`.

use super::query::Query;
use super::volume::VolumeState;
use super::xml::{Done, write};
use super::{arn, resource_tags, volume_not_found};
use crate::account::Context;
use crate::error_response::ErrorResponse;

pub(super) fn delete_volume(
    context: &mut Context<'_>,
    mut query: Query,
) -> Result<String, ErrorResponse> {
    let volume_id = query.need("VolumeId")?;
    let dry_run = query.is_dry_run()?;
    query.finish()?;
    let mut volume = context.account.ec2.volume(&volume_id, context.now)?.clone();
    context.authorize_ec2(
        "ec2:DeleteVolume",
        &arn("volume", &volume_id),
        resource_tags(&volume.tags),
    )?;
    if dry_run {
        return Err(ErrorResponse::dry_run());
    }
    match volume.state(context.now) {
        VolumeState::Available | VolumeState::Error => {}
        VolumeState::InUse => {
            let instance = volume.attached.map(|attached| attached.instance_id);
            let instance = instance.unwrap_or_default();
            let message = format!("Volume {volume_id} is currently attached to {instance}");
            return Err(ErrorResponse::new("VolumeInUse", message));
        }
        VolumeState::Creating => {
            let message = format!("Volume '{volume_id}' is in the 'creating' state.");
            return Err(ErrorResponse::new("IncorrectState", message));
        }
        VolumeState::Deleting | VolumeState::Deleted => return Err(volume_not_found(&volume_id)),
    }
    volume.gone_at = Some(context.now + context.account.timing.deleting);
    context.account.ec2.write_volume(volume, context.seen_from);
    Ok(write("DeleteVolumeResponse", &Done::DONE))
}
