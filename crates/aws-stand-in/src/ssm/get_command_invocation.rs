//! `GetCommandInvocation`.

use serde_json::Value;

use super::Input;
use crate::account::Context;
use crate::error_response::ErrorResponse;

pub(super) fn get_command_invocation(
    context: &mut Context<'_>,
    mut input: Input,
) -> Result<Value, ErrorResponse> {
    let command_id: String = input.need("CommandId")?;
    let instance_id: String = input.need("InstanceId")?;
    let step: Option<String> = input.take("PluginName")?;
    input.finish()?;
    context.authorize_ssm("ssm:GetCommandInvocation", "*", vec![])?;
    let exit_code_alone = context.account.ssm.exit_code_is_a_finding;
    let mut commands = context.account.ssm.commands.iter_mut();
    let command = commands.find(|command| {
        command.id == command_id && command.instance_id == instance_id && command.seen(context.now)
    });
    let command = command.ok_or_else(|| ErrorResponse::new("InvocationDoesNotExist", ""))?;
    command.is_told |= command.ended_at.is_some();
    let step = command.step(step.as_deref())?;
    if exit_code_alone {
        return Ok(command.clone().with_a_finding().invocation(step));
    }
    Ok(command.invocation(step))
}
