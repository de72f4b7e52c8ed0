//! `CancelCommand`.

use serde_json::{Value, json};

use super::Input;
use crate::account::Context;
use crate::error_response::ErrorResponse;

pub(super) fn cancel_command(
    context: &mut Context<'_>,
    mut input: Input,
) -> Result<Value, ErrorResponse> {
    let command_id: String = input.need("CommandId")?;
    let instance_ids: Option<Vec<String>> = input.take("InstanceIds")?;
    input.finish()?;
    context.authorize_ssm("ssm:CancelCommand", "*", vec![])?;
    let ssm = &context.account.ssm;
    let command = ssm.commands.iter().find(|command| command.id == command_id);
    let command = command.ok_or_else(|| ErrorResponse::new("InvalidCommandId", ""))?;
    if instance_ids.is_none_or(|ids| ids.is_empty() || ids.contains(&command.instance_id)) {
        ssm.cancel(&command_id);
    }
    Ok(json!({}))
}
