//! What the stand-in deploys of a template.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::document::Document;
use crate::event_bridge::Rule;
use crate::iam::Role;
use crate::logs_insights::SavedQuery;

/// A stack, deployed with its parameters.
#[derive(Clone, Debug)]
pub struct Template {
    /// `ib-backup-<environment>`.
    pub stack_name: String,
    /// In the order of their logical ids.
    pub functions: Vec<Function>,
    /// In the order of their logical ids.
    pub documents: Vec<Document>,
    /// What EventBridge keeps in log groups.
    pub rules: Vec<Rule>,
    /// What starts a run.
    pub schedule: Option<Schedule>,
    /// By name.
    pub log_groups: BTreeMap<String, LogGroup>,
    /// The saved queries of Logs Insights.
    pub saved_queries: Vec<SavedQuery>,
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
}

/// A Lambda function, with the defaults that Lambda has where the template is silent.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in AWS.
    pub name: String,
    /// Without a version.
    pub arn: String,
    /// The program, which is named like its crate.
    pub binary: String,
    /// Where its code is, relative to the template: sources, or a zip once it is packed.
    pub code_uri: String,
    /// After this an invocation is ended.
    pub timeout: Duration,
    /// In MiB.
    pub memory: u32,
    /// The environment variables that the template sets.
    pub environment: BTreeMap<String, String>,
    /// Where it is not, Lambda ends a chain of invocations after about 16.
    pub recursive_loop_allowed: bool,
    /// After the first attempt at an event, so up to one more attempt than this.
    pub maximum_retry_attempts: u32,
    /// An event older than this is not tried again.
    pub maximum_event_age: Duration,
    /// The ARN of what gets the record of a failed event.
    pub on_failure: Option<String>,
    /// The ARN of what gets the record of any other.
    pub on_success: Option<String>,
    /// What it may do.
    pub role: Role,
    /// The name of its log group.
    pub log_group: String,
    /// Where it is in a network of the account's.
    pub vpc: Option<VpcConfig>,
}

/// The network that a function is in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct VpcConfig {
    /// Its subnets.
    pub subnet_ids: Vec<String>,
    /// Its security groups.
    pub security_group_ids: Vec<String>,
}

/// What a log group keeps.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogGroup {
    /// `None` is for ever.
    pub retention_in_days: Option<u32>,
    /// The key that encrypts it, where CloudWatch's own does not.
    pub kms_key_arn: Option<String>,
}

/// A rule that invokes a function at times.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Schedule {
    /// `cron(…)` or `rate(…)`, in UTC.
    pub expression: String,
    /// Whether it does invoke.
    pub enabled: bool,
    /// The name of the function.
    pub function: String,
}
