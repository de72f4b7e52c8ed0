mod wire;

use super::{Chosen, Envelope, FailureRecord, Payload as _, Phase, Release, Start, read};
use crate::error::Kind;
use serde_json::{Value, json};

fn chosen() -> Value {
    json!({
        "run_id": "run-1",
        "started_at": "2026-03-01T02:00:00Z",
        "iteration_count": 2,
        "ready_at": {"snapshot": "2026-03-01T02:01:00Z"},
        "snapshot_id": "snap-1",
        "dev_ib_backup_instance_id": "i-1",
    })
}

#[test]
fn what_is_read_is_written_again_as_it_was() {
    let envelope = Envelope::<Chosen>::read(&chosen()).expect("a payload");
    assert_eq!(envelope.run.iteration_count, 2);
    assert_eq!(envelope.payload.subject.snapshot_id, "snap-1");
    assert_eq!(serde_json::to_value(&envelope).expect("JSON"), chosen());
    let mut pasted = chosen();
    pasted["note"] = json!("an unknown field");
    let fields = pasted.as_object_mut().expect("an object");
    fields.remove("ready_at");
    let pasted = Envelope::<Chosen>::read(&pasted).expect("a payload");
    assert_eq!(pasted.payload, envelope.payload);
    assert!(pasted.run.ready_at.is_empty());
}

#[test]
fn the_pair_travels_with_the_run_and_is_left_out_where_the_settings_name_it() {
    let mut event = chosen();
    for name in [
        "production_instance_name",
        "production_device",
        "test_instance_name",
        "test_device",
    ] {
        let value = if name.ends_with("device") {
            "/dev/sdx"
        } else {
            "a name"
        };
        event[name] = json!(value);
    }
    let envelope = Envelope::<Chosen>::read(&event).expect("a payload");
    let device = envelope.run.target.test_device.as_deref();
    assert_eq!(device, Some("/dev/sdx"));
    assert_eq!(serde_json::to_value(&envelope).expect("JSON"), event);
    event["test_device"] = json!(5);
    let error = Envelope::<Chosen>::read(&event).expect_err("a number");
    assert!(error.to_string().contains("`test_device`"), "{error}");
}

#[test]
fn a_field_that_is_missing_or_of_the_wrong_type_is_named() {
    for name in [
        "run_id",
        "started_at",
        "iteration_count",
        "snapshot_id",
        "dev_ib_backup_instance_id",
    ] {
        let mut event = chosen();
        event[name] = json!({"a": "map"});
        let wrong = Envelope::<Chosen>::read(&event).expect_err(name);
        event.as_object_mut().expect("an object").remove(name);
        let missing = Envelope::<Chosen>::read(&event).expect_err(name);
        for error in [wrong, missing] {
            assert_eq!(error.kind(), Kind::BadEvent);
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
    }
    for (name, value) in [
        ("started_at", json!("yesterday")),
        ("iteration_count", json!(-1)),
        ("iteration_count", json!("2")),
    ] {
        let mut event = chosen();
        event[name] = value;
        let error = Envelope::<Chosen>::read(&event).expect_err(name);
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
    let error = read::<Start>(&json!({"snapshot_id": 7})).expect_err("a number");
    assert!(error.to_string().contains("`snapshot_id`"), "{error}");
}

#[test]
fn a_field_of_a_verdict_that_is_missing_or_of_the_wrong_type_is_named() {
    let release = |part: &str, field: &str, value: Value| {
        let mut event = json!({
            "because": {"verdict": {"valid": true, "checked_at": "2026-03-01T03:00:00Z"}},
            "tested": {"detail": "2 tables", "checks": 1, "tables": 2, "rows": 3},
        });
        event.pointer_mut(part).expect("a part")[field] = value;
        Release::read(&event)
    };
    let read = release("/tested", "coverage", json!(99.5)).expect("a release");
    let tested = read.tested.expect("what the test reported");
    assert_eq!(
        (tested.counts.rows, tested.measured.coverage),
        (3, Some(99.5))
    );
    for (part, field) in [
        ("/because/verdict", "coverage"),
        ("/because/verdict", "manifest"),
        ("/tested", "paused_seconds"),
        ("/tested", "rows"),
    ] {
        let error = release(part, field, json!("many")).expect_err(field);
        assert_eq!(error.kind(), Kind::BadEvent);
        assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
    }
}

#[test]
fn a_phase_begins_where_the_one_before_it_ended() {
    let mut event = chosen();
    event["ready_at"] = json!({
        "mount": "2026-03-01T02:10:00Z",
        "snapshot": "2026-03-01T02:01:00Z",
        "volume": "2026-03-01T02:01:30.5Z",
    });
    let run = Envelope::<Chosen>::read(&event).expect("a payload").run;
    let expected = [
        (Phase::Snapshot, 60.0),
        (Phase::Volume, 30.5),
        (Phase::Mount, 509.5),
    ];
    assert_eq!(run.durations(), expected);
}

#[test]
fn a_snapshots_time_may_be_missing_but_not_wrong() {
    let mut event = chosen();
    let begun = |event: &Value| {
        Envelope::<Chosen>::read(event).map(|of| of.payload.subject.snapshot_started_at)
    };
    assert_eq!(begun(&event).expect("of the release before"), None);
    event["snapshot_started_at"] = json!("2026-03-01T01:30:00Z");
    let time = begun(&event).expect("a time").map(|time| time.to_string());
    assert_eq!(time.as_deref(), Some("2026-03-01T01:30:00Z"));
    event["snapshot_started_at"] = json!("yesterday");
    let error = begun(&event).expect_err("no time").to_string();
    assert!(error.contains("`snapshot_started_at`"), "{error}");
}

fn record(arn: &str) -> FailureRecord {
    let record = json!({
        "version": "1.0",
        "requestContext": {
            "requestId": "request-1",
            "functionArn": arn,
            "condition": "EventAgeExceeded",
        },
        "requestPayload": {},
    });
    read(&record).expect("a record")
}

#[test]
fn a_record_names_the_function_without_version_or_alias() {
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:dev-ib-backup-step-3-attach";
    for arn in [arn, &format!("{arn}:$LATEST"), &format!("{arn}:7")] {
        assert_eq!(record(arn).function(), "dev-ib-backup-step-3-attach");
    }
    assert_eq!(record("a-name").function(), "a-name");
    let said = record(arn).error();
    assert!(
        said.starts_with("EventAgeExceeded without a word"),
        "{said}"
    );
}

/// A letter too much in an event written by hand must not cost another run its volume.
#[test]
fn an_id_or_a_name_that_does_not_fit_is_named() {
    let wrong = [
        ("run_id", "*"),
        ("run_id", ""),
        ("run_id", "run-1\nrun-2"),
        ("snapshot_id", "snap-*"),
        ("volume_id", "vol-0123?"),
        ("volume_id", "snap-1"),
        ("dev_ib_backup_instance_id", "i-"),
        ("test_command_id", "a b"),
        ("mount_command_id", "$(id)"),
        ("release_command_id", "*"),
        ("device", "/dev/../sdg"),
        ("test_device", "/dev/sd*"),
        ("production_device", "sdg"),
        ("test_instance_name", "ib0?.dev.code418.net"),
        ("production_instance_name", "*"),
    ];
    for (name, value) in wrong {
        let mut event = chosen();
        event[name] = json!(value);
        let error = Envelope::<Chosen>::read(&event).expect_err(value);
        assert_eq!(error.kind(), Kind::BadEvent);
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
    let event = json!({"test_instance_name": "Infobright test (a)"});
    read::<Start>(&event).expect_err("a parenthesis");
    let event = json!({"test_instance_name": "Infobright test/2 @ höhe"});
    read::<Start>(&event).expect("a name");
}
