//! From the template's resources, intrinsics evaluated, to what the stand-in deploys.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::deployed::{Function, LogGroup, Schedule, Template};
use super::document::Document;
use super::intrinsics::{Resource, Stack, evaluated};
use super::parameters::text;
use super::properties::{
    Destination, DestinationConfig, FunctionProperties, LogGroupProperties, RecursiveLoop,
};
use super::roles::{check_network, roles};
use crate::event_bridge::Rule;
use crate::iam::Role;
use crate::logs_insights::SavedQuery;

/// Builds everything that the template asks for.
pub(super) fn deploy(stack: &Stack) -> anyhow::Result<Template> {
    let mut template = Template {
        stack_name: stack.name.clone(),
        functions: Vec::new(),
        documents: Vec::new(),
        rules: Vec::new(),
        schedule: None,
        log_groups: BTreeMap::new(),
        saved_queries: Vec::new(),
        outputs: BTreeMap::new(),
    };
    let globals = function_globals(&stack.sections.globals)?;
    let roles = roles(stack)?;
    let mut policies = Vec::new();
    for (id, resource) in &stack.sections.resources {
        if let Some(condition) = &resource.condition
            && !stack.condition(condition).with_context(|| id.clone())?
        {
            continue;
        }
        match resource.kind.as_str() {
            "AWS::Logs::ResourcePolicy" => policy(stack, resource).map(|one| policies.push(one)),
            _ => deploy_one(stack, &mut template, &globals, &roles, id, resource),
        }
        .with_context(|| id.clone())?;
    }
    for Rule { log_group, .. } in &template.rules {
        ensure!(
            lets_eventbridge_write(&policies, log_group),
            "no resource policy lets EventBridge write to {log_group}"
        );
    }
    for (name, output) in &stack.sections.outputs {
        let value = output.get("Value").context("no Value");
        let value = value.and_then(|value| stack.text(value));
        let value = value.with_context(|| format!("output {name}"))?;
        template.outputs.insert(name.clone(), value);
    }
    Ok(template)
}

fn deploy_one(
    stack: &Stack,
    template: &mut Template,
    globals: &Value,
    roles: &BTreeMap<String, Role>,
    id: &str,
    resource: &Resource,
) -> anyhow::Result<()> {
    match resource.kind.as_str() {
        "AWS::Serverless::Function" => {
            let properties = merged(globals.clone(), resource.properties.clone());
            let properties = FunctionProperties::deserialize(evaluated(stack, &properties)?)?;
            let schedule = properties.schedule(&stack.physical_name(id)?)?;
            ensure!(
                template.schedule.is_none() || schedule.is_none(),
                "a second schedule"
            );
            template.schedule = template.schedule.take().or(schedule);
            let function = properties.function(stack, id, resource, roles)?;
            template.functions.push(function);
        }
        "AWS::SSM::Document" => {
            let properties = evaluated(stack, &resource.properties)?;
            let document = Document::read(stack, id, &properties)?;
            template.documents.push(document);
        }
        "AWS::Logs::LogGroup" => {
            let properties = evaluated(stack, &resource.properties)?;
            let group = LogGroupProperties::deserialize(properties)?;
            let kept = LogGroup {
                retention_in_days: group.retention_in_days,
                kms_key_arn: group.kms_key_id,
            };
            template.log_groups.insert(group.log_group_name, kept);
        }
        "AWS::Events::Rule" => {
            let rule = Rule::read(id, &evaluated(stack, &resource.properties)?)?;
            template.rules.push(rule);
        }
        "AWS::Logs::QueryDefinition" => {
            let properties = evaluated(stack, &resource.properties)?;
            template
                .saved_queries
                .push(SavedQuery::deserialize(properties)?);
        }
        "AWS::IAM::Role" | "AWS::IAM::ManagedPolicy" => {}
        // No run uses these, but their intrinsics must have values.
        "AWS::CloudWatch::Alarm" | "AWS::Logs::MetricFilter" => {
            evaluated(stack, &resource.properties)?;
        }
        other => bail!("{other} is not modelled"),
    }
    Ok(())
}

impl FunctionProperties {
    fn function(
        self,
        stack: &Stack,
        id: &str,
        resource: &Resource,
        roles: &BTreeMap<String, Role>,
    ) -> anyhow::Result<Function> {
        ensure!(
            self.handler == "bootstrap" && self.runtime.starts_with("provided."),
            "{} with handler {} is not modelled",
            self.runtime,
            self.handler
        );
        let name = stack.physical_name(id)?;
        let binary = resource.metadata.pointer("/BuildProperties/Binary");
        let binary = binary.and_then(Value::as_str);
        let role = roles.get(&self.role);
        let role = role.with_context(|| format!("no role {}", self.role))?;
        if let Some(vpc) = &self.vpc_config {
            check_network(role, vpc)?;
        }
        let environment = self.environment.variables.iter();
        let environment = environment.map(|(key, value)| Ok((key.clone(), text(value)?)));
        let config = self.event_invoke_config;
        let DestinationConfig {
            on_failure,
            on_success,
        } = config.destination_config;
        Ok(Function {
            logical_id: id.to_owned(),
            arn: stack.arn(id)?,
            binary: binary.context("no BuildProperties/Binary")?.to_owned(),
            code_uri: self.code_uri,
            timeout: Duration::from_secs(self.timeout),
            memory: self.memory_size,
            environment: environment.collect::<anyhow::Result<_>>()?,
            recursive_loop_allowed: self.recursive_loop == RecursiveLoop::Allow,
            maximum_retry_attempts: config.maximum_retry_attempts,
            maximum_event_age: Duration::from_secs(config.maximum_event_age_in_seconds),
            on_failure: on_failure.map(Destination::arn).transpose()?,
            on_success: on_success.map(Destination::arn).transpose()?,
            role: role.clone(),
            vpc: self.vpc_config,
            log_group: match self.logging_config {
                Some(config) => config.log_group,
                None => format!("/aws/lambda/{name}"),
            },
            name,
        })
    }

    fn schedule(&self, function: &str) -> anyhow::Result<Option<Schedule>> {
        let mut events = self.events.values();
        let (first, second) = (events.next(), events.next());
        ensure!(second.is_none(), "a second event");
        let Some(event) = first else {
            return Ok(None);
        };
        ensure!(event.kind == "Schedule", "an event of type {}", event.kind);
        Ok(Some(Schedule {
            expression: event.properties.schedule.clone(),
            enabled: match event.properties.state.as_deref() {
                None | Some("ENABLED") => true,
                Some("DISABLED") => false,
                Some(other) => bail!("state {other}"),
            },
            function: function.to_owned(),
        }))
    }
}

impl Destination {
    /// Where it leads.
    fn arn(self) -> anyhow::Result<String> {
        let Self { kind, destination } = self;
        let of_its_kind = match kind.as_str() {
            "Lambda" => destination.contains(":function:"),
            "EventBridge" => destination.contains(":event-bus/"),
            _ => false,
        };
        ensure!(of_its_kind, "{destination} of type {kind} is not modelled");
        Ok(destination)
    }
}

/// A resource policy, which CloudFormation wants as text.
fn policy(stack: &Stack, resource: &Resource) -> anyhow::Result<Value> {
    let properties = evaluated(stack, &resource.properties)?;
    let text = properties["PolicyDocument"].as_str().context("no text")?;
    serde_json::from_str(text).context("PolicyDocument")
}

/// CloudWatch Logs has to let EventBridge write, or it drops what a rule wants kept.
fn lets_eventbridge_write(policies: &[Value], log_group: &str) -> bool {
    let wanted = format!(":log-group:{log_group}:*");
    let mut statements = policies
        .iter()
        .filter_map(|policy| policy.pointer("/Statement/0"));
    let has = |value: &Value, name: &str| {
        value
            .as_array()
            .is_some_and(|list| list.iter().any(|one| one == name))
    };
    statements.any(|statement| {
        statement["Effect"] == "Allow"
            && has(&statement["Principal"]["Service"], "events.amazonaws.com")
            && has(&statement["Action"], "logs:CreateLogStream")
            && has(&statement["Action"], "logs:PutLogEvents")
            && statement["Resource"]
                .as_str()
                .is_some_and(|arn| arn.ends_with(&wanted))
    })
}

fn function_globals(globals: &Map<String, Value>) -> anyhow::Result<Value> {
    if let Some(other) = globals.keys().find(|kind| *kind != "Function") {
        bail!("Globals of {other} are not modelled");
    }
    let function = globals.get("Function").cloned();
    Ok(function.unwrap_or_else(|| Map::new().into()))
}

/// SAM's rule for Globals: maps grow together, lists are joined, else the function's own wins.
fn merged(global: Value, own: Value) -> Value {
    match (global, own) {
        (Value::Object(mut global), Value::Object(own)) => {
            for (key, value) in own {
                let value = match global.remove(&key) {
                    Some(before) => merged(before, value),
                    None => value,
                };
                global.insert(key, value);
            }
            Value::Object(global)
        }
        (Value::Array(mut global), Value::Array(own)) => {
            global.extend(own);
            Value::Array(global)
        }
        (_, own) => own,
    }
}
