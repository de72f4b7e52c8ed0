//! The three events that step 6 takes.

use common::event::{self, EndReason, Envelope, FailureRecord, Payload, Release, Run, Testing};
use common::step::Invocation;
use common::{Error, Kind, Result};
use serde::Serialize;
use serde_json::Value;

/// What step 6 is at. A run takes the stages in this order, and ends after `Report`, or after
/// `Fail` where it could not find out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Stage {
    /// Waits for the test, and records its verdict.
    AwaitTest(Testing),
    /// Releases what the run holds.
    Release(Release),
    /// Nothing is held: sends the end of the run to Datadog. It follows `Release` in the same
    /// invocation. Its own event is read as `Release`, so that each poll checks what is held.
    Report(Release),
    /// Datadog knows that the run failed: ends with its error. Lambda's retries repeat only that.
    Fail(Release),
}

/// Distinguishes the events by a field that only one of them has.
pub(crate) fn read(event: &Value, invocation: &Invocation) -> Result<Envelope<Stage>> {
    if event.get("requestContext").is_some() {
        return FailureRecord::read(event).map(|record| failed(&record, invocation));
    }
    let run = Run::read(event)?;
    let payload = Stage::read(event)?;
    Ok(Envelope { run, payload })
}

impl Payload for Stage {
    fn read(event: &Value) -> Result<Self> {
        if event.get("because").is_none() {
            return Testing::read(event).map(Self::AwaitTest);
        }
        let release = Release::read(event)?;
        Ok(match release.because {
            EndReason::Failure { .. } if release.reported => Self::Fail(release),
            _ => Self::Release(release),
        })
    }
}

/// The error that a failed run ends with.
pub(crate) fn failure(failed: &Release) -> Error {
    let error = match &failed.because {
        EndReason::Failure { error, .. } => error.clone(),
        because => format!("it failed, and the event says {because:?}"),
    };
    let incomplete = format!("{:?}: ", Kind::Incomplete);
    let known = failed.found.is_some() || error.starts_with(&incomplete);
    let kind = if known {
        Kind::Incomplete
    } else {
        Kind::Undetermined
    };
    Error::new(kind, error)
}

/// What is known of a run whose function failed. If the event cannot be read, or was a start event,
/// the request id is the run id, and the tags say the rest.
fn failed(record: &FailureRecord, invocation: &Invocation) -> Envelope<Stage> {
    let event = &record.request_payload;
    // A value that does not match its pattern is ignored.
    let text = |name| event::text(event, name).map(str::to_owned);
    let run = Run::read(event).unwrap_or_else(|_| {
        let failed = record.request_context.request_id.clone();
        let run_id = text("run_id").or(failed);
        let run_id = run_id.unwrap_or_else(|| invocation.request_id.clone());
        // If the names cannot be read, the settings apply.
        let target = event::read(event).unwrap_or_default();
        Run::begin(&run_id, invocation.now, target)
    });
    let because = EndReason::Failure {
        function: record.function().to_owned(),
        error: record.error(),
    };
    Envelope {
        run: run.at_next_step(),
        payload: Stage::Release(Release {
            snapshot_id: text("snapshot_id"),
            dev_ib_backup_instance_id: text("dev_ib_backup_instance_id"),
            volume_id: text("volume_id"),
            device: text("device"),
            ..Release::unknown(because)
        }),
    }
}
