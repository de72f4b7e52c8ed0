use std::time::Duration;

use aws_stand_in::simulated_host::Backup;
use aws_stand_in::step_harness::{self, fails, goes_on, later, polls_again};
use aws_stand_in::{AgentReport, Document};
use common::Kind;
use common::event::{Attached, Subject, TestVolume};
use common::ssm::{self, Command};

use crate::Mount;

type Harness = step_harness::StepHarness<Mount>;

const NOTHING: [&str; 0] = [];

async fn attached(harness: &Harness) -> Attached {
    Attached {
        volume: TestVolume::new(&harness.attached_volume("run-1").await, "/dev/sdg"),
        subject: Subject {
            snapshot_id: harness.ids.snapshot_id.clone(),
            snapshot_started_at: Some(harness.run().started_at),
            dev_ib_backup_instance_id: harness.ids.test_instance_id.clone(),
        },
        mount_command_id: None,
    }
}

/// Sends the mount document as somebody else, or an earlier look, may have done.
async fn send(harness: &Harness, purpose: &'static str, run_id: &str) -> String {
    let command = Command {
        document: &harness.step.document,
        instance_id: &harness.ids.test_instance_id,
        purpose,
        run_id,
        parameters: vec![
            ("runId", run_id),
            ("volumeId", "vol-rehearsal0001"),
            ("device", "/dev/sdg"),
        ],
        log_group: None,
    };
    let sent = ssm::send_command(&harness.person.ssm, &command).await;
    sent.expect("a command can be sent")
}

/// Looks once, so that the command is sent, and lets it run.
async fn sent(harness: &Harness) -> Attached {
    let payload = attached(harness).await;
    let (_, payload) = polls_again(harness.poll(&harness.run(), payload).await);
    harness.wait(60).await;
    payload
}

#[tokio::test(start_paused = true)]
async fn sends_the_command_once_and_carries_its_id() {
    let harness = Harness::new();
    let payload = attached(&harness).await;
    let run = harness.run();
    let (why, payload) = polls_again(harness.poll(&run, payload).await);
    let commands = harness.aws.commands();
    let [command] = commands.as_slice() else {
        panic!("{commands:#?}")
    };
    assert_eq!(payload.mount_command_id.as_ref(), Some(&command.id));
    assert!(why.contains(&command.id), "{why}");
    assert_eq!(command.comment, "ib-backup mount run-1");
    assert_eq!(command.document, harness.step.document);
    assert_eq!(command.instance_id, harness.ids.test_instance_id);
    for (name, value) in [
        ("runId", "run-1"),
        ("volumeId", payload.volume.volume_id.as_str()),
        ("device", "/dev/sdg"),
    ] {
        assert_eq!(
            command.parameters.get(name).map(String::as_str),
            Some(value)
        );
    }
    // It has 20 s of work.
    let (_, payload) = polls_again(harness.poll(&later(&run, 1), payload).await);
    harness.wait(30).await;
    let mounted = goes_on(harness.poll(&later(&run, 2), payload).await);
    assert_eq!(mounted.mount_command_id, command.id);
    assert!(!mounted.mount_found_fault);
    assert_eq!(harness.host.mounted(), Some(mounted.volume.volume_id));
    assert_eq!(harness.done(), ["SendCommand"]);
}

#[tokio::test(start_paused = true)]
async fn a_command_of_a_twin_is_found_by_its_comment() {
    let harness = Harness::new();
    let payload = attached(&harness).await;
    let run = harness.run();
    let id = send(&harness, "mount", "run-1").await;
    // Newer ones stand before it in the list, and fill its first pages.
    harness.aws.set_page_size(1);
    send(&harness, "mount", "run-2").await;
    send(&harness, "release", "run-1").await;
    let (_, payload) = polls_again(harness.poll(&run, payload).await);
    assert_eq!(payload.mount_command_id, Some(id));
    assert_eq!(harness.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_command_of_another_run_or_purpose_is_not_taken() {
    let harness = Harness::new();
    let payload = attached(&harness).await;
    let run = harness.run();
    let others = [
        send(&harness, "mount", "run-10").await,
        send(&harness, "mount", "run-2").await,
        send(&harness, "test", "run-1").await,
    ];
    let (_, payload) = polls_again(harness.poll(&run, payload).await);
    let id = payload.mount_command_id.expect("a command");
    assert!(!others.contains(&id), "{id} is of {others:?}");
    assert_eq!(harness.done(), ["SendCommand"]);
}

#[tokio::test(start_paused = true)]
async fn field_case_44_a_command_that_is_not_yet_visible_is_waited_for() {
    let harness = Harness::new();
    let payload = attached(&harness).await;
    let lag = Duration::from_secs(50);
    harness.aws.set_timing(|timing| timing.read_lag = lag);
    let run = harness.run();
    let (_, payload) = polls_again(harness.poll(&run, payload).await);
    harness.wait(30).await;
    let (why, payload) = polls_again(harness.poll(&later(&run, 1), payload).await);
    assert!(why.contains("not yet visible"), "{why}");
    let asked = harness.asked("GetCommandInvocation");
    assert!(asked[0].outcome.contains("InvocationDoesNotExist"));
    harness.wait(30).await;
    goes_on(harness.poll(&later(&run, 2), payload).await);
    assert_eq!(harness.done(), ["SendCommand"]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_system_goes_on_as_a_fault() {
    let harness = Harness::new();
    let snapshot = &harness.ids.snapshot_id;
    harness.host.set_backup(snapshot, Backup::BrokenFilesystem);
    let payload = sent(&harness).await;
    let id = payload.mount_command_id.clone();
    let mounted = goes_on(harness.poll(&later(&harness.run(), 1), payload).await);
    assert!(mounted.mount_found_fault);
    assert_eq!(Some(mounted.mount_command_id), id);
}

#[tokio::test(start_paused = true)]
async fn seventy_five_could_not_be_checked() {
    let harness = Harness::new();
    harness.scripts_end_with(
        75,
        r#"{"valid":null,"checks":0,"tables":0,"rows":0,"seconds":1,"reason":"no device"}"#,
    );
    let payload = sent(&harness).await;
    let error = fails(harness.poll(&later(&harness.run(), 1), payload).await);
    assert_eq!(error.kind(), Kind::HostFailed);
    assert!(error.to_string().contains("no device"), "{error}");
}

/// Looks at a mount of which the agent reports this instead of what the script ended with.
async fn reported(report: AgentReport) -> common::Error {
    let harness = Harness::new();
    harness.aws.set_agent_report(Some(report));
    let payload = sent(&harness).await;
    let error = fails(harness.poll(&later(&harness.run(), 1), payload).await);
    assert_eq!(error.kind(), Kind::HostFailed, "{error}");
    error
}

/// Cases 1 to 3, 38, 40, 41 and 47 of the field: none of them speaks of the file system.
#[tokio::test(start_paused = true)]
async fn field_cases_1_2_3_38_40_41_47_what_the_agent_reports_is_no_broken_file_system() {
    for (report, named) in [
        (AgentReport::NoSpace, "no space left on device"),
        (AgentReport::NoMemory, "cannot allocate memory"),
        (AgentReport::NoExec, "Permission denied"),
        (AgentReport::NoInterpreter, "_script.sh: not found"),
        (AgentReport::Restart, "194"),
        (AgentReport::WorkerDied, "document worker timed out"),
        (AgentReport::Skipped, "unsupported plugin"),
        (AgentReport::OutputCut, "does not end in the JSON line"),
    ] {
        let error = reported(report).await;
        assert!(error.to_string().contains(named), "{report:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exit_code_without_its_last_line_is_no_broken_file_system() {
    for exit_code in [0, 1, 2, 32, 126, 127, 255] {
        let harness = Harness::new();
        harness.scripts_end_with(exit_code, "");
        let payload = sent(&harness).await;
        let error = fails(harness.poll(&later(&harness.run(), 1), payload).await);
        assert_eq!(error.kind(), Kind::HostFailed, "{exit_code}");
        let said = format!("exited with {exit_code}");
        assert!(error.to_string().contains(&said), "{error}");
    }
}

/// Case 46 of the field: at each call, with what to look at.
#[tokio::test(start_paused = true)]
async fn field_case_46_an_instance_that_ssm_does_not_know_has_its_advice_at_each_call() {
    for action in ["ListCommands", "SendCommand", "GetCommandInvocation"] {
        let harness = Harness::new();
        let mut payload = attached(&harness).await;
        if action == "GetCommandInvocation" {
            payload = polls_again(harness.poll(&harness.run(), payload).await).1;
        }
        harness.refuse(action, 400, "InvalidInstanceId");
        let error = fails(harness.poll(&harness.run(), payload).await);
        assert_eq!(error.kind(), Kind::HostFailed, "{action}");
        assert!(error.to_string().contains("SSM agent"), "{action}: {error}");
        assert!(error.to_string().contains("tried to"), "{action}: {error}");
    }
}

/// Finding 6 of AWS: a document of one's own may have several steps, one of them `mount`.
#[tokio::test(start_paused = true)]
async fn aws_finding_6_of_several_steps_the_one_named_mount_is_asked_for() {
    let looked = async |steps: [&str; 2]| {
        let harness = Harness::new();
        let own = harness.aws.document(&harness.step.document);
        harness.aws.add_document(Document {
            steps: steps.map(str::to_owned).into(),
            ..own.expect("the stack's own document")
        });
        let payload = sent(&harness).await;
        harness.poll(&later(&harness.run(), 1), payload).await
    };
    let mounted = goes_on(looked(["prepare", "mount"]).await);
    assert!(!mounted.mount_found_fault);
    let error = fails(looked(["prepare", "attach"]).await);
    assert_eq!(error.kind(), Kind::HostFailed, "{error}");
    assert!(
        error.to_string().contains("none is named `mount`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_command_that_never_ran_to_its_end_says_nothing_of_the_backup() {
    let lost = async |meddle: fn(&Harness), seconds| {
        let harness = Harness::new();
        let payload = attached(&harness).await;
        let volume = payload.volume.volume_id.clone();
        let (_, payload) = polls_again(harness.poll(&harness.run(), payload).await);
        meddle(&harness);
        harness.wait(seconds).await;
        let error = fails(harness.poll(&later(&harness.run(), 1), payload).await);
        assert_eq!(error.kind(), Kind::HostFailed);
        assert!(error.to_string().contains(&volume), "{error}");
        error.to_string()
    };
    let silent = |harness: &Harness| {
        harness.aws.set_agent(&harness.ids.test_instance_id, false);
    };
    let said = lost(silent, 601).await;
    assert!(said.contains("the SSM agent"), "{said}");
    let cancelled = |harness: &Harness| {
        harness.aws.cancel_by_hand(&harness.aws.commands()[0].id);
    };
    let said = lost(cancelled, 5).await;
    assert!(said.contains("Cancelled"), "{said}");
}

/// Case 39 of the field: SSM reports a script that the kernel killed as out of time.
#[tokio::test(start_paused = true)]
async fn field_case_39_a_killed_script_says_nothing_of_the_backup() {
    let harness = Harness::new();
    harness.scripts_end_with(137, "");
    let payload = sent(&harness).await;
    let error = fails(harness.poll(&later(&harness.run(), 1), payload).await);
    assert_eq!(error.kind(), Kind::HostFailed);
    for named in ["ExecutionTimedOut", "137", "memory"] {
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_ssm_does_not_reach_is_named() {
    let harness = Harness::new();
    let payload = attached(&harness).await;
    harness.aws.stop_instance(&harness.ids.test_instance_id);
    let error = fails(harness.poll(&harness.run(), payload).await);
    assert_eq!(error.kind(), Kind::HostFailed);
    let named = &harness.ids.test_instance_id;
    assert!(error.to_string().contains(named), "{error}");
}
