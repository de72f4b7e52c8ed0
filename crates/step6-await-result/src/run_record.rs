//! The record of a run, which step 6's last invocation answers with. Lambda's destination puts it
//! on EventBridge, for whoever has to show later what was tested and how it ended.

use common::Error;
use common::ec2;
use common::event::{EndReason, Release, Run};
use common::step::Outcome;
use common::time::Timestamp;
use tracing::warn;

use crate::AwaitResult;
use crate::ended::{Ended, RunRecord, seconds};

/// What EC2 says of the snapshot now.
#[derive(Default)]
struct OnSnapshot {
    started_at: Option<Timestamp>,
    /// The verdict of this run, where it stands there.
    valid: Option<bool>,
    checked_at: Option<Timestamp>,
}

impl AwaitResult {
    /// The end of a run that holds nothing any more, with its record. What a dead run left has
    /// none: its record is of the function that it died in.
    pub(crate) async fn end(&self, run: &Run, back: &Release) -> Outcome<Self> {
        let record = match back.because {
            EndReason::Leftover => None,
            _ => Some(self.run_record(run, back).await),
        };
        Outcome::End(Ended(record))
    }

    /// The verdict is the snapshot's own word where it has one, not the event's.
    async fn run_record(&self, run: &Run, back: &Release) -> RunRecord {
        let seen = self.on_snapshot(run, back).await.unwrap_or_else(|error| {
            warn!("the record is without the snapshot: {}", error.chain());
            OnSnapshot::default()
        });
        let (verdict, failure) = outcome(&seen, back);
        let tested = back.tested.as_ref();
        let counts = tested.map(|tested| tested.counts);
        let ended_at = self.clock.now();
        RunRecord {
            run: run.run_id.clone(),
            verdict,
            reason: failure.or_else(|| tested.map(|tested| tested.detail.clone())),
            environment: self.environment.clone(),
            database: self.datadog.of(run).source().to_owned(),
            snapshot: back.snapshot_id.clone(),
            snapshot_started_at: seen.started_at,
            snapshot_age_seconds: seen.started_at.map(|at| run.started_at.seconds_since(at)),
            checked_at: seen.checked_at,
            seen_on_snapshot: seen.valid.is_some(),
            coverage: tested.and_then(|tested| tested.measured.coverage),
            manifest: tested.and_then(|tested| tested.measured.manifest),
            checks: counts.map(|counts| counts.checks),
            tables: counts.map(|counts| counts.tables),
            rows: counts.map(|counts| counts.rows),
            seconds: seconds(run, ended_at),
            started_by: run.started_by.clone(),
            started_at: run.started_at,
            ended_at,
            test_command: back.test_command_id.clone(),
            test_document: self.test_document.clone(),
            script: tested.and_then(|tested| tested.script.clone()),
            commit: self.commit.clone(),
        }
    }

    async fn on_snapshot(&self, run: &Run, back: &Release) -> Result<OnSnapshot, Error> {
        let Some(id) = &back.snapshot_id else {
            return Ok(OnSnapshot::default());
        };
        let snapshot = ec2::snapshot(&self.ec2, id).await?;
        let checked_at = snapshot.checked_by(&run.run_id);
        let valid = snapshot.is_valid();
        Ok(OnSnapshot {
            started_at: Some(snapshot.started_at),
            valid: checked_at.map(|_| valid),
            checked_at,
        })
    }
}

/// The verdict, and why there is none.
fn outcome(seen: &OnSnapshot, back: &Release) -> (&'static str, Option<String>) {
    let named = |valid: bool| if valid { "valid" } else { "invalid" };
    match (&back.because, seen.valid) {
        (EndReason::Canary { caught: true, .. }, _) => ("canary caught", None),
        (EndReason::Canary { caught: false, .. }, _) => ("canary missed", None),
        (_, Some(valid)) => (named(valid), None),
        (EndReason::Verdict(told), None) => (named(told.valid), None),
        (EndReason::Failure { function, error }, None) => {
            ("undetermined", Some(format!("{function} failed: {error}")))
        }
        (EndReason::Superseded | EndReason::Leftover, None) => (
            "superseded",
            Some("a later test of the snapshot has its verdict".to_owned()),
        ),
    }
}
