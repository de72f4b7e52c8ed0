//! How a run ends, once nothing is held, or when time has run out over giving back.

use common::datadog::{self, Gauge};
use common::ec2::{self, Written};
use common::event::{Because, GiveBack, Phase, Run, Told};
use common::step::Outcome;
use common::{Error, Kind, Result, verdict};
use tracing::{error, info};

use crate::evidence::Evidence;
use crate::{AwaitResult, Ended, Task};

impl AwaitResult {
    /// Nothing is held any more: tells Datadog what it does not know yet, and ends the run.
    pub(crate) async fn finish(&self, run: &Run, mut back: GiveBack) -> Result<Outcome<Self>> {
        match back.because.clone() {
            Because::Leftover | Because::Superseded => Ok(Outcome::End(Ended(()))),
            Because::Verdict(told) => {
                if !back.reported && !self.send_written_verdict(run, told).await? {
                    return self.no_verdict_in_sight(run, back, told).await;
                }
                self.send_release_duration(run).await?;
                Ok(Outcome::End(Ended(())))
            }
            Because::Canary { .. } => self.finish_canary(run, back).await,
            // The last look of a run that failed here: it fails once everybody knows, so that
            // Lambda's retries of it repeat nothing.
            Because::Failure { error, .. } if back.reported => {
                Err(Error::new(Kind::Undetermined, error))
            }
            Because::Failure { function, error } => {
                // Found by the run's tag: the record of a start event names no snapshot.
                if let Some(written) = ec2::verdict_of(&self.ec2, &run.run_id).await? {
                    info!("{function} failed, and yet this run has its verdict");
                    if function == self.itself {
                        self.send_written(run, &back, written).await?;
                    }
                    return Ok(Outcome::End(Ended(())));
                }
                self.report_failure(run, &function, &error, "nothing")
                    .await?;
                if function != self.itself {
                    return Ok(Outcome::End(Ended(())));
                }
                back.reported = true;
                Ok(Outcome::GoOn(Task::GiveBack(back)))
            }
        }
    }

    /// The event says that the run has its verdict, and no snapshot bears it. A later test of the
    /// same snapshot has put its own there, or reads lag behind, or the event is wrong.
    async fn no_verdict_in_sight(
        &self,
        run: &Run,
        mut back: GiveBack,
        told: Told,
    ) -> Result<Outcome<Self>> {
        let (run_id, now) = (&run.run_id, self.clock.now());
        if let Some(id) = &back.snapshot_id {
            let snapshot = ec2::snapshot(&self.ec2, id).await?;
            if let Some((other, at)) = snapshot.newer_verdict(run_id, told.checked_at, now) {
                info!(
                    "snapshot {id} has the verdict of run {other} of {at} by now: no metric of \
                     this run is sent"
                );
                return Ok(Outcome::End(Ended(())));
            }
        }
        let why = format!("no snapshot bears a verdict of run {run_id}");
        if !run.has_looked_long_enough(self.poll) {
            return Ok(Outcome::LookAgain {
                why,
                payload: Task::GiveBack(back),
            });
        }
        back.because = self.failed(
            Kind::BadEvent,
            &format!("the event says that this run has its verdict, and {why}: no metric is sent"),
        );
        Ok(Outcome::GoOn(Task::GiveBack(back)))
    }

    /// Tells whether the damage that was done on purpose was found, as the command's result has
    /// it: there is no tag of it.
    async fn finish_canary(&self, run: &Run, mut back: GiveBack) -> Result<Outcome<Self>> {
        let Some(testing) = back.testing() else {
            let why = "the event says how a canary ended, and names no test_command_id with it";
            back.because = self.failed(Kind::BadEvent, why);
            return Ok(Outcome::GoOn(Task::GiveBack(back)));
        };
        let (verdict, report) = match self.canary_evidence(run, &testing).await {
            Ok(Evidence::Verdict(verdict, report)) => (verdict, report),
            Ok(Evidence::Pending(why)) => {
                return Ok(Outcome::LookAgain {
                    why,
                    payload: Task::GiveBack(back),
                });
            }
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => {
                back.because = self.failed(error.kind(), &error.chain());
                return Ok(Outcome::GoOn(Task::GiveBack(back)));
            }
        };
        let caught = !verdict.valid;
        let now = self.clock.now();
        let checked_at = report.ended_at.unwrap_or(now);
        // Waits are counted, so what is older is a late delivery: Datadog was told then.
        if now.since(checked_at) > run.waited() + datadog::OLDEST_POINT {
            return Ok(Outcome::AlreadyEnded);
        }
        let gauge = Gauge::canary_caught(verdict::metric(caught));
        let datadog = self.datadog.of(run);
        datadog.gauges(&[gauge], checked_at, now).await?;
        if caught {
            return Ok(Outcome::End(Ended(())));
        }
        back.because = self.failed(
            Kind::CanaryMissed,
            "the test took a copy that was damaged on purpose for a good one; trust no verdict of \
             it until it is known why",
        );
        Ok(Outcome::GoOn(Task::GiveBack(back)))
    }

    /// Has the run fail, as one without a verdict does.
    pub(crate) fn failed(&self, kind: Kind, why: &str) -> Because {
        Because::Failure {
            function: self.itself.clone(),
            error: format!("{kind:?}: {why}"),
        }
    }

    /// A verdict whose look failed once the tag was written. Where another delivery has told
    /// Datadog, this says the same of the same instant; so long after, it would be another. That
    /// is a delivery of a run that was over: it found nothing to give back.
    async fn send_written(&self, run: &Run, back: &GiveBack, written: Written) -> Result<()> {
        let Written { valid, checked_at } = written;
        if self.is_long_ago(checked_at) && !back.gave_back {
            return Ok(());
        }
        let told = Told {
            valid,
            checked_at,
            coverage: None,
            paused_seconds: None,
            manifest: None,
        };
        self.send_verdict(run, told).await
    }

    /// Time has run out over giving back: says what is held, and gives the error to end with.
    pub(crate) async fn report_held(&self, run: &Run, back: &GiveBack, error: Error) -> Error {
        let held = match self.held(run, back).await {
            Ok(volumes) => {
                let ids: Vec<String> = volumes
                    .iter()
                    .map(|volume| match &volume.attachment {
                        Some(at) => format!("{} (at {} {})", volume.id, at.instance_id, at.device),
                        None => volume.id.clone(),
                    })
                    .collect();
                if ids.is_empty() {
                    "no volume".to_owned()
                } else {
                    ids.join(", ")
                }
            }
            Err(unknown) => format!("unknown: {}", unknown.chain()),
        };
        let error = Error::new(
            error.kind(),
            format!("{}; still held: {held}", error.chain()),
        );
        let sent = self
            .report_failure(run, &self.itself, &error.chain(), &held)
            .await;
        if let Err(unsent) = sent {
            error!("the failure is not in Datadog: {}", unsent.chain());
        }
        error
    }

    async fn report_failure(
        &self,
        run: &Run,
        function: &str,
        error: &str,
        held: &str,
    ) -> Result<()> {
        let text = format!(
            "Whether last night's backup can be restored is not known.\n\n\
             run: {}\nfunction: {function}\nerror: {error}\nstill held: {held}\n\n\
             See \"A failed run\" in RUNBOOK.md.",
            run.run_id
        );
        let title = "Infobright backup check: no verdict";
        self.datadog
            .of(run)
            .error_event(title, &text, &run.run_id, self.clock.now())
            .await?;
        error!("no verdict: {function} failed: {error}; still held: {held}");
        Ok(())
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
