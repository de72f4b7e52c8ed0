use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ssm::types::{CommandFilter, CommandFilterKey};

use super::night;
use crate::Authorizer;
use crate::clock::rfc3339;
use crate::testing::{Night, code};

#[tokio::test(start_paused = true)]
async fn an_invocation_does_not_exist_at_once_nor_is_the_command_listed() {
    let night = night(0, "");
    night
        .aws
        .set_timing(|timing| timing.read_lag = Duration::from_secs(5));
    let id = night.send("test", &[("runId", "run-1")]).await;
    let get = || {
        let get = night.ssm.get_command_invocation().command_id(&id);
        get.instance_id(&night.fixture.test_instance_id).send()
    };
    assert_eq!(code(get().await), "InvocationDoesNotExist");
    assert!(
        night
            .ssm
            .list_commands()
            .send()
            .await
            .unwrap()
            .commands()
            .is_empty()
    );
    night.wait(5).await;
    get().await.unwrap();
    assert_eq!(
        night
            .ssm
            .list_commands()
            .send()
            .await
            .unwrap()
            .commands()
            .len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn commands_are_found_by_document_time_and_their_comment() {
    let night = night(0, "");
    let early = night.send("mount", &[("runId", "run-0")]).await;
    night.wait(60).await;
    let since = rfc3339(night.aws.clock().now());
    let first = night.send("test", &[("runId", "run-1")]).await;
    let again = night.send("test", &[("runId", "run-1")]).await;
    assert_ne!(first, again, "there is no client token");
    let filter = |key, value: &str| {
        CommandFilter::builder()
            .key(key)
            .value(value)
            .build()
            .unwrap()
    };
    let list = || {
        night
            .ssm
            .list_commands()
            .instance_id(&night.fixture.test_instance_id)
    };
    let found = list()
        .filters(filter(CommandFilterKey::InvokedAfter, &since))
        .send()
        .await
        .unwrap();
    assert!(
        found
            .commands()
            .iter()
            .all(|command| command.command_id() != Some(&early))
    );
    assert_eq!(found.commands().len(), 2);
    assert_eq!(found.commands()[0].comment(), Some("run-1"));
    let mounts = list()
        .filters(filter(CommandFilterKey::DocumentName, "mount"))
        .send()
        .await
        .unwrap();
    assert_eq!(mounts.commands()[0].command_id(), Some(early.as_str()));
    night.aws.set_page_size(1);
    let pages = list()
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap();
    assert_eq!(pages.len(), 3);
    assert_eq!(pages[0].command_id(), Some(again.as_str()));
    let stage = list()
        .filters(filter(CommandFilterKey::ExecutionStage, "Complete"))
        .send()
        .await;
    assert_eq!(code(stage), "NotModelled");
}

#[tokio::test(start_paused = true)]
async fn what_the_document_does_not_allow_is_refused() {
    let night = night(0, "");
    let send = || {
        night
            .ssm
            .send_command()
            .instance_ids(&night.fixture.test_instance_id)
    };
    let run = |value: &str| vec![value.to_owned()];
    let unknown = send().document_name("AWS-RunShellScript").send().await;
    assert_eq!(code(unknown), "InvalidDocument");
    let pattern = send()
        .document_name("test")
        .parameters("runId", run("$(reboot)"))
        .send()
        .await;
    assert_eq!(code(pattern), "InvalidParameters");
    let more = send()
        .document_name("test")
        .parameters("runId", run("r"))
        .parameters("x", run("y"));
    assert_eq!(code(more.send().await), "InvalidParameters");
    let comment = send()
        .document_name("test")
        .comment("x".repeat(101))
        .send()
        .await;
    assert_eq!(code(comment), "ValidationException");
    let many = send()
        .document_name("test")
        .instance_ids("i-other")
        .send()
        .await;
    assert_eq!(code(many), "NotModelled");
    assert!(night.aws.commands().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_secret_shows_only_when_it_is_decrypted() {
    let night = Night::new();
    night.aws.put_parameter("/ib/datadog", "secret", true);
    let get = || night.ssm.get_parameter().name("/ib/datadog");
    let value = |found: aws_sdk_ssm::operation::get_parameter::GetParameterOutput| {
        found.parameter.unwrap().value
    };
    assert_eq!(
        value(get().with_decryption(true).send().await.unwrap()).as_deref(),
        Some("secret")
    );
    assert_ne!(
        value(get().send().await.unwrap()).as_deref(),
        Some("secret")
    );
    assert_eq!(
        code(night.ssm.get_parameter().name("none").send().await),
        "ParameterNotFound"
    );
    assert!(
        night
            .aws
            .calls()
            .iter()
            .all(|call| !call.parameters.contains("secret"))
    );
}

/// Refuses one action on one kind of resource, and only if the request context has the instance's
/// tag.
struct NoInstance;

impl Authorizer for NoInstance {
    fn allows(
        &self,
        _: &str,
        action: &str,
        arn: &str,
        context: &[(String, Vec<String>)],
    ) -> Result<(), String> {
        let context: BTreeMap<_, _> = context.iter().cloned().collect();
        let tagged = context.contains_key("ssm:resourceTag/Name");
        if action == "ssm:SendCommand" && arn.contains(":instance/") && tagged {
            return Err(format!("no {action} on {arn}"));
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn sending_is_authorised_on_the_document_and_on_the_instance() {
    let night = night(0, "");
    night.aws.set_authorizer(Arc::new(NoInstance));
    let send = night.ssm.send_command().document_name("test");
    let send = send
        .instance_ids(&night.fixture.test_instance_id)
        .send()
        .await;
    assert_eq!(code(send), "AccessDeniedException");
    let outcome = &night.aws.calls()[0].outcome;
    let arn = "arn:aws:ec2:us-east-1:000000000000:instance/i-07e57000000000001";
    assert!(
        outcome.ends_with(&format!("no ssm:SendCommand on {arn}")),
        "{outcome}"
    );
}
