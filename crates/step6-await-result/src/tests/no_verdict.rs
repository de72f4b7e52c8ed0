//! What a command may end with that says nothing of the backup.

use aws_stand_in::AgentReport;
use common::event::Run;

use super::verdict::{failure, gives_back, tested};
use super::{BAD, GOOD, Harness, NOTHING, testing};
use crate::Stage;

/// A look at a test of which the agent reports this instead of what the script ended with.
async fn reported(report: AgentReport, canary: bool) -> String {
    let harness = Harness::new();
    harness.aws.set_agent_report(Some(report));
    harness.scripts_end_with(1, &format!("FAIL x\n{BAD}\n"));
    let task = Stage::AwaitTest(if canary {
        super::canary(&harness).await
    } else {
        testing(&harness).await
    });
    harness.wait(60).await;
    let run = Run {
        canary,
        ..harness.run()
    };
    let error = failure(gives_back(harness.poll(&run, task).await));
    assert_eq!(harness.done(), NOTHING, "{report:?}");
    assert!(error.starts_with("HostFailed: "), "{report:?}: {error}");
    error
}

/// Cases 1 to 3, 38, 40, 41 and 47 of the field: no tag, no metric, the agent's words, what to do.
#[tokio::test(start_paused = true)]
async fn field_cases_1_2_3_38_40_41_47_what_the_agent_reports_is_no_verdict() {
    for (report, named) in [
        (AgentReport::NoSpace, "no space left on device"),
        (AgentReport::NoMemory, "cannot allocate memory"),
        (AgentReport::NoExec, "noexec"),
        (AgentReport::NoInterpreter, "bash"),
        (AgentReport::Restart, "restart the instance"),
        (AgentReport::WorkerDied, "document worker timed out"),
        (AgentReport::Skipped, "unsupported plugin"),
        (AgentReport::OutputCut, "does not end in the JSON line"),
    ] {
        let error = reported(report, false).await;
        assert!(error.contains(named), "{report:?}: {error}");
    }
}

/// Finding 1 of AWS: nor has the test caught the damage that was done on purpose.
#[tokio::test(start_paused = true)]
async fn aws_finding_1_what_the_agent_reports_catches_no_canary() {
    for report in AgentReport::ALL {
        reported(report, true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_of_the_backup_is_no_verdict() {
    for (exit_code, stdout, named) in [
        (75, GOOD.replace("\"\"", "\"no space\""), "no space"),
        (0, String::new(), "it printed nothing"),
        (
            0,
            GOOD.replace("\"tables\":2", "\"tables\":0"),
            "exited with 0",
        ),
        (137, GOOD.to_owned(), "exit code 137: it was killed"),
    ] {
        let (harness, back) = tested(exit_code, &stdout).await;
        let error = failure(back);
        assert!(error.contains(named), "{error}");
        assert_eq!(harness.done(), NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn field_case_43_a_test_that_ssm_lost_is_no_verdict() {
    let lost = async |meddle: fn(&Harness), seconds| {
        let harness = Harness::new();
        let task = Stage::AwaitTest(testing(&harness).await);
        meddle(&harness);
        harness.wait(seconds).await;
        let back = gives_back(harness.poll(&harness.run(), task).await);
        assert_eq!(harness.done(), NOTHING);
        failure(back)
    };
    let cancelled = |harness: &Harness| harness.aws.cancel_by_hand(&harness.aws.commands()[0].id);
    let silent = |harness: &Harness| harness.aws.set_agent(&harness.ids.test_instance_id, false);
    let gone = |harness: &Harness| {
        harness
            .aws
            .terminate_instance(&harness.ids.test_instance_id);
    };
    for (error, named) in [
        (lost(cancelled, 5).await, "Cancelled"),
        (lost(silent, 601).await, "DeliveryTimedOut"),
        (lost(gone, 5).await, "Undeliverable"),
    ] {
        assert!(error.contains("the test has no result"), "{error}");
        assert!(error.contains(named), "{error}");
    }
}
