//! Events that Lambda delivers again: after the run has ended, or after an attempt that failed midway.

use aws_stand_in::step_harness::{ends, goes_on, has_ended_already, later};
use common::event::{EndReason, Phase, Release, Run};
use common::verdict::{Measured, RecordedVerdict};

use super::finish::{ITSELF, failure};
use super::{BAD, Harness, NOTHING, attached, canary, give_all_back, held_up};
use crate::Stage;

/// As where a canary's event for step 3 is delivered once more: its volume is gone, and its run
/// leaves no tag.
#[tokio::test(start_paused = true)]
async fn audit_e5_a_late_failure_of_a_run_that_has_given_back_sends_no_event() {
    for function in ["dev-ib-backup-step-3-attach", ITSELF] {
        let harness = Harness::new();
        harness.release_was_sent_by("run-1").await;
        harness.wait(3 * 3600).await;
        let back = Release {
            dev_ib_backup_instance_id: Some(harness.ids.test_instance_id.clone()),
            ..failure(&harness, function)
        };
        let task = Stage::Release(back.clone());
        has_ended_already(harness.poll(&harness.run(), task.clone()).await);
        assert_eq!(harness.done(), NOTHING);
        // It is no late one where the run holds something, or that it sent the command itself.
        harness
            .poll(&later(&harness.run(), 4), task)
            .await
            .expect("it is told");
        assert_eq!(harness.done(), ["CreateEvent"]);
        harness.volume("run-1").await;
        held_up(harness.poll(&harness.run(), Stage::Release(back)).await);
    }
}

fn caught(harness: &Harness) -> EndReason {
    EndReason::Canary {
        caught: true,
        checked_at: harness.run().started_at,
    }
}

/// An attempt that dies after it sent the release command is repeated. If somebody has deleted the
/// volume meanwhile, the run looks like one that has ended.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_not_told_sends_its_release_command_at_the_second_poll() {
    let failed = |harness: &Harness| failure(harness, ITSELF).because;
    for because in [failed, caught] {
        let harness = Harness::new();
        let back = attached(&harness, because(&harness)).await;
        let (_, back) = held_up(harness.poll(&harness.run(), Stage::Release(back)).await);
        assert_eq!(harness.done(), NOTHING);
        held_up(
            harness
                .poll(&later(&harness.run(), 1), Stage::Release(back))
                .await,
        );
        assert_eq!(harness.done(), ["SendCommand"]);
    }
}

/// Its volume is still there, so it has not released everything.
#[tokio::test(start_paused = true)]
async fn a_run_whose_volume_lost_its_tags_has_not_ended() {
    let harness = Harness::new();
    let because = EndReason::Verdict(RecordedVerdict {
        valid: true,
        checked_at: harness.run().started_at,
        measured: Measured::default(),
    });
    let back = Release {
        reported: true,
        ..attached(&harness, because).await
    };
    let id = back.volume_id.clone().expect("a volume");
    harness.aws.tag_by_hand(&id, "IBBackupRun", "somebody-else");
    harness.release_was_sent_by("run-1").await;
    let (why, _) = held_up(harness.poll(&harness.run(), Stage::Release(back)).await);
    assert!(why.starts_with("release command"), "{why}");
}

/// It may have been noticed long after its end, while Systems Manager was out of reach.
#[tokio::test(start_paused = true)]
async fn a_canarys_result_is_late_only_if_it_was_noticed_long_ago() {
    let hours = 3 * 3600;
    for (before, after, told) in [(hours, 0, 1), (0, hours, 0)] {
        let harness = Harness::new();
        harness.scripts_end_with(1, BAD);
        let task = Stage::AwaitTest(canary(&harness).await);
        harness.wait(60 + before).await;
        let noticed = harness.aws.clock().now().into();
        let run = Run {
            canary: true,
            ready_at: [(Phase::Test, noticed)].into(),
            ..harness.run()
        };
        let Stage::Release(back) = goes_on(harness.poll(&run, task).await) else {
            panic!("it goes on with the test")
        };
        let id = back.volume_id.as_ref().expect("a volume");
        harness.aws.delete_by_hand(id);
        harness.wait(after).await;
        let outcome = give_all_back(&harness, &run, back).await;
        match told {
            0 => has_ended_already(outcome),
            _ => ends(outcome),
        }
        assert_eq!(harness.aws.points().len(), told);
    }
}
