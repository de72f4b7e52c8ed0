//! What goes wrong with calls, and who decides it.

use std::time::Duration;

use bytes::Bytes;

use super::call::Call;

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Not done; answered with this error, in the shape of the service.
    Refuse {
        /// HTTP status.
        status: u16,
        /// The service's error code, like `RequestLimitExceeded`.
        code: String,
        /// Its text.
        message: String,
    },
    /// Done, then the connection breaks before the answer.
    LoseAnswer,
    /// Not done and never answered.
    Hang,
    /// Done, and answered only after this long.
    Slow(Duration),
    /// Done, but reads show what it wrote only after this long.
    Lag(Duration),
    /// Not done; the connection breaks.
    DropConnection,
    /// Not done; answered 200 with this body, as something between us and AWS might.
    Garbage(String),
}

/// Draws the fault of each call. It is asked once per call, in the order of their numbers, and
/// must not call the stand-in.
pub type FaultHook = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

/// The connection broke: whether the call was done, the caller cannot know.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLost;

impl std::fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection closed before an answer came")
    }
}

impl std::error::Error for ConnectionLost {}

/// Gives another body for a request, from its operation and its own body.
pub type Tamper = Box<dyn FnMut(&str, &[u8]) -> Option<Bytes> + Send>;
