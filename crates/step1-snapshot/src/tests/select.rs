use std::time::Duration;

use aws_stand_in::step_harness::{
    busy_until_now, fails, goes_on, has_ended_already, later, polls_again,
};
use aws_stand_in::{DatadogReply, Snapshot, SnapshotState};
use common::event::Start;
use common::{Kind, step::Step};
use serde_json::json;

use super::{HOUR, Harness, NOTHING, add_snapshot, newest};

#[tokio::test(start_paused = true)]
async fn the_newest_whatever_the_order_in_which_ec2_lists_them() {
    let harness = Harness::new();
    harness.aws.set_page_size(2);
    // The ids are in another order than the times.
    add_snapshot(&harness, "snap-rehearsal0009", 20 * HOUR);
    add_snapshot(&harness, "snap-rehearsal0005", HOUR / 4);
    add_snapshot(&harness, "snap-rehearsal0003", 3 * HOUR);
    add_snapshot(&harness, "snap-rehearsal0007", 2 * HOUR);
    let chosen = goes_on(harness.poll(&harness.run(), newest()).await);
    assert_eq!(chosen.subject.snapshot_id, "snap-rehearsal0005");
    assert_eq!(
        chosen.subject.dev_ib_backup_instance_id,
        harness.ids.test_instance_id
    );
}

/// Every poll and every duplicate delivery must choose the same one, wherever it comes in EC2's list.
#[tokio::test(start_paused = true)]
async fn of_two_that_began_at_once_always_the_same() {
    for a_newer_one_failed in [false, true] {
        let harness = Harness::new();
        add_snapshot(&harness, "snap-rehearsal0002", HOUR / 4);
        add_snapshot(&harness, "snap-rehearsal0003", HOUR / 4);
        if a_newer_one_failed {
            let begun = harness.aws.clock().now() - HOUR / 5;
            let volume = &harness.ids.production_volume_id;
            harness.aws.add_snapshot(Snapshot {
                ends_as: SnapshotState::Error,
                ..Snapshot::completed("snap-rehearsal0001a", volume, begun)
            });
        }
        let chosen = goes_on(harness.poll(&harness.run(), newest()).await);
        assert_eq!(chosen.subject.snapshot_id, "snap-rehearsal0003");
    }
}

#[tokio::test(start_paused = true)]
async fn the_chosen_one_stays_chosen_while_it_is_waited_for() {
    let harness = Harness::new();
    let now = harness.aws.clock().now();
    let volume = &harness.ids.production_volume_id;
    harness.aws.add_snapshot(Snapshot {
        completes_at: now + HOUR,
        ..Snapshot::completed("snap-rehearsal0002", volume, now)
    });
    let run = harness.run();
    let (why, pinned) = polls_again(harness.poll(&run, newest()).await);
    assert!(
        why.contains("snap-rehearsal0002 is not complete yet"),
        "{why}"
    );
    harness.wait(3600).await;
    add_snapshot(&harness, "snap-rehearsal0003", HOUR / 4);
    let chosen = goes_on(harness.poll(&later(&run, 60), pinned).await);
    assert_eq!(chosen.subject.snapshot_id, "snap-rehearsal0002");
}

#[tokio::test(start_paused = true)]
async fn the_chosen_one_fails_while_it_is_waited_for() {
    let harness = Harness::new();
    let now = harness.aws.clock().now();
    let volume = &harness.ids.production_volume_id;
    harness.aws.add_snapshot(Snapshot {
        ends_as: SnapshotState::Error,
        ..Snapshot::completed("snap-rehearsal0002", volume, now)
    });
    let (_, pinned) = polls_again(harness.poll(&harness.run(), newest()).await);
    harness.wait(3600).await;
    let error = fails(harness.poll(&later(&harness.run(), 60), pinned).await);
    assert_eq!(error.kind(), Kind::Dead);
    assert!(error.to_string().contains("snap-rehearsal0002"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn its_age_counts_to_the_start_of_the_run_and_the_limit_is_the_limit() {
    let harness = Harness::new();
    // Half an hour old as the run starts; 26 hours are allowed.
    let run = harness.run();
    harness.wait(60 * 3600).await;
    goes_on(harness.poll(&run, newest()).await);
    let harness = Harness::new();
    harness.wait(25 * 3600 + 1800).await;
    goes_on(harness.poll(&harness.run(), newest()).await);
    harness.wait(1).await;
    let error = fails(harness.poll(&harness.run(), newest()).await);
    assert_eq!(error.kind(), Kind::SnapshotTooOld);
    for said in ["snap-rehearsal0001", "26.0 hours old, and 26 are allowed"] {
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn its_age_is_told_once_even_where_it_is_too_old() {
    let harness = Harness::new();
    harness.wait(2 * 24 * 3600).await;
    let run = harness.run();
    let first = busy_until_now(&run, 2);
    for run in [first, later(&run, 3), later(&run, 4)] {
        fails(harness.poll(&run, newest()).await);
    }
    assert_eq!(harness.done(), ["SubmitMetrics"]);
    let points = harness.aws.points();
    assert_eq!(points[0].metric, "infobright_backup_age_seconds");
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    assert_eq!(values, [48.5 * 3600.0]);
    assert_eq!(points[0].timestamp, run.started_at.unix_seconds());
}

#[tokio::test(start_paused = true)]
async fn the_age_of_the_newest_that_was_found_good() {
    let harness = Harness::new();
    for (id, days, valid) in [
        ("snap-rehearsal0007", 7, "True"),
        ("snap-rehearsal0003", 3, "True"),
        ("snap-rehearsal0002", 2, "False"),
        ("snap-rehearsal0004", 1, ""),
    ] {
        let begun = harness.aws.clock().now() - days * 24 * HOUR;
        let mut snapshot = Snapshot::completed(id, &harness.ids.production_volume_id, begun);
        if !valid.is_empty() {
            snapshot
                .tags
                .insert("DBBackupValid".to_owned(), valid.to_owned());
        }
        harness.aws.add_snapshot(snapshot);
    }
    goes_on(harness.poll(&harness.run(), newest()).await);
    let told: Vec<(String, f64)> = harness
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
    let harness = Harness::new();
    harness.aws.set_datadog_reply(DatadogReply::Never);
    goes_on(harness.poll(&harness.run(), newest()).await);
}

#[tokio::test(start_paused = true)]
async fn a_late_delivery_of_a_run_with_a_verdict_does_nothing() {
    let harness = Harness::new();
    harness.verdict_is_written_by("run-1");
    // Last night's verdict may be on a snapshot that is the newest no more.
    add_snapshot(&harness, "snap-rehearsal0002", HOUR / 4);
    has_ended_already(harness.poll(&harness.run(), newest()).await);
    let other = common::event::Run {
        run_id: "run-2".to_owned(),
        ..harness.run()
    };
    assert_eq!(harness.done(), NOTHING);
    goes_on(harness.poll(&other, newest()).await);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_another_volume_says_nothing_about_production() {
    let harness = Harness::new();
    let now = harness.aws.clock().now();
    harness.aws.add_snapshot(Snapshot::completed(
        "snap-rehearsal0002",
        "vol-rehearsalother",
        now - HOUR,
    ));
    let start = Start {
        snapshot_id: Some("snap-rehearsal0002".to_owned()),
        ..newest()
    };
    let error = fails(harness.poll(&harness.run(), start).await);
    assert_eq!(error.kind(), Kind::BadEvent);
    let text = error.to_string();
    assert!(
        text.contains("vol-rehearsalother") && text.contains(&harness.ids.production_volume_id),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn it_waits_as_long_as_the_contract_says() {
    let harness = Harness::new();
    let polling = harness.step.polling(&newest());
    assert_eq!(
        (polling.interval, polling.give_up_after),
        (Duration::from_mins(1), 4 * HOUR)
    );
    harness.handle(json!({})).await.expect("it hands on");
    let handed_on = &harness.asked("Invoke")[0].parameters;
    assert!(
        handed_on.contains("dev-ib-backup-step-2-volume")
            && handed_on.contains(r#""run_id":"request-1""#)
            && handed_on.contains(r#""ready_at":{"snapshot":"#),
        "{handed_on}"
    );
}

/// Adds a snapshot of production's data by somebody of this description.
fn add_made_by(harness: &Harness, id: &str, age: Duration, description: &str) {
    let begun = harness.aws.clock().now() - age;
    harness.aws.add_snapshot(Snapshot {
        description: description.to_owned(),
        ..Snapshot::completed(id, &harness.ids.production_volume_id, begun)
    });
}

fn filtered(filters: &str) -> Start {
    Start {
        snapshot_filters: Some(filters.to_owned()),
        ..newest()
    }
}

/// Cases 31 to 33 of the field: a scanner's snapshot is no backup, complete or pending.
#[tokio::test(start_paused = true)]
async fn field_cases_31_32_33_a_scanners_snapshot_is_not_the_backup() {
    for pending in [false, true] {
        let harness = Harness::new();
        add_made_by(&harness, "snap-rehearsal0002", HOUR, "ib job 2026-03-01");
        let now = harness.aws.clock().now();
        let begun = now - HOUR / 6;
        harness.aws.add_snapshot(Snapshot {
            description: "scan of i-1".to_owned(),
            completes_at: if pending { now + HOUR } else { begun },
            ..Snapshot::completed(
                "snap-rehearsal0003",
                &harness.ids.production_volume_id,
                begun,
            )
        });
        let start = filtered("description=ib job*");
        let chosen = goes_on(harness.poll(&harness.run(), start).await);
        assert_eq!(chosen.subject.snapshot_id, "snap-rehearsal0002");
        assert!(!chosen.older_backup, "of the backups it is the newest");
    }
    // A dead backup job is seen though somebody else makes snapshots.
    let harness = Harness::new();
    add_made_by(
        &harness,
        "snap-rehearsal0002",
        40 * HOUR,
        "ib job 2026-02-27",
    );
    let start = filtered("description=ib job*");
    let error = fails(harness.poll(&harness.run(), start).await);
    assert_eq!(error.kind(), Kind::SnapshotTooOld);
    let error = fails(harness.poll(&harness.run(), filtered("tag:Name=ib*")).await);
    let said = "that matches SnapshotFilters `tag:Name=ib*` can be tested: there is none;";
    assert!(error.to_string().contains(said), "{error}");
}

#[tokio::test(start_paused = true)]
async fn filters_that_are_none_are_named() {
    let harness = Harness::new();
    let error = fails(
        harness
            .poll(&harness.run(), filtered("volume-id=vol-1"))
            .await,
    );
    assert_eq!(error.kind(), Kind::BadEvent);
    assert!(error.to_string().contains("`snapshot_filters`"), "{error}");
}

/// Case 72 of the field.
#[tokio::test(start_paused = true)]
async fn field_case_72_a_copy_is_tested_where_it_matches() {
    let harness = Harness::new();
    let begun = harness.aws.clock().now() - HOUR;
    harness.aws.add_snapshot(Snapshot {
        description: "nightly, copied".to_owned(),
        ..Snapshot::completed("snap-rehearsal0002", "vol-ffffffff", begun)
    });
    let start = |filters| Start {
        snapshot_id: Some("snap-rehearsal0002".to_owned()),
        snapshot_filters: filters,
        ..newest()
    };
    let nightly = start(Some("description=nightly*".to_owned()));
    let chosen = goes_on(harness.poll(&harness.run(), nightly).await);
    assert_eq!(chosen.subject.snapshot_id, "snap-rehearsal0002");
    assert!(chosen.older_backup, "nothing is known of its age");
    for filters in [None, Some("description=weekly*".to_owned())] {
        let error = fails(harness.poll(&harness.run(), start(filters)).await);
        assert!(error.to_string().contains("SnapshotFilters"), "{error}");
    }
}

/// Case 76 of the field.
#[tokio::test(start_paused = true)]
async fn field_case_76_production_need_not_run() {
    let harness = Harness::new();
    harness
        .aws
        .stop_instance(&harness.ids.production_instance_id);
    goes_on(harness.poll(&harness.run(), newest()).await);
}
