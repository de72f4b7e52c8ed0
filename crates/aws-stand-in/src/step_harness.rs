//! One function on the stack of an ordinary run, for the unit tests of the steps: it polls
//! once at a time, and its calls are read afterwards.

mod outcome;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use common::Result;
use common::clients::Clients;
use common::ec2::{self, NewVolume, Performance, VolumeTags};
use common::event::{Envelope, Run, Target};
use common::reply::Reply;
use common::runner;
use common::ssm::{self, Command};
use common::step::{Invocation, Outcome, Step};
use serde_json::Value;

use crate::in_memory::{CycleBreaker, InMemory};
use crate::instance_host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};
use crate::lambda::access_key;
use crate::simulated_host::SimulatedHost;
use crate::stack::Stack;
use crate::{Aws, CallRecord, Fault, TEST_INSTANCE, Tags};

pub use outcome::{
    busy_until_now, ends, fails, goes_on, has_ended_already, later, polls_again, waits_out,
};

/// The function of step `S`, and a person beside it who may do everything.
pub struct StepHarness<S> {
    /// The stack.
    pub stack: Stack,
    /// The test instance.
    pub host: SimulatedHost,
    /// The account.
    pub aws: Aws,
    /// Who is who in it.
    pub ids: crate::Fixture,
    /// The step as its function builds it.
    pub step: S,
    /// The clients of the person.
    pub person: Clients,
    clients: Clients,
    _cycle_breaker: CycleBreaker,
}

impl<S: Step> StepHarness<S> {
    /// The step with the settings and the role that `template.yaml` gives its function. Its
    /// invocations are accepted and not run.
    ///
    /// # Panics
    /// Where the template has no function for the step.
    #[must_use]
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// The same of a stack with these parameters.
    ///
    /// # Panics
    /// Where the template has no function for the step, or refuses the parameters.
    #[must_use]
    pub fn with(parameters: &[(&str, &str)]) -> Self {
        let InMemory {
            stack,
            host,
            cycle_breaker,
        } = InMemory::deploy(parameters, |_| ());
        let functions = &stack.template.functions;
        let function = functions
            .iter()
            .find(|function| function.name.ends_with(S::NAME))
            .expect("the template has a function for each step");
        let aws = stack.aws.clone();
        let sdk = aws.sdk_config(&access_key(&function.name, 0, 0));
        let variables = function.environment.clone();
        let clients = Clients::new(&sdk, aws.datadog_service(), &function.name, variables);
        let sdk = aws.sdk_config("a-person");
        let person = Clients::new(&sdk, aws.datadog_service(), "", BTreeMap::new());
        stack.lambda.set_copies(Box::new(|_| Vec::new()));
        Self {
            step: runner::build(&clients).expect("the template sets all that the step asks for"),
            ids: stack.fixture.clone(),
            stack,
            host,
            aws,
            person,
            clients,
            _cycle_breaker: cycle_breaker,
        }
    }

    /// The first poll of run `run-1`, which starts now.
    #[must_use]
    pub fn run(&self) -> Run {
        Run::begin("run-1", self.aws.clock().now().into(), Target::default())
    }

    /// One poll.
    pub async fn poll(&self, run: &Run, payload: S::Input) -> Result<Outcome<S>> {
        self.step.poll(run, payload).await
    }

    /// One invocation from event to hand-on.
    pub async fn handle(&self, event: Value) -> Result<Reply> {
        runner::handle(&self.step, &self.clients, "request-1", event).await
    }

    /// The event as the step reads it, in an invocation whose request id is `request-1`.
    pub fn read(&self, event: &Value) -> Result<Envelope<S::Input>> {
        let invocation = Invocation {
            request_id: "request-1".to_owned(),
            now: self.aws.clock().now().into(),
        };
        self.step.read(event, &invocation)
    }

    /// Lets time pass.
    pub async fn wait(&self, seconds: u64) {
        self.aws.clock().sleep(Duration::from_secs(seconds)).await;
    }

    /// The calls of the function and to Datadog by which something changes, in order.
    #[must_use]
    pub fn done(&self) -> Vec<String> {
        let reads = ["Describe", "Get", "List"];
        let calls = self.calls().into_iter().map(|record| record.call.action);
        calls
            .filter(|action| !reads.iter().any(|read| action.starts_with(read)))
            .collect()
    }

    /// The function's calls of this action.
    #[must_use]
    pub fn asked(&self, action: &str) -> Vec<CallRecord> {
        let mut calls = self.calls();
        calls.retain(|record| record.call.action == action);
        calls
    }

    fn calls(&self) -> Vec<CallRecord> {
        let mut calls = self.aws.calls();
        let own = access_key(&self.clients.function_name, 0, 0);
        calls.retain(|record| record.call.caller == own || record.call.service == "datadog");
        calls
    }

    /// Has each call of this action refused with this status and code.
    pub fn refuse(&self, action: &'static str, status: u16, code: &'static str) {
        self.aws.set_faults(Box::new(move |call| {
            (call.action == action).then(|| Fault::Refuse {
                status,
                code: code.to_owned(),
                message: "as this test wants it".to_owned(),
            })
        }));
    }

    /// Has each call of this action answered with this body.
    pub fn answer(&self, action: &'static str, body: String) {
        self.aws.set_faults(Box::new(move |call| {
            (call.action == action).then(|| Fault::Garbage(body.clone()))
        }));
    }

    /// Has reads show this volume of `run-1` alone, in this state, attached to the test instance in
    /// that state if one is given.
    pub fn shows(&self, volume_id: &str, state: &str, attachment: Option<&str>) {
        let instance = &self.ids.test_instance_id;
        let attachments = attachment.map(|state| {
            format!(
                "<item><volumeId>{volume_id}</volumeId><instanceId>{instance}</instanceId>\
                 <device>/dev/sdg</device><status>{state}</status></item>"
            )
        });
        self.answer(
            "DescribeVolumes",
            format!(
                "<DescribeVolumesResponse><volumeSet><item><volumeId>{volume_id}</volumeId>\
                 <status>{state}</status><attachmentSet>{}</attachmentSet><tagSet>\
                 <item><key>IBBackupTest</key><value>True</value></item>\
                 <item><key>IBBackupEnvironment</key><value>dev</value></item>\
                 <item><key>IBBackupRun</key><value>run-1</value></item></tagSet></item></volumeSet>\
                 </DescribeVolumesResponse>",
                attachments.unwrap_or_default()
            ),
        );
    }

    /// Has every script on the test instance end at once with this.
    pub fn scripts_end_with(&self, exit_code: i32, stdout: &str) {
        let machine = Scripted(Finished {
            exit_code,
            stdout: stdout.to_owned(),
            stderr: String::new(),
        });
        self.aws
            .set_host(&self.ids.test_instance_id, Arc::new(machine));
    }

    /// Has the person send the command by which step 6 gave back what this run held.
    ///
    /// # Panics
    /// Where Systems Manager refuses.
    pub async fn release_was_sent_by(&self, run_id: &str) {
        let functions = &self.stack.template.functions;
        let mut variables = functions.iter().map(|function| &function.environment);
        let document = variables.find_map(|of| of.get("RELEASE_DOCUMENT"));
        let release = Command {
            document: document.expect("the template names it"),
            instance_id: &self.ids.test_instance_id,
            purpose: "release",
            run_id,
            parameters: vec![("runId", run_id), ("volumeId", "vol-rehearsalgone")],
            log_group: None,
        };
        let sent = ssm::send_command(&self.person.ssm, &release).await;
        sent.expect("a command can be sent");
    }

    /// A test volume of that run as step 2 makes it, still `creating`.
    ///
    /// # Panics
    /// Where EC2 refuses.
    pub async fn new_volume(&self, run_id: &str) -> String {
        let new = NewVolume {
            run_id,
            snapshot_id: &self.ids.snapshot_id,
            zone: "us-east-1a",
            test_instance_name: TEST_INSTANCE,
            environment: "dev",
            performance: &Performance::default(),
            tags: &VolumeTags::default(),
        };
        let made = ec2::create(&self.person.ec2, &new).await;
        made.expect("a volume can be made")
    }

    /// A test volume of that run, `available`.
    pub async fn volume(&self, run_id: &str) -> String {
        let id = self.new_volume(run_id).await;
        self.wait(4).await;
        id
    }

    /// A test volume of that run, attached as `/dev/sdg` of the test instance.
    pub async fn attached_volume(&self, run_id: &str) -> String {
        let id = self.volume(run_id).await;
        self.attach(&id, &self.ids.test_instance_id, "/dev/sdg")
            .await;
        self.wait(3).await;
        id
    }

    /// Has the person attach a volume; it is `attaching` then.
    ///
    /// # Panics
    /// Where EC2 refuses.
    pub async fn attach(&self, volume_id: &str, instance_id: &str, device: &str) {
        let attached = ec2::attach(&self.person.ec2, volume_id, instance_id, device).await;
        attached.expect("a volume can be attached");
    }

    /// Adds a volume that no call made, with these tags, to `us-east-1a`.
    pub fn add_volume(&self, id: &str, tags: &[(&str, &str)]) {
        let tags: Tags = tags
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        self.aws.add_volume(id, "us-east-1a", tags, None);
    }

    /// The ids of all test volumes ever made.
    #[must_use]
    pub fn made(&self) -> BTreeSet<String> {
        let volumes = self.aws.volumes().into_iter();
        volumes
            .filter(|volume| volume.tags.contains_key(ec2::tags::TEST))
            .map(|volume| volume.id)
            .collect()
    }

    /// Writes this run's verdict on last night's snapshot, by hand.
    pub fn verdict_is_written_by(&self, run_id: &str) {
        let id = &self.ids.snapshot_id;
        let now = crate::clock::rfc3339(self.aws.clock().now());
        self.aws.tag_by_hand(id, ec2::tags::VALID, "True");
        self.aws.tag_by_hand(id, ec2::tags::CHECK_RUN, run_id);
        self.aws.tag_by_hand(id, ec2::tags::CHECKED_AT, &now);
    }
}

impl<S: Step> Default for StepHarness<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// A machine on which every script ends like this.
struct Scripted(Finished);

impl Host for Scripted {
    fn attached(&self, _: &AttachedVolume) {}

    fn detached(&self, _: &str) {}

    fn in_use(&self, _: &str) -> bool {
        false
    }

    fn run(&self, _: RunCommand) -> BoxFuture<Finished> {
        let finished = self.0.clone();
        Box::pin(async move { finished })
    }
}
