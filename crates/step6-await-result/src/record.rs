//! The stage `AwaitTest`: the verdict is awaited, then written, first on the snapshot, then to
//! Datadog.

use common::datadog::{self, Gauge};
use common::ec2::{self, Tagged, Volume, VolumeState};
use common::event::{EndReason, Phase, Release, Run, Testing};
use common::ssm::{self, Progress, Report};
use common::step::Outcome;
use common::time::Timestamp;
use common::verdict::{self, RecordedVerdict, Verdict};
use common::{Error, Kind, Result};
use tracing::{error, info};

use crate::evidence::Evidence;
use crate::{AwaitResult, Stage};

/// The result of recording a verdict.
enum Recorded {
    /// It is on the snapshot, with this instant.
    Written {
        checked_at: Timestamp,
        /// It stood there already.
        before: bool,
    },
    /// The snapshot takes no more tags; the verdict is of this instant.
    NoRoom(Timestamp, Error),
    /// A newer one of another run stands there.
    Superseded,
}

fn told(verdict: &Verdict, checked_at: Timestamp) -> RecordedVerdict {
    RecordedVerdict {
        valid: verdict.valid,
        checked_at,
        measured: verdict.measured,
    }
}

impl AwaitResult {
    /// Polls the test's command.
    pub(crate) async fn await_test(&self, run: &Run, testing: Testing) -> Result<Outcome<Self>> {
        let instance = &testing.subject.dev_ib_backup_instance_id;
        // The mount command, if that found the fault.
        let steps = ["test", "mount"];
        let asked = ssm::progress(&self.ssm, &testing.test_command_id, instance, &steps).await;
        let (report, progress) = match asked {
            Ok(answer) => answer,
            Err(error) => return self.again_or_undetermined(testing, error),
        };
        let shown = serde_json::to_string(&report).unwrap_or_default();
        let name = run.target.test_instance_name.as_ref();
        let name = name.unwrap_or(&self.test_instance);
        info!("test cmd job status resp=[{{'{name}': {shown} }}]");
        match progress {
            Progress::Pending(why) => Ok(Outcome::PollAgain {
                why,
                payload: Stage::AwaitTest(testing),
            }),
            Progress::Lost(why) => {
                let lost = Error::new(Kind::HostFailed, format!("the test has no result: {why}"));
                Ok(self.undetermined(testing, &lost))
            }
            Progress::Ended(report) => self.conclude(run, testing, report).await,
        }
    }

    /// Checks the evidence of a test that has ended, and writes its verdict.
    async fn conclude(&self, run: &Run, testing: Testing, report: Report) -> Result<Outcome<Self>> {
        match self.evidence(run, &testing, report).await {
            Ok(Evidence::Pending(why)) => Ok(Outcome::PollAgain {
                why,
                payload: Stage::AwaitTest(testing),
            }),
            Ok(Evidence::Verdict(verdict, report)) if run.canary => {
                Ok(self.note_canary(testing, &verdict, &report))
            }
            Ok(Evidence::Verdict(verdict, report)) => {
                self.record(run, testing, &verdict, &report).await
            }
            Err(error) => self.again_or_undetermined(testing, error),
        }
    }

    /// Writes the tags, reads them back, then sends the metric. The tags are on the snapshot before
    /// anything is released, so a late delivery of this run finds that it has ended.
    async fn record(
        &self,
        run: &Run,
        testing: Testing,
        verdict: &Verdict,
        report: &Report,
    ) -> Result<Outcome<Self>> {
        let mut tested = run.clone();
        tested.ready_at.insert(Phase::Test, self.clock.now());
        let unwritten = |error: Error| {
            let found = if verdict.valid { "valid" } else { "bad" };
            let said = format!(
                "the test found the backup {found} ({}), and that could not be written on \
                 snapshot {}",
                verdict.detail, testing.subject.snapshot_id
            );
            Error::caused(error.kind(), said, error)
        };
        let written = match self.tag(run, &testing, verdict, report).await {
            Ok(written) => written,
            Err(error) if error.is_transient() => return Err(error),
            // The verdict is known, and must be reported even without its tags.
            Err(error) => {
                let error = unwritten(error);
                return Ok(self.undetermined(testing, &error));
            }
        };
        match written {
            Recorded::Written { checked_at, before } => {
                let told = told(verdict, checked_at);
                let before = before && self.told_before(run, checked_at).await?;
                let mut back = Release::after(testing, EndReason::Verdict(told));
                back.tested = Some(verdict.into());
                back.reported = before || self.send_verdict(&tested, told).await.is_ok();
                Ok(Outcome::GoOn(Stage::Release(back)))
            }
            // The result of the run's own command is the evidence then.
            Recorded::NoRoom(checked_at, error) => {
                let error = unwritten(error);
                if !self.told_before(run, checked_at).await?
                    && let Err(unsent) = self.send_verdict(&tested, told(verdict, checked_at)).await
                {
                    return Err(Error::caused(unsent.kind(), error.chain(), unsent));
                }
                let because = self.failed(error.kind(), &error.chain());
                let mut back = Release::after(testing, because);
                back.found = Some(verdict.valid);
                back.tested = Some(verdict.into());
                Ok(Outcome::GoOn(Stage::Release(back)))
            }
            Recorded::Superseded => Ok(Outcome::GoOn(Stage::Release(Release::after(
                testing,
                EndReason::Superseded,
            )))),
        }
    }

    /// A damaged copy says nothing about the backup: neither the tag nor the verdict's metric is
    /// written. The result goes to Datadog during the release.
    fn note_canary(&self, testing: Testing, verdict: &Verdict, report: &Report) -> Outcome<Self> {
        let caught = !verdict.valid;
        let found = if caught { "has found" } else { "has not found" };
        info!(
            "the test {found} the damage done on purpose: {}",
            verdict.detail
        );
        let checked_at = report.ended_at.unwrap_or_else(|| self.clock.now());
        let because = EndReason::Canary { caught, checked_at };
        let mut back = Release::after(testing, because);
        back.tested = Some(verdict.into());
        Outcome::GoOn(Stage::Release(back))
    }

    /// Every delivery of a result writes the same time: the one that an earlier delivery wrote,
    /// else the end of the test. The verdict of a later test is left as it is.
    async fn tag(
        &self,
        run: &Run,
        testing: &Testing,
        verdict: &Verdict,
        report: &Report,
    ) -> Result<Recorded> {
        let snapshot = ec2::snapshot(&self.ec2, &testing.subject.snapshot_id).await?;
        let now = self.clock.now();
        let before = snapshot.checked_by(&run.run_id);
        let checked_at = before.or(report.ended_at).unwrap_or(now);
        if let Some((other, at)) = snapshot.newer_verdict(&run.run_id, checked_at, now) {
            info!(
                "snapshot {} has the verdict of run {other} of {at}, which is newer than this one \
                 of {checked_at}: it stays, and no metric is sent",
                snapshot.id
            );
            return Ok(Recorded::Superseded);
        }
        let id = &snapshot.id;
        let tagged = ec2::tag_snapshot(&self.ec2, id, &run.run_id, verdict, checked_at).await?;
        if let Tagged::NoRoom(error) = tagged {
            return Ok(Recorded::NoRoom(checked_at, error));
        }
        // The SDK does not parse EC2's response to CreateTags, so any response with status 200
        // would pass. Once the tag is written the outcome is known, so a failed read-back only
        // costs a retry.
        let unseen = format!("the verdict is not seen on snapshot {id} yet");
        match ec2::snapshot(&self.ec2, id).await {
            Ok(written) if written.checked_by(&run.run_id).is_some() => {}
            Ok(_) => return Err(Error::new(Kind::AwsUnavailable, unseen)),
            Err(error) => return Err(Error::caused(Kind::AwsUnavailable, unseen, error)),
        }
        info!(
            "DBBackupValid={} on {id}: {}",
            verdict.tag(),
            verdict.detail
        );
        Ok(Recorded::Written {
            checked_at,
            before: before.is_some(),
        })
    }

    /// Whether this is a late delivery of an ended run: its metrics were sent at the time, and
    /// Datadog would store them again at a new time. A run that was only delayed still holds its
    /// volume.
    async fn told_before(&self, run: &Run, checked_at: Timestamp) -> Result<bool> {
        Ok(self.is_long_ago(checked_at) && self.holds_nothing(run).await?)
    }

    /// Whether a point of that time would be stored at a new time.
    pub(crate) fn is_long_ago(&self, instant: Timestamp) -> bool {
        self.clock.now().since(instant) > datadog::OLDEST_POINT
    }

    async fn holds_nothing(&self, run: &Run) -> Result<bool> {
        let volumes = ec2::volumes_of_run(&self.ec2, &run.run_id, &self.environment).await?;
        let gone = |volume: &Volume| volume.state == VolumeState::Deleted;
        Ok(volumes.iter().all(gone))
    }

    /// Sends the verdict as it stands on the snapshot, not as the event has it. `false`: no
    /// snapshot has a verdict of this run.
    pub(crate) async fn send_written_verdict(
        &self,
        run: &Run,
        event: RecordedVerdict,
    ) -> Result<bool> {
        let Some(written) = ec2::verdict_of(&self.ec2, &run.run_id).await? else {
            return Ok(false);
        };
        let told = RecordedVerdict {
            valid: written.valid,
            checked_at: written.checked_at,
            ..event
        };
        self.send_verdict(run, told).await.map(|()| true)
    }

    /// Sends the verdict, what the test measured, and how long each phase took. A failure is
    /// logged here; the caller tries again before the run may end.
    pub(crate) async fn send_verdict(&self, run: &Run, told: RecordedVerdict) -> Result<()> {
        let valid = verdict::metric(told.valid);
        let mut gauges = if run.older_backup {
            vec![Gauge::older_valid(valid)]
        } else {
            vec![Gauge::valid(valid), Gauge::verdict()]
        };
        gauges.extend(Gauge::of_test(told.measured));
        let durations = run.durations().into_iter();
        gauges.extend(durations.map(|(phase, seconds)| Gauge::duration(phase.name(), seconds)));
        let datadog = self.datadog.of(run);
        let sent = datadog
            .gauges(&gauges, told.checked_at, self.clock.now())
            .await;
        sent.inspect_err(|error| error!("the verdict is not in Datadog yet: {}", error.chain()))
    }

    /// A transient error is retried; any other ends the run without a verdict.
    fn again_or_undetermined(&self, testing: Testing, error: Error) -> Result<Outcome<Self>> {
        if error.is_transient() {
            return Err(error);
        }
        Ok(self.undetermined(testing, &error))
    }
}
