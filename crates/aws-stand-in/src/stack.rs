//! The stack of `template.yaml`, deployed on the stand-in: functions, documents, roles.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::iam::{Decision, Request, Role};
use crate::lambda::{Lambda, function_of};
use crate::template::Template;
use crate::{Authorizer, Aws, Clock, Fixture, VolumeState};

/// The Datadog API key of the stand-in.
pub const DATADOG_API_KEY: &str = "rehearsal-datadog-api-key";

/// A deployed stack.
pub struct Stack {
    /// What it was deployed from.
    pub template: Template,
    /// The account.
    pub aws: Aws,
    /// Its Lambda service.
    pub lambda: Lambda,
    /// The ids of the account: production, the test instance, last night's snapshot.
    pub fixture: Fixture,
}

impl Stack {
    /// Deploys the template into an account with everything in place. Failed events are repeated
    /// after these two waits.
    #[must_use]
    pub fn deploy(template: Template, clock: Clock, retries_after: [Duration; 2]) -> Self {
        let aws = Aws::new(clock);
        let fixture = aws.fixture();
        for document in &template.documents {
            aws.add_document(crate::Document {
                name: document.name.clone(),
                parameters: document.parameters.clone(),
                steps: vec![document.step.clone()],
                script: document.script.clone(),
                timeout_seconds: document.timeout_seconds.clone(),
            });
        }
        let functions = &template.functions;
        for name in functions
            .iter()
            .filter_map(|of| of.environment.get("DD_API_KEY_SSM_NAME"))
            .filter(|name| !name.is_empty())
        {
            aws.put_parameter(name, DATADOG_API_KEY, true);
        }
        aws.set_datadog_api_key(DATADOG_API_KEY);
        let roles = functions
            .iter()
            .map(|of| (of.name.clone(), of.role.clone()));
        aws.set_authorizer(Arc::new(Roles(roles.collect())));
        let lambda = Lambda::new(
            aws.clone(),
            functions.clone(),
            template.rules.clone(),
            retries_after,
        );
        aws.register("lambda", Arc::new(lambda.clone()));
        Self {
            template,
            aws,
            lambda,
            fixture,
        }
    }

    /// The test volumes that are not released.
    #[must_use]
    pub fn left_volumes(&self) -> Vec<String> {
        let volumes = self.aws.volumes().into_iter();
        let left = volumes.filter(|volume| {
            volume.tags.contains_key("IBBackupTest") && volume.state != VolumeState::Deleted
        });
        left.map(|volume| format!("volume {} ({:?})", volume.id, volume.state))
            .collect()
    }
}

/// The roles of the functions, by function name. Whoever is no function may do everything, as the
/// person who deployed the stack.
struct Roles(BTreeMap<String, Role>);

impl Authorizer for Roles {
    fn allows(
        &self,
        access_key_id: &str,
        action: &str,
        resource_arn: &str,
        context: &[(String, Vec<String>)],
    ) -> Result<(), String> {
        let function = function_of(access_key_id);
        let Some(role) = self.0.get(function) else {
            return Ok(());
        };
        let request = Request {
            action: action.to_owned(),
            resource_arn: resource_arn.to_owned(),
            context: context.iter().cloned().collect(),
        };
        match role.allows(&request) {
            Decision::Allowed => Ok(()),
            Decision::NotAllowed | Decision::Denied => Err(role.refusal(function, &request)),
        }
    }
}
