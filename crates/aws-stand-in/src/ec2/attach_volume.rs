//! `AttachVolume`.

use super::create_volume::use_key;
use super::instance::InstanceState;
use super::query::Query;
use super::volume::{Attached, Volume, VolumeState};
use super::xml::{AttachmentXml, write};
use super::{Ec2, arn, resource_tags};
use crate::account::Context;
use crate::error_response::ErrorResponse;

pub(super) fn attach_volume(
    context: &mut Context<'_>,
    mut query: Query,
) -> Result<String, ErrorResponse> {
    let volume_id = query.need("VolumeId")?;
    let instance_id = query.need("InstanceId")?;
    let device = query.need("Device")?;
    let dry_run = query.is_dry_run()?;
    query.finish()?;
    check_device_name(&device)?;
    let ec2 = &context.account.ec2;
    let volume = ec2.volume(&volume_id, context.now)?.clone();
    let instance = ec2.instance(&instance_id)?;
    let action = "ec2:AttachVolume";
    context.authorize_ec2(
        action,
        &arn("volume", &volume_id),
        resource_tags(&volume.tags),
    )?;
    context.authorize_ec2(
        action,
        &arn("instance", &instance_id),
        resource_tags(&instance.tags),
    )?;
    if dry_run {
        return Err(ErrorResponse::dry_run());
    }
    check_key(&volume, context)?;
    check_volume(&volume, context)?;
    if !matches!(
        instance.state,
        InstanceState::Running | InstanceState::Stopped
    ) {
        let message = format!("Instance '{instance_id}' is not 'running'.");
        return Err(ErrorResponse::new("IncorrectState", message));
    }
    if volume.availability_zone != instance.availability_zone {
        let message = format!(
            "The volume '{volume_id}' is not in the same availability zone as instance '{instance_id}'"
        );
        return Err(ErrorResponse::new("InvalidVolume.ZoneMismatch", message));
    }
    check_device_free(ec2, &instance_id, &device)?;
    ec2.check_attachments(&instance_id)?;
    Ok(attach(context, volume, instance_id, device))
}

/// Attaching an encrypted volume has EC2 ask for a grant on its key in the caller's name.
fn check_key(volume: &Volume, context: &Context<'_>) -> Result<(), ErrorResponse> {
    let snapshots = &context.account.ec2.snapshots;
    let snapshot = volume.snapshot_id.as_ref().and_then(|id| snapshots.get(id));
    let Some(key) = snapshot.and_then(|snapshot| snapshot.latest().kms_key_arn.clone()) else {
        return Ok(());
    };
    use_key(context, "kms:CreateGrant", &key).map_err(|text| ErrorResponse {
        status: 403,
        code: "UnauthorizedOperation".to_owned(),
        message: text,
    })
}

fn attach(
    context: &mut Context<'_>,
    mut volume: Volume,
    instance_id: String,
    device: String,
) -> String {
    let there_at = context.now + context.account.timing.attaching;
    let stuck = context.account.ec2.is_name_held(&instance_id, &device);
    volume.attached = Some(Attached {
        instance_id,
        device,
        since: context.now,
        there_at,
        delete_on_termination: false,
        stuck,
        host_knows: false,
        detach: None,
    });
    let attachment = volume.view(context.now).attachment;
    let answer = attachment.map(|at| AttachmentXml::new(&volume.id, &at, "attaching"));
    context.account.ec2.write_volume(volume, context.seen_from);
    context.aws.settle_at(there_at);
    write("AttachVolumeResponse", &answer)
}

fn check_device_name(device: &str) -> Result<(), ErrorResponse> {
    let name = ["/dev/sd", "/dev/xvd"]
        .iter()
        .find_map(|prefix| device.strip_prefix(prefix));
    let letters =
        |name: &str| (1..=2).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase());
    if name.is_some_and(letters) {
        return Ok(());
    }
    let message = format!(
        "Value ({device}) for parameter device is invalid. {device} is not a valid EBS device name."
    );
    Err(ErrorResponse::new("InvalidParameterValue", message))
}

fn check_volume(volume: &Volume, context: &Context<'_>) -> Result<(), ErrorResponse> {
    let id = &volume.id;
    match volume.state(context.now) {
        VolumeState::Available => Ok(()),
        VolumeState::InUse => {
            let message = format!("{id} is already attached to an instance");
            Err(ErrorResponse::new("VolumeInUse", message))
        }
        _ => Err(ErrorResponse::new(
            "IncorrectState",
            format!("{id} is not 'available'."),
        )),
    }
}

fn check_device_free(ec2: &Ec2, instance_id: &str, device: &str) -> Result<(), ErrorResponse> {
    let attached = ec2
        .volumes
        .values()
        .filter_map(|volume| volume.latest().attached.as_ref());
    let mut here = attached.filter(|attached| attached.instance_id == instance_id);
    if here.any(|attached| attached.device == device) {
        let message = format!(
            "Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        );
        return Err(ErrorResponse::new("InvalidParameterValue", message));
    }
    Ok(())
}
