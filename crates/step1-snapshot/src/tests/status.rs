//! `{"status": true}`: answered, with nothing started and nothing changed.

use serde_json::{Value, json};

use super::{HOUR, Harness, NOTHING, add_snapshot};

/// What step 1 answers.
async fn ask(harness: &Harness, event: Value) -> Value {
    let reply = harness.handle(event).await.expect("an answer");
    serde_json::from_str(reply.text()).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn says_how_the_backups_stand_and_changes_nothing() {
    let harness = Harness::new();
    let newest = harness.ids.snapshot_id.clone();
    for night in 1..=20 {
        add_snapshot(
            &harness,
            &format!("snap-rehearsal1{night:03}"),
            24 * HOUR * night,
        );
    }
    for (id, valid, detail) in [
        (newest.as_str(), "False", "shop.orders: Corrupt"),
        ("snap-rehearsal1002", "True", "3 tables"),
        ("snap-rehearsal1003", "True", "4 tables"),
    ] {
        harness.aws.tag_by_hand(id, "DBBackupValid", valid);
        harness.aws.tag_by_hand(id, "DBBackupCheckDetail", detail);
        harness.aws.tag_by_hand(id, "DBBackupCheckRun", "run-7");
    }
    let volume = harness.attached_volume("run-1").await;

    let told = ask(&harness, json!({"status": true})).await;

    assert_eq!(told["environment"], "dev");
    assert_eq!(
        told["newest_known_good"]["snapshot_id"],
        "snap-rehearsal1002"
    );
    assert_eq!(told["newest_known_good"]["reason"], "3 tables");
    assert_eq!(told["snapshots"], "the newest 14 of 21");
    let last = told["last_snapshots"].as_array().expect("a list");
    assert_eq!(last.len(), 14);
    let first = &last[0];
    assert_eq!(first["snapshot_id"], json!(newest));
    assert_eq!(
        (&first["verdict"], &first["reason"]),
        (&json!("invalid"), &json!("shop.orders: Corrupt"))
    );
    assert_eq!(
        (&last[1]["verdict"], &last[1]["age"]),
        (&json!("none"), &json!("1 d 0 h"))
    );
    let held = told["held_now"].as_array().expect("a list");
    assert_eq!(held.len(), 1);
    assert_eq!(
        (&held[0]["run_id"], &held[0]["volume_id"]),
        (&json!("run-1"), &json!(volume))
    );
    assert_eq!(
        (&held[0]["state"], &held[0]["held_for"]),
        (&json!("in-use"), &json!("0 min"))
    );
    let at = format!("{} /dev/sdg (attached)", harness.ids.test_instance_id);
    assert_eq!(held[0]["attached_to"], json!(at));
    assert_eq!(told["next_start"]["at"], "2026-03-02T02:00:00Z", "{told}");
    assert_eq!(told.get("not_known"), None);
    assert_eq!(harness.done(), NOTHING);
}

/// People read it: in lines, and what they ask first stands first.
#[tokio::test(start_paused = true)]
async fn the_answer_is_written_for_people() {
    let harness = Harness::new();
    let reply = harness
        .handle(json!({"status": true}))
        .await
        .expect("an answer");
    let at = |field: &str| {
        reply
            .text()
            .find(&format!("\n  \"{field}\": "))
            .expect(field)
    };
    assert!(at("newest_known_good") < at("last_snapshots"));
    assert!(at("last_snapshots") < at("held_now"));
    assert!(at("held_now") < at("next_start"));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_run_left_is_told_from_what_a_live_one_holds() {
    let harness = Harness::new();
    harness.attached_volume("run-dead").await;
    harness.wait(24 * 3600).await;
    let told = ask(&harness, json!({"status": true})).await;
    let held = &told["held_now"][0];
    assert_eq!(held["held_for"], "1 d 0 h");
    let note = held["note"].as_str().expect("a note");
    assert!(note.starts_with("older than any run at work"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn another_database_is_asked_after_as_in_a_start_event() {
    let harness = Harness::new();
    let other = harness.aws.another_fixture(1);
    let event = json!({
        "status": true,
        "production_instance_name": other.production_instance,
        "production_device": "/dev/sdg",
    });
    let told = ask(&harness, event).await;
    let database = told["database"].as_str().expect("a name");
    assert!(database.contains(&other.production_instance), "{database}");
    assert_eq!(
        told["last_snapshots"][0]["snapshot_id"],
        json!(other.snapshot_id)
    );
}

/// An error would have Lambda ask twice more, then step 6 tell that there is no verdict.
#[tokio::test(start_paused = true)]
async fn what_aws_does_not_tell_is_named_and_no_error() {
    for (action, named, missing) in [
        (
            "DescribeSnapshots",
            "the snapshots: AccessDenied: ",
            "last_snapshots",
        ),
        (
            "DescribeInstances",
            "the snapshots: AccessDenied: ",
            "newest_known_good",
        ),
        (
            "DescribeVolumes",
            "what runs hold: AccessDenied: ",
            "held_now",
        ),
    ] {
        let harness = Harness::new();
        harness.refuse(action, 403, "UnauthorizedOperation");
        let told = ask(&harness, json!({"status": true})).await;
        let why = told["not_known"][0].as_str().expect("a reason");
        assert!(why.starts_with(named), "{why}");
        assert_eq!(told.get(missing), None, "{told}");
        assert_eq!(told["next_start"]["schedule"], "cron(0 2 * * ? *)");
        assert_eq!(harness.done(), NOTHING);
    }
    let harness = Harness::new();
    harness.refuse("DescribeSnapshots", 503, "RequestLimitExceeded");
    let told = ask(&harness, json!({"status": true})).await;
    let why = told["not_known"][0].as_str().expect("a reason");
    assert!(why.starts_with("the snapshots: AwsUnavailable"), "{why}");
    assert_eq!(harness.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_off_is_said_to_be() {
    let harness = Harness::with(&[("ScheduleState", "DISABLED")]);
    let told = ask(&harness, json!({"status": true})).await;
    assert_eq!(told["next_start"]["state"], "off");
    assert_eq!(told["next_start"].get("at"), None);
}

#[tokio::test(start_paused = true)]
async fn only_true_asks() {
    let harness = Harness::new();
    let error = harness
        .handle(json!({"status": "yes"}))
        .await
        .expect_err("no event");
    assert!(error.to_string().contains("`status`"), "{error}");
    assert_eq!(harness.done(), NOTHING);
    let reply = harness
        .handle(json!({"status": false}))
        .await
        .expect("a run");
    assert_eq!(reply.text(), "null");
    assert_eq!(harness.done(), ["SubmitMetrics", "Invoke"]);
}
