//! What goes wrong before or around a night, and what people are told.

use std::sync::Arc;
use std::time::Duration;

use aws_stand_in::instance_host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};
use aws_stand_in::simulated_host::SimulatedHost;
use aws_stand_in::{
    DatadogReply, Instance, InstanceState, Snapshot, SnapshotState, TEST_INSTANCE, Tags,
};
use serde_json::{Value, json};
use simulation::environment::{Ending, Environment};

const HOUR: Duration = Duration::from_hours(1);

/// A night without a verdict that never made anything.
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
async fn a_snapshot_that_is_not_ours() {
    let night = Environment::new();
    let (aws, fixture) = (&night.stack.aws, &night.stack.fixture);
    let volume = &fixture.production_volume_id;
    let begun = aws.clock().now() - HOUR;
    aws.add_snapshot(Snapshot {
        owner_id: "999999999999".to_owned(),
        ..Snapshot::completed("snap-rehearsalforeign", volume, begun)
    });
    let ending = night
        .start(json!({"snapshot_id": "snap-rehearsalforeign"}))
        .await;
    assert_refused(
        &ending,
        "snapshot snap-rehearsalforeign does not exist, or is not of this account",
    );

    for (unknown, named) in [
        (
            "snap-rehearsalgone",
            "snapshot snap-rehearsalgone does not exist",
        ),
        ("last night's", "`snapshot_id`: it is \"last night's\""),
    ] {
        let ending = Environment::new()
            .start(json!({ "snapshot_id": unknown }))
            .await;
        assert_refused(&ending, named);
    }

    let night = Environment::new();
    let other = Snapshot::completed("snap-rehearsalother", "vol-rehearsaltestroot", begun);
    night.stack.aws.add_snapshot(other);
    let ending = night
        .start(json!({"snapshot_id": "snap-rehearsalother"}))
        .await;
    assert_refused(
        &ending,
        "is a snapshot of vol-rehearsaltestroot, not of vol-rehearsalproductiondata",
    );
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

/// A night whose one snapshot is `change`d.
fn with_snapshot(change: impl FnOnce(Snapshot) -> Snapshot) -> Environment {
    let night = Environment::new();
    let fixture = &night.stack.fixture;
    let begun = night.stack.aws.clock().now() - HOUR;
    let snapshot = Snapshot::completed(&fixture.snapshot_id, &fixture.production_volume_id, begun);
    night.stack.aws.add_snapshot(change(snapshot));
    night
}

#[tokio::test(start_paused = true)]
async fn no_snapshot_that_can_be_tested() {
    let night = Environment::new();
    night
        .stack
        .aws
        .delete_snapshot(&night.stack.fixture.snapshot_id);
    assert_refused(
        &night.play().await,
        "can be tested: there is none; is the backup job running?",
    );

    let failed = |snapshot| Snapshot {
        ends_as: SnapshotState::Error,
        ..snapshot
    };
    assert_refused(
        &with_snapshot(failed).play().await,
        "snap-rehearsal0001 is failed (error)",
    );

    let archived = |snapshot| Snapshot {
        archived: true,
        ..snapshot
    };
    assert_refused(
        &with_snapshot(archived).play().await,
        "snap-rehearsal0001 is archived",
    );

    let binned = |snapshot| Snapshot {
        ends_as: SnapshotState::Recoverable,
        ..snapshot
    };
    assert_refused(
        &with_snapshot(binned).play().await,
        "snap-rehearsal0001 is in the recycle bin",
    );

    let pending = |snapshot: Snapshot| Snapshot {
        completes_at: snapshot.started_at + 100 * HOUR,
        ..snapshot
    };
    let ending = with_snapshot(pending).play().await;
    assert_refused(&ending, "step-1-snapshot gave up after 4 h");
    assert!(
        ending.events[0]
            .text
            .contains("snap-rehearsal0001 is not complete yet")
    );
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_too_old() {
    let old = |snapshot: Snapshot| Snapshot {
        started_at: snapshot.started_at - 26 * HOUR,
        ..snapshot
    };
    let ending = with_snapshot(old).play().await;
    let named = "hours old, and 26 are allowed; is the backup job running?";
    assert_refused(&ending, named);
    assert!(ending.errors()[0].contains("SnapshotTooOld"));
    let ages = ending.metric("infobright_backup_age_seconds");
    assert_eq!(ages[..1], [27.0 * 3600.0]);
}

#[tokio::test(start_paused = true)]
async fn a_newer_snapshot_that_failed_is_passed_over_and_named() {
    let night = Environment::new();
    let fixture = &night.stack.fixture;
    let begun = night.stack.aws.clock().now() - Duration::from_mins(1);
    night.stack.aws.add_snapshot(Snapshot {
        completes_at: begun,
        ends_as: SnapshotState::Error,
        ..Snapshot::completed("snap-rehearsalfailed", &fixture.production_volume_id, begun)
    });
    let ending = night.play().await;
    ending.assert_verdict(true);
    let warned = |line: &String| line.contains("passing over snapshot snap-rehearsalfailed");
    assert!(ending.log.iter().any(warned));
}

#[tokio::test(start_paused = true)]
async fn the_newest_of_several_pages_of_snapshots() {
    let night = Environment::new();
    let (aws, fixture) = (&night.stack.aws, &night.stack.fixture);
    aws.set_page_size(2);
    for age in 1..8 {
        let begun = aws.clock().now() - age * 3 * HOUR;
        let id = format!("snap-rehearsalolder{age}");
        aws.add_snapshot(Snapshot::completed(
            &id,
            &fixture.production_volume_id,
            begun,
        ));
    }
    night.play().await.assert_verdict(true);
}

#[tokio::test(start_paused = true)]
async fn an_encrypted_snapshot_without_rights_on_its_key() {
    let denied = |snapshot| Snapshot {
        kms_denied: true,
        ..snapshot
    };
    let ending = with_snapshot(denied).play().await;
    ending.assert_undetermined("name the key by the stack's parameter KmsKeyArn");
    assert_eq!(ending.made, 1);
}

/// A payload that lacks a field, given to each of the steps behind the first.
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

/// A test instance whose test document is a user's own, which prints this and exits so.
struct OwnTest {
    machine: SimulatedHost,
    test_document: String,
    finished: Finished,
}

impl Host for OwnTest {
    fn attached(&self, volume: &AttachedVolume) {
        self.machine.attached(volume);
    }

    fn detached(&self, volume_id: &str) {
        self.machine.detached(volume_id);
    }

    fn in_use(&self, volume_id: &str) -> bool {
        self.machine.in_use(volume_id)
    }

    fn run(&self, command: RunCommand) -> BoxFuture<Finished> {
        if command.document == self.test_document {
            let finished = self.finished.clone();
            return Box::pin(async move { finished });
        }
        self.machine.run(command)
    }
}

async fn night_with_own_test(exit_code: i32, stdout: &str) -> Ending {
    let night = Environment::new();
    let mut functions = night.stack.template.functions.iter();
    let test_document = functions.find_map(|function| function.environment.get("TEST_DOCUMENT"));
    let own = OwnTest {
        machine: night.host.clone(),
        test_document: test_document
            .expect("step 5 names the test document")
            .clone(),
        finished: Finished {
            exit_code,
            stdout: stdout.to_owned(),
            stderr: String::new(),
        },
    };
    night
        .stack
        .aws
        .set_host(&night.stack.fixture.test_instance_id, Arc::new(own));
    night.play().await
}

#[tokio::test(start_paused = true)]
async fn a_test_document_that_does_not_say_what_it_checked() {
    let ending = night_with_own_test(0, "").await;
    ending.assert_undetermined("its output does not end in the JSON line");
    let ending = night_with_own_test(0, "all tables fine\n").await;
    ending.assert_undetermined("its last line is `all tables fine`");
    // 10 MB: Systems Manager keeps the first 24,000 characters, and the sum is not in them.
    let summary = r#"{"valid":true,"checks":1,"tables":1,"rows":1,"seconds":1,"reason":""}"#;
    let flood = format!("{}\n{summary}\n", "table ok\n".repeat(1_200_000));
    let ending = night_with_own_test(0, &flood).await;
    ending.assert_undetermined("its output does not end in the JSON line");
    let skipped = r#"{"valid":true,"checks":0,"tables":0,"rows":0,"seconds":0,"reason":""}"#;
    let ending = night_with_own_test(0, skipped).await;
    ending.assert_undetermined("does not say that anything was found valid");
    night_with_own_test(0, summary).await.assert_verdict(true);
    let ending = night_with_own_test(9, "flood\n").await;
    ending.assert_undetermined("exited with 9");
    let found = summary
        .replace("true", "false")
        .replace("\"\"", "\"a.b: Corrupt\"");
    night_with_own_test(1, &found).await.assert_verdict(false);
}

#[tokio::test(start_paused = true)]
async fn datadog_refuses_or_is_silent() {
    let answer = |status, body: &str| DatadogReply::Answer {
        status,
        body: body.into(),
    };
    for (reply, named) in [
        (
            answer(403, r#"{"errors":["Forbidden"]}"#),
            "Datadog answered 403",
        ),
        (
            answer(429, r#"{"errors":["Too many requests"]}"#),
            "Datadog answered 429",
        ),
        (
            answer(202, "<html>it works</html>"),
            "Datadog answered 202 `<html>",
        ),
        (answer(202, r#"{"errors":["bad point"]}"#), "bad point"),
        (DatadogReply::Never, "no answer in 10 s"),
    ] {
        let night = Environment::new();
        night.stack.aws.set_datadog_reply(reply);
        let ending = night.play().await;
        assert_eq!(ending.tag(), Some("True"), "Datadog never costs the tag");
        assert_eq!(ending.valid(), Vec::<f64>::new());
        let errors = ending.errors();
        assert!(
            errors.iter().all(|error| error.contains("DatadogFailed")),
            "{errors:#?}"
        );
        assert!(
            errors.iter().any(|error| error.contains(named)),
            "{named}: {errors:#?}"
        );
        assert_eq!(ending.left, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn datadog_back_in_time_gets_the_verdict_after_all() {
    let night = Environment::new();
    let aws = night.stack.aws.clone();
    aws.set_datadog_reply(DatadogReply::Answer {
        status: 503,
        body: "busy".into(),
    });
    let (back, from) = (aws.clone(), aws.clock().now() + Duration::from_secs(2500));
    tokio::spawn(async move {
        back.clock().sleep_until(from).await;
        back.set_datadog_reply(DatadogReply::Normal);
    });
    let ending = night.play().await;
    ending.assert_verdict(true);
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
