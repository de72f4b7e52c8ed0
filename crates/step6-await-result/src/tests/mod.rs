mod event;
mod evidence;
mod finish;
mod hold;
mod late;
mod measured;
mod no_verdict;
mod release;
mod report;
mod stuck;
mod verdict;

use aws_stand_in::step_harness::{self, later, polls_again};
use common::event::{EndReason, Release, Run, Subject, TestVolume, Testing};
use common::ssm::{self, Command};

use crate::{AwaitResult, Stage};

type Harness = step_harness::StepHarness<AwaitResult>;

const NOTHING: [&str; 0] = [];
/// What a test that found nothing prints last.
const GOOD: &str = r#"{"valid":true,"checks":4,"tables":2,"rows":9,"seconds":3,"reason":""}"#;

/// What a test that found a fault prints last.
const BAD: &str =
    r#"{"valid":false,"checks":4,"tables":2,"rows":9,"seconds":3,"reason":"shop.orders: Corrupt"}"#;

/// Sends a command of the run to the test instance, as a step did before.
async fn send(harness: &Harness, purpose: &'static str, volume_id: &str) -> String {
    send_with(harness, purpose, volume_id, &[]).await
}

/// The same with these parameters besides, or instead.
async fn send_with(
    harness: &Harness,
    purpose: &'static str,
    volume_id: &str,
    others: &[(&'static str, &str)],
) -> String {
    let functions = &harness.stack.template.functions;
    let mut variables = functions.iter().map(|function| &function.environment);
    let name = format!("{}_DOCUMENT", purpose.to_uppercase());
    let document = variables.find_map(|of| of.get(&name));
    let mut parameters = vec![("runId", "run-1"), ("volumeId", volume_id)];
    match purpose {
        "mount" => parameters.push(("device", "/dev/sdg")),
        "test" => parameters.push(("snapshotId", harness.ids.snapshot_id.as_str())),
        _ => {}
    }
    parameters.retain(|(name, _)| others.iter().all(|(other, _)| other != name));
    parameters.extend(others);
    let command = Command {
        document: document.expect("the template names it"),
        instance_id: &harness.ids.test_instance_id,
        purpose,
        run_id: "run-1",
        parameters,
        log_group: None,
    };
    let sent = ssm::send_command(&harness.person.ssm, &command).await;
    sent.expect("a command can be sent")
}

/// What step 5 hands on: a test of an attached volume.
async fn testing(harness: &Harness) -> Testing {
    testing_with(harness, &[]).await
}

/// The same on a canary night.
async fn canary(harness: &Harness) -> Testing {
    testing_with(harness, &[("canary", "true")]).await
}

async fn testing_with(harness: &Harness, others: &[(&'static str, &str)]) -> Testing {
    let volume_id = harness.attached_volume("run-1").await;
    Testing {
        test_command_id: send_with(harness, "test", &volume_id, others).await,
        subject: subject(harness),
        volume: TestVolume::new(&volume_id, "/dev/sdg"),
    }
}

fn subject(harness: &Harness) -> Subject {
    Subject {
        snapshot_id: harness.ids.snapshot_id.clone(),
        snapshot_started_at: None,
        dev_ib_backup_instance_id: harness.ids.test_instance_id.clone(),
    }
}

/// An attached volume with everything known of it.
async fn attached(harness: &Harness, because: EndReason) -> Release {
    let volume_id = harness.attached_volume("run-1").await;
    Release {
        snapshot_id: Some(harness.ids.snapshot_id.clone()),
        dev_ib_backup_instance_id: Some(harness.ids.test_instance_id.clone()),
        volume_id: Some(volume_id),
        device: Some("/dev/sdg".to_owned()),
        ..Release::unknown(because)
    }
}

/// Looks once more at giving back: why it is not done, and the next look's payload.
#[track_caller]
fn held_up(looked: common::Result<common::step::Outcome<AwaitResult>>) -> (String, Release) {
    match polls_again(looked) {
        (why, Stage::Release(back) | Stage::Report(back)) => (why, back),
        (why, stage) => panic!("{why}: {stage:?}"),
    }
}

/// Gives back, looking every 15 s, until the outcome is another than to look again.
async fn give_all_back(
    harness: &Harness,
    run: &Run,
    mut back: Release,
) -> common::Result<common::step::Outcome<AwaitResult>> {
    for count in run.iteration_count..=240 {
        let task = Stage::Release(back);
        match harness.poll(&later(run, count), task).await {
            Ok(common::step::Outcome::PollAgain {
                payload: Stage::Release(next) | Stage::Report(next),
                ..
            }) => back = next,
            outcome => return outcome,
        }
        harness.wait(15).await;
    }
    panic!("nothing came of 240 looks");
}
