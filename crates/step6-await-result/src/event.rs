//! The three events that step 6 takes.

use common::Result;
use common::event::{self, EndReason, Envelope, FailureRecord, Payload, Release, Run, Testing};
use common::step::Invocation;
use serde::Serialize;
use serde_json::Value;

/// What step 6 is at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Stage {
    /// Giving back what the run holds.
    Release(Release),
    /// Waiting for the test.
    AwaitTest(Testing),
}

/// Tells the events apart by the field that only one of them has.
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
        if event.get("because").is_some() {
            Release::read(event).map(Self::Release)
        } else {
            Testing::read(event).map(Self::AwaitTest)
        }
    }
}

/// What is known of a run whose function failed. An event that began no chain, or one too broken
/// to read, leaves the request id: it is the run id of a start event, and the tags say the rest.
fn failed(record: &FailureRecord, invocation: &Invocation) -> Envelope<Stage> {
    let event = &record.request_payload;
    // What does not fit its pattern names nothing.
    let text = |name| event::text(event, name).map(str::to_owned);
    let run = Run::read(event).unwrap_or_else(|_| {
        let failed = record.request_context.request_id.clone();
        let run_id = text("run_id").or(failed);
        let run_id = run_id.unwrap_or_else(|| invocation.request_id.clone());
        // Names that cannot be read name nobody: those of the settings stand.
        let pair = event::read(event).unwrap_or_default();
        Run::begin(&run_id, invocation.now, pair)
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
