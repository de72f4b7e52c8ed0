//! Errors. A bad backup is not an error but a verdict.

use std::error::Error as StdError;
use std::fmt;

use lambda_runtime::Diagnostic;

/// What went wrong, as the name that Lambda shows (`errorType`) and that people search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The event that started the function cannot be used.
    BadEvent,
    /// An environment variable is missing or cannot be read.
    BadSettings,
    /// AWS does not let this function do it: its role lacks an action.
    AccessDenied,
    /// AWS was too busy, had an error of its own, or could not be reached.
    AwsUnavailable,
    /// AWS refused for another reason.
    AwsRefused,
    /// Instance, snapshot, device or volume: what was asked for does not exist, or twice.
    NotFound,
    /// The newest snapshot is too old to speak for last night.
    SnapshotTooOld,
    /// A snapshot or volume is in a state that it does not leave again.
    Dead,
    /// Another run, or something else, holds the test instance.
    Occupied,
    /// The time limit of a step ran out.
    TimeRanOut,
    /// The test instance failed, which says nothing about the backup.
    HostFailed,
    /// The test did not find the damage that was done on purpose.
    CanaryMissed,
    /// The run ended without a verdict, for the reason in the message.
    Undetermined,
    /// The verdict is known, where there is one; but the snapshot could not be tagged with it, or a
    /// volume is left.
    Incomplete,
    /// Datadog could not be reached or did not accept what was sent.
    DatadogFailed,
    /// A doctor run found that a night would fail.
    NeedNotMet,
}

/// An error that says what was tried, on what, what came back and what to do.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What every fallible call here gives.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error fully described by `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The same, caused by `source`; `message` does not repeat it.
    pub fn caused(
        kind: Kind,
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            message: message.into(),
            source: Some(source.into()),
        }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub(crate) fn advised(mut self, advice: &str) -> Self {
        self.message = format!("{}; {advice}", self.message);
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether what was asked for does not exist, or twice.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::AwsUnavailable | Kind::DatadogFailed)
    }

    /// The message and the messages of all that caused it, on one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|error| {
            let error: &(dyn StdError + 'static) = error.as_ref();
            error
        })
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Diagnostic {
    fn from(error: &Error) -> Self {
        Self {
            error_type: format!("{:?}", error.kind),
            error_message: error.chain(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Kind};
    use lambda_runtime::Diagnostic;

    fn nested() -> Error {
        let socket = std::io::Error::other("connection reset");
        let inner = Error::caused(Kind::AwsUnavailable, "AWS gave no answer", socket);
        Error::caused(Kind::AwsRefused, "tried to attach vol-1", inner)
    }

    #[test]
    fn the_chain_tells_every_cause_once() {
        let chain = "tried to attach vol-1: AWS gave no answer: connection reset";
        assert_eq!(nested().chain(), chain);
        assert_eq!(nested().to_string(), "tried to attach vol-1");
        assert_eq!(Error::new(Kind::Dead, "gone").chain(), "gone");
    }

    #[test]
    fn lambda_shows_the_kind_and_the_chain() {
        let shown = Diagnostic::from(nested());
        assert_eq!(shown.error_type, "AwsRefused");
        assert_eq!(shown.error_message, nested().chain());
    }
}
