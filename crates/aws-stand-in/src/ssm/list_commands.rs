//! `ListCommands`: newest first, in pages.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Input;
use super::command::Command;
use crate::account::Context;
use crate::clock::{parse_rfc3339, unix_seconds};
use crate::error_response::ErrorResponse;

/// A command as SSM lists it, with the sender's comment.
pub(super) fn command(command: &Command) -> Value {
    let parameters = command
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), json!([value])));
    let over = command.status.is_final();
    let failed = over && command.status.status() != "Success";
    json!({
        "CommandId": command.id,
        "DocumentName": command.document,
        "DocumentVersion": "$DEFAULT",
        "Comment": command.comment,
        "ExpiresAfter": unix_seconds(command.requested_at + command.delivery_time_out),
        "Parameters": parameters.collect::<serde_json::Map<_, _>>(),
        "InstanceIds": [command.instance_id],
        "Targets": [],
        "RequestedDateTime": unix_seconds(command.requested_at),
        "Status": command.status.of_command().status(),
        "StatusDetails": command.status.of_command().details(),
        "TargetCount": 1,
        "CompletedCount": u8::from(over),
        "ErrorCount": u8::from(failed),
        "TimeoutSeconds": command.delivery_time_out.as_secs(),
    })
}

#[derive(Debug, Deserialize)]
struct Filter {
    key: String,
    value: String,
}

impl Filter {
    fn matches(&self, command: &Command) -> Result<bool, ErrorResponse> {
        let time = || {
            let invalid =
                || ErrorResponse::new("InvalidFilterKey", format!("{} is no time", self.value));
            parse_rfc3339(&self.value).ok_or_else(invalid)
        };
        match self.key.as_str() {
            "DocumentName" => Ok(command.document == self.value),
            "Status" => Ok(command.status.of_command().status() == self.value),
            // From that instant on, itself included.
            "InvokedAfter" => Ok(command.requested_at >= time()?),
            "InvokedBefore" => Ok(command.requested_at < time()?),
            other => Err(ErrorResponse::not_modelled(format!("filter {other}"))),
        }
    }
}

pub(super) fn list_commands(
    context: &mut Context<'_>,
    mut input: Input,
) -> Result<Value, ErrorResponse> {
    let command_id: Option<String> = input.take("CommandId")?;
    let instance_id: Option<String> = input.take("InstanceId")?;
    let filters: Vec<Filter> = input.take("Filters")?.unwrap_or_default();
    let most: usize = input.take("MaxResults")?.unwrap_or(50);
    let token: Option<String> = input.take("NextToken")?;
    input.finish()?;
    if !(1..=50).contains(&most) {
        let message = "1 validation error detected: Value at 'maxResults' failed to satisfy constraint: Member must be from 1 to 50";
        return Err(ErrorResponse::new("ValidationException", message));
    }
    context.authorize_ssm("ssm:ListCommands", "*", vec![])?;
    let mut found = Vec::new();
    for candidate in context.account.ssm.commands.iter().rev() {
        let mut matches = candidate.seen(context.now);
        matches &= command_id.as_ref().is_none_or(|id| *id == candidate.id);
        matches &= instance_id
            .as_ref()
            .is_none_or(|id| *id == candidate.instance_id);
        for filter in &filters {
            matches &= filter.matches(candidate)?;
        }
        if matches {
            found.push(candidate);
        }
    }
    let start = match token {
        None => 0,
        Some(token) => place(&token)?.min(found.len()),
    };
    let end = found.len().min(start + most.min(context.account.page_size));
    let mut answer = json!({ "Commands": found[start..end].iter().map(|found| command(found)).collect::<Vec<_>>() });
    if end < found.len() {
        answer["NextToken"] = json!(format!("rehearsal-page-{end}"));
    }
    Ok(answer)
}

fn place(token: &str) -> Result<usize, ErrorResponse> {
    let place = token
        .strip_prefix("rehearsal-page-")
        .and_then(|place| place.parse().ok());
    place.ok_or_else(|| ErrorResponse::new("InvalidNextToken", "The specified token isn't valid."))
}
