//! The fixture that a function is measured on: the account as it is when what the function waits
//! for is there, so that it looks once and hands on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use common::clients::Clients;
use common::event::{
    Attached, Chosen, Envelope, Mounted, Run, Subject, Target, TestVolume, Testing, VolumeCreated,
};
use common::ssm::{self, Progress};
use serde::Serialize;
use serde_json::{Value, json};

use aws_stand_in::instance_host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};
use aws_stand_in::stack::Stack;
use aws_stand_in::template::{Function, TEMPLATE, Template};
use aws_stand_in::{Clock, Tags, Timing};

const DEVICE: &str = "/dev/sdg";
/// What the scripts print at the end: a good backup, read to its end.
const SAID: &str =
    r#"{"valid":true,"checks":56,"tables":4,"rows":100000,"seconds":3,"reason":"","coverage":100}"#;

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
        let template = Template::read(TEMPLATE, &BTreeMap::new())?;
        let stack = Stack::deploy(template, Clock::of_this_machine(), [Duration::ZERO; 2]);
        let mut functions = stack.template.functions.iter();
        let function = functions.find(|function| function.binary == binary);
        let function = function.context("the template has no such function")?;
        let function = function.clone();
        stack.aws.set_timing(|timing| {
            *timing = Timing {
                read_lag: Duration::ZERO,
                creating: Duration::ZERO,
                attaching: Duration::ZERO,
                detaching: Duration::ZERO,
                deleting: Duration::ZERO,
                delivery: Duration::ZERO,
            }
        });
        let instance = &stack.fixture.test_instance_id;
        stack.aws.set_host(instance, Arc::new(AllWell));
        // What is handed on is accepted, and goes nowhere.
        stack.lambda.set_copies(Box::new(|_| Vec::new()));
        let person = stack.aws.sdk_config("a-person");
        let person = Clients::new(&person, stack.aws.datadog_service(), "", BTreeMap::new());
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

/// The event of a run that the function can hand on at once.
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
        "step4-mount" => {
            let device = Some(("device", DEVICE));
            let command_id = command(stack, person, "mount", &run, device).await?;
            let payload = Attached {
                subject,
                volume,
                mount_command_id: Some(command_id),
            };
            written(run, payload)
        }
        "step5-run-test" => {
            command(stack, person, "programs", &run, None).await?;
            let payload = Mounted {
                subject,
                volume,
                mount_command_id: "not-asked-for".to_owned(),
                mount_found_fault: false,
            };
            written(run, payload)
        }
        "step6-await-result" => {
            let snapshot = Some(("snapshotId", subject.snapshot_id.as_str()));
            let test_command_id = command(stack, person, "test", &run, snapshot).await?;
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
    Subject {
        snapshot_id: stack.fixture.snapshot_id.clone(),
        snapshot_started_at: None,
        dev_ib_backup_instance_id: stack.fixture.test_instance_id.clone(),
    }
}

fn volume_of(run: &Run) -> TestVolume {
    TestVolume {
        volume_id: format!("vol-{}", run.run_id.replace('-', "")),
        device: DEVICE.to_owned(),
    }
}

fn written<P: Serialize>(run: Run, payload: P) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(Envelope { run, payload })?)
}

fn add_volume(stack: &Stack, run: &Run, id: &str, attached: Option<(&str, &str)>) {
    let tags = [
        ("IBBackupTest", "True"),
        ("IBBackupRun", &run.run_id),
        ("IBBackupEnvironment", "dev"),
    ];
    let tags: Tags = tags
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    stack.aws.add_volume(id, "us-east-1a", tags, attached);
}

/// Has a person send the document of that purpose, and waits until it has ended.
async fn command(
    stack: &Stack,
    person: &Clients,
    purpose: &'static str,
    run: &Run,
    parameter: Option<(&'static str, &str)>,
) -> anyhow::Result<String> {
    let setting = format!("{}_DOCUMENT", purpose.to_uppercase());
    let mut functions = stack.template.functions.iter();
    let document = functions.find_map(|function| function.environment.get(&setting));
    let document = document.with_context(|| format!("no function has {setting}"))?;
    let instance_id = &stack.fixture.test_instance_id;
    let volume_id = volume_of(run).volume_id;
    let command = ssm::Command {
        document,
        instance_id,
        purpose,
        run_id: &run.run_id,
        parameters: [("runId", run.run_id.as_str()), ("volumeId", &volume_id)]
            .into_iter()
            .chain(parameter)
            .collect(),
    };
    let id = ssm::send_command(&person.ssm, &command).await?;
    loop {
        match ssm::progress(&person.ssm, &id, instance_id, &[purpose])
            .await?
            .1
        {
            Progress::Pending(_) => tokio::task::yield_now().await,
            Progress::Ended(_) => return Ok(id),
            Progress::Lost(why) => anyhow::bail!("{why}"),
        }
    }
}

/// A machine on which every script ends at once and well.
struct AllWell;

impl Host for AllWell {
    fn attached(&self, _: &AttachedVolume) {}

    fn detached(&self, _: &str) {}

    fn in_use(&self, _: &str) -> bool {
        false
    }

    fn run(&self, _: RunCommand) -> BoxFuture<Finished> {
        Box::pin(async {
            Finished {
                exit_code: 0,
                stdout: SAID.to_owned(),
                stderr: String::new(),
            }
        })
    }
}
