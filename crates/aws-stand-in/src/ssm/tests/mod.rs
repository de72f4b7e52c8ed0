mod sending;
mod statuses;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ssm::operation::get_command_invocation::GetCommandInvocationOutput as Invocation;
use aws_sdk_ssm::types::CommandInvocationStatus as Status;

use crate::CommandStatus;
use crate::clock::parse_rfc3339;
use crate::instance_host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};
use crate::testing::{Night, code};

/// A machine whose every script takes ten seconds and ends like this.
struct Ends(Finished, crate::Clock);

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
    night.aws.set_host(&night.fixture.test_instance_id, host);
    night
}

async fn invocation(night: &Night, id: &str) -> Invocation {
    let get = night.ssm.get_command_invocation().command_id(id);
    get.instance_id(&night.fixture.test_instance_id)
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
async fn a_silent_agent_gets_no_command_and_reports_none() {
    let night = night(0, "");
    let instance = &night.fixture.test_instance_id;
    night.aws.set_agent(instance, false);
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.wait(3599).await;
    assert_eq!(details(&night, &id).await.0, Status::Delayed);
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
        let instance = &night.fixture.test_instance_id;
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
    let instance = &night.fixture.test_instance_id;
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
    night.wait(2).await;
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
