//! What one function hands to the next: an envelope of one shape around each step's payload.

mod failure_record;
mod patterns;
mod payload;
mod release;
mod run;
mod started_by;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Kind, Result};

pub use failure_record::{FailureRecord, RequestContext};
pub use patterns::text;
pub use payload::{
    Attached, Chosen, Mounted, Pick, Start, Subject, TestVolume, Testing, VolumeCreated,
};
pub use release::{EndReason, Release, Tested};
pub use run::{Phase, Run, Target};
pub use started_by::started_by;

/// A payload as it travels: one JSON object that a person can read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Envelope<P> {
    /// The part that all payloads share.
    #[serde(flatten)]
    pub run: Run,
    /// What this step needs.
    #[serde(flatten)]
    pub payload: P,
}

/// What a step needs of an event, beside the run.
pub trait Payload: Serialize + Sized {
    /// Reads it out of an event. A field that is missing or of the wrong type is an error naming it.
    fn read(event: &Value) -> Result<Self>;
}

impl<P: Payload> Envelope<P> {
    /// Reads an event. A field that is missing or of the wrong type is an error naming it.
    pub fn read(event: &Value) -> Result<Self> {
        Ok(Self {
            run: Run::read(event)?,
            payload: P::read(event)?,
        })
    }
}

/// Reads the fields of `T` out of an event and ignores the others. An id or a name that does not
/// fit its pattern is an error naming it, whether `T` has that field or not.
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

#[cfg(test)]
mod tests;
