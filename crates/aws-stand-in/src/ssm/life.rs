//! What becomes of a command: delivered or not, run to its end or not, heard of or not.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::agent::AgentReport;
use super::command::{Command, CommandStatus};
use crate::Aws;
use crate::ec2::Machine;
use crate::instance_host::{Finished, Host, RunCommand};

/// Everything that a command needs on its way.
pub(super) struct Life {
    pub aws: Aws,
    pub command: Command,
    /// Ends it early.
    pub cancel: Arc<Notify>,
    pub script: Arc<str>,
    pub time_out: Duration,
    pub delivery: Duration,
    pub machine: watch::Receiver<Machine>,
    pub host: Option<Arc<dyn Host>>,
}

impl Life {
    /// Runs until the command has its final status.
    pub async fn live(mut self) {
        let cancel = self.cancel.clone();
        let ended = tokio::select! {
            biased;
            () = cancel.notified() => None,
            status = self.deliver_and_run() => Some(status),
        };
        let status = match ended {
            Some(status) => status,
            None => self.cancel().await,
        };
        let id = self.command.id.clone();
        self.aws.account(|account, now| {
            if let Some(command) = account.ssm.command_mut(&id) {
                command.status = status;
                command.ended_at = Some(now);
            }
        });
    }

    /// What the agent has is ended by it, as soon as it hears of that.
    async fn cancel(&mut self) -> CommandStatus {
        let mut with_agent = false;
        self.note(|command, _| {
            with_agent = command.status == CommandStatus::InProgress;
            if with_agent {
                command.status = CommandStatus::Cancelling;
            }
        });
        if with_agent && timeout(self.time_out, self.reach_agent()).await.is_err() {
            return CommandStatus::ExecutionTimedOut;
        }
        CommandStatus::Cancelled
    }

    async fn deliver_and_run(&mut self) -> CommandStatus {
        let limit = self.command.delivery_time_out;
        match timeout(limit, self.reach_agent()).await {
            Err(_) => return CommandStatus::DeliveryTimedOut,
            Ok(false) => return CommandStatus::Undeliverable,
            Ok(true) => {}
        }
        self.note(|command, now| {
            command.status = CommandStatus::InProgress;
            command.started_at = Some(now);
        });
        let agent = self.aws.account(|account, _| account.ssm.agent);
        if let Some((status, finished)) = agent.and_then(AgentReport::without_script) {
            self.note(|command, _| report(command, finished));
            return status;
        }
        let Ok(finished) = timeout(self.time_out, self.run()).await else {
            return CommandStatus::ExecutionTimedOut;
        };
        let finished = match agent {
            Some(agent) => agent.passes_on(finished),
            None => finished,
        };
        if finished.exit_code == 194 {
            self.aws.note_reboot(&self.command);
        }
        let status = match finished.exit_code {
            0 => CommandStatus::Success,
            137 => CommandStatus::ExecutionTimedOut,
            _ => CommandStatus::Failed,
        };
        self.note(|command, _| take_over(command, finished));
        status
    }

    /// Whether the agent has the command in the end.
    async fn reach_agent(&mut self) -> bool {
        self.aws.clock().sleep(self.delivery).await;
        let there = |machine: &Machine| machine.reachable() || machine.terminated;
        if !there(&self.machine.borrow()) {
            self.note(|command, _| {
                if command.status == CommandStatus::Pending {
                    command.status = CommandStatus::Delayed;
                }
            });
        }
        match self.machine.wait_for(there).await {
            Ok(machine) => !machine.terminated,
            Err(_) => false,
        }
    }

    /// The script, and the agent's report of it. If the machine goes down, both are lost: SSM
    /// shows the command in progress until it runs out of time.
    async fn run(&mut self) -> Finished {
        let boots = self.machine.borrow().boots;
        let script = self.start();
        let mut machine = self.machine.clone();
        let went_down = async {
            let gone = |now: &Machine| now.boots != boots || !now.up;
            let _ = machine.wait_for(gone).await;
        };
        let finished = tokio::select! {
            biased;
            () = went_down => None,
            finished = script => Some(finished),
        };
        let Some(finished) = finished else {
            return std::future::pending().await;
        };
        // Unmounting may be what a detach waited for.
        self.aws.account(|_, _| ());
        let heard = |machine: &Machine| machine.reachable();
        if self.machine.wait_for(heard).await.is_err() {
            std::future::pending::<()>().await;
        }
        finished
    }

    fn start(&self) -> crate::instance_host::BoxFuture<Finished> {
        let Some(host) = &self.host else {
            // An agent with nothing behind it never reports.
            return Box::pin(std::future::pending());
        };
        host.run(RunCommand {
            command_id: self.command.id.clone(),
            document: self.command.document.clone(),
            script: self.script.clone(),
            parameters: self.command.parameters.clone(),
        })
    }

    fn note(&self, change: impl FnOnce(&mut Command, std::time::SystemTime)) {
        self.aws.account(|account, now| {
            if let Some(command) = account.ssm.command_mut(&self.command.id) {
                change(command, now);
            }
        });
    }
}

fn report(command: &mut Command, finished: Finished) {
    command.exit_code = Some(finished.exit_code);
    command.stdout = finished.stdout;
    command.stderr = finished.stderr;
}

fn take_over(command: &mut Command, finished: Finished) {
    let exit_code = finished.exit_code;
    report(command, finished);
    if exit_code != 0 {
        // The agent adds this line.
        let status = format!("failed to run commands: exit status {exit_code}");
        if !command.stderr.is_empty() && !command.stderr.ends_with('\n') {
            command.stderr.push('\n');
        }
        command.stderr.push_str(&status);
    }
}
