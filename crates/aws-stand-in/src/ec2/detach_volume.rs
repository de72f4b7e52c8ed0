//! `DetachVolume`. Asked for once it cannot be taken back: a mounted volume goes when it is
//! unmounted, however late.

use super::query::Query;
use super::volume::{AttachmentState, Detach, VolumeState};
use super::xml::{AttachmentXml, write};
use super::{arn, resource_tags};
use crate::account::Context;
use crate::error_response::ErrorResponse;
use crate::ssm::Command;

/// `EX_TEMPFAIL`, with which a script says that it could not.
const COULD_NOT: i32 = 75;

pub(super) fn detach_volume(
    context: &mut Context<'_>,
    mut query: Query,
) -> Result<String, ErrorResponse> {
    let volume_id = query.need("VolumeId")?;
    let instance_id = query.take("InstanceId");
    let device = query.take("Device");
    let force = query.parse("Force")?.unwrap_or(false);
    let dry_run = query.is_dry_run()?;
    query.finish()?;
    let mut volume = context.account.ec2.volume(&volume_id, context.now)?.clone();
    authorize(context, &volume_id, &volume.tags, instance_id.as_deref())?;
    if dry_run {
        return Err(ErrorResponse::dry_run());
    }
    let view = volume.view(context.now);
    let (Some(attachment), Some(attached)) = (view.attachment, &mut volume.attached) else {
        let message = format!(
            "Volume '{volume_id}' is in the '{}' state.",
            view.state.name()
        );
        return Err(ErrorResponse::new("IncorrectState", message));
    };
    let elsewhere = instance_id.is_some_and(|id| id != attachment.instance_id)
        || device.is_some_and(|device| device != attachment.device);
    if elsewhere {
        let message = format!(
            "The volume '{volume_id}' is not attached as given; it is attached to '{}' as '{}'.",
            attachment.instance_id, attachment.device
        );
        return Err(ErrorResponse::new("InvalidAttachment.NotFound", message));
    }
    let under_way = matches!(
        attachment.state,
        AttachmentState::Detaching | AttachmentState::Busy
    );
    // Force takes one that is stuck there: https://github.com/kubernetes/kubernetes/issues/31891
    let too_early = attachment.state == AttachmentState::Attaching;
    if ((too_early || under_way) && !force) || view.state != VolumeState::InUse {
        let message = format!(
            "Volume '{volume_id}' is in the '{}' state.",
            attachment.state.name()
        );
        return Err(ErrorResponse::new("IncorrectState", message));
    }
    let host = context.account.hosts.get(&attachment.instance_id);
    let in_use = host.is_some_and(|host| host.in_use(&volume_id));
    if in_use && is_wedged(context, &attachment.instance_id, force) {
        context
            .account
            .detached_while_mounted
            .push(volume_id.clone());
    }
    let ends_at = context.now + context.account.timing.detaching;
    attached.detach = Some(Detach { ends_at, force });
    let answer = AttachmentXml::new(&volume_id, &attachment, "detaching");
    context.account.ec2.write_volume(volume, context.seen_from);
    context.aws.settle_at(ends_at);
    Ok(write("DetachVolumeResponse", &answer))
}

/// Whether a detach is what wedges a volume that is in use: not where the release script said that
/// it has unmounted, and not by force, unless that script could not, said why, and somebody has read
/// such words. Then a person can end what holds the volume, and force is no last resort.
fn is_wedged(context: &Context<'_>, instance_id: &str, force: bool) -> bool {
    let commands = context.account.ssm.commands.iter();
    let ended = commands.filter(|one| one.instance_id == instance_id && one.ended_at.is_some());
    let releases = |one: &Command| one.steps.iter().any(|step| step == "release");
    let said_why = |one: &Command| {
        releases(one) && one.exit_code == Some(COULD_NOT) && !one.stdout.trim().is_empty()
    };
    let is_known = ended.clone().any(|one| said_why(one) && one.is_told);
    let newest = ended.max_by_key(|one| one.ended_at);
    let Some(release) = newest.filter(|one| releases(one)) else {
        return !force;
    };
    let let_go = release.exit_code == Some(0);
    !let_go && (!force || said_why(release) && is_known)
}

/// The volume is always asked about, the instance only where the call names it: the service
/// authorization reference has it as an optional resource of this action.
fn authorize(
    context: &Context<'_>,
    volume_id: &str,
    tags: &super::Tags,
    instance_id: Option<&str>,
) -> Result<(), ErrorResponse> {
    let action = "ec2:DetachVolume";
    context.authorize_ec2(action, &arn("volume", volume_id), resource_tags(tags))?;
    let Some(instance_id) = instance_id else {
        return Ok(());
    };
    let instance = context.account.ec2.instance(instance_id)?;
    context.authorize_ec2(
        action,
        &arn("instance", instance_id),
        resource_tags(&instance.tags),
    )
}
