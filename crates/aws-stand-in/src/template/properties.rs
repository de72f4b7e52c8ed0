//! The properties of the resources, as far as the stand-in takes any. Those with an underscore mean
//! nothing to it; those that are missing here are errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::deployed::VpcConfig;
use super::parameters::text;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct FunctionProperties {
    #[serde(rename = "FunctionName")]
    _function_name: String,
    pub code_uri: String,
    pub handler: String,
    pub runtime: String,
    pub role: String,
    #[serde(deserialize_with = "number")]
    pub timeout: u64,
    #[serde(deserialize_with = "number")]
    pub memory_size: u32,
    #[serde(default)]
    pub environment: Environment,
    #[serde(default)]
    pub recursive_loop: RecursiveLoop,
    #[serde(default)]
    pub event_invoke_config: EventInvokeConfig,
    pub logging_config: Option<LoggingConfig>,
    pub vpc_config: Option<VpcConfig>,
    #[serde(default)]
    pub events: BTreeMap<String, Event>,
    #[serde(rename = "Architectures")]
    _architectures: Option<Value>,
    #[serde(rename = "Description")]
    _description: Option<Value>,
    #[serde(rename = "Tags")]
    _tags: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Environment {
    pub variables: Map<String, Value>,
}

#[derive(Default, Deserialize, Eq, PartialEq)]
pub(super) enum RecursiveLoop {
    Allow,
    #[default]
    Terminate,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct EventInvokeConfig {
    #[serde(deserialize_with = "number")]
    pub maximum_retry_attempts: u32,
    #[serde(deserialize_with = "number")]
    pub maximum_event_age_in_seconds: u64,
    pub destination_config: DestinationConfig,
}

/// Lambda's own.
impl Default for EventInvokeConfig {
    fn default() -> Self {
        Self {
            maximum_retry_attempts: 2,
            maximum_event_age_in_seconds: 21_600,
            destination_config: DestinationConfig::default(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct DestinationConfig {
    pub on_failure: Option<Destination>,
    pub on_success: Option<Destination>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Destination {
    #[serde(rename = "Type")]
    pub kind: String,
    pub destination: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct LoggingConfig {
    pub log_group: String,
    #[serde(rename = "LogFormat")]
    _log_format: Option<Value>,
    #[serde(rename = "ApplicationLogLevel")]
    _application_log_level: Option<Value>,
    #[serde(rename = "SystemLogLevel")]
    _system_log_level: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Event {
    #[serde(rename = "Type")]
    pub kind: String,
    pub properties: ScheduleProperties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct ScheduleProperties {
    pub schedule: String,
    pub state: Option<String>,
    #[serde(rename = "Description")]
    _description: Option<Value>,
    #[serde(rename = "Name")]
    _name: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct RoleProperties {
    pub assume_role_policy_document: Value,
    #[serde(default)]
    pub managed_policy_arns: Vec<String>,
    pub permissions_boundary: Option<String>,
    #[serde(default)]
    pub policies: Vec<Policy>,
    #[serde(rename = "RoleName")]
    _role_name: Option<Value>,
    #[serde(rename = "Description")]
    _description: Option<Value>,
    #[serde(rename = "Tags")]
    _tags: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct ManagedPolicyProperties {
    pub policy_document: Value,
    #[serde(rename = "Description")]
    _description: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Policy {
    pub policy_document: Value,
    #[serde(rename = "PolicyName")]
    _policy_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct LogGroupProperties {
    pub log_group_name: String,
    #[serde(default, deserialize_with = "optional_number")]
    pub retention_in_days: Option<u32>,
    pub kms_key_id: Option<String>,
}

/// A number, or the text of one: parameters are text.
fn number<'de, D: Deserializer<'de>, T: std::str::FromStr>(from: D) -> Result<T, D::Error> {
    let value = Value::deserialize(from)?;
    let read = text(&value).ok().and_then(|text| text.parse().ok());
    read.ok_or_else(|| serde::de::Error::custom(format!("not a number: {value}")))
}

fn optional_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    number(from).map(Some)
}
