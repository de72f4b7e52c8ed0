//! Step 6 waits for the test, records the verdict, then gives everything back.
//!
//! Takes: what step 5 hands on; Lambda's record of a failed step; or, from step 1, a dead run.
//! Promises: tag and metric of one verdict, or an error event; and nothing held any more.
//! Touches: `GetCommandInvocation`, `ListCommands`, `SendCommand` with the release document, `DescribeSnapshots`,
//! `CreateTags`, `DescribeVolumes`, `DescribeInstances`, `DetachVolume`, `DeleteVolume`.
//! Waits for: the test to end; then for the unmount, the detachment and the deletion.
//! Leaves behind: nothing.

mod ending;
mod evidence;
mod intake;
mod record;
mod release;
mod report;

use std::time::Duration;

use common::datadog::Datadog;
use common::event::{Envelope, GiveBack, Phase, Run, Testing};
use common::settings::Settings;
use common::step::{Invocation, Outcome, Pace, Step, patience};
use common::world::{Clock, Lazy, World};
use common::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::error;

/// Step 6.
pub struct AwaitResult {
    ec2: Lazy<aws_sdk_ec2::Client>,
    ssm: Lazy<aws_sdk_ssm::Client>,
    datadog: Datadog,
    clock: Clock,
    itself: String,
    environment: String,
    test_instance: String,
    mount_document: String,
    test_document: String,
    release_document: String,
    poll: Duration,
    test_poll: Duration,
    test_patience: Duration,
}

/// What step 6 is at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Task {
    /// Giving back what the run holds.
    GiveBack(GiveBack),
    /// Waiting for the test.
    Test(Testing),
}

/// The run is over, and holds nothing. Only step 6 can say so.
#[derive(Debug)]
pub struct Ended(());

impl Step for AwaitResult {
    const NAME: &'static str = "step-6-await-result";
    type Input = Task;
    type Next = Task;
    type End = Ended;

    fn build(world: &World) -> Result<Self> {
        let mut settings = Settings::new(&world.variables);
        let step = Self {
            ec2: world.ec2.clone(),
            ssm: world.ssm.clone(),
            datadog: Datadog::read(&mut settings, world),
            clock: world.clock.clone(),
            itself: world.function_name.clone(),
            environment: settings.text("ENVIRONMENT"),
            test_instance: settings.text("TEST_INSTANCE_NAME"),
            mount_document: settings.text("MOUNT_DOCUMENT"),
            test_document: settings.text("TEST_DOCUMENT"),
            release_document: settings.text("RELEASE_DOCUMENT"),
            poll: settings.seconds("POLL_SECONDS"),
            test_poll: settings.seconds("TEST_POLL_SECONDS"),
            test_patience: patience::test(settings.seconds("TEST_BUDGET_SECONDS")),
        };
        settings.check().map(|()| step)
    }

    /// It is the last: it goes on only to its own second part.
    fn next_function(&self) -> &str {
        &self.itself
    }

    fn pace(&self, task: &Task) -> Pace {
        match task {
            Task::Test(_) => Pace {
                every: self.test_poll,
                at_most: self.test_patience,
            },
            Task::GiveBack(_) => Pace {
                every: self.poll,
                at_most: patience::RELEASE,
            },
        }
    }

    fn phase(&self, task: &Task) -> Option<Phase> {
        match task {
            Task::Test(_) => Some(Phase::Test),
            Task::GiveBack(_) => None,
        }
    }

    fn read(&self, event: &Value, invocation: &Invocation) -> Result<Envelope<Task>> {
        intake::read(event, invocation)
    }

    async fn look(&self, run: &Run, task: Task) -> Result<Outcome<Self>> {
        match task {
            Task::Test(testing) => self.await_test(run, testing).await,
            Task::GiveBack(back) => self.give_back(run, back).await,
        }
    }

    async fn out_of_patience(&self, run: &Run, task: Task, error: Error) -> Result<Outcome<Self>> {
        match task {
            Task::Test(testing) => Ok(self.undetermined(testing, &error)),
            Task::GiveBack(back) => Err(self.report_held(run, &back, error).await),
        }
    }
}

impl AwaitResult {
    /// The run cannot find out: give back what it holds, then fail.
    fn undetermined(&self, testing: Testing, error: &Error) -> Outcome<Self> {
        error!("no verdict: {}", error.chain());
        let because = self.failed(error.kind(), &error.chain());
        Outcome::GoOn(Task::GiveBack(GiveBack::after(testing, because)))
    }
}

#[cfg(test)]
mod tests;
