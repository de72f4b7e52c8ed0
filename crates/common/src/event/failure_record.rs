//! Lambda's record of a failed invocation.

use serde::Deserialize;
use serde_json::Value;

use super::patterns;
use super::read::read;
use crate::error::Result;

/// What Lambda sends to an on-failure destination once a function's retries are used up.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureRecord {
    /// Which invocation failed.
    pub request_context: RequestContext,
    /// The event that it was invoked with.
    pub request_payload: Value,
    /// Its response, where it ended with one.
    #[serde(default)]
    pub response_payload: Option<Value>,
}

/// The invocation that failed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    /// The request id, the same over retries.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The function, with its version or alias behind the last colon.
    pub function_arn: String,
    /// Why Lambda stopped trying, such as `RetriesExhausted`.
    pub condition: String,
}

impl FailureRecord {
    /// Reads Lambda's record of a failed invocation.
    pub fn read(event: &Value) -> Result<Self> {
        let record: Self = read(event)?;
        if let Some(id) = &record.request_context.request_id {
            patterns::check_request_id(id)?;
        }
        Ok(record)
    }

    /// The name of the function that failed.
    #[must_use]
    pub fn function(&self) -> &str {
        self.request_context
            .function_arn
            .split(':')
            .nth(6)
            .unwrap_or(&self.request_context.function_arn)
    }

    /// The function's own error, or that it left none.
    #[must_use]
    pub fn error(&self) -> String {
        let field = |name| {
            let reply = self.response_payload.as_ref()?;
            reply.get(name)?.as_str()
        };
        match (field("errorType"), field("errorMessage")) {
            (Some(kind), Some(message)) => format!("{kind}: {message}"),
            (None, Some(message)) => message.to_owned(),
            _ => format!(
                "{} without a word: it crashed, was throttled, or its event was dropped",
                self.request_context.condition
            ),
        }
    }
}
