//! Statuses that pass, as AWS's user guide explains them:
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html>

use aws_sdk_ssm::types::CommandStatus as Whole;

use super::{Status, details, night};
use crate::testing::{Night, code};

async fn whole(night: &Night, id: &str) -> Whole {
    let list = night.ssm.list_commands().command_id(id).send().await;
    let command = list.unwrap().commands.unwrap_or_default().pop();
    command.unwrap().status.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_agent_is_delayed_and_sent_again() {
    let night = night(0, "");
    let instance = &night.fixture.test_instance_id;
    night.aws.set_agent(instance, false);
    let id = night.send("test", &[("runId", "run-1")]).await;
    assert_eq!(details(&night, &id).await.0, Status::Pending);
    night.wait(2).await;
    let delayed = (Status::Delayed, "Delayed".to_owned());
    assert_eq!(details(&night, &id).await, delayed);
    assert_eq!(
        whole(&night, &id).await,
        Whole::Pending,
        "it knows no Delayed"
    );
    night.aws.set_agent(instance, true);
    night.wait(1).await;
    assert_eq!(details(&night, &id).await.0, Status::InProgress);
    night.wait(10).await;
    assert_eq!(details(&night, &id).await.0, Status::Success);
}

#[tokio::test(start_paused = true)]
async fn what_the_agent_has_is_cancelling_until_the_agent_has_ended_it() {
    let night = night(0, "");
    let instance = &night.fixture.test_instance_id;
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.wait(2).await;
    night.aws.set_agent(instance, false);
    night.aws.cancel_by_hand(&id);
    night.wait(60).await;
    let cancelling = (Status::Cancelling, "Cancelling".to_owned());
    assert_eq!(details(&night, &id).await, cancelling);
    assert_eq!(whole(&night, &id).await, Whole::Cancelling);
    night.aws.set_agent(instance, true);
    night.wait(1).await;
    assert_eq!(details(&night, &id).await.0, Status::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn what_never_hears_of_its_end_runs_out_of_time() {
    let night = night(0, "");
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.wait(2).await;
    night.aws.set_agent(&night.fixture.test_instance_id, false);
    night.aws.cancel_by_hand(&id);
    night.wait(10 * 3600).await;
    let late = (Status::TimedOut, "ExecutionTimedOut".to_owned());
    assert_eq!(details(&night, &id).await, late);
}

#[tokio::test(start_paused = true)]
async fn what_no_agent_has_is_cancelled_at_once() {
    let night = night(0, "");
    night.aws.set_agent(&night.fixture.test_instance_id, false);
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.wait(2).await;
    night.aws.cancel_by_hand(&id);
    night.wait(1).await;
    assert_eq!(details(&night, &id).await.0, Status::Cancelled);
}

/// As `GetCommandInvocation` documents it: a document with several steps wants the name of one.
#[tokio::test(start_paused = true)]
async fn a_step_that_there_is_not_is_no_plugin_name_and_nothing_more_is_said() {
    let night = night(0, "");
    let mut document = night.aws.document("test").unwrap();
    document.steps.insert(0, "prepare".to_owned());
    let name = document.steps[1].clone();
    night.aws.add_document(document);
    let id = night.send("test", &[("runId", "run-1")]).await;
    night.wait(20).await;
    let get = night.ssm.get_command_invocation().command_id(&id);
    let get = get.instance_id(&night.fixture.test_instance_id);
    let error = get.clone().send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_plugin_name());
    assert_eq!(error.meta().message().unwrap_or_default(), "");
    assert_eq!(
        code(get.clone().plugin_name("other").send().await),
        "InvalidPluginName"
    );
    let shown = get.plugin_name(&name).send().await.unwrap();
    assert_eq!(shown.status, Some(Status::Success));
}
