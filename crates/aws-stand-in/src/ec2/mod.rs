//! EC2, version 2016-11-15: instances, volumes and snapshots as far as the check touches them.

mod attach_volume;
mod attachments;
mod conditions;
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
mod state;
mod tags;
mod volume;
mod xml;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{Request, Response};

use super::account::Context;
use super::error_response::{ErrorResponse, response};

pub(super) use guest::Guest;
pub use instance::{Instance, InstanceState};
pub(super) use instance::{InstanceEntry, Machine};
pub(super) use limits::Limits;
pub use snapshot::{Snapshot, SnapshotState};
pub use speed::Speed;
pub(super) use state::Ec2;
pub use tags::Tags;
pub(super) use volume::{Attached, Volume};
pub use volume::{Attachment, AttachmentState, VolumeState, VolumeView};

use conditions::{request_tags, resource_tags};
use id::{arn, snapshot_not_found, volume_not_found};
use query::Query;

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
