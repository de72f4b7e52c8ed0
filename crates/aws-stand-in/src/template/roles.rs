//! The functions' roles, with the policies that are attached to them.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde::Deserialize as _;
use serde_json::Value;

use super::deployed::VpcConfig;
use super::intrinsics::{Resource, Stack, evaluated};
use super::properties::{ManagedPolicyProperties, RoleProperties};
use crate::iam::{Decision, Request, Role};
use crate::ids::{ACCOUNT_ID, PARTITION, REGION};

/// Each role by its ARN.
pub(super) fn roles(stack: &Stack) -> anyhow::Result<BTreeMap<String, Role>> {
    let resources = stack.sections.resources.iter();
    resources
        .filter(|(_, resource)| resource.kind == "AWS::IAM::Role")
        .map(|(id, resource)| {
            let role = role(stack, id, resource).with_context(|| id.clone())?;
            Ok((stack.arn(id)?, role))
        })
        .collect()
}

fn role(stack: &Stack, id: &str, resource: &Resource) -> anyhow::Result<Role> {
    let properties = RoleProperties::deserialize(evaluated(stack, &resource.properties)?)?;
    let trusted = "/Statement/0/Principal/Service";
    let trusted = properties.assume_role_policy_document.pointer(trusted);
    ensure!(
        trusted.and_then(Value::as_str) == Some("lambda.amazonaws.com"),
        "Lambda may not take this role"
    );
    let policies = properties.policies.into_iter();
    let mut documents: Vec<_> = policies.map(|policy| policy.policy_document).collect();
    for arn in properties.managed_policy_arns {
        documents.push(managed_policy(stack, &arn)?);
    }
    let mut role = Role::read(&stack.physical_name(id)?, &documents)?;
    role.permissions_boundary = properties.permissions_boundary;
    Ok(role)
}

/// The document of a managed policy of the stack's own.
fn managed_policy(stack: &Stack, arn: &str) -> anyhow::Result<Value> {
    for (id, resource) in &stack.sections.resources {
        if resource.kind != "AWS::IAM::ManagedPolicy" || stack.arn(id)? != arn {
            continue;
        }
        let made = resource.condition.as_ref();
        let made = made.map_or(Ok(true), |condition| stack.condition(condition))?;
        ensure!(made, "{id} is not made, and a role has it");
        let properties = evaluated(stack, &resource.properties)?;
        return Ok(ManagedPolicyProperties::deserialize(properties)?.policy_document);
    }
    anyhow::bail!("the managed policy {arn} is not modelled")
}

/// Lambda makes a function's network interfaces with the function's role, and asks before whether
/// it may.
pub(super) fn check_network(role: &Role, vpc: &VpcConfig) -> anyhow::Result<()> {
    let given = |ids: &[String]| ids.iter().any(|id| !id.is_empty());
    ensure!(
        given(&vpc.subnet_ids) && given(&vpc.security_group_ids),
        "SubnetIds and SecurityIds must coexist or be both empty list."
    );
    for action in [
        "CreateNetworkInterface",
        "DeleteNetworkInterface",
        "DescribeNetworkInterfaces",
        "DescribeSubnets",
        "AssignPrivateIpAddresses",
        "UnassignPrivateIpAddresses",
    ] {
        let arn = format!("arn:{PARTITION}:ec2:{REGION}:{ACCOUNT_ID}:network-interface/*");
        let request = Request::new(format!("ec2:{action}"), arn);
        ensure!(
            role.allows(&request) == Decision::Allowed,
            "The provided execution role does not have permissions to call {action} on EC2"
        );
    }
    Ok(())
}
