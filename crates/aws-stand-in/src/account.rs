//! The account, and what one call works on.

mod state;

use std::time::SystemTime;

use super::authorizer::Authorizer;
use super::error_response::ErrorResponse;
use super::{Aws, REGION};

pub(super) use state::Account;

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

    /// The refusal in EC2's form.
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

    /// The refusal in SSM's form.
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
