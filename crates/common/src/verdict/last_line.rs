//! What a script says itself in its last line, and who else may have ended its command.

use serde::Deserialize;
use serde_json::Value;

use super::Measured;
use crate::error::{Error, Kind, Result};
use crate::ssm::Report;
use crate::text::one_line;

const GOOD: i32 = 0;
const FAULT: i32 = 1;
/// `EX_TEMPFAIL`: the script could not check.
const COULD_NOT_CHECK: i32 = 75;
/// What the SSM agent writes below a failed script's own errors: it says no more than the code.
const AGENTS_CODE: &str = "failed to run commands: exit status";
/// How the agent marks output that it has cut.
const CUT: &str = "--output truncated--";
/// How much of others' words an error shows, in characters.
const SHOWN: usize = 300;
const OWN_DOCUMENT: &str =
    "\"A document of your own\" in docs/documents.md says what it must print";

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
        (COULD_NOT_CHECK, _) => failed(format!("could not check: {}", words(report))),
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
            words(report),
            advice(code)
        )),
    }
}

/// The reason of a script that could not check.
pub(super) fn could_not(report: &Report) -> Option<String> {
    let said = read(&report.stdout).ok()?;
    let reason = one_line(&said.reason, SHOWN);
    (report.response_code == COULD_NOT_CHECK && !reason.is_empty()).then_some(reason)
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

/// What was printed last, by the script if it printed anything.
pub(crate) fn words(report: &Report) -> String {
    let lines = [&report.stderr, &report.stdout]
        .into_iter()
        .flat_map(|text| text.lines().rev());
    let mut said = lines
        .filter(|line| !line.starts_with(AGENTS_CODE))
        .map(|line| one_line(line, SHOWN))
        .filter(|line| !line.is_empty());
    said.next().unwrap_or_else(|| "nothing".to_owned())
}

/// What an exit code means that is not of the script.
pub(crate) fn advice(code: i32) -> String {
    match code {
        GOOD => format!("was its step skipped? {OWN_DOCUMENT}"),
        FAULT => {
            "this is how the SSM agent ends a script that it could not start: look for a full \
                  disk, no free inodes or no memory on the test instance"
                .to_owned()
        }
        126 => "the shell may not execute the script: is the SSM agent's folder \
                (/var/lib/amazon/ssm) mounted noexec on the test instance?"
            .to_owned(),
        127 => "the shell does not find the script's interpreter: is bash on the test instance?"
            .to_owned(),
        194 => "it asks the SSM agent to restart the instance, which no script of a run may do"
            .to_owned(),
        137 => "it was killed (signal 9), most often since the test instance ran out of memory"
            .to_owned(),
        129..=192 => format!("it was ended by signal {}", code - 128),
        _ => OWN_DOCUMENT.to_owned(),
    }
}
