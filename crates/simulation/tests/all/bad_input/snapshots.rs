//! Snapshots that cannot be tested.

use std::time::Duration;

use aws_stand_in::{Snapshot, SnapshotState};
use serde_json::json;
use simulation::environment::Environment;

use super::{HOUR, assert_refused};

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

/// A night whose only snapshot is changed by `change`.
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
