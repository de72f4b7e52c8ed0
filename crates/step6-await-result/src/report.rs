//! The stage `Report`: how a run ends, once nothing is held.

use common::datadog::{self, Gauge};
use common::ec2;
use common::event::{EndReason, Phase, Release, Run};
use common::step::Outcome;
use common::verdict::RecordedVerdict;
use common::{Error, Kind, Result, verdict};
use tracing::info;

use crate::evidence::Evidence;
use crate::{AwaitResult, Stage};

const MISSED: &str = "the test took a copy that was damaged on purpose for a good one; trust no \
    verdict of it until it is known why";

/// How a canary ended.
pub(crate) enum Canary {
    /// The test found the damage.
    Caught,
    /// It did not.
    Missed,
    /// That is not known yet; why.
    Pending(String),
    /// It ended so long ago that its metric was sent then.
    Late,
}

/// The failure is reported to all but Lambda: the next invocation ends with the error.
fn fail(mut back: Release) -> Outcome<AwaitResult> {
    back.reported = true;
    Outcome::GoOn(Stage::Fail(back))
}

impl AwaitResult {
    /// Nothing is held any more: sends Datadog what was not sent yet, and ends the run. If the
    /// volume has lost its tags, the run ends with an error that names it.
    pub(crate) async fn report(&self, run: &Run, back: Release) -> Result<Outcome<Self>> {
        let Some(lost) = back.lost.clone() else {
            return self.report_end(run, back).await;
        };
        let mut told = back.clone();
        match self.report_end(run, back).await? {
            Outcome::End(_) => {
                let error = format!("{:?}: {lost}", Kind::Incomplete);
                self.send_error_event(run, &told, &self.itself, &error, &lost)
                    .await?;
                told.because = self.failed(Kind::Incomplete, &lost);
                Ok(fail(told))
            }
            outcome => Ok(outcome),
        }
    }

    async fn report_end(&self, run: &Run, back: Release) -> Result<Outcome<Self>> {
        match back.because.clone() {
            EndReason::Leftover | EndReason::Superseded => Ok(self.end(run, &back).await),
            EndReason::Verdict(told) => {
                if !back.reported && !self.send_written_verdict(run, told).await? {
                    return self.no_verdict_in_sight(run, back, told).await;
                }
                self.send_release_duration(run).await?;
                Ok(self.end(run, &back).await)
            }
            EndReason::Canary { .. } => self.report_canary(run, back).await,
            EndReason::Failure { function, error } => {
                self.report_failure(run, back, function, error).await
            }
        }
    }

    async fn report_failure(
        &self,
        run: &Run,
        mut back: Release,
        function: String,
        error: String,
    ) -> Result<Outcome<Self>> {
        // Searched for by the run's tag, since the record of a start event names no snapshot.
        if let Some(written) = ec2::verdict_of(&self.ec2, &run.run_id).await? {
            info!("{function} failed, and yet this run has its verdict");
            if function == self.itself {
                self.send_written(run, &back, written).await?;
            }
            back.because = EndReason::Verdict(written);
            if back.lost.is_none() {
                return Ok(self.end(run, &back).await);
            }
            return Ok(Outcome::GoOn(Stage::Report(back)));
        }
        let held = back.lost.as_deref().unwrap_or("nothing");
        self.send_error_event(run, &back, &function, &error, held)
            .await?;
        if function != self.itself && back.lost.is_none() {
            return Ok(self.end(run, &back).await);
        }
        back.because = EndReason::Failure {
            function: self.itself.clone(),
            error: match &back.lost {
                Some(lost) => format!("{error}; still held: {lost}"),
                None => error,
            },
        };
        Ok(fail(back))
    }

    /// The event says that the run has its verdict, and no snapshot has it. A later test of the
    /// same snapshot has written its own, or the tags are not visible yet, or the event is wrong.
    async fn no_verdict_in_sight(
        &self,
        run: &Run,
        mut back: Release,
        told: RecordedVerdict,
    ) -> Result<Outcome<Self>> {
        let (run_id, now) = (&run.run_id, self.clock.now());
        if let Some(id) = &back.snapshot_id {
            let snapshot = ec2::snapshot(&self.ec2, id).await?;
            if let Some((other, at)) = snapshot.newer_verdict(run_id, told.checked_at, now) {
                info!(
                    "snapshot {id} has the verdict of run {other} of {at} by now: no metric of \
                     this run is sent"
                );
                return Ok(self.end(run, &back).await);
            }
        }
        let why = format!("no snapshot bears a verdict of run {run_id}");
        if !run.has_polled_long_enough(self.interval) {
            return Ok(Outcome::PollAgain {
                why,
                payload: Stage::Report(back),
            });
        }
        back.because = self.failed(
            Kind::BadEvent,
            &format!("the event says that this run has its verdict, and {why}: no metric is sent"),
        );
        Ok(Outcome::GoOn(Stage::Report(back)))
    }

    /// How a canary ended, from the command's result, since there is no tag. Sends the metric
    /// unless it was sent before.
    pub(crate) async fn tell_canary(&self, run: &Run, back: &mut Release) -> Result<Canary> {
        let testing = back.testing().ok_or_else(|| {
            let why = "the event says how a canary ended, and names no test_command_id with it";
            Error::new(Kind::BadEvent, why)
        })?;
        let (verdict, report) = match self.canary_evidence(run, &testing).await? {
            Evidence::Verdict(verdict, report) => (verdict, report),
            Evidence::Pending(why) => return Ok(Canary::Pending(why)),
        };
        let caught = !verdict.valid;
        let now = self.clock.now();
        let checked_at = report.ended_at.unwrap_or(now);
        // The waits since the test was noticed are counted, so what took longer is a late delivery,
        // whose metric was sent at the time. One that found something to release was held up, by AWS
        // or in Lambda's queue.
        let noticed = run.ready_at.get(&Phase::Test).copied();
        let since = now.since(noticed.unwrap_or(checked_at));
        let is_old = since > run.waited() + datadog::OLDEST_POINT;
        if is_old && !back.gave_back {
            return Ok(Canary::Late);
        }
        if !back.reported {
            let gauge = Gauge::canary_caught(verdict::metric(caught));
            let datadog = self.datadog.of(run);
            datadog.gauges(&[gauge], checked_at, now).await?;
            back.reported = true;
        }
        Ok(if caught {
            Canary::Caught
        } else {
            Canary::Missed
        })
    }

    async fn report_canary(&self, run: &Run, mut back: Release) -> Result<Outcome<Self>> {
        let (kind, why) = match self.tell_canary(run, &mut back).await {
            Ok(Canary::Caught) => return Ok(self.end(run, &back).await),
            Ok(Canary::Late) => return Ok(Outcome::AlreadyEnded),
            Ok(Canary::Missed) => (Kind::CanaryMissed, MISSED.to_owned()),
            Ok(Canary::Pending(why)) => {
                let payload = Stage::Report(back);
                return Ok(Outcome::PollAgain { why, payload });
            }
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => (error.kind(), error.chain()),
        };
        back.because = self.failed(kind, &why);
        back.reported = false;
        Ok(Outcome::GoOn(Stage::Report(back)))
    }

    /// The reason of a run that ends here without a verdict.
    pub(crate) fn failed(&self, kind: Kind, why: &str) -> EndReason {
        EndReason::Failure {
            function: self.itself.clone(),
            error: format!("{kind:?}: {why}"),
        }
    }

    /// Sends a verdict whose tag was written before step 6 failed. Sending again is harmless within
    /// 55 minutes (same timestamp, Datadog overwrites). Later, the point would get a new timestamp,
    /// so it is skipped if the run had already ended.
    async fn send_written(
        &self,
        run: &Run,
        back: &Release,
        written: RecordedVerdict,
    ) -> Result<()> {
        if self.is_long_ago(written.checked_at) && !back.gave_back {
            return Ok(());
        }
        self.send_verdict(run, written).await
    }

    async fn send_release_duration(&self, run: &Run) -> Result<()> {
        let now = self.clock.now();
        let Some(&tested) = run.ready_at.get(&Phase::Test) else {
            return Ok(());
        };
        let gauge = Gauge::duration(Phase::Release.name(), now.seconds_since(tested));
        self.datadog.of(run).gauges(&[gauge], now, now).await
    }
}
