//! The evidence for a verdict, from AWS: which run sent the command, for which volume and snapshot,
//! and from which snapshot the volume was created. The event says so too, and may be wrong.

use common::ec2;
use common::event::{Run, Testing};
use common::ssm::{self, Progress, Report, Sent};
use common::verdict::Verdict;
use common::{Error, Kind, Result};

use crate::AwaitResult;

/// What is known of the test.
pub(crate) enum Evidence {
    /// Not yet; why.
    Pending(String),
    /// The result of this run's test, on this volume, which was created from this snapshot.
    Verdict(Verdict, Box<Report>),
}

impl AwaitResult {
    /// The verdict of a command that has ended.
    ///
    /// # Errors
    /// Where the event and AWS do not agree, or the script could not check.
    pub(crate) async fn evidence(
        &self,
        run: &Run,
        testing: &Testing,
        report: Report,
    ) -> Result<Evidence> {
        let id = &testing.test_command_id;
        let Some(sent) = ssm::sent(&self.ssm, id).await? else {
            let why = format!("command {id} is not yet in Systems Manager's list");
            return Ok(Evidence::Pending(why));
        };
        self.check_command(run, testing, &sent)?;
        self.check_volume(run, testing, &sent).await?;
        Ok(Evidence::Verdict(
            Verdict::judge(&report)?,
            Box::new(report),
        ))
    }

    /// Whether a canary's damage was found, from the command that the event names.
    pub(crate) async fn canary_evidence(&self, run: &Run, testing: &Testing) -> Result<Evidence> {
        let (id, instance) = (
            &testing.test_command_id,
            &testing.subject.dev_ib_backup_instance_id,
        );
        let (_, progress) = ssm::progress(&self.ssm, id, instance, &["test"]).await?;
        match progress {
            Progress::Ended(report) => self.evidence(run, testing, report).await,
            Progress::Pending(why) => Ok(Evidence::Pending(why)),
            Progress::Lost(why) => Err(Error::new(Kind::HostFailed, why)),
        }
    }

    /// Checks that the command is this run's test (or its mount, if that found the fault) of this
    /// volume and this snapshot.
    fn check_command(&self, run: &Run, testing: &Testing, sent: &Sent) -> Result<()> {
        let run_id = &run.run_id;
        let is = |document: &str, purpose| {
            sent.document == document && sent.comment == ssm::comment(purpose, run_id)
        };
        let is_test = is(&self.test_document, "test");
        let is_mount = is(&self.mount_document, "mount") && !run.canary;
        if !is_test && !is_mount {
            return Err(disagree(&format!(
                "command {} is `{}` with document {}, and not the test of run {run_id}",
                sent.id, sent.comment, sent.document
            )));
        }
        let mut expected = vec![("runId", run_id), ("volumeId", &testing.volume.volume_id)];
        if is_test {
            expected.push(("snapshotId", &testing.subject.snapshot_id));
        }
        for (name, value) in expected {
            let found = sent.parameter(name);
            if found != value {
                return Err(disagree(&format!(
                    "command {} was sent with {name} `{found}`, and not `{value}`",
                    sent.id
                )));
            }
        }
        // The test of a copy damaged on purpose says nothing about the backup, and the test of an
        // intact copy nothing about a canary.
        let canary = sent.parameter("canary") == "true";
        if canary != run.canary {
            return Err(disagree(&format!(
                "command {} tested a copy that was {} on purpose",
                sent.id,
                if canary { "damaged" } else { "not damaged" }
            )));
        }
        Ok(())
    }

    /// Checks that the volume was created from the snapshot. If the volume is gone, the test
    /// command's parameters name the snapshot; a mount command's do not, so then only a verdict
    /// that this run wrote before is evidence.
    async fn check_volume(&self, run: &Run, testing: &Testing, sent: &Sent) -> Result<()> {
        let (id, snapshot) = (&testing.volume.volume_id, &testing.subject.snapshot_id);
        let volume = ec2::volume(&self.ec2, id).await?;
        if let Some(volume) = volume {
            if volume.snapshot_id == *snapshot {
                return Ok(());
            }
            return Err(disagree(&format!(
                "volume {id} is made of `{}`, and not of snapshot {snapshot}",
                volume.snapshot_id
            )));
        }
        if sent.parameter("snapshotId") == snapshot {
            return Ok(());
        }
        let written = ec2::snapshot(&self.ec2, snapshot).await?;
        if written.checked_by(&run.run_id).is_some() {
            return Ok(());
        }
        Err(disagree(&format!(
            "volume {id} is gone, and nothing else says that it was made of snapshot {snapshot}"
        )))
    }
}

fn disagree(found: &str) -> Error {
    Error::new(
        Kind::BadEvent,
        format!(
            "the event and AWS do not agree, so that there is no verdict: {found}; where neither \
             the event was sent by hand nor the stack changed while the run was at work, follow \
             the trail of this run in RUNBOOK.md"
        ),
    )
}
