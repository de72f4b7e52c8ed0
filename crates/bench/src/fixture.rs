//! The fixture for measuring a function: an account in which the function finds its resource ready,
//! so that it polls once and invokes the next.

use anyhow::Context as _;
use common::clients::Clients;
use common::ec2::{self, NewVolume, Performance, VolumeTags};
use common::event::{
    Attached, Chosen, Envelope, Mounted, Run, Subject, Target, TestVolume, Testing, VolumeCreated,
};
use serde::Serialize;
use serde_json::{Value, json};

use aws_stand_in::stack::Stack;
use aws_stand_in::template::Function;
use aws_stand_in::{TEST_INSTANCE, Tags, at_once};

const DEVICE: &str = "/dev/sdg";
const ENVIRONMENT: &str = "dev";
const ZONE: &str = "us-east-1a";

/// A stack, and one event for each invocation of a function.
pub(super) struct FunctionFixture {
    pub stack: Stack,
    pub function: Function,
    pub events: Vec<Value>,
}

impl FunctionFixture {
    /// For that many invocations of the function whose program is `binary`. Each is of a run of
    /// its own, so that the last does what the first did.
    pub async fn of(binary: &str, invocations: usize) -> anyhow::Result<Self> {
        let stack = at_once::stack()?;
        let mut functions = stack.template.functions.iter();
        let function = functions.find(|function| function.binary == binary);
        let function = function.context("the template has no such function")?;
        let function = function.clone();
        let person = at_once::person(&stack);
        let mut events = Vec::new();
        for number in 0..invocations {
            let run = Run::begin(
                &format!("run-{number}"),
                person.clock.now(),
                Target::default(),
            );
            events.push(event(&stack, &function, &person, run).await?);
        }
        Ok(Self {
            stack,
            function,
            events,
        })
    }
}

/// An event with which the function can invoke the next one at once.
async fn event(
    stack: &Stack,
    function: &Function,
    person: &Clients,
    run: Run,
) -> anyhow::Result<Value> {
    let (subject, volume) = (subject(stack), volume_of(&run));
    let volume_id = volume.volume_id.clone();
    match function.binary.as_str() {
        "step1-snapshot" => Ok(json!({})),
        "step2-volume" => {
            add_volume(stack, &run, &volume_id, None);
            let payload = Chosen {
                subject,
                older_backup: false,
            };
            written(run, payload)
        }
        "step3-attach" => {
            let attached = Some((subject.dev_ib_backup_instance_id.as_str(), DEVICE));
            add_volume(stack, &run, &volume_id, attached);
            let payload = VolumeCreated {
                subject,
                volume_id,
                volume_performance: None,
            };
            written(run, payload)
        }
        _ => event_after_command(stack, function, person, run).await,
    }
}

/// The same for a step that polls a command of its run.
async fn event_after_command(
    stack: &Stack,
    function: &Function,
    person: &Clients,
    run: Run,
) -> anyhow::Result<Value> {
    let (subject, volume) = (subject(stack), volume_of(&run));
    match function.binary.as_str() {
        "step4-mount" => {
            let device = Some(("device", DEVICE));
            let command_id = command(stack, person, "mount", &run, &volume, device).await?;
            let payload = Attached {
                subject,
                volume,
                mount_command_id: Some(command_id),
            };
            written(run, payload)
        }
        "step5-run-test" => {
            command(stack, person, "programs", &run, &volume, None).await?;
            let payload = Mounted {
                subject,
                volume,
                mount_command_id: "not-asked-for".to_owned(),
                mount_found_fault: false,
            };
            written(run, payload)
        }
        "step6-await-result" => {
            // The verdict's evidence: the command, and which snapshot its volume is of.
            let snapshot_id = subject.snapshot_id.as_str();
            let volume_id = volume_made_of(snapshot_id, person, &run).await?;
            let volume = TestVolume::new(&volume_id, DEVICE);
            let snapshot = Some(("snapshotId", snapshot_id));
            let test_command_id = command(stack, person, "test", &run, &volume, snapshot).await?;
            let payload = Testing {
                subject,
                volume,
                test_command_id,
            };
            written(run, payload)
        }
        other => anyhow::bail!("{other} is no step"),
    }
}

fn subject(stack: &Stack) -> Subject {
    let fixture = &stack.fixture;
    Subject::new(&fixture.snapshot_id, &fixture.test_instance_id)
}

fn volume_of(run: &Run) -> TestVolume {
    TestVolume::new(&format!("vol-{}", run.run_id.replace('-', "")), DEVICE)
}

fn written<P: Serialize>(run: Run, payload: P) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(Envelope { run, payload })?)
}

fn add_volume(stack: &Stack, run: &Run, id: &str, attached: Option<(&str, &str)>) {
    let tags = [
        ("IBBackupTest", "True"),
        ("IBBackupRun", &run.run_id),
        ("IBBackupEnvironment", ENVIRONMENT),
    ];
    let tags: Tags = tags
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    stack.aws.add_volume(id, ZONE, tags, attached);
}

/// Has a person create the run's volume from the snapshot: its id.
async fn volume_made_of(snapshot_id: &str, person: &Clients, run: &Run) -> anyhow::Result<String> {
    let new = NewVolume {
        run_id: &run.run_id,
        snapshot_id,
        zone: ZONE,
        test_instance_name: TEST_INSTANCE,
        environment: ENVIRONMENT,
        performance: &Performance::default(),
        tags: &VolumeTags::default(),
    };
    Ok(ec2::create(&person.ec2, &new).await?)
}

/// Has a person send the document of that purpose, and waits until it has ended.
async fn command(
    stack: &Stack,
    person: &Clients,
    purpose: &'static str,
    run: &Run,
    volume: &TestVolume,
    parameter: Option<(&'static str, &str)>,
) -> anyhow::Result<String> {
    let mut parameters = vec![
        ("runId", run.run_id.as_str()),
        ("volumeId", &volume.volume_id),
    ];
    parameters.extend(parameter);
    at_once::ended_command(stack, person, purpose, parameters).await
}
