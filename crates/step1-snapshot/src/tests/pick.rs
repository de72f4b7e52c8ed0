//! Which of the backups a start event picks.

use aws_stand_in::Snapshot;
use aws_stand_in::step_harness::{goes_on, polls_again};
use common::Kind;
use common::event::{Pick, Start};
use serde_json::json;

use super::{HOUR, Harness, add_snapshot, newest};

#[tokio::test(start_paused = true)]
async fn untested_picks_the_newest_without_a_verdict() {
    let harness = Harness::new();
    add_snapshot(&harness, "snap-rehearsal0002", 30 * HOUR);
    add_snapshot(&harness, "snap-rehearsal0003", 54 * HOUR);
    let pick = |start: Start| Start {
        pick: Pick::Untested,
        ..start
    };
    let mut seen = Vec::new();
    for id in [
        "snap-rehearsal0001",
        "snap-rehearsal0002",
        "snap-rehearsal0003",
    ] {
        let chosen = goes_on(harness.poll(&harness.run(), pick(newest())).await);
        assert_eq!(chosen.subject.snapshot_id, id);
        seen.push(chosen.older_backup);
        harness.aws.tag_by_hand(id, "DBBackupValid", "False");
    }
    assert_eq!(seen, [false, true, true]);
    let looked = harness.poll(&harness.run(), pick(newest())).await;
    let Ok(common::step::Outcome::NothingToDo(why)) = looked else {
        panic!("it has something to do")
    };
    assert_eq!(why, "there is no backup without a verdict");
}

#[tokio::test(start_paused = true)]
async fn random_picks_within_the_days_and_always_the_same_for_a_run() {
    let harness = Harness::new();
    for day in 1..=8_u32 {
        add_snapshot(
            &harness,
            &format!("snap-rehearsal001{day}"),
            day * 24 * HOUR,
        );
    }
    let start = Start {
        pick: Pick::Random,
        older_than_days: Some(2),
        younger_than_days: Some(6),
        ..newest()
    };
    let mut picked = std::collections::BTreeSet::new();
    for number in 0..40 {
        let run = common::event::Run {
            run_id: format!("run-{number}"),
            ..harness.run()
        };
        let chosen = goes_on(harness.poll(&run, start.clone()).await);
        let again = goes_on(harness.poll(&run, start.clone()).await);
        assert_eq!(chosen, again);
        assert!(chosen.older_backup);
        picked.insert(chosen.subject.snapshot_id);
    }
    let within = [3, 4, 5].map(|day| format!("snap-rehearsal001{day}"));
    assert_eq!(picked, within.into());
}

/// Its name alone goes on: with the choice beside it, the event would be refused.
#[tokio::test(start_paused = true)]
async fn a_backup_that_was_picked_is_waited_for_by_name() {
    let harness = Harness::new();
    let now = harness.aws.clock().now();
    harness.aws.add_snapshot(Snapshot {
        completes_at: now + HOUR,
        ..Snapshot::completed(
            "snap-rehearsal0002",
            &harness.ids.production_volume_id,
            now - 30 * HOUR,
        )
    });
    let start = Start {
        pick: Pick::Untested,
        older_than_days: Some(1),
        younger_than_days: Some(6),
        ..newest()
    };
    let (_, pinned) = polls_again(harness.poll(&harness.run(), start).await);
    let event = serde_json::to_value(&pinned).expect("a payload");
    let read = harness.read(&event).expect("it can be read").payload;
    assert_eq!(read.snapshot_id.as_deref(), Some("snap-rehearsal0002"));
    assert_eq!(read.pick, Pick::Newest);
}

#[tokio::test(start_paused = true)]
async fn a_choice_that_makes_no_sense_is_refused() {
    let harness = Harness::new();
    for (event, named) in [
        (json!({"pick": "oldest"}), "`pick`"),
        (json!({"pick": "random", "snapshot_id": "snap-1"}), "pick"),
        (json!({"older_than_days": 3}), "older_than_days"),
        (
            json!({"pick": "random", "older_than_days": -1}),
            "`older_than_days`",
        ),
        (json!({"snapshot_filters": 7}), "`snapshot_filters`"),
    ] {
        let error = harness.read(&event).expect_err("no choice");
        assert_eq!(error.kind(), Kind::BadEvent);
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_run_bears_that_it_is_an_older_backup() {
    let harness = Harness::new();
    add_snapshot(&harness, "snap-rehearsal0002", 30 * HOUR);
    let event = json!({"snapshot_id": "snap-rehearsal0002"});
    harness.handle(event).await.expect("it hands on");
    let handed_on = &harness.asked("Invoke")[0].parameters;
    assert!(handed_on.contains(r#""older_backup":true"#), "{handed_on}");
}
