//! An event is not believed: the rows E2 to E4 of the audit, and others of their kinds.

use aws_stand_in::Snapshot;
use aws_stand_in::step_harness::{ends, fails, goes_on, later, polls_again};
use common::Kind;
use common::event::{EndReason, Release, Run, Testing};
use common::time::Timestamp;
use common::verdict::{Measured, RecordedVerdict};

use super::{BAD, GOOD, Harness, NOTHING, canary, give_all_back, send, send_with, testing};
use crate::Stage;

const OTHER_SNAPSHOT: &str = "snap-rehearsal0002";

fn add_snapshot(harness: &Harness) {
    let begun = harness.aws.clock().now() - std::time::Duration::from_hours(24);
    let volume = &harness.ids.production_volume_id;
    let other = Snapshot::completed(OTHER_SNAPSHOT, volume, begun);
    harness.aws.add_snapshot(other);
}

/// A look at a test that has ended, and what it hands on.
async fn poll(harness: &Harness, run: &Run, testing: Testing) -> Release {
    match goes_on(harness.poll(run, Stage::AwaitTest(testing)).await) {
        Stage::Release(back) => back,
        stage => panic!("{stage:?}"),
    }
}

/// Holds that nothing is written and nothing sent, and that the error says `named`.
#[track_caller]
fn assert_disagrees(harness: &Harness, back: Release, named: &str) {
    let EndReason::Failure { error, .. } = back.because else {
        panic!("{:?}", back.because)
    };
    assert!(error.starts_with("BadEvent: "), "{error}");
    assert!(error.contains(named), "{named} is not in {error}");
    assert_eq!(harness.done(), NOTHING, "{named}");
}

#[tokio::test(start_paused = true)]
async fn audit_e2_a_snapshot_that_was_not_tested_gets_no_verdict() {
    let harness = Harness::new();
    harness.scripts_end_with(0, GOOD);
    add_snapshot(&harness);
    let honest = testing(&harness).await;
    harness.wait(60).await;
    let mut forged = honest;
    OTHER_SNAPSHOT.clone_into(&mut forged.subject.snapshot_id);
    let back = poll(&harness, &harness.run(), forged).await;
    let named = format!("with snapshotId `{}`", harness.ids.snapshot_id);
    assert_disagrees(&harness, back, &named);
}

#[tokio::test(start_paused = true)]
async fn audit_e2_the_command_of_another_run_volume_or_purpose_is_no_evidence() {
    let harness = Harness::new();
    harness.scripts_end_with(0, GOOD);
    let honest = testing(&harness).await;
    let volume = honest.volume.volume_id.clone();
    let other_run = send_with(&harness, "test", &volume, &[("runId", "run-2")]).await;
    let release = send(&harness, "release", &volume).await;
    let mount = send(&harness, "mount", "vol-rehearsalother").await;
    harness.wait(60).await;
    let run = harness.run();
    for (command, named) in [
        (other_run, "with runId `run-2`"),
        (release, "is `ib-backup release run-1`"),
        (mount, "with volumeId `vol-rehearsalother`"),
    ] {
        let forged = Testing {
            test_command_id: command,
            ..honest.clone()
        };
        assert_disagrees(&harness, poll(&harness, &run, forged).await, named);
    }
    let mut forged = honest.clone();
    "vol-rehearsalother".clone_into(&mut forged.volume.volume_id);
    assert_disagrees(
        &harness,
        poll(&harness, &run, forged).await,
        "with volumeId",
    );
    // The comment says whose it is; another's has the same volume and snapshot, but not the run.
    let other = Run {
        run_id: "run-2".to_owned(),
        ..run
    };
    let named = "not the test of run run-2";
    assert_disagrees(&harness, poll(&harness, &other, honest).await, named);
}

/// A copy that was damaged on purpose would have its fault told of the backup.
#[tokio::test(start_paused = true)]
async fn audit_e2_a_canarys_test_is_no_evidence_of_the_backup() {
    let harness = Harness::new();
    harness.scripts_end_with(1, BAD);
    let of_canary = canary(&harness).await;
    let volume = of_canary.volume.volume_id.clone();
    let of_backup = Testing {
        test_command_id: send(&harness, "test", &volume).await,
        ..of_canary.clone()
    };
    harness.wait(60).await;
    let run = harness.run();
    let back = poll(&harness, &run, of_canary).await;
    assert_disagrees(&harness, back, "that was damaged on purpose");
    let run = Run {
        canary: true,
        ..run
    };
    let back = poll(&harness, &run, of_backup).await;
    assert_disagrees(&harness, back, "that was not damaged on purpose");
}

#[tokio::test(start_paused = true)]
async fn audit_e2_the_volume_has_to_be_made_of_the_snapshot() {
    for gone in [false, true] {
        let harness = Harness::new();
        harness.scripts_end_with(1, BAD);
        add_snapshot(&harness);
        let honest = testing(&harness).await;
        let mount = Testing {
            test_command_id: send(&harness, "mount", &honest.volume.volume_id).await,
            ..honest.clone()
        };
        harness.wait(60).await;
        let mut forged = mount.clone();
        OTHER_SNAPSHOT.clone_into(&mut forged.subject.snapshot_id);
        if gone {
            harness.aws.delete_by_hand(&honest.volume.volume_id);
        }
        let named = if gone { "is gone" } else { "is made of `" };
        let run = harness.run();
        assert_disagrees(&harness, poll(&harness, &run, forged).await, named);
        // The test's own parameters are enough, and a mount's are once the verdict was written.
        for honest in [honest, mount] {
            let back = poll(&harness, &run, honest).await;
            assert!(matches!(back.because, EndReason::Verdict(_)), "{back:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_not_in_the_list_yet_is_waited_for() {
    let harness = Harness::new();
    harness.scripts_end_with(0, GOOD);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    harness.answer("ListCommands", "{\"Commands\":[]}".to_owned());
    let (why, _) = polls_again(harness.poll(&harness.run(), task.clone()).await);
    assert!(why.contains("not yet in Systems Manager's list"), "{why}");
    harness.refuse("ListCommands", 400, "ThrottlingException");
    let error = fails(harness.poll(&harness.run(), task).await);
    assert!(error.is_transient(), "{error}");
    assert_eq!(harness.done(), NOTHING);
}

fn says_valid(harness: &Harness) -> Release {
    Release {
        snapshot_id: Some(harness.ids.snapshot_id.clone()),
        ..Release::unknown(EndReason::Verdict(RecordedVerdict {
            valid: true,
            checked_at: harness.run().started_at,
            measured: Measured::default(),
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn audit_e3_an_event_that_says_valid_sends_no_metric() {
    let harness = Harness::new();
    let back = says_valid(&harness);
    let outcome = give_all_back(&harness, &harness.run(), back).await;
    let Stage::Report(back) = goes_on(outcome) else {
        panic!("it does not report a failure")
    };
    assert_disagrees(
        &harness,
        back.clone(),
        "no snapshot bears a verdict of run run-1",
    );
    // A person is told, and the run fails.
    let run = later(&harness.run(), 4);
    let Stage::Fail(back) = goes_on(harness.poll(&run, Stage::Release(back)).await) else {
        panic!("it does not fail")
    };
    let error = fails(harness.poll(&run, Stage::Fail(back)).await);
    assert_eq!(error.kind(), Kind::Undetermined);
    assert_eq!(harness.done(), ["CreateEvent"]);
}

/// Value and instant are the tag's.
#[tokio::test(start_paused = true)]
async fn audit_e3_the_metric_says_what_the_tag_says() {
    let harness = Harness::new();
    harness.verdict_is_written_by("run-1");
    let written = harness.run().started_at;
    harness.wait(600).await;
    let because = EndReason::Verdict(RecordedVerdict {
        valid: false,
        checked_at: harness.run().started_at,
        measured: Measured::default(),
    });
    let back = Release::unknown(because);
    ends(give_all_back(&harness, &harness.run(), back).await);
    let points = harness.aws.points();
    let valid = points
        .iter()
        .find(|one| one.metric == "infobright_backup_valid");
    let told = valid.map(|point| (point.value, point.timestamp));
    assert_eq!(told, Some((1.0, written.unix_seconds())));
}

/// Another run's verdict is none of this run; one that was written meanwhile is no error.
#[tokio::test(start_paused = true)]
async fn audit_e3_another_runs_verdict_is_not_told_as_this_ones() {
    let harness = Harness::new();
    let back = says_valid(&harness);
    harness.wait(1).await;
    harness.verdict_is_written_by("run-2");
    ends(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.done(), NOTHING);
}

/// Reads lag behind a tag that was written a moment ago.
#[tokio::test(start_paused = true)]
async fn a_verdict_that_is_not_in_sight_yet_is_looked_for() {
    let harness = Harness::new();
    let back = Release {
        volume_id: Some("vol-rehearsal0001".to_owned()),
        unmounted: true,
        ..says_valid(&harness)
    };
    let task = Stage::Release(back);
    let (why, _) = polls_again(harness.poll(&harness.run(), task.clone()).await);
    assert_eq!(why, "no snapshot bears a verdict of run run-1");
    harness.verdict_is_written_by("run-1");
    ends(harness.poll(&later(&harness.run(), 1), task).await);
    assert_eq!(harness.done(), ["SubmitMetrics"]);
}

/// The same for what an event says of a canary.
#[tokio::test(start_paused = true)]
async fn audit_e3_an_event_that_says_caught_sends_no_metric() {
    let harness = Harness::new();
    harness.scripts_end_with(1, BAD);
    let test = testing(&harness).await;
    harness.wait(60).await;
    harness.aws.delete_by_hand(&test.volume.volume_id);
    let run = Run {
        canary: true,
        ..later(&harness.run(), 4)
    };
    let because = EndReason::Canary {
        caught: true,
        checked_at: run.started_at,
    };
    let of_backup = Release {
        unmounted: true,
        ..Release::after(test, because.clone())
    };
    for (back, named) in [
        (Release::unknown(because), "names no test_command_id"),
        (of_backup, "that was not damaged on purpose"),
    ] {
        let Stage::Report(back) = goes_on(harness.poll(&run, Stage::Release(back)).await) else {
            panic!("it does not report a failure")
        };
        assert_disagrees(&harness, back, named);
    }
}

/// The verdicts on last night's snapshot: which run's, and which.
fn written(harness: &Harness) -> (String, String) {
    let tags = harness.aws.snapshot_tags(&harness.ids.snapshot_id);
    let text = |name| tags.get(name).cloned().unwrap_or_default();
    (text("DBBackupCheckRun"), text("DBBackupValid"))
}

/// Has another run write a verdict of this instant.
fn another_writes(harness: &Harness, at: &str) {
    let id = &harness.ids.snapshot_id;
    harness.aws.tag_by_hand(id, "DBBackupValid", "False");
    harness.aws.tag_by_hand(id, "DBBackupCheckRun", "run-2");
    harness.aws.tag_by_hand(id, "DBBackupCheckedAt", at);
}

#[tokio::test(start_paused = true)]
async fn audit_e4_a_late_delivery_puts_no_older_verdict_over_a_newer_one() {
    let harness = Harness::new();
    harness.scripts_end_with(0, GOOD);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    let run = harness.run();
    for _ in 0..2 {
        goes_on(harness.poll(&run, task.clone()).await);
        assert_eq!(written(&harness), ("run-1".to_owned(), "True".to_owned()));
    }
    harness.wait(3600).await;
    let now: Timestamp = harness.aws.clock().now().into();
    another_writes(&harness, &now.to_string());
    harness.wait(3 * 3600).await;
    let sent = harness.done().len();
    let Stage::Release(back) = goes_on(harness.poll(&run, task).await) else {
        panic!("it goes on with the test")
    };
    assert_eq!(back.because, EndReason::Superseded);
    assert_eq!(written(&harness), ("run-2".to_owned(), "False".to_owned()));
    assert_eq!(harness.done().len(), sent, "neither tag nor metric");
    ends(give_all_back(&harness, &run, back).await);
    let more = &harness.done()[sent..];
    assert_eq!(more, ["SendCommand", "DetachVolume", "DeleteVolume"]);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_goes_over_none_over_an_older_one_and_over_one_of_no_known_time() {
    for at in [
        "2026-02-28T04:00:00Z",
        "2099-01-01T00:00:00Z",
        "last night",
        "",
    ] {
        let harness = Harness::new();
        harness.scripts_end_with(0, GOOD);
        let task = Stage::AwaitTest(testing(&harness).await);
        harness.wait(60).await;
        another_writes(&harness, at);
        goes_on(harness.poll(&harness.run(), task).await);
        assert_eq!(
            written(&harness),
            ("run-1".to_owned(), "True".to_owned()),
            "{at}"
        );
        assert_eq!(harness.done(), ["CreateTags", "SubmitMetrics"], "{at}");
    }
}
