//! SSM Command documents: what a document takes, and what the agent then runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::intrinsics::Stack;

/// A Command document of one `aws:runShellScript`.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in AWS, which is what `Ref` gives.
    pub name: String,
    /// What IAM knows it by.
    pub arn: String,
    /// What it takes.
    pub parameters: Vec<DocumentParameter>,
    /// What its one step is called.
    pub step: String,
    /// As the document has it, `{{ … }}` and all.
    pub script: Arc<str>,
    /// `timeoutSeconds` as the document has it: a number or `{{ parameter }}`.
    pub timeout_seconds: String,
}

/// A parameter of a document; all are strings.
#[derive(Clone, Debug)]
pub struct DocumentParameter {
    /// Its name.
    pub name: String,
    /// Its value where the command gives none; without one it must be given.
    pub default: Option<String>,
    /// What a value must fit.
    pub allowed_pattern: Option<Regex>,
    /// What it must be one of, if anything is listed.
    pub allowed_values: Vec<String>,
    /// Whether newer agents hand it over as the variable `SSM_<name>`.
    pub env_var: bool,
}

/// What the agent runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunShellScript {
    /// With each `{{ … }}` replaced by its value: all that an agent older than 3.3.2746.0 does.
    pub script: String,
    /// `SSM_<name>` of the parameters that ask for it, from newer agents.
    pub variables: BTreeMap<String, String>,
    /// The agent ends the script after this.
    pub execution_timeout: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Properties {
    document_type: String,
    target_type: String,
    update_method: String,
    content: Content,
    #[serde(rename = "Name")]
    _name: Option<Value>,
    #[serde(rename = "DocumentFormat")]
    _document_format: Option<Value>,
    #[serde(rename = "Tags")]
    _tags: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Content {
    schema_version: String,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, ParameterContent>,
    main_steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ParameterContent {
    #[serde(rename = "type")]
    kind: String,
    default: Option<String>,
    allowed_pattern: Option<String>,
    #[serde(default)]
    allowed_values: Vec<String>,
    interpolation_type: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Step {
    action: String,
    name: String,
    inputs: Inputs,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Inputs {
    timeout_seconds: String,
    run_command: Vec<String>,
}

/// SSM's default and what it takes, in seconds.
const DEFAULT_TIMEOUT: u64 = 3600;
const TIMEOUTS: std::ops::RangeInclusive<u64> = 5..=172_800;
/// What SSM takes for a document.
const SIZE_LIMIT: usize = 64 * 1024;

impl Document {
    pub(super) fn read(
        stack: &Stack,
        logical_id: &str,
        properties: &Value,
    ) -> anyhow::Result<Self> {
        let size = properties["Content"].to_string().len();
        ensure!(size <= SIZE_LIMIT, "{size} bytes of {SIZE_LIMIT}");
        let Properties {
            document_type,
            target_type,
            update_method,
            content,
            ..
        } = Properties::deserialize(properties)?;
        ensure!(document_type == "Command", "a {document_type} document");
        ensure!(target_type == "/AWS::EC2::Instance", "for {target_type}");
        // `Replace` fails on a change of a named document.
        ensure!(
            update_method == "NewVersion",
            "UpdateMethod {update_method}"
        );
        ensure!(
            content.schema_version == "2.2",
            "schema {}",
            content.schema_version
        );
        let [step] = content.main_steps.as_slice() else {
            bail!("{} steps", content.main_steps.len());
        };
        ensure!(
            step.action == "aws:runShellScript",
            "action {}",
            step.action
        );

        let mut parameters = Vec::new();
        for (name, parameter) in content.parameters {
            parameters.push(parameter.read(name)?);
        }
        Ok(Self {
            logical_id: logical_id.to_owned(),
            name: stack.physical_name(logical_id)?,
            arn: stack.arn(logical_id)?,
            parameters,
            step: step.name.clone(),
            script: step.inputs.run_command.join("\n").into(),
            timeout_seconds: step.inputs.timeout_seconds.clone(),
        })
    }

    /// What the agent runs for a command with these parameters. The error is what SSM calls
    /// `InvalidParameters`.
    pub fn command(&self, given: &BTreeMap<String, Vec<String>>) -> anyhow::Result<RunShellScript> {
        let values = bind(&self.name, &self.parameters, given)?;
        let variables = self.parameters.iter().filter(|one| one.env_var);
        let variables =
            variables.map(|one| (format!("SSM_{}", one.name), values[&one.name].clone()));
        Ok(RunShellScript {
            script: paste(&self.script, &values),
            variables: variables.collect(),
            execution_timeout: execution_timeout(&self.timeout_seconds, &values),
        })
    }
}

/// The parameters of a command, complete and checked. The error is what SSM calls `InvalidParameters`.
pub(crate) fn bind(
    document: &str,
    parameters: &[DocumentParameter],
    given: &BTreeMap<String, Vec<String>>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let known = |name: &String| parameters.iter().any(|one| one.name == *name);
    if let Some(name) = given.keys().find(|name| !known(name)) {
        bail!("Parameter \"{name}\" is not defined in document {document}.");
    }
    let values = parameters.iter().map(|one| {
        let value = one.value(given.get(&one.name))?;
        Ok((one.name.clone(), value))
    });
    values.collect()
}

/// `timeoutSeconds` of a document, a number or `{{ parameter }}`, with these values. What is no number
/// from 5 to 172800 is silently an hour.
pub(crate) fn execution_timeout(text: &str, values: &BTreeMap<String, String>) -> Duration {
    let seconds = paste(text, values).trim().parse().ok();
    let seconds = seconds.filter(|seconds| TIMEOUTS.contains(seconds));
    Duration::from_secs(seconds.unwrap_or(DEFAULT_TIMEOUT))
}

impl ParameterContent {
    fn read(self, name: String) -> anyhow::Result<DocumentParameter> {
        ensure!(
            self.kind == "String",
            "parameter {name}: type {}",
            self.kind
        );
        let env_var = match self.interpolation_type.as_deref() {
            None => false,
            Some("ENV_VAR") => true,
            Some(other) => bail!("parameter {name}: interpolationType {other}"),
        };
        let pattern = self.allowed_pattern.as_deref().map(Regex::new);
        let allowed_pattern = pattern
            .transpose()
            .with_context(|| format!("parameter {name}"))?;
        Ok(DocumentParameter {
            name,
            default: self.default,
            allowed_pattern,
            allowed_values: self.allowed_values,
            env_var,
        })
    }
}

impl DocumentParameter {
    /// Its value in a command that gives it these.
    fn value(&self, given: Option<&Vec<String>>) -> anyhow::Result<String> {
        let name = &self.name;
        let value = match (given.map(Vec::as_slice), &self.default) {
            (Some([value]), _) => value,
            (Some(values), _) => bail!("parameter {name} takes one value, not {}", values.len()),
            (None, Some(default)) => default,
            (None, None) => bail!("parameter {name} is missing"),
        };
        if let Some(pattern) = &self.allowed_pattern
            && !pattern.is_match(value)
        {
            bail!("parameter {name}: {value:?} does not fit {pattern}");
        }
        ensure!(
            self.allowed_values.is_empty() || self.allowed_values.contains(value),
            "parameter {name}: {value:?} is none of {:?}",
            self.allowed_values
        );
        Ok(value.clone())
    }
}

/// Replaces `{{ name }}`, with or without spaces, by the value of that name.
fn paste(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        result.push_str(before);
        let value = after
            .split_once("}}")
            .and_then(|(name, after)| Some((values.get(name.trim())?, after)));
        if let Some((value, after)) = value {
            result.push_str(value);
            rest = after;
        } else {
            result.push_str("{{");
            rest = after;
        }
    }
    result + rest
}
