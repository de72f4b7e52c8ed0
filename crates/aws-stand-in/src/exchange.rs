//! One request and its answer, as they went over the wire.

use serde::Serialize;

/// One request and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct Exchange {
    /// `ec2`, `ssm`, `lambda` or `datadog`.
    pub service: String,
    /// The operation, by its own service's name.
    pub action: String,
    /// What was asked, and what came back.
    pub request: Message,
    /// The answer.
    pub answer: Message,
}

/// One direction of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Message {
    /// The HTTP status of an answer; 0 of a request.
    pub status: u16,
    /// Path and query of a request; empty of an answer.
    pub path: String,
    /// Headers that services read: those that begin with `x-amz`, and the type of the content.
    pub headers: Vec<(String, String)>,
    /// UTF-8, as all of these services speak.
    pub body: String,
}
