//! What a stack's parameters and resources are called.

use anyhow::bail;

use super::intrinsics::Stack;
use crate::ids::{ACCOUNT_ID, PARTITION, REGION};

/// The last part of the stack's id.
const STACK_UUID: &str = "00000000-0000-0000-0000-00005eed0001";

impl Stack {
    /// The values of a parameter that is a list of texts.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        let kind = self.sections.parameters.get(name)?.get("Type")?;
        let value = self.parameters.get(name)?;
        (kind == "CommaDelimitedList").then(|| value.split(',').collect())
    }

    /// What `Ref` gives: a parameter's value, or a resource's physical name.
    pub(super) fn reference(&self, name: &str) -> anyhow::Result<String> {
        Ok(match name {
            _ if self.list(name).is_some() => bail!("{name} is a list, not a text"),
            "AWS::Region" => REGION.to_owned(),
            "AWS::AccountId" => ACCOUNT_ID.to_owned(),
            "AWS::Partition" => PARTITION.to_owned(),
            "AWS::StackName" => self.name.clone(),
            "AWS::StackId" => format!(
                "arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{}/{STACK_UUID}",
                self.name
            ),
            _ => match self.parameters.get(name) {
                Some(value) => value.clone(),
                None if self.kind(name) == Some("AWS::IAM::ManagedPolicy") => self.arn(name)?,
                None => self.physical_name(name)?,
            },
        })
    }

    /// The name of a resource: its own where it has one, else made of the stack's and its logical
    /// id, as CloudFormation does.
    pub fn physical_name(&self, logical_id: &str) -> anyhow::Result<String> {
        let Some(resource) = self.sections.resources.get(logical_id) else {
            bail!("the template has no {logical_id}");
        };
        let property = match resource.kind.as_str() {
            "AWS::Serverless::Function" => "FunctionName",
            "AWS::Logs::LogGroup" => "LogGroupName",
            "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
            "AWS::IAM::Role" => "RoleName",
            "AWS::SSM::Document" => "Name",
            other => bail!("{other} is not modelled"),
        };
        match resource.properties.get(property) {
            Some(name) => self.text(name),
            None => Ok(format!("{}-{logical_id}-REHEARSAL", self.name)),
        }
    }

    /// The ARN of a resource.
    pub fn arn(&self, logical_id: &str) -> anyhow::Result<String> {
        let name = self.physical_name(logical_id)?;
        let regional = |service| format!("arn:{PARTITION}:{service}:{REGION}:{ACCOUNT_ID}");
        Ok(match self.sections.resources[logical_id].kind.as_str() {
            "AWS::Serverless::Function" => format!("{}:function:{name}", regional("lambda")),
            "AWS::Logs::LogGroup" => format!("{}:log-group:{name}:*", regional("logs")),
            "AWS::IAM::ManagedPolicy" => format!("arn:{PARTITION}:iam::{ACCOUNT_ID}:policy/{name}"),
            "AWS::IAM::Role" => format!("arn:{PARTITION}:iam::{ACCOUNT_ID}:role/{name}"),
            "AWS::SSM::Document" => format!("{}:document/{name}", regional("ssm")),
            other => bail!("{other} is not modelled"),
        })
    }

    pub(super) fn attribute(&self, path: &str) -> anyhow::Result<String> {
        match path.split_once('.') {
            // CloudFormation has no such attribute on a document, though it has an ARN.
            Some((id, "Arn")) if self.kind(id) != Some("AWS::SSM::Document") => self.arn(id),
            _ => bail!("the attribute {path} is not modelled"),
        }
    }

    fn kind(&self, logical_id: &str) -> Option<&str> {
        let resource = self.sections.resources.get(logical_id)?;
        Some(&resource.kind)
    }
}
