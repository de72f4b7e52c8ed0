//! SSM: Run Command with the account's own documents, and parameters.

mod agent;
mod cancel_command;
mod command;
mod describe_instance_information;
mod document;
mod get_command_invocation;
mod input;
mod life;
mod limits;
mod list_commands;
mod parameter;
mod send_command;
mod state;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::Response;

use super::account::Context;
use super::error_response::{ErrorResponse, json_response};

pub use agent::AgentReport;
pub use command::{Command, CommandStatus};
pub use document::Document;
pub(super) use limits::Limits;
pub(super) use state::Ssm;

use input::Input;

/// Answers one call.
pub(super) fn answer(
    context: &mut Context<'_>,
    action: &str,
    body: &Bytes,
    request_id: &str,
) -> Result<Response<Bytes>, ErrorResponse> {
    let input = Input::read(body)?;
    let output = match action {
        "SendCommand" => send_command::send_command(context, input),
        "ListCommands" => list_commands::list_commands(context, input),
        "GetCommandInvocation" => get_command_invocation::get_command_invocation(context, input),
        "CancelCommand" => cancel_command::cancel_command(context, input),
        "DescribeInstanceInformation" => describe_instance_information::answer(context, input),
        "GetParameter" => parameter::get_parameter(context, input),
        _ => Err(ErrorResponse::not_modelled("the operation")),
    }?;
    Ok(json_response(
        200,
        "application/x-amz-json-1.1",
        request_id,
        &output,
    ))
}
