//! The table that a doctor run ends with: a line for each need, in the log of step 6.

use tracing::{error, info, warn};

use super::{Examination, Finding, Need, STEPS, Stands};
use crate::error::{Error, Kind};

impl Examination {
    /// A step that the chain did not reach has no findings.
    pub(super) fn note_missing_steps(&mut self) {
        let last = self.step;
        for step in 1..=STEPS.len() {
            if self.seen.findings.iter().any(|found| found.step == step) {
                continue;
            }
            self.step = step;
            let function = STEPS[step - 1];
            let saw = format!("{function} was not reached, so its needs were not asked about");
            self.not_known(Need::Function, &saw);
        }
        self.step = last;
    }

    /// Prints the table.
    pub(super) fn print(&mut self) {
        let findings = &mut self.seen.findings;
        findings.sort_by_key(|found| (found.step, found.need));
        info!("doctor: what a night needs, and how it stands; nothing was changed");
        for found in findings.iter() {
            let row = row(found);
            match found.stands {
                Stands::Met => info!("{row}"),
                Stands::NotMet => error!("{row}"),
                Stands::NotKnown => warn!("{row}"),
            }
        }
        let [met, not_met, not_known] =
            [Stands::Met, Stands::NotMet, Stands::NotKnown].map(|stands| {
                let these = findings.iter().filter(|found| found.stands == stands);
                these.count()
            });
        info!("doctor: {met} met, {not_met} not met, {not_known} not known");
    }

    /// Whether a run would fail now.
    pub(super) fn is_unwell(&self) -> bool {
        let findings = &self.seen.findings;
        findings.iter().any(|found| found.stands == Stands::NotMet)
    }

    /// What the run fails with.
    pub(super) fn failure(&self) -> Error {
        let findings = self.seen.findings.iter();
        let not_met = findings.filter(|found| found.stands == Stands::NotMet);
        let needs: Vec<String> = not_met
            .map(|found| format!("{} (step {})", found.need.title(), found.step))
            .collect();
        Error::new(
            Kind::NeedNotMet,
            format!(
                "a night would fail: {}; the table above says what to do, and \"Doctor\" in \
                 RUNBOOK.md more",
                needs.join(", ")
            ),
        )
    }
}

fn row(found: &Finding) -> String {
    let stands = match found.stands {
        Stands::Met => "met",
        Stands::NotMet => "NOT MET",
        Stands::NotKnown => "not known",
    };
    let Finding {
        step, need, saw, ..
    } = found;
    let row = format!(
        "doctor: step {step}  {stands:<9}  {:<24}  {saw}",
        need.title()
    );
    match found.stands {
        Stands::Met => row,
        Stands::NotMet | Stands::NotKnown => format!("{row}; to do: {}", need.advice()),
    }
}
