//! How a command was sent, as Systems Manager recorded it: the document, the run and the purpose.
//! An event says so too, and may be wrong.

use std::collections::HashMap;

use aws_sdk_ssm::Client;

use super::refused::ssm_refused;
use crate::error::Result;

/// A command as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The command.
    pub id: String,
    /// The document that it runs.
    pub document: String,
    /// What its sender noted, see [`comment`].
    pub comment: String,
    parameters: HashMap<String, Vec<String>>,
}

impl Sent {
    /// The one value that a parameter was given; empty where it was given none.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        match self.parameters.get(name).map(Vec::as_slice) {
            Some([value]) => value,
            _ => "",
        }
    }
}

/// A later poll finds a command by its comment, since `SendCommand` has no client token.
#[must_use]
pub fn comment(purpose: &str, run_id: &str) -> String {
    format!("ib-backup {purpose} {run_id}")
}

/// How a command was sent; `None` where the list does not show it, or not yet.
///
/// # Errors
/// Where Systems Manager refuses to list it.
pub async fn sent(client: &Client, command_id: &str) -> Result<Option<Sent>> {
    let asked = client.list_commands().command_id(command_id).send().await;
    let tried = format!("ask how command {command_id} was sent");
    let answer = asked.map_err(|error| ssm_refused(&tried, error))?;
    let mut commands = answer.commands().iter();
    let found = commands.find(|command| command.command_id() == Some(command_id));
    Ok(found.map(|command| Sent {
        id: command_id.to_owned(),
        document: command.document_name().unwrap_or_default().to_owned(),
        comment: command.comment().unwrap_or_default().to_owned(),
        parameters: command.parameters().cloned().unwrap_or_default(),
    }))
}
