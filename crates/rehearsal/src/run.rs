//! The run itself.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::arguments::Arguments;
use super::binaries::Code;
use super::command::{run as run_program, text};
use super::local_host::LocalHost;
use super::sandbox::Sandbox;
use super::{log_tail, production, shown, summary};
use aws_stand_in::Clock;
use aws_stand_in::lambda::processes::Processes;
use aws_stand_in::stack::Stack;
use aws_stand_in::template::Template;

/// What the stack's parameters are set to: short waits, and MariaDB where production has
/// Infobright.
fn parameters(sandbox: &Sandbox) -> anyhow::Result<BTreeMap<String, String>> {
    let find = |program: &str| {
        run_program("which", &[program])
            .or_else(|_| run_program("which", &[&format!("/usr/sbin/{program}")]))
    };
    let folder = &sandbox.folder;
    let parameters = [
        ("PollSeconds", "1".to_owned()),
        ("TestPollSeconds", "1".to_owned()),
        ("MountPoint", text(&folder.join("restored"))),
        ("StateDirectory", text(&folder.join("state"))),
        ("DataDirectory", "mysql".to_owned()),
        (
            "ServerPath",
            find("mariadbd").context("install mariadb-server-core")?,
        ),
        (
            "ClientPath",
            find("mariadb").context("install mariadb-client-core")?,
        ),
        ("ServerUser", run_program("id", &["-un"])?),
    ];
    Ok(parameters
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// Rehearses a run in that sandbox.
pub(super) fn run(arguments: &Arguments, sandbox: &Sandbox) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = night(arguments, sandbox) => ended,
            interrupted = interrupted() => interrupted,
        }
    });
    // Nothing of a run outlives it, however it ended.
    sandbox.sweep();
    ended
}

async fn night(arguments: &Arguments, sandbox: &Sandbox) -> anyhow::Result<ExitCode> {
    let code = Code::of(arguments)?;
    let template = Template::read(&code.template, &parameters(sandbox)?)?;
    let programs = code.programs(&template.functions, &sandbox.folder)?;
    let image = production::snapshot(sandbox, &arguments.backup).await?;
    let stack = deploy(template);
    let snapshot = stack.fixture.snapshot_id.clone();
    if arguments.backup == "none" {
        stack.aws.delete_snapshot(&snapshot);
    }
    let snapshots = [(snapshot, image)].into();
    let machine = Arc::new(LocalHost::new(
        sandbox,
        snapshots,
        &stack.template.documents,
    )?);
    stack
        .aws
        .set_host(&stack.fixture.test_instance_id, machine.clone());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let processes = Processes::new(stack.lambda.clone(), programs, listener.local_addr()?);
    let routes: Router = processes.routes().merge(stack.aws.router());
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    stack.lambda.set_executor(Arc::new(processes.clone()));

    let schedule = stack.template.schedule.clone();
    let schedule = schedule.context("the template has no schedule")?;
    let canary = arguments.backup == "canary";
    match by_hand(arguments.doctor, canary) {
        Some(event) => stack.lambda.start(&schedule.function, event),
        None => stack.lambda.start_scheduled(&schedule, scheduled()),
    }
    let mut status = None;
    let ended = async {
        stack.lambda.idle().await;
        if arguments.status {
            status = Some(shown::ask(&stack, &processes, &schedule.function).await);
        }
        processes.shut_down().await;
    };
    log_tail::follow(stack.lambda.clone(), ended).await;
    server.abort();
    if arguments.doctor {
        return Ok(shown::doctor(&stack, &machine));
    }
    let code = summary::print(&stack, &machine, canary);
    if let Some(status) = status {
        shown::print(&stack, &status?)?;
    }
    Ok(code)
}

/// The stack, on an account that takes its time.
fn deploy(template: Template) -> Stack {
    let retries_after = [Duration::from_secs(1), Duration::from_secs(2)];
    let stack = Stack::deploy(template, Clock::of_this_machine(), retries_after);
    stack.aws.set_timing(|timing| {
        timing.creating = Duration::from_millis(1500);
        timing.attaching = Duration::from_millis(500);
        timing.detaching = Duration::from_millis(500);
        timing.deleting = Duration::from_millis(500);
        timing.delivery = Duration::from_millis(200);
    });
    stack
}

/// The start event that a person sends.
fn by_hand(doctor: bool, canary: bool) -> Option<Value> {
    if doctor {
        Some(json!({"doctor": true}))
    } else {
        canary.then(|| json!({"canary": true}))
    }
}

/// The start event of the schedule.
fn scheduled() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event"})
}

/// Ends when a person or the system asks for it.
async fn interrupted() -> anyhow::Result<ExitCode> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    anyhow::bail!("interrupted")
}
