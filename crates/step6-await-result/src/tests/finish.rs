use aws_stand_in::DatadogReply;
use aws_stand_in::step_harness::{ends, fails, goes_on, later};
use common::event::{EndReason, Phase, Release, Run};
use common::polling::limits;
use common::step::Step;
use common::verdict::{Measured, RecordedVerdict};
use common::{Error, Kind};

use super::{Harness, NOTHING, attached, give_all_back, held_up};
use crate::Stage;

pub(super) const ITSELF: &str = "dev-ib-backup-step-6-await-result";

pub(super) fn failure(harness: &Harness, function: &str) -> Release {
    Release {
        snapshot_id: Some(harness.ids.snapshot_id.clone()),
        ..Release::unknown(EndReason::Failure {
            function: function.to_owned(),
            error: "it rained".to_owned(),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_elsewhere_ends_with_an_event_that_says_it_all() {
    let harness = Harness::new();
    harness.volume("run-1").await;
    let back = failure(&harness, "dev-ib-backup-step-3-attach");
    ends(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.done(), ["DeleteVolume", "CreateEvent"]);
    let events = harness.aws.events();
    let event = &events[0];
    for said in [
        "run: run-1\n",
        "function: dev-ib-backup-step-3-attach\n",
        "error: it rained\n",
        "still held: nothing\n",
    ] {
        assert!(event.text.contains(said), "{said} is not in {}", event.text);
    }
    assert_eq!(event.alert_type.as_deref(), Some("error"));
    assert_eq!(event.aggregation_key.as_deref(), Some("run-1"));
}

/// The error comes at a look of its own, so that Lambda's retries of it repeat nothing.
#[tokio::test(start_paused = true)]
async fn a_failure_of_its_own_tells_people_once_and_then_fails() {
    let harness = Harness::new();
    let run = later(&harness.run(), 4);
    let back = failure(&harness, ITSELF);
    let Stage::Fail(told) = goes_on(harness.poll(&run, Stage::Release(back)).await) else {
        panic!("it does not fail")
    };
    assert!(told.reported);
    for _ in 0..3 {
        let task = Stage::Fail(told.clone());
        let error = fails(harness.poll(&run, task).await);
        assert_eq!(error.kind(), Kind::Undetermined);
        assert_eq!(error.to_string(), "it rained");
    }
    assert_eq!(harness.done(), ["CreateEvent"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_failure_after_the_verdict_sends_no_event() {
    // What failed in step 6 may have failed before Datadog heard of the verdict.
    for (function, done) in [
        ("dev-ib-backup-step-3-attach", &NOTHING[..]),
        (ITSELF, &["SubmitMetrics"]),
    ] {
        let harness = Harness::new();
        harness.verdict_is_written_by("run-1");
        let back = failure(&harness, function);
        ends(give_all_back(&harness, &harness.run(), back).await);
        assert_eq!(harness.done(), done);
    }
}

/// AWS was down for hours between tag and metric, and the look gave up. A late delivery of a run
/// that was over finds nothing to give back, and would put an old verdict at a new time.
#[tokio::test(start_paused = true)]
async fn a_verdict_of_long_ago_is_told_where_the_run_was_not_over() {
    for (holds, done) in [
        (true, &["DeleteVolume", "SubmitMetrics"][..]),
        (false, &NOTHING),
    ] {
        let harness = Harness::new();
        if holds {
            harness.volume("run-1").await;
        }
        harness.verdict_is_written_by("run-1");
        harness.wait(2 * 3600).await;
        let back = failure(&harness, ITSELF);
        ends(give_all_back(&harness, &harness.run(), back).await);
        assert_eq!(harness.done(), done, "{holds}");
    }
}

/// As where a start event is delivered again when the test instance is off for the day.
#[tokio::test(start_paused = true)]
async fn a_late_failure_that_names_no_snapshot_finds_the_verdict_too() {
    let harness = Harness::new();
    harness.verdict_is_written_by("run-1");
    let back = Release {
        snapshot_id: None,
        ..failure(&harness, "dev-ib-backup-step-1-snapshot")
    };
    ends(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn another_runs_verdict_or_a_snapshot_that_is_gone_hides_no_failure() {
    let gone = |harness: &Harness| harness.aws.delete_snapshot(&harness.ids.snapshot_id);
    for meddle in [
        |harness: &Harness| harness.verdict_is_written_by("run-0"),
        gone,
    ] {
        let harness = Harness::new();
        meddle(&harness);
        let back = failure(&harness, "dev-ib-backup-step-3-attach");
        ends(give_all_back(&harness, &harness.run(), back).await);
        assert_eq!(harness.done(), ["CreateEvent"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_leftover_ends_quietly() {
    let harness = Harness::new();
    harness.volume("run-1").await;
    harness.aws.set_datadog_reply(DatadogReply::Never);
    let back = Release::unknown(EndReason::Leftover);
    ends(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.done(), ["DeleteVolume"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_verdict_only_the_time_of_giving_back_is_still_told() {
    let harness = Harness::new();
    let checked_at = harness.run().started_at;
    let back = Release {
        reported: true,
        unmounted: true,
        ..attached(
            &harness,
            EndReason::Verdict(RecordedVerdict {
                valid: true,
                checked_at,
                measured: Measured::default(),
            }),
        )
        .await
    };
    let tested = harness.aws.clock().now().into();
    let run = Run {
        ready_at: [(Phase::Test, tested)].into(),
        ..harness.run()
    };
    ends(give_all_back(&harness, &run, back).await);
    assert_eq!(
        harness.done(),
        ["DetachVolume", "DeleteVolume", "SubmitMetrics"]
    );
    let points = harness.aws.points();
    assert_eq!(points[0].tags[1], "phase:release");
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    assert_eq!(values, [30.0]);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_datadog_did_not_take_is_told_again_of_the_same_instant() {
    let harness = Harness::new();
    let checked_at = harness.run().started_at;
    harness.verdict_is_written_by("run-1");
    harness.wait(600).await;
    let because = EndReason::Verdict(RecordedVerdict {
        valid: true,
        checked_at,
        measured: Measured::default(),
    });
    let back = Release::unknown(because);
    let silent = DatadogReply::Answer {
        status: 503,
        body: String::new(),
    };
    harness.aws.set_datadog_reply(silent);
    let run = later(&harness.run(), 4);
    let error = fails(harness.poll(&run, Stage::Release(back.clone())).await);
    assert_eq!(error.kind(), Kind::DatadogFailed);
    harness.aws.set_datadog_reply(DatadogReply::Normal);
    ends(harness.poll(&run, Stage::Release(back)).await);
    let mut points = harness.aws.points().into_iter();
    let valid = points.find(|point| point.metric == "infobright_backup_valid");
    let point = valid.expect("the verdict");
    assert_eq!(
        (point.value, point.timestamp),
        (1.0, checked_at.unix_seconds())
    );
}

#[tokio::test(start_paused = true)]
async fn at_the_time_limit_it_says_what_is_held() {
    let harness = Harness::new();
    let back = attached(&harness, EndReason::Leftover).await;
    let id = back.volume_id.clone().expect("a volume");
    let task = Stage::Release(back);
    let polling = harness.step.polling(&task);
    let limit = (polling.give_up_after, polling.interval.as_secs());
    assert_eq!(limit, (limits::RELEASE, 15));
    let run = later(&harness.run(), 239);
    let late = Error::new(Kind::TimeRanOut, "it hangs");
    let error = fails(harness.step.on_timeout(&run, task, late).await);
    assert_eq!(error.kind(), Kind::TimeRanOut);
    let held = format!("{id} (at i-07e57000000000001 /dev/sdg)");
    let text = error.to_string();
    assert!(text.contains("it hangs") && text.contains(&held), "{text}");
    assert_eq!(harness.done(), ["CreateEvent"]);
    let event = &harness.aws.events()[0].text;
    assert!(event.contains(&format!("still held: {held}\n")), "{event}");
    assert!(event.contains(&format!("function: {ITSELF}\n")), "{event}");
}

#[tokio::test(start_paused = true)]
async fn at_the_time_limit_it_fails_even_where_neither_aws_nor_datadog_answers() {
    let harness = Harness::new();
    let back = attached(&harness, EndReason::Leftover).await;
    harness.refuse("DescribeVolumes", 403, "UnauthorizedOperation");
    harness.aws.set_datadog_reply(DatadogReply::Never);
    let run = later(&harness.run(), 239);
    let late = Error::new(Kind::TimeRanOut, "it hangs");
    let over = harness.step.on_timeout(&run, Stage::Release(back), late);
    let error = fails(over.await);
    assert!(error.to_string().contains("still held: unknown"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_datadog_does_not_take_is_an_error() {
    let harness = Harness::new();
    let refused = DatadogReply::Answer {
        status: 403,
        body: String::new(),
    };
    harness.aws.set_datadog_reply(refused);
    let run = later(&harness.run(), 4);
    let task = Stage::Release(failure(&harness, "dev-ib-backup-step-3-attach"));
    let error = fails(harness.poll(&run, task).await);
    assert_eq!(error.kind(), Kind::DatadogFailed);
    harness.aws.set_datadog_reply(DatadogReply::Normal);
    let task = Stage::Release(failure(&harness, "dev-ib-backup-step-3-attach"));
    ends(harness.poll(&run, task).await);
    assert_eq!(harness.aws.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_while_anything_is_held() {
    let harness = Harness::new();
    harness.volume("run-1").await;
    let task = Stage::Release(failure(&harness, "dev-ib-backup-step-3-attach"));
    held_up(harness.poll(&harness.run(), task).await);
    assert_eq!(harness.aws.events(), []);
}
