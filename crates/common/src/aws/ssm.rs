//! Calls of Systems Manager: commands on the test instance, and one secret.

mod agent;
mod refused;
mod report;
mod sent;

use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::get_command_invocation::{
    GetCommandInvocationError, GetCommandInvocationOutput,
};
use aws_sdk_ssm::types::{
    CloudWatchOutputConfig, CommandFilter, CommandFilterKey, CommandInvocationStatus as Status,
};
use secrecy::SecretString;

use crate::aws::error::{code, refused};
use crate::error::{Error, Kind, Result};
use crate::time::Timestamp;

pub use agent::agent;
use refused::ssm_refused;
pub use report::Report;
pub(crate) use report::{FAULT, GOOD, OWN_DOCUMENT, SHOWN, advice};
pub use sent::{Sent, comment, sent};

/// How long Systems Manager may take to deliver a command, in seconds. An agent that is silent for
/// longer is taken for dead.
const DELIVERY_SECONDS: i32 = 600;

/// A command to be sent.
#[derive(Clone, Debug)]
pub struct Command<'a> {
    /// The document that it runs.
    pub document: &'a str,
    /// The instance that it runs on.
    pub instance_id: &'a str,
    /// What it is for: `mount`, `test` or `release`.
    pub purpose: &'static str,
    /// The run that it belongs to.
    pub run_id: &'a str,
    /// The document's parameters.
    pub parameters: Vec<(&'static str, &'a str)>,
    /// The log group that the agent writes the script's output to as it grows, if any.
    pub log_group: Option<&'a str>,
}

/// How far a command is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Not ended; why.
    Pending(String),
    /// The script ran to its end.
    Ended(Report),
    /// It will not end, or never began: not delivered, out of time, cancelled. Why.
    Lost(String),
}

/// Sends a command unless this run has sent it already, and returns its id.
///
/// # Errors
/// Where Systems Manager refuses, or the instance is not managed by it.
pub async fn ensure_command(
    client: &Client,
    command: &Command<'_>,
    since: Timestamp,
) -> Result<String> {
    match find_command(client, command, since).await? {
        Some(id) => Ok(id),
        None => send_command(client, command).await,
    }
}

/// Release commands older than this are not searched for: Lambda keeps an event for hours, and
/// EventBridge retries for a day.
const LATE: Duration = Duration::from_hours(3 * 24);

/// Whether step 6 has released what this run held: then the run has ended, and a delivery of one of
/// its events is late.
///
/// # Errors
/// Where Systems Manager refuses to list the commands.
pub async fn was_released(
    client: &Client,
    document: &str,
    instance_id: &str,
    run_id: &str,
    now: Timestamp,
) -> Result<bool> {
    let release = Command {
        document,
        instance_id,
        purpose: "release",
        run_id,
        parameters: Vec::new(),
        log_group: None,
    };
    let found = find_command(client, &release, now.before(LATE)).await?;
    Ok(found.is_some())
}

async fn find_command(
    client: &Client,
    command: &Command<'_>,
    since: Timestamp,
) -> Result<Option<String>> {
    let tried = format!("list the commands of {}", command.instance_id);
    let build = |key, value: String| {
        CommandFilter::builder()
            .key(key)
            .value(value)
            .build()
            .map_err(|error| Error::caused(Kind::AwsRefused, format!("tried to {tried}"), error))
    };
    // InvokedAfter counts whole seconds.
    let since = since.whole_second().to_string();
    let mut pages = client
        .list_commands()
        .instance_id(command.instance_id)
        .filters(build(CommandFilterKey::InvokedAfter, since)?)
        .filters(build(
            CommandFilterKey::DocumentName,
            command.document.to_owned(),
        )?)
        .into_paginator()
        .items()
        .send();
    let comment = comment(command.purpose, command.run_id);
    while let Some(found) = pages.next().await {
        let found = found.map_err(|error| ssm_refused(&tried, error))?;
        if found.comment() == Some(&comment) {
            return Ok(found.command_id().map(str::to_owned));
        }
    }
    Ok(None)
}

/// Sends a command, again if it was sent before.
///
/// # Errors
/// Where Systems Manager refuses, or the instance is not managed by it.
pub async fn send_command(client: &Client, command: &Command<'_>) -> Result<String> {
    let tried = format!(
        "send the {} command to {}",
        command.purpose, command.instance_id
    );
    let mut request = client
        .send_command()
        .document_name(command.document)
        .instance_ids(command.instance_id)
        .comment(comment(command.purpose, command.run_id))
        .timeout_seconds(DELIVERY_SECONDS)
        .set_cloud_watch_output_config(command.log_group.map(output_to));
    for (name, value) in &command.parameters {
        request = request.parameters(*name, vec![(*value).to_owned()]);
    }
    let sent = request.send().await.map_err(|error| {
        let undeclared = code(&error) == Some("InvalidParameters");
        let refused = ssm_refused(&tried, error);
        if !undeclared {
            return refused;
        }
        let document = command.document;
        Error::new(
            refused.kind(),
            format!(
                "{refused}; document {document} must declare what is sent: \"A document of your \
                 own\" in docs/documents.md"
            ),
        )
    })?;
    let id = sent.command().and_then(|command| command.command_id());
    id.map(str::to_owned).ok_or_else(|| {
        Error::new(
            Kind::AwsRefused,
            format!("tried to {tried}: AWS gave no command id"),
        )
    })
}

fn output_to(log_group: &str) -> CloudWatchOutputConfig {
    CloudWatchOutputConfig::builder()
        .cloud_watch_log_group_name(log_group)
        .cloud_watch_output_enabled(true)
        .build()
}

/// How Systems Manager answers where a document has several steps, and it was not told which.
const SEVERAL_STEPS: &str = "InvalidPluginName";

/// What became of a command. Of a document with several steps it tells of one by its name, the
/// first of `steps` that there is.
async fn invocation(
    client: &Client,
    command_id: &str,
    instance_id: &str,
    steps: &[&str],
) -> std::result::Result<GetCommandInvocationOutput, SdkError<GetCommandInvocationError>> {
    let ask = || {
        let asked = client.get_command_invocation();
        asked.command_id(command_id).instance_id(instance_id)
    };
    let mut answer = ask().send().await;
    for step in steps {
        if !matches!(&answer, Err(error) if code(error) == Some(SEVERAL_STEPS)) {
            break;
        }
        answer = ask().plugin_name(*step).send().await;
    }
    answer
}

fn unnamed_step(tried: &str, steps: &[&str]) -> Error {
    let step = steps.first().copied().unwrap_or_default();
    Error::new(
        Kind::HostFailed,
        format!(
            "tried to {tried}: its document has several steps, and none is named `{step}`; name \
             the one so that runs the script: \"A document of your own\" in docs/documents.md"
        ),
    )
}

/// How far a command is. `steps`: what its document may call the step that runs the script.
///
/// # Errors
/// Where Systems Manager refuses to say.
pub async fn progress(
    client: &Client,
    command_id: &str,
    instance_id: &str,
    steps: &[&str],
) -> Result<(Report, Progress)> {
    let mut report = Report {
        command_id: command_id.to_owned(),
        status: Status::Pending.as_str().to_owned(),
        status_details: "not yet visible".to_owned(),
        response_code: -1,
        stdout: String::new(),
        stderr: String::new(),
        ended_at: None,
    };
    let asked = invocation(client, command_id, instance_id, steps).await;
    let answer = match asked {
        Ok(answer) => answer,
        // Right after sending, the invocation may not be visible yet.
        Err(error) if code(&error) == Some("InvocationDoesNotExist") => {
            let why = format!("command {command_id} is not yet visible on {instance_id}");
            return Ok((report, Progress::Pending(why)));
        }
        Err(error) => {
            let tried = format!("ask for command {command_id} on {instance_id}");
            if code(&error) == Some(SEVERAL_STEPS) {
                return Err(unnamed_step(&tried, steps));
            }
            return Err(ssm_refused(&tried, error));
        }
    };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let status = answer.status().cloned().unwrap_or(Status::Pending);
    status.as_str().clone_into(&mut report.status);
    report.status_details = text(answer.status_details());
    report.response_code = answer.response_code();
    report.stdout = text(answer.standard_output_content());
    report.stderr = text(answer.standard_error_content());
    report.ended_at = answer.execution_end_date_time().and_then(Timestamp::parse);
    let progress = fold(&status, &report);
    Ok((report, progress))
}

/// Groups Systems Manager's statuses into three. A lost command keeps the agent's message, which is
/// recorded nowhere else.
fn fold(status: &Status, report: &Report) -> Progress {
    let Report {
        command_id,
        status: name,
        status_details,
        response_code: exit_code,
        ..
    } = report;
    let said = format!("command {command_id} is {name} ({status_details})");
    let details: String = status_details.split_whitespace().collect();
    match status {
        Status::Success if *exit_code == 0 => Progress::Ended(report.clone()),
        // `Failed` without an exit code: the agent could not even start the script.
        Status::Failed if *exit_code > 0 => Progress::Ended(report.clone()),
        Status::Pending | Status::InProgress | Status::Delayed => Progress::Pending(said),
        _ if details == "DeliveryTimedOut" || details == "Undeliverable" => Progress::Lost(
            format!("{said}: the SSM agent on the test instance did not take it"),
        ),
        // The agent calls it a time-out where the script was killed.
        Status::TimedOut if *exit_code > 0 => Progress::Lost(format!(
            "{said} with exit code {exit_code}: {}; it said: {}",
            advice(*exit_code),
            report.words()
        )),
        _ => Progress::Lost(format!("{said}; it said: {}", report.words())),
    }
}

/// Reads a `SecureString` parameter.
///
/// # Errors
/// Where it does not exist or may not be read.
pub(crate) async fn secret(client: &Client, name: &str) -> Result<SecretString> {
    let tried = format!("read the parameter {name}");
    let answer = client
        .get_parameter()
        .name(name)
        .with_decryption(true)
        .send()
        .await
        .map_err(|error| refused(&tried, error))?;
    let value = answer.parameter().and_then(|parameter| parameter.value());
    value
        .map(SecretString::from)
        .ok_or_else(|| Error::new(Kind::NotFound, format!("tried to {tried}: it has no value")))
}
