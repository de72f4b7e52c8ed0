use aws_stand_in::step_harness::{self, fails, goes_on, later, polls_again};
use aws_stand_in::{Document, DocumentParameter, Fault};
use common::Kind;
use common::event::{Mounted, Run, Subject, TestVolume};
use common::polling::limits;
use common::ssm::{self, Command};
use common::step::Step;
use common::time::Timestamp;

use crate::RunTest;

type Harness = step_harness::StepHarness<RunTest>;

const NOTHING: [&str; 0] = [];

/// A run that began before the programs were put on the instance.
fn run(harness: &Harness) -> Run {
    let started_at = Timestamp::parse("2026-03-01T01:30:00Z").expect("a time");
    Run {
        started_at,
        ..harness.run()
    }
}

/// A mounted volume, and the test's programs on the instance.
async fn mounted(harness: &Harness, mount_found_fault: bool) -> Mounted {
    let payload = without_programs(harness, mount_found_fault).await;
    let programs = harness.step.programs.clone().expect("a document");
    send(harness, &programs, "programs", "run-1").await;
    harness.wait(60).await;
    payload
}

async fn without_programs(harness: &Harness, mount_found_fault: bool) -> Mounted {
    Mounted {
        volume: TestVolume::new(&harness.attached_volume("run-1").await, "/dev/sdg"),
        subject: Subject {
            snapshot_id: harness.ids.snapshot_id.clone(),
            snapshot_started_at: Timestamp::parse("2026-03-01T01:30:00.25Z"),
            dev_ib_backup_instance_id: harness.ids.test_instance_id.clone(),
        },
        mount_command_id: "the-mount-command".to_owned(),
        mount_found_fault,
    }
}

/// Sends a document as a second delivery may have done.
async fn send(harness: &Harness, document: &str, purpose: &'static str, run_id: &str) -> String {
    let mut parameters = vec![("runId", run_id), ("volumeId", "vol-rehearsal0001")];
    if document == harness.step.document {
        parameters.push(("snapshotId", &harness.ids.snapshot_id));
    }
    let command = Command {
        document,
        instance_id: &harness.ids.test_instance_id,
        purpose,
        run_id,
        parameters,
        log_group: None,
    };
    let sent = ssm::send_command(&harness.person.ssm, &command).await;
    sent.expect("a command can be sent")
}

#[tokio::test(start_paused = true)]
async fn starts_the_test_and_hands_on_its_command() {
    let harness = Harness::new();
    let payload = mounted(&harness, false).await;
    let volume = payload.volume.volume_id.clone();
    let testing = goes_on(harness.poll(&run(&harness), payload).await);
    let commands = harness.aws.commands();
    let [_, command] = commands.as_slice() else {
        panic!("{commands:#?}")
    };
    assert_eq!(testing.test_command_id, command.id);
    assert_eq!(command.comment, "ib-backup test run-1");
    assert_eq!(command.document, harness.step.document);
    for (name, value) in [
        ("runId", "run-1"),
        ("volumeId", volume.as_str()),
        ("snapshotId", harness.ids.snapshot_id.as_str()),
        ("snapshotTime", "2026-03-01T01:30:00.25Z"),
    ] {
        assert_eq!(
            command.parameters.get(name).map(String::as_str),
            Some(value)
        );
    }
    assert_eq!(testing.volume.volume_id, volume);
    assert_eq!(testing.volume.device, "/dev/sdg");
    assert_eq!(harness.done(), ["SendCommand"]);
}

/// A run that is on its way while this release is deployed.
#[tokio::test(start_paused = true)]
async fn a_payload_of_the_release_before_has_its_test_too() {
    let harness = Harness::new();
    let mut payload = mounted(&harness, false).await;
    payload.subject.snapshot_started_at = None;
    goes_on(harness.poll(&run(&harness), payload).await);
    let commands = harness.aws.commands();
    assert_eq!(commands[1].parameters["snapshotTime"], "", "the default");
}

/// A test document of one's own that was written before the parameter came.
#[tokio::test(start_paused = true)]
async fn a_document_without_the_parameter_is_refused_by_its_name() {
    let harness = Harness::new();
    let payload = mounted(&harness, false).await;
    harness.aws.add_document(Document {
        name: harness.step.document.clone(),
        parameters: ["runId", "volumeId", "snapshotId"].map(parameter).into(),
        steps: vec!["test".to_owned()],
        script: "true".into(),
        timeout_seconds: "60".to_owned(),
    });
    let error = fails(harness.poll(&run(&harness), payload).await).to_string();
    for words in ["\"snapshotTime\" is not defined", "docs/documents.md"] {
        assert!(error.contains(words), "{words}: {error}");
    }
}

fn parameter(name: &str) -> DocumentParameter {
    DocumentParameter {
        name: name.to_owned(),
        default: None,
        allowed_pattern: None,
        allowed_values: Vec::new(),
        env_var: true,
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_finds_the_test_of_the_first() {
    let harness = Harness::new();
    let payload = mounted(&harness, false).await;
    let run = run(&harness);
    let first = goes_on(harness.poll(&run, payload.clone()).await);
    harness.wait(60).await;
    let second = goes_on(harness.poll(&run, payload).await);
    assert_eq!(first, second);
    assert_eq!(harness.done(), ["SendCommand"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_costs_no_second_test() {
    let harness = Harness::new();
    let payload = mounted(&harness, false).await;
    let run = run(&harness);
    let mut lost = 0;
    harness.aws.set_faults(Box::new(move |call| {
        let send = call.action == "SendCommand" && lost < 3;
        lost += u32::from(send);
        send.then_some(Fault::Refuse {
            status: 500,
            code: "InternalServerError".to_owned(),
            message: String::new(),
        })
    }));
    let error = fails(harness.poll(&run, payload.clone()).await);
    assert_eq!(error.kind(), Kind::AwsUnavailable);
    goes_on(harness.poll(&run, payload).await);
    assert_eq!(harness.aws.commands().len(), 2, "the programs and one test");
}

#[tokio::test(start_paused = true)]
async fn the_test_of_another_run_and_other_commands_of_this_one_are_not_taken() {
    let harness = Harness::new();
    let payload = mounted(&harness, false).await;
    let run = run(&harness);
    let document = &harness.step.document;
    let others = [
        send(&harness, document, "test", "run-10").await,
        send(&harness, document, "release", "run-1").await,
    ];
    let testing = goes_on(harness.poll(&run, payload).await);
    assert!(!others.contains(&testing.test_command_id));
    assert_eq!(harness.done(), ["SendCommand"]);
}

#[tokio::test(start_paused = true)]
async fn the_programs_are_on_the_instance_before_the_test_is_sent() {
    let harness = Harness::new();
    let payload = without_programs(&harness, false).await;
    let run = run(&harness);
    let (why, payload) = polls_again(harness.poll(&run, payload).await);
    let commands = harness.aws.commands();
    let [programs] = commands.as_slice() else {
        panic!("{commands:#?}")
    };
    assert!(why.contains(&programs.id), "{why}");
    assert_eq!(programs.comment, "ib-backup programs run-1");
    assert_eq!(Some(&programs.document), harness.step.programs.as_ref());
    assert_eq!(programs.parameters["volumeId"], payload.volume.volume_id);
    harness.wait(60).await;
    let testing = goes_on(harness.poll(&later(&run, 1), payload).await);
    assert_eq!(testing.test_command_id, harness.aws.commands()[1].id);
    assert_eq!(harness.done(), ["SendCommand", "SendCommand"]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_cannot_take_the_programs_gets_no_test() {
    for (code, line) in [
        (
            75,
            r#"{"valid":null,"checks":0,"tables":0,"rows":0,"seconds":0,"reason":"cannot write"}"#,
        ),
        (
            1,
            r#"{"valid":false,"checks":1,"tables":0,"rows":0,"seconds":0,"reason":"cannot write"}"#,
        ),
    ] {
        let harness = Harness::new();
        harness.scripts_end_with(code, line);
        let payload = without_programs(&harness, false).await;
        let run = run(&harness);
        let (_, payload) = polls_again(harness.poll(&run, payload).await);
        harness.wait(60).await;
        let error = fails(harness.poll(&later(&run, 1), payload).await);
        assert_eq!(error.kind(), Kind::HostFailed);
        assert!(harness.aws.commands().len() == 1, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_document_of_ones_own_needs_no_programs() {
    let mut harness = Harness::new();
    harness.step.programs = None;
    let payload = without_programs(&harness, false).await;
    goes_on(harness.poll(&run(&harness), payload).await);
    assert_eq!(harness.done(), ["SendCommand"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_where_the_mount_found_the_fault() {
    let harness = Harness::new();
    let payload = mounted(&harness, true).await;
    let testing = goes_on(harness.poll(&run(&harness), payload).await);
    assert_eq!(testing.test_command_id, "the-mount-command");
    assert_eq!(harness.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn it_waits_only_while_systems_manager_is_busy() {
    let harness = Harness::new();
    let payload = mounted(&harness, false).await;
    assert_eq!(harness.step.polling(&payload).give_up_after, limits::START);
    assert_eq!(harness.step.phase(&payload), None);
    harness.refuse("SendCommand", 400, "ThrottlingException");
    let error = fails(harness.poll(&run(&harness), payload).await);
    assert!(error.is_transient(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_error_that_says_what_was_tried() {
    let harness = Harness::new();
    let payload = mounted(&harness, false).await;
    harness.refuse("SendCommand", 400, "AccessDeniedException");
    let error = fails(harness.poll(&run(&harness), payload).await);
    assert_eq!(error.kind(), Kind::AccessDenied);
    assert!(
        error.to_string().contains("send the test command"),
        "{error}"
    );
}
