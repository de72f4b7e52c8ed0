//! A command, `GetCommandInvocation` and `CancelCommand`.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::Input;
use crate::account::Context;
use crate::clock::rfc3339;
use crate::error_response::ErrorResponse;

/// What SSM keeps of a script's output, and how the agent marks that there was more.
const STDOUT: usize = 24_000;
const STDERR: usize = 8_000;
const CUT: &str = "--output truncated--";

/// Status of a command, as `StatusDetails` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandStatus {
    /// Not with the agent yet.
    Pending,
    /// The agent could not be reached; it is tried again.
    Delayed,
    /// The script runs, or SSM has not heard otherwise.
    InProgress,
    /// Exit 0.
    Success,
    /// Any other exit.
    Failed,
    /// It never reached the agent.
    DeliveryTimedOut,
    /// The script was stopped, or ended as if (137), or was not heard of again.
    ExecutionTimedOut,
    /// Somebody cancels it, and the agent has not ended it yet.
    Cancelling,
    /// Somebody cancelled it.
    Cancelled,
    /// The instance is gone.
    Undeliverable,
}

impl CommandStatus {
    /// `StatusDetails`.
    #[must_use]
    pub fn details(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Delayed => "Delayed",
            Self::Cancelling => "Cancelling",
            Self::InProgress => "InProgress",
            Self::Success => "Success",
            Self::Failed => "Failed",
            Self::DeliveryTimedOut => "DeliveryTimedOut",
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            Self::Cancelled => "Cancelled",
            Self::Undeliverable => "Undeliverable",
        }
    }

    /// `Status`.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::DeliveryTimedOut | Self::ExecutionTimedOut => "TimedOut",
            Self::Undeliverable => "Failed",
            other => other.details(),
        }
    }

    /// The status of the command as a whole, which knows fewer than that of its one invocation.
    pub(super) fn of_command(self) -> Self {
        match self {
            Self::Delayed => Self::Pending,
            other => other,
        }
    }

    /// Whether it stays.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Pending | Self::Delayed | Self::InProgress | Self::Cancelling
        )
    }
}

/// A command on its one instance.
#[derive(Clone, Debug)]
pub struct Command {
    /// Shaped like a UUID, but none.
    pub id: String,
    /// Where it runs.
    pub instance_id: String,
    /// What it runs.
    pub document: String,
    /// The steps of that.
    pub steps: Vec<String>,
    /// With what.
    pub parameters: BTreeMap<String, String>,
    /// What the sender noted.
    pub comment: String,
    /// The log group that the agent writes all output to besides.
    pub log_group: Option<String>,
    /// When it was sent.
    pub requested_at: SystemTime,
    /// How it stands.
    pub status: CommandStatus,
    /// When the script started.
    pub started_at: Option<SystemTime>,
    /// When it was over.
    pub ended_at: Option<SystemTime>,
    /// What the script ended with.
    pub exit_code: Option<i32>,
    /// All that the script wrote, known once it has ended.
    pub stdout: String,
    /// All that it complained.
    pub stderr: String,
    pub(super) seen_from: SystemTime,
    pub(super) delivery_time_out: Duration,
}

impl Command {
    pub(super) fn seen(&self, now: SystemTime) -> bool {
        self.seen_from <= now
    }

    /// The same, with a last line that its exit code alone would stand for.
    fn with_a_finding(mut self) -> Self {
        if self.exit_code.is_some_and(|code| code > 0 && code != 75) {
            let said = "{\"valid\":false,\"checks\":1,\"tables\":0,\"rows\":0,\"seconds\":1,\
                        \"reason\":\"it failed\"}";
            self.exit_code = Some(1);
            said.clone_into(&mut self.stdout);
        }
        self
    }

    /// What became of one of its steps. Of several steps AWS wants to be told which; each has
    /// what the one script of the stand-in had.
    fn step(&self, name: Option<&str>) -> Result<&str, ErrorResponse> {
        let found = match (name, self.steps.as_slice()) {
            (None, [one]) => Some(one),
            (None, _) => None,
            (Some(name), steps) => steps.iter().find(|step| *step == name),
        };
        let step = found.ok_or_else(|| ErrorResponse::new("InvalidPluginName", ""))?;
        Ok(step)
    }

    fn invocation(&self, step: &str) -> Value {
        let time = |time: Option<SystemTime>| time.map(rfc3339).unwrap_or_default();
        let elapsed = self
            .started_at
            .zip(self.ended_at)
            .and_then(|(start, end)| end.duration_since(start).ok());
        json!({
            "CommandId": self.id,
            "InstanceId": self.instance_id,
            "Comment": self.comment,
            "DocumentName": self.document,
            "DocumentVersion": "$DEFAULT",
            "PluginName": step,
            "ResponseCode": self.exit_code.unwrap_or(-1),
            "ExecutionStartDateTime": time(self.started_at),
            "ExecutionElapsedTime": elapsed.map_or_else(String::new, |time| format!("PT{}S", time.as_secs_f64())),
            "ExecutionEndDateTime": time(self.ended_at),
            "Status": self.status.status(),
            "StatusDetails": self.status.details(),
            "StandardOutputContent": cut(&self.stdout, STDOUT),
            "StandardOutputUrl": "",
            "StandardErrorContent": cut(&self.stderr, STDERR),
            "StandardErrorUrl": "",
        })
    }
}

/// As the agent shortens it: the beginning, with a mark within the limit.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - CUT.len()).collect();
    kept + CUT
}

pub(super) fn get_command_invocation(
    context: &mut Context<'_>,
    mut input: Input,
) -> Result<Value, ErrorResponse> {
    let command_id: String = input.need("CommandId")?;
    let instance_id: String = input.need("InstanceId")?;
    let step: Option<String> = input.take("PluginName")?;
    input.finish()?;
    context.authorize_ssm("ssm:GetCommandInvocation", "*", vec![])?;
    let mut commands = context.account.ssm.commands.iter();
    let command = commands.find(|command| {
        command.id == command_id && command.instance_id == instance_id && command.seen(context.now)
    });
    let exit_code_alone = context.account.ssm.exit_code_is_a_finding;
    let command = command.ok_or_else(|| ErrorResponse::new("InvocationDoesNotExist", ""))?;
    let step = command.step(step.as_deref())?;
    if exit_code_alone {
        return Ok(command.clone().with_a_finding().invocation(step));
    }
    Ok(command.invocation(step))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_keeps_its_beginning_within_the_limit() {
        let long = "é".repeat(STDOUT + 1);
        let kept = cut(&long, STDOUT);
        assert_eq!(kept.chars().count(), STDOUT);
        assert!(kept.starts_with("éé") && kept.ends_with(CUT));
        let fits = "é".repeat(STDOUT);
        assert_eq!(cut(&fits, STDOUT), fits);
    }
}
