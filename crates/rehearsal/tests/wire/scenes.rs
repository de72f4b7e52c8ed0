//! What a step is at when the wire fails, and which calls it makes then.

use aws_stand_in::stack::Stack;
use aws_stand_in::{TEST_INSTANCE, at_once};
use common::clients::Clients;
use common::ec2::{self, NewVolume, Performance, VolumeTags};
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

    /// The calls that it makes in one poll.
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
        at_once::stack().expect("the template is read")
    }

    /// The event, and what it finds.
    pub async fn event(self, stack: &Stack) -> Value {
        let person = at_once::person(stack);
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
                tags: &VolumeTags::default(),
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
    let more = match purpose {
        "mount" => ("device", "/dev/sdg"),
        _ => ("snapshotId", stack.fixture.snapshot_id.as_str()),
    };
    let parameters = vec![("runId", "run-1"), ("volumeId", VOLUME), more];
    let ended = at_once::ended_command(stack, person, purpose, parameters).await;
    ended.expect("it ends")
}
