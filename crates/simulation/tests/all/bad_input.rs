//! Bad input and a wrong environment, and what people are told about it.

mod datadog;
mod own_test;
mod snapshots;

use std::time::Duration;

use aws_stand_in::{Instance, InstanceState, TEST_INSTANCE, Tags};
use serde_json::{Value, json};
use simulation::environment::{Ending, Environment};

const HOUR: Duration = Duration::from_hours(1);

/// Asserts a night without a verdict that created nothing.
#[track_caller]
fn assert_refused(ending: &Ending, named: &str) {
    ending.assert_undetermined(named);
    assert_eq!(ending.made, 0, "made something");
}

#[tokio::test(start_paused = true)]
async fn a_start_event_that_cannot_be_read() {
    let cases: [(Value, &str); 5] = [
        (
            json!("hello"),
            "the start event is `\"hello\"`; it must be a JSON object",
        ),
        (json!([{}]), "it must be a JSON object"),
        (Value::Null, "it must be a JSON object"),
        (
            json!({"snapshot_id": 7}),
            "at `snapshot_id`: invalid type: integer `7`, expected a string",
        ),
        (
            json!({"snapshot_id": ["snap-1"]}),
            "at `snapshot_id`: invalid type",
        ),
    ];
    for (event, named) in cases {
        assert_refused(&Environment::new().start(event).await, named);
    }
}

#[tokio::test(start_paused = true)]
async fn instances_that_are_not_one() {
    for name in ["ib-backup.us-east-1.code418.net", TEST_INSTANCE] {
        let night = Environment::new();
        let now = night.stack.aws.clock().now();
        let twin = Instance::running("i-07e57000000000003", name, "us-east-1a", now);
        night.stack.aws.add_instance(twin);
        let ending = night.play().await;
        assert_refused(&ending, &format!("2 instances are named {name}"));
        assert!(ending.events[0].text.contains("i-07e57000000000003"));
    }
    for (parameter, name) in [
        ("ProductionInstanceName", "nobody.example"),
        ("TestInstanceName", "nobody.example"),
    ] {
        let night = Environment::parameters(&[(parameter, name)], |_| ());
        assert_refused(&night.play().await, "instance is named nobody.example");
    }
}

#[tokio::test(start_paused = true)]
async fn a_terminated_instance_keeps_its_name_and_does_not_count() {
    let night = Environment::new();
    let now = night.stack.aws.clock().now();
    night.stack.aws.add_instance(Instance {
        state: InstanceState::Terminated,
        ..Instance::running("i-07e57000000000004", TEST_INSTANCE, "us-east-1a", now)
    });
    night.play().await.assert_verdict(true);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_test_instance() {
    let night = Environment::new();
    night
        .stack
        .aws
        .stop_instance(&night.stack.fixture.test_instance_id);
    let named =
        "no running instance is named ib02.dev.code418.net (i-07e57000000000001 is stopped)";
    assert_refused(&night.play().await, named);
}

#[tokio::test(start_paused = true)]
async fn no_such_device_on_production() {
    let night = Environment::parameters(&[("ProductionDevice", "/dev/sdz")], |_| ());
    let named = "has no volume at /dev/sdz; it has /dev/sdg, /dev/xvda";
    assert_refused(&night.play().await, named);
}

#[tokio::test(start_paused = true)]
async fn the_test_device_is_in_use() {
    let night = Environment::parameters(&[("TestDevice", "/dev/sdh")], |_| ());
    let instance = &night.stack.fixture.test_instance_id;
    let own = Some((instance.as_str(), "/dev/sdh"));
    night
        .stack
        .aws
        .add_volume("vol-rehearsalforeign", "us-east-1a", Tags::new(), own);
    let named = "/dev/sdh of ib02.dev.code418.net (i-07e57000000000001) is in use by volume vol-rehearsalforeign";
    assert_refused(&night.play().await, named);
}

/// Gives each step after the first a payload that lacks a field.
#[tokio::test(start_paused = true)]
async fn a_payload_that_lacks_a_field() {
    let whole = json!({
        "run_id": "r-1", "started_at": "2026-03-01T02:00:00Z", "iteration_count": 0,
        "snapshot_id": "snap-rehearsal0001", "dev_ib_backup_instance_id": "i-07e57000000000001",
        "volume_id": "vol-rehearsal0009", "device": "/dev/sdg", "mount_command_id": "c-1",
        "mount_found_fault": false, "test_command_id": "c-2",
    });
    let common = ["run_id", "started_at", "iteration_count"];
    let of_step: [(&str, &[&str]); 5] = [
        (
            "dev-ib-backup-step-2-volume",
            &["snapshot_id", "dev_ib_backup_instance_id"],
        ),
        (
            "dev-ib-backup-step-3-attach",
            &["volume_id", "dev_ib_backup_instance_id"],
        ),
        ("dev-ib-backup-step-4-mount", &["volume_id", "device"]),
        (
            "dev-ib-backup-step-5-run-test",
            &["volume_id", "mount_command_id", "mount_found_fault"],
        ),
        (
            "dev-ib-backup-step-6-await-result",
            &["test_command_id", "volume_id"],
        ),
    ];
    for (function, fields) in of_step {
        for field in common.iter().chain(fields) {
            let mut event = whole.clone();
            event.as_object_mut().expect("an object").remove(*field);
            let night = Environment::new();
            night.stack.lambda.start(function, event);
            night.stack.lambda.idle().await;
            let ending = night.ending();
            let errors = ending.errors();
            let named = format!("missing field `{field}`");
            assert!(errors[0].contains(&named), "{function}: {errors:#?}");
            assert!(errors[0].contains("BadEvent"), "{errors:#?}");
            assert_eq!(ending.tag(), None);
            assert_eq!(ending.made, 0);
            assert_eq!(ending.left, Vec::<String>::new());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_line_carries_the_api_key() {
    let ending = Environment::new().play().await;
    assert!(
        !ending
            .log
            .iter()
            .any(|line| line.contains(aws_stand_in::stack::DATADOG_API_KEY))
    );
}
