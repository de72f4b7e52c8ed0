//! An account in which everything goes well and at once, to measure or to disturb one invocation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use common::clients::Clients;
use common::ssm::{self, Command, Progress};

use crate::instance_host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};
use crate::stack::Stack;
use crate::template::{TEMPLATE, Template};
use crate::{Clock, Timing};

/// What the scripts print at the end: a good backup, read to its end.
const SUMMARY: &str =
    r#"{"valid":true,"checks":56,"tables":4,"rows":100000,"seconds":3,"reason":"","coverage":100}"#;

/// The stack in an account where every operation completes at once and invocations are accepted but
/// not run.
///
/// # Errors
/// Where the template cannot be read.
pub fn stack() -> anyhow::Result<Stack> {
    let template = Template::read(TEMPLATE, &BTreeMap::new())?;
    let stack = Stack::deploy(template, Clock::of_this_machine(), [Duration::ZERO; 2]);
    stack.aws.set_timing(|timing| *timing = Timing::NONE);
    let instance = &stack.fixture.test_instance_id;
    stack.aws.set_host(instance, Arc::new(EndsWell));
    stack.lambda.set_copies(Box::new(|_| Vec::new()));
    Ok(stack)
}

/// The clients of a person: their calls are not a function's.
#[must_use]
pub fn person(stack: &Stack) -> Clients {
    let sdk = stack.aws.sdk_config("a-person");
    Clients::new(&sdk, stack.aws.datadog_service(), "", BTreeMap::new())
}

/// Sends the document of that purpose as `person`, and waits until the command has ended: its id.
///
/// # Errors
/// Where no function names the document, or the command is refused or lost.
pub async fn ended_command(
    stack: &Stack,
    person: &Clients,
    purpose: &'static str,
    parameters: Vec<(&'static str, &str)>,
) -> anyhow::Result<String> {
    let setting = format!("{}_DOCUMENT", purpose.to_uppercase());
    let mut functions = stack.template.functions.iter();
    let document = functions.find_map(|function| function.environment.get(&setting));
    let document = document.with_context(|| format!("no function has {setting}"))?;
    let run_id = parameters.iter().find(|(name, _)| *name == "runId");
    let instance_id = &stack.fixture.test_instance_id;
    let command = Command {
        document,
        instance_id,
        purpose,
        run_id: run_id.map_or("", |(_, value)| *value),
        parameters,
        log_group: None,
    };
    let id = ssm::send_command(&person.ssm, &command).await?;
    loop {
        let (_, progress) = ssm::progress(&person.ssm, &id, instance_id, &[purpose]).await?;
        match progress {
            Progress::Pending(_) => tokio::task::yield_now().await,
            Progress::Ended(_) => return Ok(id),
            Progress::Lost(why) => anyhow::bail!("{why}"),
        }
    }
}

/// A machine on which every script ends at once and well.
struct EndsWell;

impl Host for EndsWell {
    fn attached(&self, _: &AttachedVolume) {}

    fn detached(&self, _: &str) {}

    fn in_use(&self, _: &str) -> bool {
        false
    }

    fn run(&self, _: RunCommand) -> BoxFuture<Finished> {
        Box::pin(async {
            Finished {
                exit_code: 0,
                stdout: SUMMARY.to_owned(),
                stderr: String::new(),
            }
        })
    }
}
