//! What a test measured, told with the verdict.

use aws_stand_in::DatadogReply;
use aws_stand_in::step_harness::polls_again;

use super::verdict::{gives_back, tested};
use super::{BAD, GOOD, Harness, testing};
use crate::Stage;

/// Coverage, whether there was a manifest, and production's pause.
fn measured(harness: &Harness) -> Vec<(&'static str, f64)> {
    let names = ["coverage", "production_paused_seconds", "manifest"];
    let points = harness.aws.points().into_iter();
    points
        .filter_map(|point| {
            let name = point.metric.strip_prefix("infobright_backup_check.")?;
            let name = names.into_iter().find(|of| *of == name)?;
            Some((name, point.value))
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_test_measured_is_told_with_the_verdict() {
    for (exit_code, line) in [(0, GOOD), (1, BAD)] {
        let said = line.replace(
            '}',
            ",\"coverage\":80,\"paused_seconds\":95,\"manifest\":true}",
        );
        let (harness, _) = tested(exit_code, &said).await;
        let all = [
            ("coverage", 80.0),
            ("manifest", 1.0),
            ("production_paused_seconds", 95.0),
        ];
        assert_eq!(measured(&harness), all, "{exit_code}");
        let (harness, _) = tested(exit_code, line).await;
        assert_eq!(measured(&harness), [("manifest", 0.0)], "{exit_code}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_test_measured_is_told_at_a_later_look_too() {
    let harness = Harness::new();
    let said = "\"\",\"coverage\":80,\"paused_seconds\":95}";
    harness.scripts_end_with(0, &GOOD.replace("\"\"}", said));
    let task = Stage::AwaitTest(testing(&harness).await);
    harness.wait(60).await;
    harness.aws.set_datadog_reply(DatadogReply::Never);
    let back = gives_back(harness.poll(&harness.run(), task).await);
    assert_eq!((back.reported, measured(&harness).len()), (false, 0));
    harness.aws.set_datadog_reply(DatadogReply::Normal);
    polls_again(harness.poll(&harness.run(), Stage::Release(back)).await);
    let all = [
        ("coverage", 80.0),
        ("manifest", 0.0),
        ("production_paused_seconds", 95.0),
    ];
    assert_eq!(measured(&harness), all);
}
