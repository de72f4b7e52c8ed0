//! The event that one function sends to the next: an envelope around each step's payload.

mod failure_record;
mod patterns;
mod payload;
mod read;
mod release;
mod run;
mod started_by;

use serde::Serialize;
use serde_json::Value;

use crate::error::Result;

pub use failure_record::{FailureRecord, RequestContext};
pub use patterns::text;
pub use payload::{
    Attached, Chosen, Mounted, Pick, Start, Subject, TestVolume, Testing, VolumeCreated,
};
pub use read::{Payload, read};
pub use release::{EndReason, Release, Tested};
pub use run::{Phase, Run, Target};
pub use started_by::started_by;

/// The event as it is sent: one flat JSON object that a person can read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Envelope<P> {
    /// The part that all events share.
    #[serde(flatten)]
    pub run: Run,
    /// The part of this step.
    #[serde(flatten)]
    pub payload: P,
}

impl<P: Payload> Envelope<P> {
    /// Reads an event. If a field is missing or of the wrong type, the error names it.
    pub fn read(event: &Value) -> Result<Self> {
        Ok(Self {
            run: Run::read(event)?,
            payload: P::read(event)?,
        })
    }
}

#[cfg(test)]
mod tests;
