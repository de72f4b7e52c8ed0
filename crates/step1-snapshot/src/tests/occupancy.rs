use aws_stand_in::step_harness::{busy_until_now, fails, goes_on, later, polls_again};
use aws_stand_in::{Instance, TEST_INSTANCE};
use common::Kind;
use common::polling::limits::LONGEST_RUN;
use serde_json::{Value, json};

use super::{HOUR, Harness, NOTHING, add_snapshot, newest};

/// A test volume of that run that no function made.
fn leave_a_volume(harness: &Harness, id: &str, run_id: &str) {
    let tags = [
        ("IBBackupTest", "True"),
        ("IBBackupRun", run_id),
        ("IBBackupEnvironment", "dev"),
        ("IBBackupTestInstance", TEST_INSTANCE),
    ];
    harness.add_volume(id, &tags);
}

/// What was handed to step 6, in order.
fn handed_over(harness: &Harness) -> Vec<Value> {
    let calls = harness.asked("Invoke").into_iter();
    let events = calls.map(|record| {
        let (path, event) = record
            .parameters
            .split_once(' ')
            .expect("a path and an event");
        assert!(
            path.contains("dev-ib-backup-step-6-await-result/"),
            "{path}"
        );
        serde_json::from_str(event).expect("JSON")
    });
    events.collect()
}

#[tokio::test(start_paused = true)]
async fn a_live_run_is_named_with_its_volume_and_left_alone() {
    let harness = Harness::new();
    let id = harness.volume("run-0").await;
    let error = fails(harness.poll(&harness.run(), newest()).await);
    assert_eq!(error.kind(), Kind::Occupied);
    let text = error.to_string();
    assert!(
        text.contains("run run-0 ") && text.contains(&id) && text.contains(TEST_INSTANCE),
        "{text}"
    );
    assert_eq!(handed_over(&harness), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_volume_belongs_to_a_live_run_as_long_as_the_longest_run_may_last() {
    let harness = Harness::new();
    leave_a_volume(&harness, "vol-rehearsalleft", "run-0");
    harness.wait(LONGEST_RUN.as_secs()).await;
    let error = fails(harness.poll(&harness.run(), newest()).await);
    assert_eq!(error.kind(), Kind::Occupied);
    assert_eq!(handed_over(&harness), NOTHING);
    harness.wait(1).await;
    polls_again(harness.poll(&harness.run(), newest()).await);
    assert_eq!(handed_over(&harness).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_runs_volume_is_handed_to_step_6_once_and_waited_for() {
    let harness = Harness::new();
    leave_a_volume(&harness, "vol-rehearsalleft", "run-0");
    harness.wait(LONGEST_RUN.as_secs() + 1).await;
    // The first look that AWS is not too busy for is the first.
    let run = busy_until_now(&harness.run(), 3);
    let (why, payload) = polls_again(harness.poll(&run, newest()).await);
    assert!(why.contains("vol-rehearsalleft"), "{why}");
    let run = harness.run();
    for count in 1..4 {
        polls_again(harness.poll(&later(&run, count), payload.clone()).await);
    }
    let events = handed_over(&harness);
    let [event] = events.as_slice() else {
        panic!("handed over {events:#?}")
    };
    assert_eq!(event["run_id"], "run-0");
    assert_eq!(event["because"], json!("leftover"));
    assert_eq!(
        (&event["iteration_count"], event.get("busy")),
        (&json!(0), None)
    );
    harness.aws.delete_by_hand("vol-rehearsalleft");
    goes_on(harness.poll(&later(&run, 4), payload).await);
}

#[tokio::test(start_paused = true)]
async fn each_dead_run_is_handed_over_once_however_many_volumes_it_left() {
    let harness = Harness::new();
    leave_a_volume(&harness, "vol-rehearsalleft1", "run-0");
    leave_a_volume(&harness, "vol-rehearsalleft2", "run-0");
    leave_a_volume(&harness, "vol-rehearsalleft3", "run-00");
    harness.wait(LONGEST_RUN.as_secs() + 1).await;
    polls_again(harness.poll(&harness.run(), newest()).await);
    let events = handed_over(&harness).into_iter();
    let runs: Vec<Value> = events.map(|event| event["run_id"].clone()).collect();
    assert_eq!(runs, ["run-0", "run-00"]);
}

#[tokio::test(start_paused = true)]
async fn a_live_run_beside_a_dead_one_is_refused_before_anything_is_given_back() {
    let harness = Harness::new();
    leave_a_volume(&harness, "vol-rehearsalleft", "run-0");
    harness.wait(LONGEST_RUN.as_secs() + 1).await;
    harness.volume("run-00").await;
    let error = fails(harness.poll(&harness.run(), newest()).await);
    assert!(error.to_string().contains("run run-00 "), "{error}");
    assert_eq!(handed_over(&harness), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_is_being_deleted_is_merely_waited_for() {
    let harness = Harness::new();
    let id = harness.volume("run-0").await;
    let deleted = common::ec2::delete(&harness.person.ec2, &id).await;
    deleted.expect("it can be deleted");
    let (why, payload) = polls_again(harness.poll(&harness.run(), newest()).await);
    assert!(why.contains(&id), "{why}");
    assert_eq!(handed_over(&harness), NOTHING);
    harness.wait(2).await;
    goes_on(harness.poll(&later(&harness.run(), 1), payload).await);
}

#[tokio::test(start_paused = true)]
async fn its_own_twin_may_be_ahead() {
    let harness = Harness::new();
    harness.attached_volume("run-1").await;
    goes_on(harness.poll(&harness.run(), newest()).await);
}

#[tokio::test(start_paused = true)]
async fn another_test_instances_run_is_not_in_the_way() {
    let harness = Harness::new();
    let tags = [
        ("IBBackupTest", "True"),
        ("IBBackupRun", "run-0"),
        ("IBBackupEnvironment", "dev"),
        ("IBBackupTestInstance", "ib03.dev.code418.net"),
    ];
    harness.add_volume("vol-rehearsalother", &tags);
    goes_on(harness.poll(&harness.run(), newest()).await);
}

#[tokio::test(start_paused = true)]
async fn a_device_in_use_by_no_test_volume_is_named() {
    let harness = Harness::new();
    harness.add_volume("vol-rehearsalscratch", &[]);
    let test = &harness.ids.test_instance_id;
    harness
        .attach("vol-rehearsalscratch", test, "/dev/sdg")
        .await;
    let error = fails(harness.poll(&harness.run(), newest()).await);
    assert_eq!(error.kind(), Kind::Occupied);
    assert!(
        error
            .to_string()
            .contains("/dev/sdg of ib02.dev.code418.net")
            && error.to_string().contains("vol-rehearsalscratch"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_6_that_cannot_be_reached_is_an_error() {
    let harness = Harness::new();
    leave_a_volume(&harness, "vol-rehearsalleft", "run-0");
    harness.wait(LONGEST_RUN.as_secs() + 1).await;
    add_snapshot(&harness, "snap-rehearsal0002", HOUR / 4);
    harness.refuse("Invoke", 403, "AccessDeniedException");
    let error = fails(harness.poll(&harness.run(), newest()).await);
    assert_eq!(error.kind(), Kind::AccessDenied);
}

/// Row E8 of the audit: another instance has the test instance's name now.
#[tokio::test(start_paused = true)]
async fn audit_e8_a_leftover_on_another_instance_is_given_back_and_not_waited_for() {
    for dead in [true, false] {
        let harness = Harness::new();
        leave_a_volume(&harness, "vol-rehearsalleft", "run-0");
        let old = &harness.ids.test_instance_id;
        harness.attach("vol-rehearsalleft", old, "/dev/sdg").await;
        if dead {
            harness.wait(LONGEST_RUN.as_secs() + 1).await;
        }
        harness
            .aws
            .tag_by_hand(old, "Name", "renamed.dev.code418.net");
        let now = harness.aws.clock().now();
        let new = Instance::running("i-07e57a2", TEST_INSTANCE, "us-east-1a", now);
        harness.aws.add_instance(new);
        add_snapshot(&harness, "snap-rehearsal0002", HOUR / 4);
        let chosen = goes_on(harness.poll(&harness.run(), newest()).await);
        assert_eq!(chosen.subject.dev_ib_backup_instance_id, "i-07e57a2");
        assert_eq!(handed_over(&harness).len(), usize::from(dead));
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_environment_has_left_is_named_where_it_is_in_the_way_and_never_handed_over() {
    for environment in [Some("prod"), None] {
        for attached in [true, false] {
            let harness = Harness::new();
            let mut tags = vec![
                ("IBBackupTest", "True"),
                ("IBBackupRun", "run-0"),
                ("IBBackupTestInstance", TEST_INSTANCE),
            ];
            tags.extend(environment.map(|name| ("IBBackupEnvironment", name)));
            harness.add_volume("vol-rehearsalleft", &tags);
            if attached {
                let instance = &harness.ids.test_instance_id;
                harness
                    .attach("vol-rehearsalleft", instance, "/dev/sdh")
                    .await;
            }
            harness.wait(LONGEST_RUN.as_secs() + 1).await;
            add_snapshot(&harness, "snap-rehearsal0002", HOUR);
            let looked = harness.poll(&harness.run(), newest()).await;
            if attached {
                let text = fails(looked).to_string();
                let whose = environment.map_or("of no environment".to_owned(), |name| {
                    format!("of environment {name}")
                });
                assert!(
                    text.contains("vol-rehearsalleft") && text.contains(&whose),
                    "{text}"
                );
            } else {
                goes_on(looked);
            }
            assert_eq!(handed_over(&harness), NOTHING);
        }
    }
}
