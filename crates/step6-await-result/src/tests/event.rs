use common::event::{EndReason, Release, Subject, TestVolume, Testing};
use common::verdict::{Measured, RecordedVerdict};
use common::{Kind, event::Envelope};
use serde_json::{Value, json};

use super::Harness;
use crate::Stage;

/// Lambda's record of a step 3 that failed over this event.
fn record(event: &Value) -> Value {
    json!({
        "version": "1.0",
        "timestamp": "2026-03-01T02:20:00.000Z",
        "requestContext": {
            "requestId": "request-0",
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:dev-ib-backup-step-3-attach:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "Dead", "errorMessage": "vol-1 is gone"},
    })
}

fn event() -> Value {
    json!({
        "run_id": "run-1",
        "started_at": "2026-03-01T02:00:00Z",
        "iteration_count": 7,
        "snapshot_id": "snap-1",
        "dev_ib_backup_instance_id": "i-1",
        "volume_id": "vol-1",
    })
}

#[track_caller]
fn read(event: &Value) -> (Envelope<Stage>, Release, String, String) {
    let envelope = Harness::new().read(event).expect("an event of step 6");
    let Stage::Release(back) = envelope.payload.clone() else {
        panic!("it is taken for a test")
    };
    let EndReason::Failure { function, error } = back.because.clone() else {
        panic!("{:?}", back.because)
    };
    (envelope, back, function, error)
}

#[tokio::test(start_paused = true)]
async fn a_record_says_whose_run_it_was_and_what_it_knew() {
    let (envelope, back, function, error) = read(&record(&event()));
    assert_eq!(envelope.run.run_id, "run-1");
    assert_eq!(envelope.run.iteration_count, 0, "the looks of step 3");
    assert_eq!(envelope.run.started_at.to_string(), "2026-03-01T02:00:00Z");
    assert_eq!(function, "dev-ib-backup-step-3-attach");
    assert_eq!(error, "Dead: vol-1 is gone");
    let expected = Release {
        snapshot_id: Some("snap-1".to_owned()),
        dev_ib_backup_instance_id: Some("i-1".to_owned()),
        volume_id: Some("vol-1".to_owned()),
        ..Release::unknown(back.because.clone())
    };
    assert_eq!(back, expected);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_start_event_has_the_request_id_as_its_run() {
    for event in [
        json!({}),
        json!({"source": "aws.events"}),
        json!("no object"),
        json!(null),
        json!([1, 2]),
    ] {
        let (envelope, back, ..) = read(&record(&event));
        assert_eq!(envelope.run.run_id, "request-0", "{event}");
        assert_eq!(back.volume_id, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_of_an_event_that_cannot_be_read_keeps_what_can() {
    let mut broken = event();
    broken["started_at"] = json!("yesterday");
    broken["volume_id"] = json!(7);
    let (envelope, back, ..) = read(&record(&broken));
    assert_eq!(envelope.run.run_id, "run-1");
    assert_eq!(back.volume_id, None);
    assert_eq!(back.snapshot_id.as_deref(), Some("snap-1"));
}

#[tokio::test(start_paused = true)]
async fn a_record_without_the_functions_own_words() {
    let mut silent = record(&event());
    let fields = silent.as_object_mut().expect("an object");
    fields.remove("responsePayload");
    fields.remove("responseContext");
    let (.., error) = read(&silent);
    assert!(
        error.starts_with("RetriesExhausted without a word"),
        "{error}"
    );
    for (reply, said) in [
        (
            json!({"errorMessage": "Stage timed out"}),
            "Stage timed out",
        ),
        (json!(null), "RetriesExhausted without a word"),
        (json!("a text"), "RetriesExhausted without a word"),
    ] {
        let mut record = record(&event());
        record["responsePayload"] = reply;
        let (.., error) = read(&record);
        assert!(error.starts_with(said), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn its_own_payloads_are_told_apart() {
    let mut testing = event();
    testing["device"] = json!("/dev/sdg");
    testing["test_command_id"] = json!("c-1");
    let read = Harness::new().read(&testing).expect("a test");
    let expected = Testing {
        subject: Subject {
            snapshot_id: "snap-1".to_owned(),
            snapshot_started_at: None,
            dev_ib_backup_instance_id: "i-1".to_owned(),
        },
        volume: TestVolume::new("vol-1", "/dev/sdg"),
        test_command_id: "c-1".to_owned(),
    };
    assert_eq!(read.payload, Stage::AwaitTest(expected));
    assert_eq!(read.run.iteration_count, 7);
}

/// Without it nothing would be unmounted where the volume was detached by hand.
#[tokio::test(start_paused = true)]
async fn a_record_of_a_later_step_says_under_which_name_the_volume_was_attached() {
    let mut later = event();
    later["device"] = json!("/dev/sdg");
    let (_, back, ..) = read(&record(&later));
    assert_eq!(back.device.as_deref(), Some("/dev/sdg"));
}

/// What one look hands to the next is what the next one reads.
#[tokio::test(start_paused = true)]
async fn its_own_payload_comes_back_as_it_was() {
    let harness = Harness::new();
    let checked_at = harness.run().started_at;
    let failure = EndReason::Failure {
        function: "f".to_owned(),
        error: "e".to_owned(),
    };
    let verdict = EndReason::Verdict(RecordedVerdict {
        valid: false,
        checked_at,
        measured: Measured::default(),
    });
    for because in [EndReason::Leftover, failure, verdict] {
        let back = Release {
            release_command_id: Some("c-1".to_owned()),
            unmounted: true,
            ..Release::unknown(because)
        };
        let envelope = Envelope {
            run: harness.run(),
            payload: Stage::Release(back),
        };
        let event = serde_json::to_value(&envelope).expect("JSON");
        assert_eq!(harness.read(&event).expect("its own"), envelope);
    }
}

/// What step 6 is at follows from what its event says, so that an event by hand, or one of the
/// release before, is understood.
#[tokio::test(start_paused = true)]
async fn each_stage_is_read_from_its_own_event_and_reporting_from_that_of_releasing() {
    let harness = Harness::new();
    let failure = EndReason::Failure {
        function: "f".to_owned(),
        error: "e".to_owned(),
    };
    let held = Release::unknown(failure);
    let told = Release {
        reported: true,
        ..held.clone()
    };
    let recorded = Release {
        reported: true,
        ..Release::unknown(EndReason::Leftover)
    };
    for (stage, read) in [
        (Stage::Release(held.clone()), Stage::Release(held.clone())),
        (Stage::Report(held.clone()), Stage::Release(held)),
        (Stage::Fail(told.clone()), Stage::Fail(told)),
        (Stage::Release(recorded.clone()), Stage::Release(recorded)),
    ] {
        let envelope = Envelope {
            run: harness.run(),
            payload: stage,
        };
        let event = serde_json::to_value(&envelope).expect("JSON");
        assert_eq!(harness.read(&event).expect("its own").payload, read);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_lacks_a_field_is_refused_with_its_name() {
    let mut testing = event();
    testing["device"] = json!("/dev/sdg");
    let error = Harness::new().read(&testing).expect_err("no test command");
    assert_eq!(error.kind(), Kind::BadEvent);
    assert!(error.to_string().contains("test_command_id"), "{error}");
}

/// An emulator of Lambda leaves the request id out; the run stands in the payload.
#[tokio::test(start_paused = true)]
async fn aws_case_a_failure_record_without_a_request_id_is_understood() {
    let harness = Harness::new();
    let record = |payload: serde_json::Value| {
        serde_json::json!({
            "requestContext": {
                "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
                "condition": "RetriesExhausted",
            },
            "requestPayload": payload,
        })
    };
    let read = harness.read(&record(serde_json::json!({"run_id": "run-7"})));
    assert_eq!(read.expect("a record").run.run_id, "run-7");
    let read = harness.read(&record(serde_json::json!({})));
    assert_eq!(read.expect("a record").run.run_id, "request-1");
}

/// Row E1 of the audit: `*` in a filter would take the volume of every run in the account.
#[tokio::test(start_paused = true)]
async fn audit_e1_a_wildcard_for_a_run_id_touches_no_volume() {
    for run_id in ["*", "run-?", "run-1*", "\\*", "run-2,run-1", ""] {
        let harness = Harness::new();
        harness.attached_volume("run-2").await;
        let mut event = json!({
            "run_id": run_id,
            "started_at": "2026-03-01T02:00:00Z",
            "iteration_count": 4,
            "waited_seconds": 60,
            "because": "leftover",
            "unmounted": true,
        });
        let error = harness.handle(event.clone()).await.expect_err(run_id);
        assert_eq!(error.kind(), common::Kind::BadEvent);
        assert!(error.to_string().contains("`run_id`"), "{error}");
        assert_eq!(harness.done(), super::NOTHING, "{run_id}");
        // Nor does the record of a failure bring it in.
        event["because"].take();
        let read = harness.read(&record(&event)).expect("a record");
        assert_eq!(read.run.run_id, "request-0");
    }
}
