//! A command.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::error_response::ErrorResponse;

/// What SSM keeps of a script's output, and how the agent marks that there was more.
const STDOUT: usize = 24_000;
const STDERR: usize = 8_000;
const CUT: &str = "--output truncated--";

/// Status of a command, as `StatusDetails` has it.
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
    /// Whether a caller was told how it ended.
    pub(crate) is_told: bool,
    pub(super) seen_from: SystemTime,
    pub(super) delivery_time_out: Duration,
}

impl Command {
    pub(super) fn seen(&self, now: SystemTime) -> bool {
        self.seen_from <= now
    }

    /// The same, with a last line that its exit code alone would stand for.
    pub(super) fn with_a_finding(mut self) -> Self {
        if self.exit_code.is_some_and(|code| code > 0 && code != 75) {
            let said = "{\"valid\":false,\"checks\":1,\"tables\":0,\"rows\":0,\"seconds\":1,\
                        \"reason\":\"it failed\"}";
            self.exit_code = Some(1);
            said.clone_into(&mut self.stdout);
        }
        self
    }

    /// The result of one of its steps. If there are several, AWS requires the step's name; each has
    /// the result of the stand-in's one script.
    pub(super) fn step(&self, name: Option<&str>) -> Result<&str, ErrorResponse> {
        let found = match (name, self.steps.as_slice()) {
            (None, [one]) => Some(one),
            (None, _) => None,
            (Some(name), steps) => steps.iter().find(|step| *step == name),
        };
        let step = found.ok_or_else(|| ErrorResponse::new("InvalidPluginName", ""))?;
        Ok(step)
    }

    pub(super) fn invocation(&self, step: &str) -> Value {
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
