//! What is in the account, and what one call works on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::authorizer::Authorizer;
use super::datadog::Datadog;
use super::ec2::Ec2;
use super::error_response::ErrorResponse;
use super::instance_host::Host;
use super::ssm::Ssm;
use super::timing::Timing;
use super::{Aws, REGION};

/// The state of everything.
pub(super) struct Account {
    pub timing: Timing,
    /// How many a list shows at once at most, so that tests see several pages.
    pub page_size: usize,
    pub stale_reads: u64,
    pub detached_while_mounted: Vec<String>,
    pub ec2: Ec2,
    pub ssm: Ssm,
    pub datadog: Datadog,
    /// The machine behind each instance that has one.
    pub hosts: BTreeMap<String, Arc<dyn Host>>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            page_size: usize::MAX,
            stale_reads: 0,
            detached_while_mounted: Vec::new(),
            ec2: Ec2::default(),
            ssm: Ssm::default(),
            datadog: Datadog::default(),
            hosts: BTreeMap::new(),
        }
    }
}

impl Account {
    /// Has everything happen that time alone brings about.
    pub fn settle(&mut self, now: SystemTime) {
        self.ec2.settle(now, &self.hosts);
    }
}

/// What one call works on: the account, locked, at one moment.
pub(super) struct Context<'a> {
    pub aws: &'a Aws,
    pub account: &'a mut Account,
    pub authorizer: &'a dyn Authorizer,
    pub caller: &'a str,
    pub now: SystemTime,
    /// From when on reads show what this call writes.
    pub seen_from: SystemTime,
}

/// Condition keys of a request.
pub(super) type Conditions = Vec<(String, Vec<String>)>;

impl Context<'_> {
    /// IAM's refusal, if the caller may not do that to that resource.
    pub fn authorize(
        &self,
        action: &str,
        resource_arn: &str,
        mut conditions: Conditions,
    ) -> Result<(), String> {
        conditions.push(condition("aws:RequestedRegion", REGION));
        self.authorizer
            .allows(self.caller, action, resource_arn, &conditions)
    }

    /// EC2 tells it like this.
    pub fn authorize_ec2(
        &self,
        action: &str,
        resource_arn: &str,
        mut conditions: Conditions,
    ) -> Result<(), ErrorResponse> {
        conditions.push(condition("ec2:Region", REGION));
        self.authorize(action, resource_arn, conditions)
            .map_err(|text| ErrorResponse {
                status: 403,
                code: "UnauthorizedOperation".to_owned(),
                message: format!("You are not authorized to perform this operation. {text}"),
            })
    }

    /// SSM tells it like this.
    pub fn authorize_ssm(
        &self,
        action: &str,
        resource_arn: &str,
        conditions: Conditions,
    ) -> Result<(), ErrorResponse> {
        let allowed = self.authorize(action, resource_arn, conditions);
        allowed.map_err(|text| ErrorResponse::new("AccessDeniedException", text))
    }
}

/// A condition key with its one value.
pub(super) fn condition(key: impl Into<String>, value: impl Into<String>) -> (String, Vec<String>) {
    (key.into(), vec![value.into()])
}
