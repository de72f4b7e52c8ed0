//! What a run finds on the test instance, and what others do to it during the run.

use std::time::Duration;

use aws_stand_in::Fault;
use serde_json::json;
use simulation::environment::Environment;

const MINUTE: Duration = Duration::from_mins(1);
const STEP_1: &str = "dev-ib-backup-step-1-snapshot";

#[tokio::test(start_paused = true)]
async fn what_a_dead_run_left_is_given_back_before_the_next_begins() {
    let device = Some(("i-07e57000000000001", "/dev/sdg"));
    for attached in [None, device] {
        let night = Environment::new();
        night.leave_a_volume(attached);
        night.stack.aws.clock().sleep(8 * 60 * MINUTE).await;
        let ending = night.play().await;
        assert_eq!(ending.errors(), Vec::<String>::new());
        assert_eq!(ending.tag(), Some("True"));
        assert_eq!(ending.events, Vec::new());
        assert_eq!(ending.left, Vec::<String>::new());
        let given_back = |line: &String| {
            line.contains(
                "run an-earlier-run died and left a test volume: having step 6 release it",
            )
        };
        assert!(ending.log.iter().any(given_back));
    }
}

/// The first poll that AWS answers counts as the first, whatever its number.
#[tokio::test(start_paused = true)]
async fn it_is_given_back_where_aws_was_too_busy_at_first() {
    let night = Environment::new();
    night.leave_a_volume(None);
    night.stack.aws.clock().sleep(8 * 60 * MINUTE).await;
    let mut attempts = 0;
    night.stack.aws.set_faults(Box::new(move |call| {
        let first = call.action == "DescribeInstances" && attempts < 6;
        attempts += u32::from(first);
        first.then(|| Fault::Refuse {
            status: 503,
            code: "RequestLimitExceeded".to_owned(),
            message: "Request limit exceeded.".to_owned(),
        })
    }));
    let ending = night.play().await;
    assert_eq!(ending.errors(), Vec::<String>::new());
    assert_eq!(ending.tag(), Some("True"));
    assert_eq!(ending.left, Vec::<String>::new());
    assert_eq!(ending.metric("infobright_backup_age_seconds").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_live_run_is_not_disturbed() {
    let night = Environment::new();
    night.leave_a_volume(None);
    let ending = night.play().await;
    assert_eq!(ending.tag(), None);
    let named = "run an-earlier-run is at work on ib02.dev.code418.net: it holds volume vol-rehearsalearlier";
    assert!(ending.errors()[0].contains(named), "{:#?}", ending.errors());
    assert_eq!(
        ending.left.len(),
        1,
        "the live run's volume stays: {:?}",
        ending.left
    );
    assert_eq!(ending.events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_starts_while_another_is_at_work_is_refused() {
    let night = Environment::new();
    let lambda = night.stack.lambda.clone();
    let clock = night.stack.aws.clock();
    tokio::spawn(async move {
        clock.sleep(10 * MINUTE).await;
        lambda.start(STEP_1, json!({}));
    });
    let ending = night.play().await;
    assert_eq!(ending.tag(), Some("True"));
    assert_eq!(ending.valid(), [1.0]);
    assert_eq!(
        ending.made, 1,
        "the second is refused before it makes anything"
    );
    assert!(ending.errors()[0].contains("run rehearsal-request-0000 is at work"));
    assert_eq!(ending.events.len(), 1);
    assert_eq!(ending.left, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn of_two_runs_that_start_at_once_one_tests() {
    let night = Environment::new();
    night.stack.lambda.start(STEP_1, json!({}));
    let ending = night.play().await;
    assert_eq!(ending.tag(), Some("True"));
    assert_eq!(ending.valid(), [1.0]);
    assert_eq!(night.host.tests_executed().len(), 1);
    let in_use = |error: &String| error.contains("step-3-attach") && error.contains("/dev/sdg");
    assert!(ending.errors().iter().any(in_use), "{:#?}", ending.errors());
    assert_eq!(ending.events.len(), 1);
    assert_eq!(ending.left, Vec::<String>::new());
}

/// Plays a night in which somebody does this after half an hour, in the middle of the test.
async fn meddled(
    meddle: impl FnOnce(&Environment) + Send,
) -> (Environment, simulation::environment::Ending) {
    let night = Environment::new();
    let clock = night.stack.aws.clock();
    let lambda = night.stack.lambda.clone();
    lambda.start(STEP_1, json!({}));
    clock.sleep(30 * MINUTE).await;
    meddle(&night);
    lambda.idle().await;
    let ending = night.ending();
    (night, ending)
}

fn test_volume(night: &Environment) -> String {
    let volumes = night.stack.aws.volumes().into_iter();
    let mut ours = volumes.filter(|volume| volume.tags.contains_key("IBBackupTest"));
    ours.next().expect("there is a test volume").id
}

#[tokio::test(start_paused = true)]
async fn the_volume_is_detached_by_hand() {
    let (_, ending) = meddled(|night| night.stack.aws.detach_by_hand(&test_volume(night))).await;
    assert_eq!(ending.tag(), None);
    assert_eq!(ending.events.len(), 1);
    assert_eq!(ending.left, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_test_instance_is_stopped() {
    let (_, ending) = meddled(|night| {
        night
            .stack
            .aws
            .stop_instance(&night.stack.fixture.test_instance_id);
    })
    .await;
    assert_eq!(ending.tag(), None);
    assert_eq!(ending.valid(), Vec::<f64>::new());
    assert_eq!(ending.events.len(), 1);
    assert_eq!(ending.left, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_test_command_is_cancelled_by_hand() {
    let (_, ending) = meddled(|night| {
        let command = night.stack.aws.commands().pop().expect("a command");
        night.stack.aws.cancel_by_hand(&command.id);
    })
    .await;
    ending.assert_undetermined("the test has no result");
}

/// If AWS executes a call and the answer is lost, the SDK or Lambda repeats the call.
#[tokio::test(start_paused = true)]
async fn the_answer_to_any_one_call_is_lost() {
    let undisturbed = Environment::new().testing_for(MINUTE);
    undisturbed.play().await;
    let calls = undisturbed.stack.aws.calls().len() as u64;
    for number in 1..=calls {
        let night = Environment::new().testing_for(MINUTE);
        night.stack.aws.set_faults(Box::new(move |call| {
            (call.number == number).then_some(Fault::LoseAnswer)
        }));
        let ending = night.play().await;
        assert_eq!(ending.tag(), Some("True"), "call {number}");
        assert_eq!(ending.valid(), [1.0], "call {number}");
        assert_eq!(ending.made, 1, "call {number}");
        assert_eq!(
            night.host.tests_executed().values().sum::<u32>(),
            1,
            "call {number}"
        );
        assert_eq!(ending.left, Vec::<String>::new(), "call {number}");
    }
}
