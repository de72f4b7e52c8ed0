//! The record of each run: EventBridge's log group after nights of each kind.

use std::time::Duration;

use aws_stand_in::Fault;
use aws_stand_in::logs_insights::SavedQuery;
use aws_stand_in::simulated_host::Backup;
use serde_json::{Value, json};
use simulation::environment::{Ending, Environment};

/// The only event that was stored of the run.
fn kept(ending: &Ending) -> &Value {
    let of_run = |event: &&Value| event["source"] == "lambda";
    let events: Vec<&Value> = ending.kept.iter().filter(of_run).collect();
    let [event] = events.as_slice() else {
        panic!("not one record: {:#?}", ending.kept);
    };
    event
}

/// The record in that event.
fn record(ending: &Ending) -> &Value {
    let record = &kept(ending)["detail"]["responsePayload"];
    assert_eq!(record["run"], "rehearsal-request-0000");
    record
}

fn assert_fields(record: &Value, fields: &[(&str, Value)]) {
    for (field, value) in fields {
        assert_eq!(&record[field], value, "{field} in {record:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_good_night() {
    let night = Environment::with(|template| {
        let last = template.functions.last_mut().expect("step 6");
        let commit = last.environment.get_mut("COMMIT").expect("COMMIT");
        *commit = "0123456".to_owned();
    });
    let snapshot = night.stack.fixture.snapshot_id.clone();
    let event = json!({
        "source": "aws.events",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/ib-backup-dev-Nightly"],
    });
    let ending = night.start(event).await;
    ending.assert_verdict(true);
    let record = record(&ending);
    assert_fields(
        record,
        &[
            ("verdict", json!("valid")),
            (
                "reason",
                json!("12 tables, 3400000 rows, 4 checks in 2400 s, 100 % read"),
            ),
            ("environment", json!("dev")),
            ("database", json!("ib-backup.us-east-1.code418.net")),
            ("snapshot", json!(snapshot)),
            ("snapshot_age_seconds", json!(1800.0)),
            ("seen_on_snapshot", json!(true)),
            ("checked_at", json!(ending.tags["DBBackupCheckedAt"])),
            ("coverage", json!(100.0)),
            ("manifest", json!(true)),
            ("tables", json!(12)),
            ("rows", json!(3_400_000)),
            ("started_by", json!("schedule ib-backup-dev-Nightly")),
            ("script", json!("0123456789abcdef")),
            ("commit", json!("0123456")),
        ],
    );
    for phase in ["snapshot", "volume", "attach", "mount", "test", "release"] {
        let seconds = record["seconds"][phase].as_f64();
        assert!(seconds.is_some_and(|seconds| seconds >= 0.0), "{phase}");
    }
    assert!(record["seconds"]["test"].as_f64() >= Some(2400.0));
    let group = &night.stack.lambda.kept()[0].log_group;
    assert_eq!(
        night.stack.template.log_groups[group].retention_in_days,
        Some(2557)
    );
}

/// The saved query on a good, a bad and an undetermined night. On the 29th there was no run.
#[tokio::test(start_paused = true)]
async fn the_history() {
    let nights = [
        (Environment::new(), "2018-06-27"),
        (Environment::new().backup(Backup::Damaged), "2018-06-28"),
        (
            Environment::new().backup(Backup::CannotBeTested),
            "2018-06-30",
        ),
    ];
    let template = nights[0].0.stack.template.clone();
    let history = |saved: &&SavedQuery| saved.name == "ib-backup/dev/history";
    let query = template.saved_queries.iter().find(history);
    let nightly = template.schedule.expect("a schedule").expression;
    let rules = template.rules.iter();
    let silent = rules.filter_map(|rule| rule.keep_scheduled(&nightly, "2018-06-29T02:00:00Z"));
    let mut events: Vec<Value> = silent.map(|kept| kept.event).collect();
    for (night, day) in nights {
        for mut event in night.play().await.kept {
            let hour = if event["source"] == "lambda" { 4 } else { 2 };
            event["time"] = json!(format!("{day}T0{hour}:00:00Z"));
            events.push(event);
        }
    }
    let table = query.expect("the history").run(&events).expect("a table");
    let lines: Vec<String> = table.lines.iter().map(|line| line.join("|")).collect();
    assert_eq!(
        lines,
        [
            "2018-06-30T04:00:00Z|undetermined||snap-rehearsal0001||||HostFailed: command \
             rehearse-0000-0000-0000-000000000003 could not check: no disk space left on the test \
             instance|rehearsal-request-0000",
            "2018-06-30T02:00:00Z|scheduled|||||||",
            "2018-06-29T02:00:00Z|scheduled|||||||",
            "2018-06-28T04:00:00Z|invalid|ib-backup.us-east-1.code418.net|snap-rehearsal0001|\
             4291.0||0|table finance.invoices: 3 damaged packs|rehearsal-request-0000",
            "2018-06-28T02:00:00Z|scheduled|||||||",
            "2018-06-27T04:00:00Z|valid|ib-backup.us-east-1.code418.net|snap-rehearsal0001|1800.0|\
             100.0|3400000|12 tables, 3400000 rows, 4 checks in 2400 s, 100 % read|\
             rehearsal-request-0000",
            "2018-06-27T02:00:00Z|scheduled|||||||",
        ]
    );
}

/// EventBridge's own line of the schedule; a run by hand has none.
#[tokio::test(start_paused = true)]
async fn a_start_by_the_schedule() {
    let scheduled = |ending: &Ending| {
        let events = ending.kept.iter();
        let of_schedule = events.filter(|event| event["source"] == "aws.events");
        of_schedule.cloned().collect::<Vec<Value>>()
    };
    let [event] = scheduled(&Environment::new().play().await)
        .try_into()
        .expect("one event");
    assert_eq!(event["detail-type"], "Scheduled Event");
    assert!(
        event["resources"][0]
            .as_str()
            .is_some_and(|arn| arn.ends_with("ScheduledRule"))
    );
    let by_hand = Environment::new().start(json!({})).await;
    assert_eq!(scheduled(&by_hand), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn a_bad_night() {
    let ending = Environment::new().backup(Backup::Damaged).play().await;
    ending.assert_verdict(false);
    let fields = [
        ("verdict", json!("invalid")),
        ("reason", json!("table finance.invoices: 3 damaged packs")),
        ("seen_on_snapshot", json!(true)),
        ("started_by", json!("schedule")),
        ("commit", Value::Null),
    ];
    assert_fields(record(&ending), &fields);
}

/// A step before step 6 failed: step 6 itself succeeds, so it returns the record.
#[tokio::test(start_paused = true)]
async fn a_night_that_fails_before_the_test() {
    let night = Environment::new();
    let aws = &night.stack.aws;
    aws.set_agent(&night.stack.fixture.test_instance_id, false);
    let ending = night.start(json!({})).await;
    assert_eq!(ending.tag(), None);
    let record = record(&ending);
    let fields = [
        ("verdict", json!("undetermined")),
        ("snapshot", json!(night.stack.fixture.snapshot_id)),
        ("seen_on_snapshot", json!(false)),
        ("started_by", json!("event by hand")),
        ("tables", Value::Null),
    ];
    assert_fields(record, &fields);
    let reason = record["reason"].as_str().expect("a reason");
    assert!(
        reason.starts_with("dev-ib-backup-step-4-mount failed: "),
        "{reason}"
    );
}

/// Step 6 ends with an error, so that alarms fire: the record is Lambda's own of that invocation.
#[tokio::test(start_paused = true)]
async fn an_undetermined_night() {
    for night in [
        Environment::new().backup(Backup::CannotBeTested),
        Environment::new().testing_for(Duration::from_hours(4)),
    ] {
        let snapshot = night.stack.fixture.snapshot_id.clone();
        let ending = night.play().await;
        assert_eq!(ending.tag(), None);
        let detail = &kept(&ending)["detail"];
        assert_eq!(detail["requestContext"]["condition"], "RetriesExhausted");
        assert_eq!(detail["responsePayload"].get("verdict"), None);
        let text = detail["responsePayload"]["errorMessage"].as_str();
        let error = ending.errors().pop().expect("an error");
        assert!(text.is_some_and(|text| error.ends_with(text)), "{error}");
        let payload = &detail["requestPayload"];
        assert_eq!(payload["run_id"], "rehearsal-request-0000");
        assert_eq!(payload["snapshot_id"], json!(snapshot));
    }
}

#[tokio::test(start_paused = true)]
async fn a_canary_night() {
    let ending = Environment::new().start(json!({"canary": true})).await;
    let record = record(&ending);
    assert_fields(record, &[("seen_on_snapshot", json!(false))]);
    let verdict = record["verdict"].as_str();
    assert_eq!(verdict, Some("canary caught"), "{record:#}");
}

/// A run does not fail because of its record: the verdict counts.
#[tokio::test(start_paused = true)]
async fn what_ec2_does_not_tell_at_the_end_is_left_out() {
    let night = Environment::new();
    let mut deleted = false;
    night.stack.aws.set_faults(Box::new(move |call| {
        deleted |= call.action == "DeleteVolume";
        (deleted && call.action == "DescribeSnapshots").then(|| Fault::Refuse {
            status: 403,
            code: "UnauthorizedOperation".to_owned(),
            message: "as this night wants it".to_owned(),
        })
    }));
    let ending = night.play().await;
    ending.assert_verdict(true);
    let fields = [
        ("verdict", json!("valid")),
        ("seen_on_snapshot", json!(false)),
        ("snapshot_age_seconds", Value::Null),
    ];
    assert_fields(record(&ending), &fields);
}

#[tokio::test(start_paused = true)]
async fn without_the_grant_the_record_is_lost_and_that_is_seen() {
    let night = Environment::with(|template| {
        let last = template.functions.last_mut().expect("step 6");
        last.on_success = Some("arn:aws:events:us-east-1:000000000000:event-bus/other".to_owned());
    });
    let ending = night.play().await;
    let of_run = |event: &Value| event["source"] == "lambda";
    assert!(!ending.kept.iter().any(of_run), "{:#?}", ending.kept);
    let refused = ending
        .left
        .iter()
        .any(|text| text.contains("events:PutEvents"));
    assert!(refused, "{:?}", ending.left);
}
