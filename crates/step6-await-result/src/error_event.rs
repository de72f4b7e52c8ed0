//! The report of a run that ends with an error: what is known of the backup, what went wrong, and
//! what is still held.

use common::Error;
use common::Result;
use common::ec2::Volume;
use common::event::{EndReason, Release, Run};
use tracing::error;

use crate::AwaitResult;
use crate::report::Canary;

impl AwaitResult {
    /// The time limit of the release ran out: reports what is still held, and returns the error to
    /// end with.
    pub(crate) async fn report_held(&self, run: &Run, back: &Release, error: Error) -> Error {
        let mut back = back.clone();
        if let EndReason::Canary { .. } = back.because {
            match self.tell_canary(run, &mut back).await {
                Ok(Canary::Pending(why)) => error!("how the canary ended is not known: {why}"),
                Ok(Canary::Caught | Canary::Missed | Canary::Late) => {}
                Err(unsent) => error!("the canary is not in Datadog: {}", unsent.chain()),
            }
        }
        let held = match self.held(run, &back).await {
            Ok(volumes) if volumes.is_empty() => "no volume".to_owned(),
            Ok(volumes) => {
                let places = volumes.iter().map(place).collect::<Vec<_>>().join(", ");
                match &back.held_by {
                    None => places,
                    Some(why) => format!("{places}: {why}"),
                }
            }
            Err(unknown) => format!("unknown: {}", unknown.chain()),
        };
        let before = match &back.because {
            EndReason::Failure { function, error } => {
                format!("; before that, {function} failed: {error}")
            }
            _ => String::new(),
        };
        let error = Error::new(
            error.kind(),
            format!("{}; still held: {held}{before}", error.chain()),
        );
        let sent = self
            .send_error_event(run, &back, &self.itself, &error.chain(), &held)
            .await;
        if let Err(unsent) = sent {
            error!("the failure is not in Datadog: {}", unsent.chain());
        }
        error
    }

    /// Sends the error event to Datadog.
    pub(crate) async fn send_error_event(
        &self,
        run: &Run,
        back: &Release,
        function: &str,
        error: &str,
        held: &str,
    ) -> Result<()> {
        let known = known(back);
        let first = known.as_deref();
        let first = first.unwrap_or("Whether last night's backup can be restored is not known.");
        let text = format!(
            "{first}\n\nrun: {}\nfunction: {function}\nerror: {error}\nstill held: {held}\n\n{}",
            run.run_id,
            self.links(run, back, function, error)
        );
        let title = match known {
            None => "Infobright backup check: no verdict",
            Some(_) => "Infobright backup check: ended with an error",
        };
        self.datadog
            .of(run)
            .error_event(title, &text, &run.run_id, self.clock.now())
            .await?;
        match known {
            None => error!("no verdict: {function} failed: {error}; still held: {held}"),
            Some(known) => error!("ended with an error: {known} {error}; still held: {held}"),
        }
        Ok(())
    }

    /// Where to read on.
    fn links(&self, run: &Run, back: &Release, function: &str, error: &str) -> String {
        let section = section(error);
        let page = self.runbook.as_ref();
        let page = page.map_or(".".to_owned(), |page| {
            format!(": {}", address(page, section))
        });
        let log = self.console.log(function, &run.run_id, run.started_at);
        let snapshot = back.snapshot_id.as_ref();
        let snapshot = snapshot.map(|id| format!("\nsnapshot: {}", self.console.snapshot(id)));
        format!(
            "See {section}{page}\nlog: {log}{}",
            snapshot.unwrap_or_default()
        )
    }
}

/// The section of the run book for an error.
fn section(error: &str) -> &'static str {
    match error.split(':').next() {
        Some("AccessDenied") => "\"An action that AWS denied\" in RUNBOOK.md",
        Some("SnapshotTooOld") => "\"A snapshot that is too old\" in RUNBOOK.md",
        _ => "\"A failed run\" in RUNBOOK.md",
    }
}

/// The address of a section, as GitHub makes it of the heading.
fn address(page: &str, section: &str) -> String {
    let heading = section.split('"').nth(1).unwrap_or_default();
    format!("{page}#{}", heading.to_lowercase().replace(' ', "-"))
}

/// What is known of the backup, whatever else went wrong.
fn known(back: &Release) -> Option<String> {
    let found = |valid: bool| if valid { "valid" } else { "bad" };
    match &back.because {
        EndReason::Verdict(told) => Some(format!(
            "The test found the backup {}, and that verdict stands.",
            found(told.valid)
        )),
        EndReason::Canary { caught, .. } => Some(format!(
            "On this canary night the test has {}found the damage done on purpose.",
            if *caught { "" } else { "not " }
        )),
        EndReason::Leftover => {
            Some("This is about what an earlier run left, and not about a backup.".to_owned())
        }
        EndReason::Superseded => Some("A later test of the snapshot has its verdict.".to_owned()),
        EndReason::Failure { .. } => back.found.map(|valid| {
            format!(
                "The test found the backup {}, and the snapshot could not be tagged with that.",
                found(valid)
            )
        }),
    }
}

/// A volume, and where it is.
pub(crate) fn place(volume: &Volume) -> String {
    match &volume.attachment {
        Some(at) => format!("{} (at {} {})", volume.id, at.instance_id, at.device),
        None => volume.id.clone(),
    }
}
