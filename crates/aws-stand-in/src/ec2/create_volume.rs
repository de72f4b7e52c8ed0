//! `CreateVolume`, from a snapshot.

use std::collections::BTreeMap;

use super::id::check_snapshot_id;
use super::query::Query;
use super::snapshot::{Snapshot, SnapshotState};
use super::speed::Speed;
use super::state::UsedToken;
use super::tags::Tags;
use super::volume::{Volume, VolumeState};
use super::xml::{VolumeXml, write};
use super::{arn, request_tags, resource_tags, snapshot_not_found};
use crate::account::{Context, condition};
use crate::error_response::ErrorResponse;
use crate::eventual_consistency::EventuallyConsistent;

/// Rights on the key that EBS uses in the caller's name.
const KMS_ACTIONS: [&str; 5] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
];

struct CreateVolumeRequest {
    snapshot_id: String,
    availability_zone: String,
    volume_type: String,
    speed: Speed,
    size_gib: Option<u32>,
    token: Option<String>,
    tags: Tags,
    dry_run: bool,
    parameters: BTreeMap<String, String>,
}

impl CreateVolumeRequest {
    fn read(mut query: Query) -> Result<Self, ErrorResponse> {
        let token = query.take("ClientToken");
        let parameters = query.rest().clone();
        let Some(snapshot_id) = query.take("SnapshotId") else {
            return Err(ErrorResponse::not_modelled(
                "a volume that is made from no snapshot",
            ));
        };
        let request = Self {
            snapshot_id,
            availability_zone: query.need("AvailabilityZone")?,
            volume_type: query.take("VolumeType").unwrap_or_else(|| "gp2".to_owned()),
            speed: Speed::read(&mut query)?,
            size_gib: query.parse("Size")?,
            token,
            tags: query.tag_specification("volume")?,
            dry_run: query.is_dry_run()?,
            parameters,
        };
        query.finish()?;
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), ErrorResponse> {
        check_snapshot_id(&self.snapshot_id)?;
        let zone = self.availability_zone.strip_prefix(crate::REGION);
        if !zone.is_some_and(|letter| matches!(letter, "a" | "b" | "c" | "d" | "e" | "f")) {
            let message = format!("The zone '{}' does not exist.", self.availability_zone);
            return Err(ErrorResponse::new("InvalidZone.NotFound", message));
        }
        if self
            .token
            .as_ref()
            .is_some_and(|token| token.len() > 64 || !token.is_ascii())
        {
            let message = "Client token must be at most 64 ASCII characters.";
            return Err(ErrorResponse::new("InvalidParameterValue", message));
        }
        Ok(())
    }
}

pub(super) fn create_volume(
    context: &mut Context<'_>,
    query: Query,
) -> Result<String, ErrorResponse> {
    let request = CreateVolumeRequest::read(query)?;
    let snapshot = context.account.ec2.snapshots.get(&request.snapshot_id);
    let snapshot = snapshot.map(|lagging| lagging.latest().clone());
    let snapshot = snapshot.ok_or_else(|| snapshot_not_found(&request.snapshot_id))?;
    authorize(context, &request, &snapshot)?;
    if request.dry_run {
        return Err(ErrorResponse::dry_run());
    }
    if let Some(answer) = same_again(context, &request)? {
        return Ok(answer);
    }
    check_snapshot(context, &request, &snapshot)?;
    let size_gib = request.size_gib.unwrap_or(snapshot.size_gib);
    request.speed.check(&request.volume_type, size_gib)?;
    let volume = Volume {
        id: context.account.ec2.next_volume_id(),
        size_gib,
        vanishes: snapshot.kms_denied || !key_allows(context, &snapshot),
        kms_key_arn: snapshot.key_arn(),
        snapshot_id: Some(snapshot.id),
        availability_zone: request.availability_zone,
        volume_type: request.volume_type,
        speed: request.speed,
        tags: request.tags,
        created_at: context.now,
        ready_at: context.now + context.account.timing.creating,
        attached: None,
        gone_at: None,
    };
    if let Some(token) = request.token {
        let used = UsedToken {
            parameters: request.parameters,
            volume_id: volume.id.clone(),
        };
        context.account.ec2.tokens.insert(token, used);
    }
    let answer = as_made(&volume);
    let lagging = EventuallyConsistent::made(volume.clone(), context.seen_from);
    context.account.ec2.volumes.insert(volume.id, lagging);
    Ok(answer)
}

/// The volume that the same token made before, as it was answered then.
fn same_again(
    context: &Context<'_>,
    request: &CreateVolumeRequest,
) -> Result<Option<String>, ErrorResponse> {
    let token = request.token.as_ref();
    let Some(used) = token.and_then(|token| context.account.ec2.tokens.get(token)) else {
        return Ok(None);
    };
    if used.parameters != request.parameters {
        let message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
        return Err(ErrorResponse::new("IdempotentParameterMismatch", message));
    }
    let volume = context.account.ec2.volumes.get(&used.volume_id);
    let Some(volume) = volume.map(EventuallyConsistent::latest) else {
        return Ok(None);
    };
    if volume.state(context.now) == VolumeState::Deleted {
        let message = "The client token you have provided is associated with a resource that is already deleted. Please use a different client token.";
        return Err(ErrorResponse::new("IdempotentParameterMismatch", message));
    }
    Ok(Some(as_made(volume)))
}

fn as_made(volume: &Volume) -> String {
    let mut view = volume.view(volume.created_at);
    view.state = VolumeState::Creating;
    view.attachment = None;
    write("CreateVolumeResponse", &VolumeXml::from(&view))
}

fn authorize(
    context: &Context<'_>,
    request: &CreateVolumeRequest,
    snapshot: &Snapshot,
) -> Result<(), ErrorResponse> {
    let action = "ec2:CreateVolume";
    let new_volume = arn("volume", "*");
    let parent = arn("snapshot", &snapshot.id);
    let mut conditions = request_tags(&request.tags);
    conditions.push(condition("ec2:ParentSnapshot", &parent));
    conditions.push(condition(
        "ec2:AvailabilityZone",
        &request.availability_zone,
    ));
    conditions.push(condition("ec2:VolumeType", &request.volume_type));
    conditions.push(condition("ec2:Encrypted", snapshot.encrypted().to_string()));
    context.authorize_ec2(action, &new_volume, conditions)?;
    let mut conditions = resource_tags(&snapshot.tags);
    conditions.push(condition("ec2:Owner", &snapshot.owner_id));
    conditions.push(condition(
        "ec2:ParentVolume",
        arn("volume", &snapshot.volume_id),
    ));
    context.authorize_ec2(action, &parent, conditions)?;
    if request.tags.is_empty() {
        return Ok(());
    }
    let mut conditions = request_tags(&request.tags);
    conditions.push(condition("ec2:CreateAction", "CreateVolume"));
    context.authorize_ec2("ec2:CreateTags", &new_volume, conditions)
}

fn check_snapshot(
    context: &Context<'_>,
    request: &CreateVolumeRequest,
    snapshot: &Snapshot,
) -> Result<(), ErrorResponse> {
    let incorrect = |message: String| Err(ErrorResponse::new("IncorrectState", message));
    let state = snapshot.state(context.now);
    if state != SnapshotState::Completed {
        return incorrect(format!(
            "Snapshot {} is in invalid state - {}",
            snapshot.id,
            state.name()
        ));
    }
    if snapshot.archived {
        return incorrect(format!(
            "Snapshot {} is in the archive storage tier.",
            snapshot.id
        ));
    }
    if let Some(size) = request.size_gib.filter(|size| *size < snapshot.size_gib) {
        let message = format!(
            "The volume size {size} is smaller than the size of snapshot {} ({} GiB).",
            snapshot.id, snapshot.size_gib
        );
        return Err(ErrorResponse::new("InvalidParameterValue", message));
    }
    Ok(())
}

/// Without these rights the volume is made, and then vanishes:
/// <https://github.com/kubernetes-sigs/aws-ebs-csi-driver/issues/3010>
fn key_allows(context: &Context<'_>, snapshot: &Snapshot) -> bool {
    let Some(key) = &snapshot.kms_key_arn else {
        return true;
    };
    let allowed = |action: &&str| use_key(context, action, key).is_ok();
    KMS_ACTIONS.iter().all(allowed)
}

/// Whether the caller may have EBS use that key.
pub(super) fn use_key(context: &Context<'_>, action: &str, key: &str) -> Result<(), String> {
    let via = format!("ec2.{}.amazonaws.com", crate::REGION);
    let conditions = vec![
        condition("kms:GrantIsForAWSResource", "true"),
        condition("kms:ViaService", via),
    ];
    context.authorize(action, key, conditions)
}
