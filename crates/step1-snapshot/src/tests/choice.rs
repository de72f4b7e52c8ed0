use std::time::Duration;

use common::event::Start;
use common::{Kind, step::Step};
use rehearsal::aws::{DatadogReply, Snapshot, SnapshotState};
use rehearsal::workbench::{busy_until_now, fails, goes_on, has_ended_already, later, looks_again};
use serde_json::json;

use super::{Bench, HOUR, NOTHING, add_snapshot, newest};

#[tokio::test(start_paused = true)]
async fn the_newest_whatever_the_order_in_which_ec2_lists_them() {
    let bench = Bench::new();
    bench.aws.set_page_size(2);
    // The ids are in another order than the times.
    add_snapshot(&bench, "snap-rehearsal0009", 20 * HOUR);
    add_snapshot(&bench, "snap-rehearsal0005", HOUR / 4);
    add_snapshot(&bench, "snap-rehearsal0003", 3 * HOUR);
    add_snapshot(&bench, "snap-rehearsal0007", 2 * HOUR);
    let chosen = goes_on(bench.look(&bench.run(), newest()).await);
    assert_eq!(chosen.snapshot_id, "snap-rehearsal0005");
    assert_eq!(chosen.dev_ib_backup_instance_id, bench.ids.test_instance_id);
}

/// Every look and every twin must choose the same one, wherever it comes in EC2's list.
#[tokio::test(start_paused = true)]
async fn of_two_that_began_at_once_always_the_same() {
    for a_newer_one_failed in [false, true] {
        let bench = Bench::new();
        add_snapshot(&bench, "snap-rehearsal0002", HOUR / 4);
        add_snapshot(&bench, "snap-rehearsal0003", HOUR / 4);
        if a_newer_one_failed {
            let begun = bench.aws.clock().now() - HOUR / 5;
            let volume = &bench.ids.production_volume_id;
            bench.aws.add_snapshot(Snapshot {
                ends_as: SnapshotState::Error,
                ..Snapshot::completed("snap-rehearsal0001a", volume, begun)
            });
        }
        let chosen = goes_on(bench.look(&bench.run(), newest()).await);
        assert_eq!(chosen.snapshot_id, "snap-rehearsal0003");
    }
}

#[tokio::test(start_paused = true)]
async fn the_chosen_one_stays_chosen_while_it_is_waited_for() {
    let bench = Bench::new();
    let now = bench.aws.clock().now();
    let volume = &bench.ids.production_volume_id;
    bench.aws.add_snapshot(Snapshot {
        completes_at: now + HOUR,
        ..Snapshot::completed("snap-rehearsal0002", volume, now)
    });
    let run = bench.run();
    let (why, pinned) = looks_again(bench.look(&run, newest()).await);
    assert!(
        why.contains("snap-rehearsal0002 is not complete yet"),
        "{why}"
    );
    bench.wait(3600).await;
    add_snapshot(&bench, "snap-rehearsal0003", HOUR / 4);
    let chosen = goes_on(bench.look(&later(&run, 60), pinned).await);
    assert_eq!(chosen.snapshot_id, "snap-rehearsal0002");
}

#[tokio::test(start_paused = true)]
async fn the_chosen_one_fails_while_it_is_waited_for() {
    let bench = Bench::new();
    let now = bench.aws.clock().now();
    let volume = &bench.ids.production_volume_id;
    bench.aws.add_snapshot(Snapshot {
        ends_as: SnapshotState::Error,
        ..Snapshot::completed("snap-rehearsal0002", volume, now)
    });
    let (_, pinned) = looks_again(bench.look(&bench.run(), newest()).await);
    bench.wait(3600).await;
    let error = fails(bench.look(&later(&bench.run(), 60), pinned).await);
    assert_eq!(error.kind(), Kind::Dead);
    assert!(error.to_string().contains("snap-rehearsal0002"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn its_age_counts_to_the_start_of_the_run_and_the_limit_is_the_limit() {
    let bench = Bench::new();
    // Half an hour old as the run starts; 26 hours are allowed.
    let run = bench.run();
    bench.wait(60 * 3600).await;
    goes_on(bench.look(&run, newest()).await);
    let bench = Bench::new();
    bench.wait(25 * 3600 + 1800).await;
    goes_on(bench.look(&bench.run(), newest()).await);
    bench.wait(1).await;
    let error = fails(bench.look(&bench.run(), newest()).await);
    assert_eq!(error.kind(), Kind::SnapshotTooOld);
    assert!(error.to_string().contains("snap-rehearsal0001"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn its_age_is_told_once_even_where_it_is_too_old() {
    let bench = Bench::new();
    bench.wait(2 * 24 * 3600).await;
    let run = bench.run();
    let first = busy_until_now(&run, 2);
    for run in [first, later(&run, 3), later(&run, 4)] {
        fails(bench.look(&run, newest()).await);
    }
    assert_eq!(bench.done(), ["SubmitMetrics"]);
    let points = bench.aws.points();
    assert_eq!(points[0].metric, "infobright_backup_age_seconds");
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    assert_eq!(values, [48.5 * 3600.0]);
    assert_eq!(points[0].timestamp, run.started_at.unix_seconds());
}

#[tokio::test(start_paused = true)]
async fn the_age_of_the_newest_that_was_found_good() {
    let bench = Bench::new();
    for (id, days, valid) in [
        ("snap-rehearsal0007", 7, "True"),
        ("snap-rehearsal0003", 3, "True"),
        ("snap-rehearsal0002", 2, "False"),
        ("snap-rehearsal0004", 1, ""),
    ] {
        let begun = bench.aws.clock().now() - days * 24 * HOUR;
        let mut snapshot = Snapshot::completed(id, &bench.ids.production_volume_id, begun);
        if !valid.is_empty() {
            snapshot
                .tags
                .insert("DBBackupValid".to_owned(), valid.to_owned());
        }
        bench.aws.add_snapshot(snapshot);
    }
    goes_on(bench.look(&bench.run(), newest()).await);
    let told: Vec<(String, f64)> = bench
        .aws
        .points()
        .into_iter()
        .map(|point| (point.metric, point.value))
        .collect();
    let days = 24.0 * 3600.0;
    assert_eq!(
        told,
        [
            ("infobright_backup_age_seconds".to_owned(), 1800.0),
            (
                "infobright_backup_check.last_valid_age_seconds".to_owned(),
                3.0 * days
            ),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn datadog_out_of_reach_leaves_no_backup_untested() {
    let bench = Bench::new();
    bench.aws.set_datadog_reply(DatadogReply::Never);
    goes_on(bench.look(&bench.run(), newest()).await);
}

#[tokio::test(start_paused = true)]
async fn a_late_delivery_of_a_run_with_a_verdict_does_nothing() {
    let bench = Bench::new();
    bench.verdict_is_written_by("run-1");
    // Last night's verdict may be on a snapshot that is the newest no more.
    add_snapshot(&bench, "snap-rehearsal0002", HOUR / 4);
    has_ended_already(bench.look(&bench.run(), newest()).await);
    let other = common::event::Run {
        run_id: "run-2".to_owned(),
        ..bench.run()
    };
    assert_eq!(bench.done(), NOTHING);
    goes_on(bench.look(&other, newest()).await);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_another_volume_says_nothing_about_production() {
    let bench = Bench::new();
    let now = bench.aws.clock().now();
    bench.aws.add_snapshot(Snapshot::completed(
        "snap-rehearsal0002",
        "vol-rehearsalother",
        now - HOUR,
    ));
    let start = Start {
        snapshot_id: Some("snap-rehearsal0002".to_owned()),
        ..newest()
    };
    let error = fails(bench.look(&bench.run(), start).await);
    assert_eq!(error.kind(), Kind::BadEvent);
    let text = error.to_string();
    assert!(
        text.contains("vol-rehearsalother") && text.contains(&bench.ids.production_volume_id),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn it_waits_as_long_as_the_contract_says() {
    let bench = Bench::new();
    let pace = bench.step.pace(&newest());
    assert_eq!(
        (pace.every, pace.at_most),
        (Duration::from_mins(1), 4 * HOUR)
    );
    bench.handle(json!({})).await.expect("it hands on");
    let handed_on = &bench.asked("Invoke")[0].parameters;
    assert!(
        handed_on.contains("dev-ib-backup-step-2-volume")
            && handed_on.contains(r#""run_id":"request-1""#)
            && handed_on.contains(r#""ready_at":{"snapshot":"#),
        "{handed_on}"
    );
}
