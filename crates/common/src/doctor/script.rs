//! The scripts on the test instance, in a mode that only checks.

use std::time::Duration;

use serde::Deserialize;

use super::{Examination, Need, Stands};
use crate::clients::Clock;
use crate::error::{Error, Kind, Result};
use crate::ssm::{self, Command, Progress, Report};
use crate::time::Timestamp;

/// The parameter that makes a document check only.
pub const PARAMETER: &str = "doctor";

/// The time limit of the command, which checks a dozen files.
const PATIENCE: Duration = Duration::from_mins(2);
const EVERY: Duration = Duration::from_secs(3);

/// A document in the mode that only checks.
pub struct Script<'a> {
    /// The document.
    pub document: &'a str,
    /// What stands for it in the table.
    pub need: Need,
    /// What it is for, as the comment of the command says.
    pub purpose: &'static str,
    /// What the document may call the step that runs the script.
    pub steps: &'a [&'a str],
    /// The parameters that it must have, in a form that it takes; it uses none of them.
    pub parameters: Vec<(&'static str, &'a str)>,
}

/// What a script prints last.
#[derive(Deserialize)]
struct LastLine {
    doctor: Vec<Looked>,
}

#[derive(Deserialize)]
struct Looked {
    need: Need,
    stands: Stands,
    saw: String,
}

impl Examination {
    /// Runs a document in the mode that only checks, and adds its findings.
    pub async fn look_with(
        &mut self,
        client: &aws_sdk_ssm::Client,
        clock: &Clock,
        script: Script<'_>,
    ) {
        let need = script.need;
        let Some(instance) = self.seen.dev_ib_backup_instance_id.clone() else {
            self.not_known(need, "there is no test instance to ask");
            return;
        };
        if !self.is_met(Need::SsmAgent) {
            self.not_known(need, "the SSM agent is not online, so nothing was sent");
            return;
        }
        let run = (self.run.run_id.clone(), self.run.started_at);
        match report(client, clock, &script, &instance, &run).await {
            Ok(report) => self.take_over(need, script.document, &report),
            Err(error) if error.to_string().contains("must declare what is sent") => {
                let saw = format!(
                    "{} does not declare the parameter {PARAMETER}, so it was not run; it may be \
                     sent",
                    script.document
                );
                self.not_known(need, &saw);
            }
            Err(error) => self.error(need, &error),
        }
    }

    fn take_over(&mut self, need: Need, document: &str, report: &Report) {
        let last = report.stdout.trim_end().lines().last().unwrap_or_default();
        let Ok(LastLine { doctor }) = serde_json::from_str(last) else {
            let words = report.words();
            let saw = format!("{document} ran and did not say what it saw: {words}");
            self.not_met(need, &saw);
            return;
        };
        self.met(need, &format!("{document} runs on the test instance"));
        for Looked { need, stands, saw } in doctor {
            // What a running test uses is no fault.
            let at_work = self.seen.run_at_work.clone();
            let passing = matches!(need, Need::Memory | Need::DiskSpace | Need::MountPoint);
            match at_work.filter(|_| passing && stands == Stands::NotMet) {
                Some(run) => self.not_known(need, &format!("{saw}, while run {run} is at work")),
                None => self.find(need, stands, &saw),
            }
        }
    }
}

/// What became of the command, once it has ended.
async fn report(
    client: &aws_sdk_ssm::Client,
    clock: &Clock,
    script: &Script<'_>,
    instance: &str,
    (run_id, since): &(String, Timestamp),
) -> Result<Report> {
    let mut parameters = script.parameters.clone();
    parameters.push((PARAMETER, "true"));
    parameters.push(("runId", run_id));
    let command = Command {
        document: script.document,
        instance_id: instance,
        purpose: script.purpose,
        run_id,
        parameters,
        // It looks only, and says little.
        log_group: None,
    };
    let id = ssm::ensure_command(client, &command, *since).await?;
    let mut waited = Duration::ZERO;
    loop {
        let (report, progress) = ssm::progress(client, &id, instance, script.steps).await?;
        let why = match progress {
            Progress::Ended(_) => return Ok(report),
            Progress::Lost(why) => return Err(Error::new(Kind::HostFailed, why)),
            Progress::Pending(why) => why,
        };
        if waited >= PATIENCE {
            let seconds = PATIENCE.as_secs();
            let message = format!("{why}, after {seconds} s");
            return Err(Error::new(Kind::HostFailed, message));
        }
        clock.wait(EVERY).await;
        waited += EVERY;
    }
}
