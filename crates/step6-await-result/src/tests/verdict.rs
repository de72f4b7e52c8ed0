use aws_stand_in::step_harness::{ends, fails, goes_on, later, polls_again};
use aws_stand_in::{DatadogReply, Fault};
use common::event::{EndReason, Phase, Release, Run, TestVolume};
use common::polling::limits;
use common::step::Step;
use common::verdict::{Measured, RecordedVerdict};
use common::{Error, Kind};

use super::{BAD, GOOD, Harness, NOTHING, give_all_back, testing};
use crate::{AwaitResult, Stage};

/// What the first part hands to the second.
#[track_caller]
pub(super) fn gives_back(looked: common::Result<common::step::Outcome<AwaitResult>>) -> Release {
    match goes_on(looked) {
        Stage::Release(back) => back,
        stage => panic!("{stage:?}"),
    }
}

/// Why a run ended without a verdict.
#[track_caller]
pub(super) fn failure(back: Release) -> String {
    match back.because {
        EndReason::Failure { function, error } => {
            assert_eq!(function, "dev-ib-backup-step-6-await-result");
            error
        }
        other => panic!("{other:?}"),
    }
}

/// A look at a test that ended with this.
pub(super) async fn tested(exit_code: i32, stdout: &str) -> (Harness, Release) {
    let harness = Harness::new();
    harness.scripts_end_with(exit_code, stdout);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    let back = gives_back(harness.poll(&harness.run(), task).await);
    (harness, back)
}

fn points(harness: &Harness) -> Vec<(f64, i64)> {
    let points = harness.aws.points().into_iter();
    points
        .filter(|point| point.metric == "infobright_backup_valid")
        .map(|point| (point.value, point.timestamp))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_test_that_runs_is_waited_for() {
    let harness = Harness::new();
    let testing = testing(&harness).await;
    let task = Stage::AwaitTest(testing.clone());
    let (why, payload) = polls_again(harness.poll(&harness.run(), task).await);
    assert!(why.contains(&testing.test_command_id), "{why}");
    assert_eq!(payload, Stage::AwaitTest(testing));
    assert_eq!(harness.done(), NOTHING);
}

/// Systems Manager cannot reach the agent for now, and sends the command again.
#[tokio::test(start_paused = true)]
async fn a_test_that_is_delayed_is_waited_for() {
    let harness = Harness::new();
    harness.aws.set_agent(&harness.ids.test_instance_id, false);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    let (why, _) = polls_again(harness.poll(&harness.run(), task).await);
    assert!(why.contains("is Delayed"), "{why}");
    assert_eq!(harness.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_test_that_is_not_yet_visible_is_waited_for() {
    let harness = Harness::new();
    harness.aws.set_timing(|timing| {
        timing.read_lag = std::time::Duration::from_mins(5);
    });
    let payload = common::event::Testing {
        test_command_id: "rehearse-0000-0000-0000-000000000009".to_owned(),
        subject: super::subject(&harness),
        volume: TestVolume::new("vol-rehearsal0001", "/dev/sdg"),
    };
    let (why, _) = polls_again(
        harness
            .poll(&harness.run(), Stage::AwaitTest(payload))
            .await,
    );
    assert!(why.contains("not yet visible"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn the_tag_before_the_metric_both_of_the_end_of_the_test() {
    let harness = Harness::new();
    harness.scripts_end_with(0, GOOD);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(1).await;
    let ended: common::time::Timestamp = harness.aws.clock().now().into();
    harness.wait(45).await;
    let run = harness.run();
    let back = gives_back(harness.poll(&run, task).await);
    assert_eq!(harness.done(), ["CreateTags", "SubmitMetrics"]);
    let tags = harness.aws.snapshot_tags(&harness.ids.snapshot_id);
    assert_eq!(tags["DBBackupValid"], "True");
    assert_eq!(tags["DBBackupCheckRun"], "run-1");
    assert_eq!(tags["DBBackupCheckedAt"], ended.to_string());
    assert_eq!(
        tags["DBBackupCheckDetail"],
        "2 tables, 9 rows, 4 checks in 3 s"
    );
    assert_eq!(points(&harness), [(1.0, ended.unix_seconds())]);
    assert!(back.reported);
    let because = EndReason::Verdict(RecordedVerdict {
        valid: true,
        checked_at: ended,
        measured: Measured {
            manifest: Some(false),
            ..Measured::default()
        },
    });
    assert_eq!(back.because, because);
    assert_eq!(back.device.as_deref(), Some("/dev/sdg"));
    assert!(back.volume_id.is_some() && !back.unmounted);
}

#[tokio::test(start_paused = true)]
async fn how_long_each_phase_took_is_told_with_the_verdict() {
    let harness = Harness::new();
    harness.scripts_end_with(0, GOOD);
    let started = harness.run();
    harness.wait(100).await;
    let mounted = harness.aws.clock().now().into();
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(93).await;
    let run = Run {
        ready_at: [(Phase::Mount, mounted)].into(),
        ..started
    };
    gives_back(harness.poll(&run, task).await);
    let points = harness.aws.points().into_iter();
    let durations: Vec<_> = points
        .filter(|point| point.metric == "infobright_backup_check.duration_seconds")
        .map(|point| (point.tags[1].clone(), point.value))
        .collect();
    let told = |phase: &str, seconds| (format!("phase:{phase}"), seconds);
    assert_eq!(durations, [told("mount", 100.0), told("test", 100.0)]);
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_says_the_same_of_the_same_instant() {
    let harness = Harness::new();
    harness.scripts_end_with(0, GOOD);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    let run = harness.run();
    let first = gives_back(harness.poll(&run, task.clone()).await);
    let (tags, told) = (
        harness.aws.snapshot_tags(&harness.ids.snapshot_id),
        points(&harness),
    );
    harness.wait(1800).await;
    let second = gives_back(harness.poll(&run, task.clone()).await);
    assert_eq!(first, second);
    assert_eq!(harness.aws.snapshot_tags(&harness.ids.snapshot_id), tags);
    assert_eq!(points(&harness), told);
    assert_eq!(harness.asked("SubmitMetrics").len(), 2);
    // So late that Datadog would take it for another instant.
    ends(give_all_back(&harness, &run, second).await);
    harness.wait(3600).await;
    let third = gives_back(harness.poll(&run, task).await);
    assert!(third.reported);
    assert_eq!(harness.aws.snapshot_tags(&harness.ids.snapshot_id), tags);
    assert_eq!(points(&harness), told);
}

#[tokio::test(start_paused = true)]
async fn exit_code_and_last_line_decide_together() {
    for (exit_code, line, valid) in [(0, GOOD, true), (1, BAD, false)] {
        let (harness, back) = tested(exit_code, line).await;
        let EndReason::Verdict(RecordedVerdict { valid: found, .. }) = back.because else {
            panic!("{exit_code}: {:?}", back.because)
        };
        assert_eq!(found, valid, "{exit_code}");
        let tag = &harness.aws.snapshot_tags(&harness.ids.snapshot_id)["DBBackupValid"];
        assert_eq!(tag, if valid { "True" } else { "False" }, "{exit_code}");
        let values: Vec<f64> = points(&harness).iter().map(|point| point.0).collect();
        assert_eq!(values, [if valid { 1.0 } else { 0.0 }]);
    }
    for (exit_code, line) in [(0, BAD), (1, GOOD), (2, BAD), (126, BAD), (127, GOOD)] {
        let (harness, back) = tested(exit_code, line).await;
        let error = failure(back);
        assert!(error.contains("do not agree"), "{exit_code}: {error}");
        assert_eq!(harness.done(), NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn a_passing_trouble_of_aws_costs_a_look_and_not_the_verdict() {
    for action in ["GetCommandInvocation", "DescribeSnapshots", "CreateTags"] {
        let harness = Harness::new();
        harness.scripts_end_with(0, GOOD);
        let task = Stage::AwaitTest(testing(&harness).await);
        harness.wait(60).await;
        harness.refuse(action, 503, "ServiceUnavailable");
        let error = fails(harness.poll(&harness.run(), task.clone()).await);
        assert!(error.is_transient(), "the runner looks again: {error}");
        assert_eq!(points(&harness), [], "no metric without the tag");
        harness.aws.clear_faults();
        gives_back(harness.poll(&later(&harness.run(), 1), task).await);
        assert_eq!(points(&harness).len(), 1, "{action}");
    }
}

/// Between tag and metric AWS may be down for hours. Once the run is over, the same event again
/// would put an old verdict at a new time.
#[tokio::test(start_paused = true)]
async fn a_verdict_of_long_ago_is_told_as_long_as_the_run_holds_its_volume() {
    let harness = Harness::new();
    harness.scripts_end_with(0, GOOD);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    let mut written = false;
    harness.aws.set_faults(Box::new(move |call| {
        let blind = written && call.action == "DescribeSnapshots";
        written |= call.action == "CreateTags";
        blind.then(|| Fault::Refuse {
            status: 503,
            code: "Unavailable".to_owned(),
            message: "not now".to_owned(),
        })
    }));
    fails(harness.poll(&harness.run(), task.clone()).await);
    harness.aws.clear_faults();
    harness.wait(2 * 3600).await;
    let back = gives_back(harness.poll(&later(&harness.run(), 1), task.clone()).await);
    assert!(back.reported);
    assert_eq!(points(&harness).len(), 1);
    ends(give_all_back(&harness, &harness.run(), back).await);
    gives_back(harness.poll(&harness.run(), task).await);
    assert_eq!(points(&harness).len(), 1, "a late delivery");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_gives_back_and_then_fails() {
    for action in ["GetCommandInvocation", "DescribeSnapshots", "CreateTags"] {
        let harness = Harness::new();
        harness.scripts_end_with(0, GOOD);
        let task = Stage::AwaitTest(testing(&harness).await);
        harness.wait(60).await;
        harness.refuse(action, 403, "UnauthorizedOperation");
        let error = failure(gives_back(harness.poll(&harness.run(), task).await));
        assert!(error.starts_with("AccessDenied: "), "{error}");
        assert_eq!(points(&harness), [], "no metric without the tag");
    }
}

#[tokio::test(start_paused = true)]
async fn datadog_out_of_reach_costs_neither_tag_nor_volume() {
    let harness = Harness::new();
    harness.scripts_end_with(1, BAD);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    let refused = DatadogReply::Answer {
        status: 503,
        body: String::new(),
    };
    harness.aws.set_datadog_reply(refused);
    let back = gives_back(harness.poll(&harness.run(), task).await);
    assert!(!back.reported);
    let EndReason::Verdict(RecordedVerdict { valid: false, .. }) = back.because else {
        panic!("{:?}", back.because)
    };
    let tags = harness.aws.snapshot_tags(&harness.ids.snapshot_id);
    assert_eq!(tags["DBBackupValid"], "False");
}

#[tokio::test(start_paused = true)]
async fn a_test_that_outlasts_its_time_limit_releases_and_then_fails() {
    let harness = Harness::new();
    let task = Stage::AwaitTest(testing(&harness).await);
    let polling = harness.step.polling(&task);
    assert_eq!(
        (polling.give_up_after, polling.interval.as_secs()),
        (limits::TEST, 60)
    );
    let run = harness.run();
    let late = Error::new(Kind::TimeRanOut, "it runs");
    let over = harness.step.on_timeout(&run, task, late).await;
    let error = failure(gives_back(over));
    assert!(
        error.starts_with(&format!("{:?}", Kind::TimeRanOut)),
        "{error}"
    );
    assert!(error.ends_with("it runs"), "{error}");
}

/// The metric of the newest backup does not hear of an older one.
#[tokio::test(start_paused = true)]
async fn a_verdict_on_an_older_backup_goes_to_its_own_metric() {
    let harness = Harness::new();
    harness.scripts_end_with(1, BAD);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    let run = Run {
        older_backup: true,
        ..harness.run()
    };
    gives_back(harness.poll(&run, task).await);
    let tags = harness.aws.snapshot_tags(&harness.ids.snapshot_id);
    assert_eq!(tags["DBBackupValid"], "False");
    assert_eq!(points(&harness), []);
    let sent = harness.aws.points().into_iter();
    let older = sent.filter(|one| one.metric == "infobright_backup_check.older_backup_valid");
    assert_eq!(older.map(|one| one.value).collect::<Vec<_>>(), [0.0]);
}

/// Case 71 of the field: the verdict is not lost with the tags that do not fit.
#[tokio::test(start_paused = true)]
async fn field_case_71_a_verdict_whose_tags_do_not_fit_is_told_with_the_error() {
    let harness = Harness::new();
    harness.scripts_end_with(1, BAD);
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    harness.refuse("CreateTags", 400, "TagLimitExceeded");
    let error = failure(gives_back(harness.poll(&harness.run(), task.clone()).await));
    for named in [
        "found the backup bad (shop.orders: Corrupt)",
        "TagLimitExceeded",
    ] {
        assert!(error.contains(named), "{named}: {error}");
    }
    // The result of the run's own command is the evidence then.
    let values: Vec<f64> = points(&harness).iter().map(|point| point.0).collect();
    assert_eq!(values, [0.0]);
    harness.aws.set_datadog_reply(DatadogReply::Never);
    let error = fails(harness.poll(&harness.run(), task).await);
    assert!(error.is_transient(), "{error}");
    assert!(error.chain().contains("found the backup bad"), "{error}");
}
