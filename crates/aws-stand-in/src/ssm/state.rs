//! What SSM has.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

use super::agent::AgentReport;
use super::command::Command;
use super::document::Document;

/// All of SSM.
#[derive(Default)]
pub(crate) struct Ssm {
    pub documents: BTreeMap<String, Document>,
    /// In the order of sending.
    pub commands: Vec<Command>,
    pub parameters: BTreeMap<String, Parameter>,
    /// What the agents report instead of what scripts end with.
    pub agent: Option<AgentReport>,
    /// A control, which must be caught: what fails without a last line of its own gets one.
    pub exit_code_is_a_finding: bool,
    /// By command: the signal that ends it early.
    pub(super) cancels: BTreeMap<String, Arc<Notify>>,
}

impl Ssm {
    pub fn command_mut(&mut self, id: &str) -> Option<&mut Command> {
        self.commands.iter_mut().find(|command| command.id == id)
    }

    pub fn cancel(&self, id: &str) {
        if let Some(cancel) = self.cancels.get(id) {
            cancel.notify_one();
        }
    }

    pub fn put_parameter(&mut self, name: &str, value: &str, secure: bool) {
        let value = value.to_owned();
        self.parameters
            .insert(name.to_owned(), Parameter { value, secure });
    }
}

/// A parameter; a secure one shows its value only when decryption is asked for.
#[derive(Clone)]
pub(crate) struct Parameter {
    pub value: String,
    pub secure: bool,
}
