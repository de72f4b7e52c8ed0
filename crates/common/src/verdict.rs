//! The verdict: one value, from which the tag, the metric and the detail all come.
//!
//! `invalid` is a finding, never a default: the exit code and the last line of the script both have
//! to report it, and the line names what was found. Every other end of a command is an error.

mod last_line;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::ssm::Report;
use crate::text::{LONGEST_TAG, one_line};
use crate::time::Timestamp;
pub use last_line::{Counts, Measured};
use last_line::{Summary, told};

/// As much is kept of what a script says of its version.
const LONGEST_VERSION: usize = 64;

/// Whether the backup is good, from a test that ran to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it is.
    pub valid: bool,
    /// What was covered, or what was found: one line, at most 256 characters.
    pub detail: String,
    /// What the test measured.
    pub measured: Measured,
    /// What it counted.
    pub counts: Counts,
    /// The version of the script, where it says so.
    pub script: Option<String>,
}

/// A verdict as it stands on a snapshot, with what the test measured where that is still known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedVerdict {
    /// Whether the backup is good.
    pub valid: bool,
    /// When the test ended, as the snapshot's tag has it.
    pub checked_at: Timestamp,
    /// What the test measured.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Verdict {
    /// The tag of a good backup.
    pub(crate) const TRUE: &'static str = "True";

    /// The value of the tag `DBBackupValid`.
    #[must_use]
    pub fn tag(&self) -> &'static str {
        if self.valid { Self::TRUE } else { "False" }
    }

    /// The value of the metric `infobright_backup_valid`.
    #[must_use]
    pub fn metric(&self) -> f64 {
        metric(self.valid)
    }

    /// Judges a command that has ended.
    ///
    /// # Errors
    /// Where the script could not check, or does not say itself what it checked or found.
    pub fn judge(report: &Report) -> Result<Self> {
        let (valid, said) = told(report)?;
        if valid && (said.checks == 0 || said.tables == 0) {
            return Err(Error::new(
                Kind::HostFailed,
                format!(
                    "command {} exited with 0, and yet its last line does not say that anything \
                     was found valid: {} checks, {} tables",
                    report.command_id, said.checks, said.tables
                ),
            ));
        }
        let (counts, measured) = (said.counts(), said.measured());
        let script = said.script.as_str();
        let script = script.map(|script| one_line(script, LONGEST_VERSION));
        let detail = if valid { covered(&said) } else { said.reason };
        Ok(Self {
            valid,
            detail: one_line(&detail, LONGEST_TAG),
            measured,
            counts,
            script,
        })
    }
}

fn covered(said: &Summary) -> String {
    let Summary {
        checks,
        tables,
        rows,
        seconds,
        ..
    } = said;
    let read = said.measured.coverage;
    let read = read.map_or_else(String::new, |percent| format!(", {percent} % read"));
    format!("{tables} tables, {rows} rows, {checks} checks in {seconds} s{read}")
}

/// The number that stands for yes or no in a metric.
#[must_use]
pub fn metric(valid: bool) -> f64 {
    if valid { 1.0 } else { 0.0 }
}

/// Why a script could not do its part, where it says so itself.
#[must_use]
pub fn could_not(report: &Report) -> Option<String> {
    last_line::could_not(report)
}

/// Whether a script that mounts or unmounts has done so. `Ok(false)`: it found the file system
/// broken.
///
/// # Errors
/// Where it could not find out.
pub fn mounted(report: &Report) -> Result<bool> {
    told(report).map(|(valid, _)| valid)
}

#[cfg(test)]
mod tests;
