//! The last line of a script's output: what the test found, counted and measured.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::ssm::{FAULT, GOOD, OWN_DOCUMENT, Report, SHOWN, advice};
use crate::text::one_line;

/// `EX_TEMPFAIL`: the script could not check.
const COULD_NOT_CHECK: i32 = 75;
/// How the agent marks output that it has cut.
const CUT: &str = "--output truncated--";

/// The last line of a script's output.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    valid: Option<bool>,
    pub checks: u64,
    pub tables: u64,
    pub rows: u64,
    pub seconds: f64,
    #[serde(default)]
    pub reason: String,
    // Of any type: a result is not thrown away for it.
    #[serde(default)]
    pub script: Value,
    #[serde(flatten)]
    pub measured: Measured,
}

/// What a test measured: read from the last line of its output, handed on in the payload, sent to
/// Datadog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Percent of the data that was read, where the test says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// Seconds that production was paused for the backup, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_seconds: Option<f64>,
    /// Whether the test had a manifest of the same night, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<bool>,
}

/// What the last line of a script counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Checks made.
    pub checks: u64,
    /// Tables read.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
}

impl Summary {
    /// What it measured. A test that does not mention a manifest had none.
    pub(super) fn measured(&self) -> Measured {
        Measured {
            manifest: Some(self.measured.manifest.unwrap_or(false)),
            ..self.measured
        }
    }

    /// What it counts.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            checks: self.checks,
            tables: self.tables,
            rows: self.rows,
        }
    }
}

/// Good or not, where exit code and last line say the same.
pub(super) fn told(report: &Report) -> Result<(bool, Summary)> {
    let failed = |text: String| {
        let command = &report.command_id;
        Err(Error::new(
            Kind::HostFailed,
            format!("command {command} {text}"),
        ))
    };
    let code = report.response_code;
    match (code, read(&report.stdout)) {
        (GOOD, Ok(said)) if said.valid == Some(true) => Ok((true, said)),
        (FAULT, Ok(said)) if said.valid == Some(false) && !said.reason.trim().is_empty() => {
            Ok((false, said))
        }
        (FAULT, Ok(said)) if said.valid == Some(false) => failed(format!(
            "says that the backup is bad, and names nothing that it found: its `reason` is empty; \
             {OWN_DOCUMENT}"
        )),
        (COULD_NOT_CHECK, Ok(said)) if !said.reason.trim().is_empty() => failed(format!(
            "could not check: {}",
            one_line(&said.reason, SHOWN)
        )),
        (COULD_NOT_CHECK, _) => failed(format!("could not check: {}", report.words())),
        (code, Ok(said)) => {
            let valid = said
                .valid
                .map_or("null".to_owned(), |valid| valid.to_string());
            failed(format!(
                "exited with {code}, and its last line says `\"valid\":{valid}`: they do not agree, \
                 so that nothing is known of the backup; {OWN_DOCUMENT}"
            ))
        }
        (code, Err(fault)) => failed(format!(
            "exited with {code}, and its output does not end in the JSON line that says what was \
             checked: {fault}; it said: {}; {}",
            report.words(),
            advice(code)
        )),
    }
}

/// What a script that could not check says: its reason, or all that came through of its output.
pub(super) fn could_not(report: &Report) -> Option<String> {
    if report.response_code != COULD_NOT_CHECK {
        return None;
    }
    let reason = read(&report.stdout).map(|said| one_line(&said.reason, SHOWN));
    let reason = reason.unwrap_or_default();
    Some(if reason.is_empty() {
        report.words()
    } else {
        reason
    })
}

fn read(stdout: &str) -> std::result::Result<Summary, String> {
    let line = stdout.trim_end().lines().next_back().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| {
        let shown = one_line(line, 80);
        if shown.is_empty() {
            return "it printed nothing".to_owned();
        }
        if line.ends_with(CUT) {
            return "it was cut, since SSM keeps 24,000 characters of it".to_owned();
        }
        format!("its last line is `{shown}` ({error})")
    })
}
