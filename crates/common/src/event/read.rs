//! Reading an event, so that each error names its field.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::patterns;
use crate::error::{Error, Kind, Result};

/// The part of an event that one step reads, beside the run.
pub trait Payload: Serialize + Sized {
    /// Reads it from an event. If a field is missing or of the wrong type, the error names it.
    fn read(event: &Value) -> Result<Self>;
}

/// Reads the fields of `T` from an event and ignores the others. If an id or a name does not match
/// its pattern, the error names it, whether `T` has that field or not.
pub fn read<T: DeserializeOwned>(event: &Value) -> Result<T> {
    patterns::check(event)?;
    serde_path_to_error::deserialize(event).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." {
            String::new()
        } else {
            format!(" at `{path}`")
        };
        let expected = "the payload of each step is described in docs/events.md";
        Error::new(
            Kind::BadEvent,
            format!(
                "cannot use this event{at}: {}; {expected}",
                error.into_inner()
            ),
        )
    })
}
