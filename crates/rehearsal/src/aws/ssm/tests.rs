use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ssm::operation::get_command_invocation::GetCommandInvocationOutput as Invocation;
use aws_sdk_ssm::types::{CommandFilter, CommandFilterKey, CommandInvocationStatus as Status};

use crate::aws::clock::{parse_rfc3339, rfc3339};
use crate::aws::host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};
use crate::aws::testing::{Night, code};
use crate::aws::{Authorizer, CommandStatus};

/// A machine whose every script takes ten seconds and ends like this.
struct Ends(Finished, crate::aws::Clock);

impl Host for Ends {
    fn attached(&self, _: &AttachedVolume) {}
    fn detached(&self, _: &str) {}
    fn in_use(&self, _: &str) -> bool {
        false
    }
    fn run(&self, _: RunCommand) -> BoxFuture<Finished> {
        let (finished, clock) = (self.0.clone(), self.1);
        Box::pin(async move {
            clock.sleep(Duration::from_secs(10)).await;
            finished
        })
    }
}

fn night(exit_code: i32, stdout: &str) -> Night {
    let night = Night::new();
    let finished = Finished {
        exit_code,
        stdout: stdout.to_owned(),
        stderr: String::new(),
    };
    let host = Arc::new(Ends(finished, night.aws.clock()));
    night.aws.set_host(&night.world.test_instance_id, host);
    night
}

async fn invocation(night: &Night, id: &str) -> Invocation {
    let get = night.ssm.get_command_invocation().command_id(id);
    get.instance_id(&night.world.test_instance_id)
        .send()
        .await
        .unwrap()
}

async fn details(night: &Night, id: &str) -> (Status, String) {
    let shown = invocation(night, id).await;
    (shown.status.unwrap(), shown.status_details.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_command_runs_and_reports() {
    let night = night(0, "all well\n");
    let sent_at = night.aws.clock().now();
    let id = night.send("test", &[("runId", "run-1")]).await;
    assert_eq!(
        details(&night, &id).await,
        (Status::Pending, "Pending".to_owned())
    );
    night.wait(2).await;
    let running = invocation(&night, &id).await;
    assert_eq!(running.status, Some(Status::InProgress));
    assert_eq!(
        (running.response_code, running.standard_output_content()),
        (-1, Some(""))
    );
    night.wait(10).await;
    let done = invocation(&night, &id).await;
    assert_eq!(done.status, Some(Status::Success));
    assert_eq!(
        (done.response_code, done.standard_output_content()),
        (0, Some("all well\n"))
    );
    assert_eq!(
        (done.comment(), done.document_name()),
        (Some("run-1"), Some("test"))
    );
    let ended = parse_rfc3339(done.execution_end_date_time().unwrap()).unwrap();
    assert_eq!(ended.duration_since(sent_at).unwrap().as_secs(), 11);
    assert!(night.aws.unmodelled().is_empty());
}

#[tokio::test(start_paused = true)]
async fn exit_codes_decide_the_status() {
    for (exit_code, status, details_then) in [
        (1, Status::Failed, "Failed"),
        (75, Status::Failed, "Failed"),
        (137, Status::TimedOut, "ExecutionTimedOut"),
    ] {
        let night = night(exit_code, "");
        let id = night.send("test", &[("runId", "run-1")]).await;
        night.wait(20).await;
        let shown = invocation(&night, &id).await;
        assert_eq!(shown.response_code, exit_code);
        assert_eq!(shown.status, Some(status));
        assert_eq!(shown.status_details(), Some(details_then));
        let line = format!("failed to run commands: exit status {exit_code}");
        assert_eq!(shown.standard_error_content(), Some(line.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn exit_194_would_reboot_and_is_loud() {
    let night = night(194, "");
    night.send("test", &[("runId", "run-1")]).await;
    night.wait(20).await;
    assert!(night.aws.unmodelled()[0].contains("194"));
}

#[tokio::test(start_paused = true)]
async fn output_is_cut_at_24000_characters() {
    let night = night(0, &"x".repeat(30_000));
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.wait(20).await;
    let shown = invocation(&night, &id).await;
    let stdout = shown.standard_output_content().unwrap();
    assert_eq!(stdout.len(), 24_000);
    assert!(stdout.ends_with("x--output truncated--"));
}

#[tokio::test(start_paused = true)]
async fn an_invocation_does_not_exist_at_once_nor_is_the_command_listed() {
    let night = night(0, "");
    night
        .aws
        .set_timing(|timing| timing.read_lag = Duration::from_secs(5));
    let id = night.send("test", &[("runId", "run-1")]).await;
    let get = || {
        let get = night.ssm.get_command_invocation().command_id(&id);
        get.instance_id(&night.world.test_instance_id).send()
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
            .instance_id(&night.world.test_instance_id)
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
            .instance_ids(&night.world.test_instance_id)
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
async fn a_silent_agent_gets_no_command_and_reports_none() {
    let night = night(0, "");
    let instance = &night.world.test_instance_id;
    night.aws.set_agent(instance, false);
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.wait(3599).await;
    assert_eq!(details(&night, &id).await.0, Status::Pending);
    night.wait(2).await;
    let late = (Status::TimedOut, "DeliveryTimedOut".to_owned());
    assert_eq!(details(&night, &id).await, late);

    night.aws.set_agent(instance, true);
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.wait(2).await;
    night.aws.set_agent(instance, false);
    night.wait(60).await;
    assert_eq!(details(&night, &id).await.0, Status::InProgress);
    night.aws.set_agent(instance, true);
    night.wait(1).await;
    assert_eq!(details(&night, &id).await.0, Status::Success);
}

#[tokio::test(start_paused = true)]
async fn a_script_does_not_survive_its_machine() {
    for stop in [true, false] {
        let night = night(0, "");
        let instance = &night.world.test_instance_id;
        let id = night.send("test", &[("runId", "run-1")]).await;
        night.wait(2).await;
        if stop {
            night.aws.stop_instance(instance);
        } else {
            night.aws.reboot_instance(instance);
        }
        night.wait(3600).await;
        assert_eq!(details(&night, &id).await.0, Status::InProgress);
        night.wait(7200).await;
        let late = (Status::TimedOut, "ExecutionTimedOut".to_owned());
        assert_eq!(details(&night, &id).await, late);
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_running_instance_is_managed() {
    let night = night(0, "");
    let instance = &night.world.test_instance_id;
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.aws.terminate_instance(instance);
    night.wait(2).await;
    assert_eq!(night.aws.commands()[0].status, CommandStatus::Undeliverable);
    assert_eq!(details(&night, &id).await.0, Status::Failed);
    let send = night
        .ssm
        .send_command()
        .document_name("test")
        .instance_ids(instance);
    let send = send
        .parameters("runId", vec!["run-1".to_owned()])
        .send()
        .await;
    assert_eq!(code(send), "InvalidInstanceId");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_command_ends_and_its_script_too() {
    let night = Night::new();
    let volume_id = night.attached_volume().await;
    night
        .send("mount", &[("runId", "run-1"), ("volumeId", &volume_id)])
        .await;
    night.wait(60).await;
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.wait(60).await;
    night
        .ssm
        .cancel_command()
        .command_id(&id)
        .send()
        .await
        .unwrap();
    night.wait(1).await;
    assert_eq!(details(&night, &id).await.0, Status::Cancelled);
    assert!(
        night
            .host
            .leftovers()
            .iter()
            .all(|left| !left.contains("under way"))
    );
    assert!(
        night.host.server_running(),
        "what the script started outlives it"
    );
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

/// Refuses one action on one kind of resource, and only where the tag of the instance is told.
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
        .instance_ids(&night.world.test_instance_id)
        .send()
        .await;
    assert_eq!(code(send), "AccessDeniedException");
    let outcome = &night.aws.calls()[0].outcome;
    let arn = "arn:aws:ec2:us-east-1:000000000000:instance/i-rehearsaltest";
    assert!(
        outcome.ends_with(&format!("no ssm:SendCommand on {arn}")),
        "{outcome}"
    );
}
