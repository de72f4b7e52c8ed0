use common::Kind;
use common::event::Mounted;
use common::ssm::{self, Command};
use common::step::{Step, patience};
use common::time::Timestamp;
use rehearsal::aws::{Document, DocumentParameter, Fault};
use rehearsal::workbench::{self, fails, goes_on};

use crate::RunTest;

type Bench = workbench::Workbench<RunTest>;

const NOTHING: [&str; 0] = [];

async fn mounted(bench: &Bench, mount_found_fault: bool) -> Mounted {
    Mounted {
        volume_id: bench.attached_volume("run-1").await,
        snapshot_id: bench.ids.snapshot_id.clone(),
        snapshot_started_at: Timestamp::parse("2026-03-01T01:30:00.25Z"),
        dev_ib_backup_instance_id: bench.ids.test_instance_id.clone(),
        device: "/dev/sdg".to_owned(),
        mount_command_id: "the-mount-command".to_owned(),
        mount_found_fault,
    }
}

/// Sends the test document as a twin may have done.
async fn send(bench: &Bench, purpose: &'static str, run_id: &str) -> String {
    let command = Command {
        document: &bench.step.document,
        instance_id: &bench.ids.test_instance_id,
        purpose,
        run_id,
        parameters: vec![
            ("runId", run_id),
            ("volumeId", "vol-rehearsal0001"),
            ("snapshotId", &bench.ids.snapshot_id),
        ],
    };
    let sent = ssm::send_command(&bench.person.ssm, &command).await;
    sent.expect("a command can be sent")
}

#[tokio::test(start_paused = true)]
async fn starts_the_test_and_hands_on_its_command() {
    let bench = Bench::new();
    let payload = mounted(&bench, false).await;
    let volume = payload.volume_id.clone();
    let testing = goes_on(bench.look(&bench.run(), payload).await);
    let commands = bench.aws.commands();
    let [command] = commands.as_slice() else {
        panic!("{commands:#?}")
    };
    assert_eq!(testing.test_command_id, command.id);
    assert_eq!(command.comment, "ib-backup test run-1");
    assert_eq!(command.document, bench.step.document);
    for (name, value) in [
        ("runId", "run-1"),
        ("volumeId", volume.as_str()),
        ("snapshotId", bench.ids.snapshot_id.as_str()),
        ("snapshotTime", "2026-03-01T01:30:00.25Z"),
    ] {
        assert_eq!(
            command.parameters.get(name).map(String::as_str),
            Some(value)
        );
    }
    assert_eq!(testing.volume_id, volume);
    assert_eq!(testing.device, "/dev/sdg");
    assert_eq!(bench.done(), ["SendCommand"]);
}

/// A run that is on its way while this release is deployed.
#[tokio::test(start_paused = true)]
async fn a_payload_of_the_release_before_has_its_test_too() {
    let bench = Bench::new();
    let payload = Mounted {
        snapshot_started_at: None,
        ..mounted(&bench, false).await
    };
    goes_on(bench.look(&bench.run(), payload).await);
    let commands = bench.aws.commands();
    assert_eq!(commands[0].parameters["snapshotTime"], "", "the default");
}

/// A test document of one's own that was written before the parameter came.
#[tokio::test(start_paused = true)]
async fn a_document_without_the_parameter_is_refused_by_its_name() {
    let bench = Bench::new();
    let payload = mounted(&bench, false).await;
    bench.aws.add_document(Document {
        name: bench.step.document.clone(),
        parameters: ["runId", "volumeId", "snapshotId"].map(parameter).into(),
        steps: vec!["test".to_owned()],
        script: "true".into(),
        timeout_seconds: "60".to_owned(),
    });
    let error = fails(bench.look(&bench.run(), payload).await).to_string();
    for words in ["\"snapshotTime\" is not defined", "README.md"] {
        assert!(error.contains(words), "{words}: {error}");
    }
}

fn parameter(name: &str) -> DocumentParameter {
    DocumentParameter {
        name: name.to_owned(),
        default: None,
        allowed_pattern: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_finds_the_test_of_the_first() {
    let bench = Bench::new();
    let payload = mounted(&bench, false).await;
    let run = bench.run();
    let first = goes_on(bench.look(&run, payload.clone()).await);
    bench.wait(60).await;
    let second = goes_on(bench.look(&run, payload).await);
    assert_eq!(first, second);
    assert_eq!(bench.done(), ["SendCommand"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_costs_no_second_test() {
    let bench = Bench::new();
    let payload = mounted(&bench, false).await;
    let run = bench.run();
    let mut lost = 0;
    bench.aws.set_faults(Box::new(move |call| {
        let send = call.action == "SendCommand" && lost < 3;
        lost += u32::from(send);
        send.then_some(Fault::Refuse {
            status: 500,
            code: "InternalServerError".to_owned(),
            message: String::new(),
        })
    }));
    let error = fails(bench.look(&run, payload.clone()).await);
    assert_eq!(error.kind(), Kind::AwsUnavailable);
    goes_on(bench.look(&run, payload).await);
    assert_eq!(bench.aws.commands().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_test_of_another_run_and_other_commands_of_this_one_are_not_taken() {
    let bench = Bench::new();
    let payload = mounted(&bench, false).await;
    let run = bench.run();
    let others = [
        send(&bench, "test", "run-10").await,
        send(&bench, "release", "run-1").await,
    ];
    let testing = goes_on(bench.look(&run, payload).await);
    assert!(!others.contains(&testing.test_command_id));
    assert_eq!(bench.done(), ["SendCommand"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_where_the_mount_found_the_fault() {
    let bench = Bench::new();
    let payload = mounted(&bench, true).await;
    let testing = goes_on(bench.look(&bench.run(), payload).await);
    assert_eq!(testing.test_command_id, "the-mount-command");
    assert_eq!(bench.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn it_waits_only_while_systems_manager_is_busy() {
    let bench = Bench::new();
    let payload = mounted(&bench, false).await;
    assert_eq!(bench.step.pace(&payload).at_most, patience::START);
    assert_eq!(bench.step.phase(&payload), None);
    bench.refuse("SendCommand", 400, "ThrottlingException");
    let error = fails(bench.look(&bench.run(), payload).await);
    assert!(error.is_transient(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_error_that_says_what_was_tried() {
    let bench = Bench::new();
    let payload = mounted(&bench, false).await;
    bench.refuse("SendCommand", 400, "AccessDeniedException");
    let error = fails(bench.look(&bench.run(), payload).await);
    assert_eq!(error.kind(), Kind::AccessDenied);
    assert!(
        error.to_string().contains("send the test command"),
        "{error}"
    );
}
