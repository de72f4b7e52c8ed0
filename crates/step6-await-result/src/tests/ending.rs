use aws_stand_in::DatadogReply;
use aws_stand_in::workbench::{ends, fails, goes_on, has_ended_already, later};
use common::event::{Because, GiveBack, Phase, Run, Told};
use common::step::{Step, patience};
use common::{Error, Kind};

use super::{Bench, NOTHING, attached, give_all_back, held_up};
use crate::Task;

const ITSELF: &str = "dev-ib-backup-step-6-await-result";

fn failure(bench: &Bench, function: &str) -> GiveBack {
    GiveBack {
        snapshot_id: Some(bench.ids.snapshot_id.clone()),
        ..GiveBack::unknown(Because::Failure {
            function: function.to_owned(),
            error: "it rained".to_owned(),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_elsewhere_ends_with_an_event_that_says_it_all() {
    let bench = Bench::new();
    bench.volume("run-1").await;
    let back = failure(&bench, "dev-ib-backup-step-3-attach");
    ends(give_all_back(&bench, &bench.run(), back).await);
    assert_eq!(bench.done(), ["DeleteVolume", "CreateEvent"]);
    let events = bench.aws.events();
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
    let bench = Bench::new();
    let run = later(&bench.run(), 4);
    let back = failure(&bench, ITSELF);
    let Task::GiveBack(told) = goes_on(bench.look(&run, Task::GiveBack(back)).await) else {
        panic!("it goes on with the test")
    };
    assert!(told.reported);
    for _ in 0..3 {
        let task = Task::GiveBack(told.clone());
        let error = fails(bench.look(&run, task).await);
        assert_eq!(error.kind(), Kind::Undetermined);
        assert_eq!(error.to_string(), "it rained");
    }
    assert_eq!(bench.done(), ["CreateEvent"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_failure_after_the_verdict_sends_no_event() {
    // What failed in step 6 may have failed before Datadog heard of the verdict.
    for (function, done) in [
        ("dev-ib-backup-step-3-attach", &NOTHING[..]),
        (ITSELF, &["SubmitMetrics"]),
    ] {
        let bench = Bench::new();
        bench.verdict_is_written_by("run-1");
        let back = failure(&bench, function);
        ends(give_all_back(&bench, &bench.run(), back).await);
        assert_eq!(bench.done(), done);
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
        let bench = Bench::new();
        if holds {
            bench.volume("run-1").await;
        }
        bench.verdict_is_written_by("run-1");
        bench.wait(2 * 3600).await;
        let back = failure(&bench, ITSELF);
        ends(give_all_back(&bench, &bench.run(), back).await);
        assert_eq!(bench.done(), done, "{holds}");
    }
}

/// As where a canary's event for step 3 is delivered once more: its volume is gone, and its run
/// leaves no tag.
#[tokio::test(start_paused = true)]
async fn audit_e5_a_late_failure_of_a_run_that_has_given_back_sends_no_event() {
    for function in ["dev-ib-backup-step-3-attach", ITSELF] {
        let bench = Bench::new();
        bench.release_was_sent_by("run-1").await;
        bench.wait(3 * 3600).await;
        let back = GiveBack {
            dev_ib_backup_instance_id: Some(bench.ids.test_instance_id.clone()),
            ..failure(&bench, function)
        };
        let task = Task::GiveBack(back.clone());
        has_ended_already(bench.look(&bench.run(), task.clone()).await);
        assert_eq!(bench.done(), NOTHING);
        // It is no late one where the run holds something, or that it sent the command itself.
        bench
            .look(&later(&bench.run(), 4), task)
            .await
            .expect("it is told");
        assert_eq!(bench.done(), ["CreateEvent"]);
        bench.volume("run-1").await;
        held_up(bench.look(&bench.run(), Task::GiveBack(back)).await);
    }
}

/// As where a start event is delivered again when the test instance is off for the day.
#[tokio::test(start_paused = true)]
async fn a_late_failure_that_names_no_snapshot_finds_the_verdict_too() {
    let bench = Bench::new();
    bench.verdict_is_written_by("run-1");
    let back = GiveBack {
        snapshot_id: None,
        ..failure(&bench, "dev-ib-backup-step-1-snapshot")
    };
    ends(give_all_back(&bench, &bench.run(), back).await);
    assert_eq!(bench.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn another_runs_verdict_or_a_snapshot_that_is_gone_hides_no_failure() {
    let gone = |bench: &Bench| bench.aws.delete_snapshot(&bench.ids.snapshot_id);
    for meddle in [|bench: &Bench| bench.verdict_is_written_by("run-0"), gone] {
        let bench = Bench::new();
        meddle(&bench);
        let back = failure(&bench, "dev-ib-backup-step-3-attach");
        ends(give_all_back(&bench, &bench.run(), back).await);
        assert_eq!(bench.done(), ["CreateEvent"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_leftover_ends_quietly() {
    let bench = Bench::new();
    bench.volume("run-1").await;
    bench.aws.set_datadog_reply(DatadogReply::Never);
    let back = GiveBack::unknown(Because::Leftover);
    ends(give_all_back(&bench, &bench.run(), back).await);
    assert_eq!(bench.done(), ["DeleteVolume"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_verdict_only_the_time_of_giving_back_is_still_told() {
    let bench = Bench::new();
    let checked_at = bench.run().started_at;
    let back = GiveBack {
        reported: true,
        unmounted: true,
        ..attached(
            &bench,
            Because::Verdict(Told {
                valid: true,
                checked_at,
                coverage: None,
                paused_seconds: None,
                manifest: None,
            }),
        )
        .await
    };
    let tested = bench.aws.clock().now().into();
    let run = Run {
        ready_at: [(Phase::Test, tested)].into(),
        ..bench.run()
    };
    ends(give_all_back(&bench, &run, back).await);
    assert_eq!(
        bench.done(),
        ["DetachVolume", "DeleteVolume", "SubmitMetrics"]
    );
    let points = bench.aws.points();
    assert_eq!(points[0].tags[1], "phase:release");
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    assert_eq!(values, [30.0]);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_datadog_did_not_take_is_told_again_of_the_same_instant() {
    let bench = Bench::new();
    let checked_at = bench.run().started_at;
    bench.verdict_is_written_by("run-1");
    bench.wait(600).await;
    let because = Because::Verdict(Told {
        valid: true,
        checked_at,
        coverage: None,
        paused_seconds: None,
        manifest: None,
    });
    let back = GiveBack::unknown(because);
    let silent = DatadogReply::Answer {
        status: 503,
        body: String::new(),
    };
    bench.aws.set_datadog_reply(silent);
    let run = later(&bench.run(), 4);
    let error = fails(bench.look(&run, Task::GiveBack(back.clone())).await);
    assert_eq!(error.kind(), Kind::DatadogFailed);
    bench.aws.set_datadog_reply(DatadogReply::Normal);
    ends(bench.look(&run, Task::GiveBack(back)).await);
    let points = bench.aws.points();
    let point = &points[0];
    assert_eq!(point.metric, "infobright_backup_valid");
    assert_eq!(
        (point.value, point.timestamp),
        (1.0, checked_at.unix_seconds())
    );
}

#[tokio::test(start_paused = true)]
async fn out_of_patience_it_says_what_is_held() {
    let bench = Bench::new();
    let back = attached(&bench, Because::Leftover).await;
    let id = back.volume_id.clone().expect("a volume");
    let task = Task::GiveBack(back);
    let pace = bench.step.pace(&task);
    let patience = (pace.at_most, pace.every.as_secs());
    assert_eq!(patience, (patience::RELEASE, 15));
    let run = later(&bench.run(), 239);
    let late = Error::new(Kind::TimeRanOut, "it hangs");
    let error = fails(bench.step.out_of_patience(&run, task, late).await);
    assert_eq!(error.kind(), Kind::TimeRanOut);
    let held = format!("{id} (at i-07e57000000000001 /dev/sdg)");
    let text = error.to_string();
    assert!(text.contains("it hangs") && text.contains(&held), "{text}");
    assert_eq!(bench.done(), ["CreateEvent"]);
    let event = &bench.aws.events()[0].text;
    assert!(event.contains(&format!("still held: {held}\n")), "{event}");
    assert!(event.contains(&format!("function: {ITSELF}\n")), "{event}");
}

#[tokio::test(start_paused = true)]
async fn out_of_patience_it_fails_even_where_neither_aws_nor_datadog_answers() {
    let bench = Bench::new();
    let back = attached(&bench, Because::Leftover).await;
    bench.refuse("DescribeVolumes", 403, "UnauthorizedOperation");
    bench.aws.set_datadog_reply(DatadogReply::Never);
    let run = later(&bench.run(), 239);
    let late = Error::new(Kind::TimeRanOut, "it hangs");
    let over = bench.step.out_of_patience(&run, Task::GiveBack(back), late);
    let error = fails(over.await);
    assert!(error.to_string().contains("still held: unknown"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_datadog_does_not_take_is_an_error() {
    let bench = Bench::new();
    let refused = DatadogReply::Answer {
        status: 403,
        body: String::new(),
    };
    bench.aws.set_datadog_reply(refused);
    let run = later(&bench.run(), 4);
    let task = Task::GiveBack(failure(&bench, "dev-ib-backup-step-3-attach"));
    let error = fails(bench.look(&run, task).await);
    assert_eq!(error.kind(), Kind::DatadogFailed);
    bench.aws.set_datadog_reply(DatadogReply::Normal);
    let task = Task::GiveBack(failure(&bench, "dev-ib-backup-step-3-attach"));
    ends(bench.look(&run, task).await);
    assert_eq!(bench.aws.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_while_anything_is_held() {
    let bench = Bench::new();
    bench.volume("run-1").await;
    let task = Task::GiveBack(failure(&bench, "dev-ib-backup-step-3-attach"));
    held_up(bench.look(&bench.run(), task).await);
    assert_eq!(bench.aws.events(), []);
}
