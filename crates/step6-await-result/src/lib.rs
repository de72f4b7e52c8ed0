//! Step 6 waits for the test, records the verdict, then releases everything.
//!
//! Takes: step 5's payload; Lambda's record of a failed step; or, from step 1, a dead run.
//! Promises: tag and metric of one verdict, or an error event; and nothing is held any more.
//! Touches: `GetCommandInvocation`, `ListCommands`, `SendCommand` with the release document,
//! `DescribeSnapshots`, `CreateTags`, `DescribeVolumes`, `DescribeInstances`, `DetachVolume`,
//! `DeleteVolume`. Waits for: the test to end; then for the unmount, the detachment and the
//! deletion. Leaves behind: nothing.

mod doctor;
mod ended;
mod error_event;
mod event;
mod evidence;
mod record;
mod release;
mod report;
mod run_record;

use std::time::Duration;

use common::clients::{Clients, Clock, Lazy};
use common::console::Console;
use common::datadog::Datadog;
use common::doctor::Examination;
use common::event::{Envelope, Phase, Release, Run, Testing};
use common::polling::{Polling, limits};
use common::settings::Settings;
use common::step::{Invocation, Outcome, Step};
use common::{Error, Result};
use serde_json::Value;
use tracing::error;

pub use ended::Ended;
pub use event::Stage;

/// Step 6.
pub struct AwaitResult {
    ec2: Lazy<aws_sdk_ec2::Client>,
    ssm: Lazy<aws_sdk_ssm::Client>,
    datadog: Datadog,
    clock: Clock,
    itself: String,
    environment: String,
    commit: Option<String>,
    console: Console,
    /// Where the run book is, if the stack names it.
    runbook: Option<String>,
    /// The SNS topic that the alarms notify, if the stack names one.
    topic: Option<String>,
    test_instance: String,
    mount_document: String,
    test_document: String,
    release_document: String,
    script_log_group: Option<String>,
    interval: Duration,
    test_interval: Duration,
    test_time_limit: Duration,
}

impl Step for AwaitResult {
    const NAME: &'static str = "step-6-await-result";
    const GIVE_UP_AFTER: Duration = limits::RELEASE;
    /// The phase of releasing ends with the run.
    const PHASE: Option<Phase> = None;
    const IS_LAST: bool = true;
    type Input = Stage;
    type Next = Stage;
    type End = Ended;

    fn build(clients: &Clients, settings: &mut Settings<'_>) -> Self {
        Self {
            ec2: clients.ec2.clone(),
            ssm: clients.ssm.clone(),
            datadog: Datadog::read(settings, clients),
            clock: clients.clock.clone(),
            itself: clients.function_name.clone(),
            environment: settings.text("ENVIRONMENT"),
            commit: settings.text_or_empty("COMMIT"),
            console: clients.console.clone(),
            runbook: settings.text_or_empty("RUNBOOK_URL"),
            topic: settings.text_or_empty("ALARM_TOPIC_ARN"),
            test_instance: settings.text("TEST_INSTANCE_NAME"),
            mount_document: settings.text("MOUNT_DOCUMENT"),
            test_document: settings.text("TEST_DOCUMENT"),
            release_document: settings.text("RELEASE_DOCUMENT"),
            script_log_group: settings.text_or_empty("SCRIPT_LOG_GROUP"),
            interval: settings.seconds("POLL_SECONDS"),
            test_interval: settings.seconds("TEST_POLL_SECONDS"),
            test_time_limit: limits::test(settings.seconds("TEST_BUDGET_SECONDS")),
        }
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    fn polling(&self, stage: &Stage) -> Polling {
        match stage {
            Stage::AwaitTest(_) => Polling {
                interval: self.test_interval,
                give_up_after: self.test_time_limit,
            },
            Stage::Release(_) | Stage::Report(_) | Stage::Fail(_) => Polling {
                interval: self.interval,
                give_up_after: Self::GIVE_UP_AFTER,
            },
        }
    }

    fn phase(&self, stage: &Stage) -> Option<Phase> {
        match stage {
            Stage::AwaitTest(_) => Some(Phase::Test),
            Stage::Release(_) | Stage::Report(_) | Stage::Fail(_) => Self::PHASE,
        }
    }

    fn read(&self, event: &Value, invocation: &Invocation) -> Result<Envelope<Stage>> {
        crate::event::read(event, invocation)
    }

    async fn examine(&self, clients: &Clients, examination: &mut Examination) {
        self.look_for_needs(clients, examination).await;
    }

    async fn poll(&self, run: &Run, stage: Stage) -> Result<Outcome<Self>> {
        match stage {
            Stage::AwaitTest(testing) => self.await_test(run, testing).await,
            Stage::Release(back) => self.release(run, back).await,
            Stage::Report(back) => self.report(run, back).await,
            Stage::Fail(back) => Err(event::failure(&back)),
        }
    }

    async fn on_timeout(&self, run: &Run, stage: Stage, error: Error) -> Result<Outcome<Self>> {
        match stage {
            Stage::AwaitTest(testing) => Ok(self.undetermined(testing, &error)),
            Stage::Release(back) | Stage::Report(back) => {
                Err(self.report_held(run, &back, error).await)
            }
            Stage::Fail(back) => Err(event::failure(&back)),
        }
    }
}

impl AwaitResult {
    /// The run has no verdict: release what it holds, then fail.
    fn undetermined(&self, testing: Testing, error: &Error) -> Outcome<Self> {
        error!("no verdict: {}", error.chain());
        let because = self.failed(error.kind(), &error.chain());
        Outcome::GoOn(Stage::Release(Release::after(testing, because)))
    }
}

#[cfg(test)]
mod tests;
