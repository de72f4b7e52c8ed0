//! What a step is at when the wire fails, and which calls it makes then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_stand_in::instance_host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};
use aws_stand_in::stack::Stack;
use aws_stand_in::template::{TEMPLATE, Template};
use aws_stand_in::{Clock, TEST_INSTANCE, Timing};
use common::clients::Clients;
use common::ec2::{self, NewVolume, Performance};
use common::ssm::{self, Command, Progress};
use serde_json::{Value, json};

/// The first that the stand-in makes.
const VOLUME: &str = "vol-rehearsal0001";

/// What a step is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    Choose,
    Make,
    Attach,
    Mount,
    AwaitMount,
    StartTest,
    AwaitTest,
    Unmount,
    Detach,
    Delete,
}

impl Scene {
    pub const ALL: [Self; 10] = [
        Self::Choose,
        Self::Make,
        Self::Attach,
        Self::Mount,
        Self::AwaitMount,
        Self::StartTest,
        Self::AwaitTest,
        Self::Unmount,
        Self::Detach,
        Self::Delete,
    ];

    /// The program.
    pub fn binary(self) -> &'static str {
        match self {
            Self::Choose => "step1-snapshot",
            Self::Make => "step2-volume",
            Self::Attach => "step3-attach",
            Self::Mount | Self::AwaitMount => "step4-mount",
            Self::StartTest => "step5-run-test",
            _ => "step6-await-result",
        }
    }

    /// The calls that it makes in one look.
    pub fn calls(self) -> &'static [&'static str] {
        match self {
            Self::Choose => &[
                "DescribeInstances",
                "DescribeSnapshots",
                "GetParameter",
                "SubmitMetrics",
                "DescribeVolumes",
                "Invoke",
            ],
            Self::Make => &[
                "DescribeVolumes",
                "DescribeSnapshots",
                "DescribeInstances",
                "CreateVolume",
            ],
            Self::Attach => &["DescribeVolumes", "AttachVolume", "Invoke"],
            Self::Mount | Self::StartTest => &["ListCommands", "SendCommand"],
            Self::AwaitMount => &["GetCommandInvocation"],
            Self::AwaitTest => &[
                "GetCommandInvocation",
                "ListCommands",
                "DescribeVolumes",
                "DescribeSnapshots",
                "CreateTags",
                "GetParameter",
                "SubmitMetrics",
            ],
            Self::Unmount => &["DescribeVolumes", "DescribeInstances", "SendCommand"],
            Self::Detach => &["DetachVolume"],
            Self::Delete => &["DescribeVolumes", "DeleteVolume"],
        }
    }

    /// The account, in which all is well.
    pub fn stack() -> Stack {
        let template = Template::read(TEMPLATE, &BTreeMap::new()).expect("the template is read");
        let stack = Stack::deploy(template, Clock::of_this_machine(), [Duration::ZERO; 2]);
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
        stack
            .aws
            .set_host(&stack.fixture.test_instance_id, Arc::new(AllWell));
        stack.lambda.set_copies(Box::new(|_| Vec::new()));
        stack
    }

    /// The event, and what it finds.
    pub async fn event(self, stack: &Stack) -> Value {
        let person = stack.aws.sdk_config("a-person");
        let person = Clients::new(&person, stack.aws.datadog_service(), "", BTreeMap::new());
        let instance = stack.fixture.test_instance_id.as_str();
        let attached = !matches!(self, Self::Attach | Self::Delete);
        if !matches!(self, Self::Choose | Self::Make) {
            let new = NewVolume {
                run_id: "run-1",
                snapshot_id: &stack.fixture.snapshot_id,
                zone: "us-east-1a",
                test_instance_name: TEST_INSTANCE,
                environment: "dev",
                performance: &Performance::default(),
            };
            let made = ec2::create(&person.ec2, &new).await;
            assert_eq!(made.expect("it is made"), VOLUME);
            if attached {
                let asked = ec2::attach(&person.ec2, VOLUME, instance, "/dev/sdg").await;
                asked.expect("it is attached");
            }
        }
        let run = json!({
            "run_id": "run-1",
            "started_at": person.clock.now(),
            "iteration_count": 0,
            "snapshot_id": stack.fixture.snapshot_id,
            "dev_ib_backup_instance_id": instance,
            "volume_id": VOLUME,
            "device": "/dev/sdg",
        });
        let more = match self {
            Self::Choose => return json!({}),
            Self::Make | Self::Attach | Self::Mount => json!({}),
            Self::AwaitMount => json!({"mount_command_id": ended(stack, &person, "mount").await}),
            Self::StartTest => json!({"mount_command_id": "c-1", "mount_found_fault": false}),
            Self::AwaitTest => json!({"test_command_id": ended(stack, &person, "test").await}),
            Self::Unmount => json!({"because": "leftover"}),
            Self::Detach | Self::Delete => json!({"because": "leftover", "unmounted": true}),
        };
        let mut event = run;
        let fields = event.as_object_mut().expect("it is an object");
        fields.extend(more.as_object().cloned().unwrap_or_default());
        event
    }
}

/// A command of the run that has ended well.
async fn ended(stack: &Stack, person: &Clients, purpose: &'static str) -> String {
    let setting = format!("{}_DOCUMENT", purpose.to_uppercase());
    let mut functions = stack.template.functions.iter();
    let document = functions.find_map(|function| function.environment.get(&setting));
    let more = match purpose {
        "mount" => ("device", "/dev/sdg"),
        _ => ("snapshotId", stack.fixture.snapshot_id.as_str()),
    };
    let instance_id = &stack.fixture.test_instance_id;
    let command = Command {
        document: document.expect("a function has it"),
        instance_id,
        purpose,
        run_id: "run-1",
        parameters: vec![("runId", "run-1"), ("volumeId", VOLUME), more],
    };
    let id = ssm::send_command(&person.ssm, &command)
        .await
        .expect("it is sent");
    loop {
        let told = ssm::progress(&person.ssm, &id, instance_id, &[purpose]).await;
        match told.expect("it is known").1 {
            Progress::Pending(_) => tokio::task::yield_now().await,
            Progress::Ended(_) => return id,
            Progress::Lost(why) => panic!("{why}"),
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
        let said = r#"{"valid":true,"checks":56,"tables":4,"rows":100000,"seconds":3,"reason":""}"#;
        Box::pin(async move {
            Finished {
                exit_code: 0,
                stdout: said.to_owned(),
                stderr: String::new(),
            }
        })
    }
}
