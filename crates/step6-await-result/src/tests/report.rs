//! The end told truly: cases 36, 37 and 71 of the field, and others of their kind.

use aws_stand_in::step_harness::{ends, fails, goes_on, later};
use common::event::{EndReason, Release, Run};
use common::step::Step;
use common::verdict::{Measured, RecordedVerdict};
use common::{Error, Kind};

use super::{BAD, GOOD, Harness, attached, canary, give_all_back, held_up, testing};
use crate::Stage;

fn bad(harness: &Harness) -> EndReason {
    EndReason::Verdict(RecordedVerdict {
        valid: false,
        checked_at: harness.run().started_at,
        measured: Measured::default(),
    })
}

/// Time runs out over giving this back: the error, and the event.
async fn on_timeout(harness: &Harness, back: Release, run: &Run) -> (Error, String, String) {
    let late = Error::new(Kind::TimeRanOut, "it hangs");
    let run = later(run, 239);
    let over = harness.step.on_timeout(&run, Stage::Release(back), late);
    let error = fails(over.await);
    let event = harness.aws.events().pop().expect("an event");
    (error, event.title, event.text)
}

const AT_GITHUB: &str = "https://github.com/example/ib/blob/master/RUNBOOK.md";

/// What people click on.
#[tokio::test(start_paused = true)]
async fn an_event_links_to_run_book_log_and_snapshot() {
    let step = "dev-ib-backup-step-2-volume";
    for (error, section, anchor) in [
        (
            "HostFailed: it rained",
            "\"A failed run\" in RUNBOOK.md",
            "a-failed-run",
        ),
        (
            "AccessDenied: tried ec2:CreateVolume",
            "\"An action that AWS denied\" in RUNBOOK.md",
            "an-action-that-aws-denied",
        ),
        (
            "SnapshotTooOld: snap-1",
            "\"A snapshot that is too old\" in RUNBOOK.md",
            "a-snapshot-that-is-too-old",
        ),
    ] {
        for runbook in [None, Some(AT_GITHUB.to_owned())] {
            let mut harness = Harness::new();
            harness.step.runbook.clone_from(&runbook);
            let because = EndReason::Failure {
                function: step.to_owned(),
                error: error.to_owned(),
            };
            let back = attached(&harness, because).await;
            let id = back.snapshot_id.clone().expect("a snapshot");
            let run = harness.run();
            let told = harness
                .step
                .send_error_event(&run, &back, step, error, "nothing");
            told.await.expect("Datadog takes it");
            let text = harness.aws.events().pop().expect("an event").text;
            let page = runbook.map_or(".".to_owned(), |page| format!(": {page}#{anchor}"));
            let since = run.started_at.unix_seconds() * 1000;
            let wanted = format!(
                "\n\nSee {section}{page}\n\
                 log: https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1\
                 #logsV2:log-groups/log-group/$252Faws$252Flambda$252F{step}/log-events\
                 $3FfilterPattern$3D$2522{}$2522$26start$3D{since}\n\
                 snapshot: https://us-east-1.console.aws.amazon.com/ec2/home?region=us-east-1\
                 #SnapshotDetails:snapshotId={id}",
                run.run_id
            );
            assert!(text.ends_with(&wanted), "{text}");
        }
    }
}

fn metrics(harness: &Harness) -> Vec<(String, f64)> {
    let points = harness.aws.points().into_iter();
    points.map(|point| (point.metric, point.value)).collect()
}

#[tokio::test(start_paused = true)]
async fn field_case_36_a_verdict_that_stands_is_told_beside_what_is_held() {
    let harness = Harness::new();
    let back = Release {
        reported: true,
        ..attached(&harness, bad(&harness)).await
    };
    let id = back.volume_id.clone().expect("a volume");
    let (error, title, text) = on_timeout(&harness, back, &harness.run()).await;
    assert_eq!(error.kind(), Kind::TimeRanOut);
    assert_eq!(title, "Infobright backup check: ended with an error");
    let begins = "The test found the backup bad, and that verdict stands.\n";
    assert!(text.starts_with(begins), "{text}");
    assert!(text.contains(&format!("still held: {id} (at ")), "{text}");
    assert!(!text.contains("not known"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn field_case_36_what_the_run_failed_of_is_not_hidden_by_what_is_held() {
    let harness = Harness::new();
    let because = EndReason::Failure {
        function: "dev-ib-backup-step-4-mount".to_owned(),
        error: "HostFailed: it rained".to_owned(),
    };
    let back = attached(&harness, because).await;
    let (error, title, text) = on_timeout(&harness, back, &harness.run()).await;
    let before = "before that, dev-ib-backup-step-4-mount failed: HostFailed: it rained";
    assert!(error.to_string().contains(before), "{error}");
    assert!(text.contains(before), "{text}");
    assert!(text.starts_with("Whether last night's backup can be restored is not known."));
    assert_eq!(title, "Infobright backup check: no verdict");
}

#[tokio::test(start_paused = true)]
async fn field_case_36_a_canarys_result_is_sent_though_giving_back_hangs() {
    for (code, last_line, caught, word) in [(1, BAD, 1.0, "has found"), (0, GOOD, 0.0, "has not")] {
        let harness = Harness::new();
        harness.scripts_end_with(code, last_line);
        let run = Run {
            canary: true,
            ..harness.run()
        };
        let task = Stage::AwaitTest(canary(&harness).await);
        harness.wait(60).await;
        let Stage::Release(back) = goes_on(harness.poll(&run, task).await) else {
            panic!("it goes on with the test")
        };
        // Not one look of giving back could be made.
        let (_, _, text) = on_timeout(&harness, back.clone(), &run).await;
        let metric = "infobright_backup_check.canary_caught".to_owned();
        assert_eq!(metrics(&harness), [(metric, caught)]);
        assert!(text.contains(word), "{text}");
        // Where a look can be made, it is told then, once.
        let (_, told) = held_up(harness.poll(&run, Stage::Release(back)).await);
        assert!(told.reported);
        let (_, told) = held_up(harness.poll(&later(&run, 1), Stage::Release(told)).await);
        assert!(told.reported);
        assert_eq!(harness.asked("SubmitMetrics").len(), 2);
    }
}

/// As where AWS was out of reach meanwhile, or the event waited in Lambda's queue: nobody else has
/// told.
#[tokio::test(start_paused = true)]
async fn a_canarys_result_is_told_hours_after_its_test_where_the_volume_is_still_held() {
    let harness = Harness::new();
    harness.scripts_end_with(1, BAD);
    let run = Run {
        canary: true,
        ..harness.run()
    };
    let task = Stage::AwaitTest(canary(&harness).await);
    harness.wait(3 * 3600).await;
    let Stage::Release(back) = goes_on(harness.poll(&run, task).await) else {
        panic!("it goes on with the test")
    };
    ends(give_all_back(&harness, &run, back).await);
    let metric = "infobright_backup_check.canary_caught".to_owned();
    assert_eq!(metrics(&harness), [(metric, 1.0)]);
}

/// It may be production's by now: it is named, and left alone.
#[tokio::test(start_paused = true)]
async fn field_case_37_a_volume_that_lost_its_tags_is_named() {
    let harness = Harness::new();
    let back = Release {
        reported: true,
        unmounted: true,
        ..attached(&harness, bad(&harness)).await
    };
    let id = back.volume_id.clone().expect("a volume");
    harness.aws.tag_by_hand(&id, "IBBackupRun", "somebody-else");
    let run = harness.run();
    // Reads lag: it is not believed at once.
    let (why, _) = held_up(harness.poll(&run, Stage::Release(back.clone())).await);
    assert!(why.contains(&id), "{why}");
    let Stage::Fail(told) = goes_on(give_all_back(&harness, &run, back).await) else {
        panic!("it does not fail")
    };
    let event = harness.aws.events().pop().expect("an event");
    assert!(
        event.text.starts_with("The test found the backup bad"),
        "{}",
        event.text
    );
    let place = format!("still held: volume {id} (at i-");
    assert!(event.text.contains(&place), "{}", event.text);
    let error = fails(harness.poll(&later(&run, 9), Stage::Fail(told)).await);
    assert_eq!(error.kind(), Kind::Incomplete);
    assert!(error.to_string().contains(&id), "{error}");
    let touched = ["DetachVolume", "DeleteVolume"];
    assert!(
        harness
            .done()
            .iter()
            .all(|call| !touched.contains(&call.as_str()))
    );
    assert_eq!(harness.aws.events().len(), 1);
}

/// A run that failed, and whose volume is attached and no test volume any more.
async fn failed_and_lost_its_tag(harness: &Harness) -> (Release, String) {
    let because = EndReason::Failure {
        function: "dev-ib-backup-step-3-attach".to_owned(),
        error: "it rained".to_owned(),
    };
    let back = Release {
        unmounted: true,
        ..attached(harness, because).await
    };
    let id = back.volume_id.clone().expect("a volume");
    harness.aws.tag_by_hand(&id, "IBBackupTest", "no");
    (back, id)
}

#[tokio::test(start_paused = true)]
async fn field_case_37_after_a_failure_it_is_named_with_that() {
    let harness = Harness::new();
    let (back, id) = failed_and_lost_its_tag(&harness).await;
    let Stage::Fail(told) = goes_on(give_all_back(&harness, &harness.run(), back).await) else {
        panic!("it does not fail")
    };
    let event = harness.aws.events().pop().expect("an event");
    for named in ["error: it rained\n", &format!("still held: volume {id}")] {
        assert!(event.text.contains(named), "{named}: {}", event.text);
    }
    // Not that it holds nothing any more.
    let error = fails(harness.poll(&harness.run(), Stage::Fail(told)).await);
    assert_eq!(error.kind(), Kind::Undetermined);
    assert!(error.to_string().contains(&id), "{error}");
    assert_eq!(harness.aws.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn field_case_37_after_a_failure_that_came_late_the_verdict_stands() {
    let harness = Harness::new();
    harness.verdict_is_written_by("run-1");
    let (back, _) = failed_and_lost_its_tag(&harness).await;
    let mut task = Stage::Release(back);
    for _ in 0..2 {
        let (Stage::Release(back) | Stage::Report(back)) = task else {
            panic!("{task:?}")
        };
        task = goes_on(give_all_back(&harness, &harness.run(), back).await);
    }
    let event = harness.aws.events().pop().expect("an event");
    let begins = "The test found the backup valid, and that verdict stands.\n";
    assert!(event.text.starts_with(begins), "{}", event.text);
}

#[tokio::test(start_paused = true)]
async fn field_case_71_a_verdict_without_room_for_its_tags_is_known_to_the_end() {
    for (code, last_line, value, word) in [(1, BAD, 0.0, "bad"), (0, GOOD, 1.0, "valid")] {
        let harness = Harness::new();
        harness.scripts_end_with(code, last_line);
        let task = Stage::AwaitTest(testing(&harness).await);
        harness.wait(60).await;
        harness.refuse("CreateTags", 400, "TagLimitExceeded");
        let Stage::Release(back) = goes_on(harness.poll(&harness.run(), task).await) else {
            panic!("it goes on with the test")
        };
        let valid = ("infobright_backup_valid".to_owned(), value);
        assert!(
            metrics(&harness).contains(&valid),
            "{:?}",
            metrics(&harness)
        );
        let Stage::Fail(told) = goes_on(give_all_back(&harness, &harness.run(), back).await) else {
            panic!("it does not fail")
        };
        let event = harness.aws.events().pop().expect("an event");
        let begins = format!("The test found the backup {word}, and the snapshot could not be");
        assert!(event.text.starts_with(&begins), "{}", event.text);
        let error = fails(harness.poll(&harness.run(), Stage::Fail(told)).await);
        assert_eq!(error.kind(), Kind::Incomplete);
        assert!(error.to_string().contains("TagLimitExceeded"), "{error}");
    }
}
