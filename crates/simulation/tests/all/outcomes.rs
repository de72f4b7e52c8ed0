//! Whole nights in memory: the three outcomes of the contract.

use std::time::Duration;

use aws_stand_in::simulated_host::Backup;
use aws_stand_in::{Fault, Snapshot};
use serde_json::{Value, json};
use simulation::environment::Environment;

#[tokio::test(start_paused = true)]
async fn a_good_backup_is_valid() {
    let night = Environment::new();
    let ending = night.play().await;
    ending.assert_verdict(true);
    assert_eq!(ending.metric("infobright_backup_age_seconds"), [1800.0]);
    assert_eq!(
        ending
            .metric("infobright_backup_check.duration_seconds")
            .len(),
        6
    );
    let detail = ending.tags.get("DBBackupCheckDetail").map(String::as_str);
    assert_eq!(
        detail,
        Some("12 tables, 3400000 rows, 4 checks in 2400 s, 100 % read")
    );
    let first = &ending.deliveries[0].accepted.request_id;
    assert_eq!(ending.tags.get("DBBackupCheckRun"), Some(first));
}

#[tokio::test(start_paused = true)]
async fn a_bad_backup_is_invalid_and_the_tag_says_why() {
    for (backup, why) in [
        (Backup::Damaged, "table finance.invoices: 3 damaged packs"),
        (
            Backup::ServerDoesNotStart,
            "the server did not start: brighthouse.ini is missing",
        ),
        (
            Backup::BrokenFilesystem,
            "mount: wrong fs type, bad superblock",
        ),
    ] {
        let ending = Environment::new().backup(backup).play().await;
        ending.assert_verdict(false);
        let detail = ending.tags.get("DBBackupCheckDetail").map(String::as_str);
        assert_eq!(detail, Some(why));
    }
}

/// The test compares fresh data with this time, so it must be the chosen snapshot's.
#[tokio::test(start_paused = true)]
async fn the_test_is_told_when_the_snapshot_was_begun() {
    let night = Environment::new();
    let begun = night.stack.aws.clock().now() - Duration::from_hours(60);
    let older = Snapshot::completed(
        "snap-rehearsal0007",
        &night.stack.fixture.production_volume_id,
        begun,
    );
    night.stack.aws.add_snapshot(older);
    for (event, begun) in [
        (json!({}), "2026-03-01T01:30:00Z"),
        (
            json!({"snapshot_id": "snap-rehearsal0007"}),
            "2026-02-26T14:00:00Z",
        ),
    ] {
        night.start(event).await;
        let mut commands = night.stack.aws.commands().into_iter().rev();
        let test = commands.find(|command| command.comment.starts_with("ib-backup test "));
        assert_eq!(test.expect("a test").parameters["snapshotTime"], begun);
    }
}

#[tokio::test(start_paused = true)]
async fn tag_and_metric_hold_one_instant() {
    let ending = Environment::new().play().await;
    let point = ending
        .points
        .iter()
        .find(|point| point.metric == "infobright_backup_valid");
    let time = ending.tags.get("DBBackupCheckedAt").expect("a time");
    let time = aws_stand_in::clock::parse_rfc3339(time).expect("RFC 3339");
    let seconds = aws_stand_in::clock::unix_seconds(time);
    assert_eq!(point.map(|point| point.timestamp), Some(seconds));
}

#[tokio::test(start_paused = true)]
async fn trouble_of_the_host_is_no_verdict() {
    let ending = Environment::new()
        .backup(Backup::CannotBeTested)
        .play()
        .await;
    ending.assert_undetermined("no disk space left on the test instance");
}

#[tokio::test(start_paused = true)]
async fn a_test_that_takes_too_long_is_no_verdict_and_is_stopped() {
    let night = Environment::new().testing_for(Duration::from_hours(4));
    let ending = night.play().await;
    ending.assert_undetermined("step-6-await-result gave up after 3 h");
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_is_no_verdict() {
    let night = Environment::new();
    night
        .stack
        .aws
        .set_agent(&night.stack.fixture.test_instance_id, false);
    let ending = night.play().await;
    ending.assert_undetermined("the SSM agent on the test instance did not take it");
}

#[tokio::test(start_paused = true)]
async fn every_payload_on_the_trail_is_one_that_a_person_can_paste() {
    let ending = Environment::new().play().await;
    let mut handed_on = 0;
    for line in &ending.log {
        let Some((_, rest)) = line.split_once("Invoked lambda, name=") else {
            continue;
        };
        let (name, event) = rest.split_once(", event=").expect("the contract's line");
        let event: Value = serde_json::from_str(event).expect("one-line JSON");
        let taken = &ending.deliveries[handed_on + 1].accepted;
        assert_eq!((name, &event), (taken.function.as_str(), &taken.event));
        for field in ["run_id", "started_at", "iteration_count"] {
            assert!(event.get(field).is_some(), "{field} is missing in {event}");
        }
        handed_on += 1;
    }
    assert_eq!(handed_on + 1, ending.deliveries.len());
    for line in &ending.log {
        assert!(line.contains("run_id=\"rehearsal-request-0000\""), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_loop_setting_lambda_drops_the_chain() {
    let night = Environment::with(|template| {
        for function in &mut template.functions {
            function.recursive_loop_allowed = false;
        }
    });
    let ending = night.play().await;
    assert_eq!(ending.tag(), None);
    let dropped = ending
        .deliveries
        .iter()
        .map(|delivery| delivery.accepted.depth)
        .max();
    assert_eq!(dropped, Some(15), "a chain has sixteen invocations at most");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_by_name_is_tested_whatever_its_age() {
    let night = Environment::new();
    let fixture = night.stack.fixture.clone();
    let old = night.stack.aws.clock().now() - Duration::from_hours(40 * 24);
    let id = "snap-rehearsalold";
    let volume = &fixture.production_volume_id;
    night
        .stack
        .aws
        .add_snapshot(aws_stand_in::Snapshot::completed(id, volume, old));
    let ending = night
        .start(json!({"snapshot_id": id, "note": "an unknown field"}))
        .await;
    assert_eq!(ending.errors(), Vec::<String>::new());
    assert_eq!(
        ending.tag(),
        None,
        "last night's snapshot is not the one under test"
    );
    let tags = night.stack.aws.snapshot_tags(id);
    assert_eq!(tags.get("DBBackupValid").map(String::as_str), Some("True"));
}

#[tokio::test(start_paused = true)]
async fn a_pending_snapshot_is_waited_for() {
    let night = Environment::new();
    let (aws, fixture) = (&night.stack.aws, &night.stack.fixture);
    let now = aws.clock().now();
    let pending = aws_stand_in::Snapshot {
        completes_at: now + Duration::from_mins(15),
        ..aws_stand_in::Snapshot::completed(
            "snap-rehearsal0002",
            &fixture.production_volume_id,
            now,
        )
    };
    aws.add_snapshot(pending);
    let ending = night.play().await;
    assert_eq!(ending.errors(), Vec::<String>::new());
    let tags = aws.snapshot_tags("snap-rehearsal0002");
    assert_eq!(tags.get("DBBackupValid").map(String::as_str), Some("True"));
    let made = aws
        .volumes()
        .into_iter()
        .find(|volume| volume.tags.contains_key("IBBackupTest"));
    let made = made.expect("a test volume").created_at;
    assert!(
        made >= now + Duration::from_mins(15),
        "made before the snapshot was complete"
    );
}

/// Found by the simulation (seeds 275, 494, 2100, 2676): step 6 wrote the tag, and then its polls
/// failed until it gave up.
#[tokio::test(start_paused = true)]
async fn a_verdict_whose_look_fails_after_it_is_written_is_told_all_the_same() {
    for backup in [Backup::Good, Backup::Damaged] {
        let night = Environment::new().backup(backup);
        let mut written = false;
        let mut reads = 0;
        night.stack.aws.set_faults(Box::new(move |call| {
            let reads_back = written && call.action == "DescribeSnapshots" && reads < 4;
            written |= call.action == "CreateTags" && call.caller.contains("step-6");
            reads += u32::from(reads_back);
            // All attempts of the poll that wrote it, then the next poll.
            let (status, code) = match reads {
                1..=3 => (503, "Unavailable"),
                _ => (403, "UnauthorizedOperation"),
            };
            reads_back.then(|| Fault::Refuse {
                status,
                code: code.to_owned(),
                message: "as this night wants it".to_owned(),
            })
        }));
        let ending = night.play().await;
        assert!(
            ending
                .log
                .iter()
                .any(|line| line.contains("UnauthorizedOperation"))
        );
        ending.assert_verdict(backup == Backup::Good);
    }
}
