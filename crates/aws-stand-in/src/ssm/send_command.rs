//! `SendCommand`, to one instance by its id. There is no client token: sent twice, it runs twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::command::{Command, CommandStatus};
use super::document::Document;
use super::{Input, life, list_commands};
use crate::account::{Conditions, Context, condition};
use crate::ec2::InstanceState;
use crate::error_response::ErrorResponse;
use crate::{ACCOUNT_ID, REGION};

struct SendCommandRequest {
    document: String,
    instance_id: String,
    parameters: BTreeMap<String, Vec<String>>,
    comment: String,
    log_group: Option<String>,
    delivery_time_out: Duration,
}

/// Where the whole output goes besides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloudWatchOutputConfig {
    #[serde(rename = "CloudWatchLogGroupName")]
    log_group_name: String,
    #[serde(rename = "CloudWatchOutputEnabled", default)]
    enabled: bool,
}

impl CloudWatchOutputConfig {
    fn log_group(self) -> Option<String> {
        self.enabled.then_some(self.log_group_name)
    }
}

impl SendCommandRequest {
    fn read(mut input: Input) -> Result<Self, ErrorResponse> {
        let instance_ids: Vec<String> = input.take("InstanceIds")?.unwrap_or_default();
        let Ok([instance_id]) = <[String; 1]>::try_from(instance_ids) else {
            return Err(ErrorResponse::not_modelled(
                "a command that does not name exactly one instance by its id",
            ));
        };
        let seconds: u64 = input.take("TimeoutSeconds")?.unwrap_or(3600);
        if !(30..=2_592_000).contains(&seconds) {
            return Err(outside("timeoutSeconds", "from 30 to 2592000"));
        }
        let comment: String = input.take("Comment")?.unwrap_or_default();
        if comment.chars().count() > 100 {
            return Err(outside("comment", "of at most 100 characters"));
        }
        let output: Option<CloudWatchOutputConfig> = input.take("CloudWatchOutputConfig")?;
        let request = Self {
            document: input.need("DocumentName")?,
            instance_id,
            parameters: input.take("Parameters")?.unwrap_or_default(),
            comment,
            log_group: output.and_then(CloudWatchOutputConfig::log_group),
            delivery_time_out: Duration::from_secs(seconds),
        };
        input.finish()?;
        Ok(request)
    }
}

fn outside(member: &str, constraint: &str) -> ErrorResponse {
    let message = format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must be {constraint}"
    );
    ErrorResponse::new("ValidationException", message)
}

pub(super) fn send_command(
    context: &mut Context<'_>,
    input: Input,
) -> Result<Value, ErrorResponse> {
    let request = SendCommandRequest::read(input)?;
    authorize(context, &request)?;
    let document = context
        .account
        .ssm
        .documents
        .get(&request.document)
        .cloned();
    let document = document.ok_or_else(|| {
        let message = format!("Document with name {} does not exist.", request.document);
        ErrorResponse::new("InvalidDocument", message)
    })?;
    let parameters = document.bind(&request.parameters)?;
    check_managed(context, &request.instance_id)?;
    let command = new_command(context, request, &document, parameters);
    let cancel = Arc::new(Notify::new());
    launch(context, &document, &command, cancel.clone());
    context
        .account
        .ssm
        .cancels
        .insert(command.id.clone(), cancel);
    let answer = list_commands::command(&command);
    context.account.ssm.commands.push(command);
    Ok(json!({ "Command": answer }))
}

fn new_command(
    context: &Context<'_>,
    request: SendCommandRequest,
    document: &Document,
    parameters: BTreeMap<String, String>,
) -> Command {
    let number = context.account.ssm.commands.len() + 1;
    Command {
        id: format!("rehearse-0000-0000-0000-{number:012}"),
        instance_id: request.instance_id,
        document: request.document,
        steps: document.steps.clone(),
        parameters,
        comment: request.comment,
        log_group: request.log_group,
        requested_at: context.now,
        status: CommandStatus::Pending,
        started_at: None,
        ended_at: None,
        exit_code: None,
        stdout: String::new(),
        stderr: String::new(),
        seen_from: context.seen_from,
        is_told: false,
        delivery_time_out: request.delivery_time_out,
    }
}

fn launch(context: &Context<'_>, document: &Document, command: &Command, cancel: Arc<Notify>) {
    let Some(entry) = context.account.ec2.instances.get(&command.instance_id) else {
        return;
    };
    let life = life::Life {
        aws: context.aws.clone(),
        command: command.clone(),
        cancel,
        script: document.script.clone(),
        time_out: document.time_out(&command.parameters),
        delivery: context.account.timing.delivery,
        machine: entry.machine.subscribe(),
        host: context.account.hosts.get(&command.instance_id).cloned(),
    };
    tokio::spawn(life.live());
}

fn authorize(context: &Context<'_>, request: &SendCommandRequest) -> Result<(), ErrorResponse> {
    let action = "ssm:SendCommand";
    let owner = if request.document.starts_with("AWS-") {
        ""
    } else {
        ACCOUNT_ID
    };
    let document = format!("arn:aws:ssm:{REGION}:{owner}:document/{}", request.document);
    context.authorize_ssm(action, &document, vec![])?;
    let instance = context.account.ec2.instances.get(&request.instance_id);
    let tags = instance.iter().flat_map(|entry| &entry.instance.tags);
    let pairs = tags.flat_map(|(key, value)| {
        let ssm = condition(format!("ssm:resourceTag/{key}"), value);
        [ssm, condition(format!("aws:ResourceTag/{key}"), value)]
    });
    let conditions: Conditions = pairs.collect();
    let instance = format!(
        "arn:aws:ec2:{REGION}:{ACCOUNT_ID}:instance/{}",
        request.instance_id
    );
    context.authorize_ssm(action, &instance, conditions)
}

fn check_managed(context: &Context<'_>, instance_id: &str) -> Result<(), ErrorResponse> {
    let entry = context.account.ec2.instances.get(instance_id);
    if entry.is_some_and(|entry| entry.instance.state == InstanceState::Running) {
        return Ok(());
    }
    let message =
        format!("Instances [[{instance_id}]] not in a valid state for account {ACCOUNT_ID}");
    Err(ErrorResponse::new("InvalidInstanceId", message))
}
