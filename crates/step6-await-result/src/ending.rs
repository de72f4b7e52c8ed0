//! How a run ends, once nothing is held, or when time has run out over giving back.

use common::datadog::{self, Gauge};
use common::ec2::{self, Written};
use common::event::{Because, GiveBack, Phase, Run, Told};
use common::step::Outcome;
use common::{Error, Kind, Result, verdict};
use tracing::{error, info};

use crate::{AwaitResult, Ended, Task};

impl AwaitResult {
    /// Nothing is held any more: tells Datadog what it does not know yet, and ends the run.
    pub(crate) async fn finish(&self, run: &Run, mut back: GiveBack) -> Result<Outcome<Self>> {
        match back.because.clone() {
            Because::Leftover => Ok(Outcome::End(Ended(()))),
            Because::Verdict(told) => {
                if !back.reported {
                    self.send_verdict(run, told).await?;
                }
                self.send_release_duration(run).await?;
                Ok(Outcome::End(Ended(())))
            }
            Because::Canary { caught, checked_at } => {
                let gauge = Gauge::canary_caught(verdict::metric(caught));
                let datadog = self.datadog.of(run);
                datadog
                    .gauges(&[gauge], checked_at, self.clock.now())
                    .await?;
                if caught {
                    return Ok(Outcome::End(Ended(())));
                }
                back.because = self.canary_missed();
                Ok(Outcome::GoOn(Task::GiveBack(back)))
            }
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

    /// Worse than a bad backup: a run that fails, as one without a verdict does.
    fn canary_missed(&self) -> Because {
        Because::Failure {
            function: self.itself.clone(),
            error: format!(
                "{:?}: the test took a copy that was damaged on purpose for a good one; trust no \
                 verdict of it until it is known why",
                Kind::CanaryMissed
            ),
        }
    }

    /// A verdict whose look failed once the tag was written. Where another delivery has told
    /// Datadog, this says the same of the same instant; so long after, it would be another. That
    /// is a delivery of a run that was over: it found nothing to give back.
    async fn send_written(&self, run: &Run, back: &GiveBack, written: Written) -> Result<()> {
        let Written { valid, checked_at } = written;
        let long_ago = self.clock.now().since(checked_at) > datadog::OLDEST_POINT;
        if long_ago && !back.gave_back {
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
