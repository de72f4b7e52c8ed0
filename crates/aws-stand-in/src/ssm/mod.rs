//! SSM: Run Command with documents of one's own, and parameters.

mod agent;
mod command;
mod describe_instance_information;
mod document;
mod life;
mod limits;
mod list_commands;
mod parameter;
mod send_command;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::account::Context;
use super::error_response::{ErrorResponse, json_response};

pub use agent::AgentReport;
pub use command::{Command, CommandStatus};
pub use document::{Document, DocumentParameter};
pub(super) use limits::Limits;

use parameter::Parameter;

/// All of SSM.
#[derive(Default)]
pub(crate) struct Ssm {
    pub documents: BTreeMap<String, Document>,
    /// In the order of sending.
    pub commands: Vec<Command>,
    pub parameters: BTreeMap<String, Parameter>,
    /// What the agents report instead of what scripts end with.
    pub agent: Option<AgentReport>,
    /// A control, which must be caught: what fails without a last line of its own gets one.
    pub exit_code_is_a_finding: bool,
    /// By command: the signal that ends it early.
    cancels: BTreeMap<String, Arc<Notify>>,
}

impl Ssm {
    pub fn command_mut(&mut self, id: &str) -> Option<&mut Command> {
        self.commands.iter_mut().find(|command| command.id == id)
    }

    pub fn cancel(&self, id: &str) {
        if let Some(cancel) = self.cancels.get(id) {
            cancel.notify_one();
        }
    }

    pub fn put_parameter(&mut self, name: &str, value: &str, secure: bool) {
        let value = value.to_owned();
        self.parameters
            .insert(name.to_owned(), Parameter { value, secure });
    }
}

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
        "GetCommandInvocation" => command::get_command_invocation(context, input),
        "CancelCommand" => command::cancel_command(context, input),
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

/// The members of a request that have not been asked for yet. What no operation asks for is not
/// modelled.
pub(super) struct Input(Map<String, Value>);

impl Input {
    fn read(body: &Bytes) -> Result<Self, ErrorResponse> {
        let members = serde_json::from_slice(body);
        members
            .map(Self)
            .map_err(|error| ErrorResponse::new("SerializationException", error.to_string()))
    }

    /// A member, if it is there.
    fn take<T: serde::de::DeserializeOwned>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, ErrorResponse> {
        let Some(value) = self.0.remove(name).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let wrong =
            |error| ErrorResponse::new("SerializationException", format!("{name}: {error}"));
        serde_json::from_value(value).map(Some).map_err(wrong)
    }

    /// A member that must be there.
    fn need<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Result<T, ErrorResponse> {
        self.take(name)?.ok_or_else(|| {
            let message = format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null");
            ErrorResponse::new("ValidationException", message)
        })
    }

    /// Everything has been asked for, or the request means something that is not modelled.
    fn finish(self) -> Result<(), ErrorResponse> {
        if self.0.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.0.into_iter().map(|(name, _)| name).collect();
        Err(ErrorResponse::not_modelled(format!(
            "members {}",
            names.join(", ")
        )))
    }
}
