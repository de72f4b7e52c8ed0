//! The verdict: one value, from which the tag, the metric and the detail all come.

use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::ssm::Report;

/// `EX_TEMPFAIL`: the script could not check.
const COULD_NOT_CHECK: i32 = 75;
/// What the SSM agent writes below a failed script's own errors.
const AGENT: &str = "failed to run commands: ";
/// The longest value of a tag, in characters.
const LONGEST_TAG: usize = 256;

/// Whether the backup is good, from a test that ran to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it is.
    pub valid: bool,
    /// What was covered, or what was found: one line, at most 256 characters.
    pub detail: String,
    /// Percent of the data that was read, where the test says so.
    pub coverage: Option<f64>,
    /// Seconds that production stood still for the backup, where the test knows it.
    pub paused_seconds: Option<f64>,
}

/// The last line of the script's output.
#[derive(Debug, Deserialize)]
struct Summary {
    valid: Option<bool>,
    checks: u64,
    tables: u64,
    rows: u64,
    seconds: f64,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    coverage: Option<f64>,
    #[serde(default)]
    paused_seconds: Option<f64>,
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

    /// Judges a script that ran to its end. Only one that says what it checked can make a
    /// backup valid.
    ///
    /// # Errors
    /// Where the script could not check, or does not say what it checked.
    pub fn judge(report: &Report) -> Result<Self> {
        let summary = summary(&report.stdout);
        let (coverage, paused_seconds) = match &summary {
            Ok(summary) => (summary.coverage, summary.paused_seconds),
            Err(_) => (None, None),
        };
        let verdict = |valid, detail: &str| Self {
            valid,
            detail: one_line(detail),
            coverage,
            paused_seconds,
        };
        let command = &report.command_id;
        match (report.response_code, summary) {
            (
                0,
                Ok(Summary {
                    valid: Some(true),
                    checks,
                    tables,
                    rows,
                    seconds,
                    ..
                }),
            ) if checks > 0 && tables > 0 => {
                let read =
                    coverage.map_or_else(String::new, |percent| format!(", {percent} % read"));
                let detail =
                    format!("{tables} tables, {rows} rows, {checks} checks in {seconds} s{read}");
                Ok(verdict(true, &detail))
            }
            (0, Ok(summary)) => Err(Error::new(
                Kind::HostFailed,
                format!(
                    "command {command} exited with 0, and yet its last line does not say that \
                     anything was found valid: {summary:?}"
                ),
            )),
            (0, Err(fault)) => Err(Error::new(
                Kind::HostFailed,
                format!(
                    "command {command} exited with 0, and its output does not end in the JSON \
                     line that says what was checked: {fault}"
                ),
            )),
            (COULD_NOT_CHECK, summary) => Err(Error::new(
                Kind::HostFailed,
                format!(
                    "command {command} could not check: {}",
                    reason(summary, report)
                ),
            )),
            (_, summary) => Ok(verdict(false, &reason(summary, report))),
        }
    }
}

/// The text as a tag takes it.
fn one_line(detail: &str) -> String {
    let line = detail.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST_TAG).collect()
}

/// The number that stands for yes or no in a metric.
#[must_use]
pub fn metric(valid: bool) -> f64 {
    if valid { 1.0 } else { 0.0 }
}

/// Whether a script that mounts has mounted. `Ok(false)`: it found the file system broken.
///
/// # Errors
/// Where it could not find out.
pub fn mounted(report: &Report) -> Result<bool> {
    match report.response_code {
        0 => Ok(true),
        _ => Verdict::judge(report).map(|verdict| verdict.valid),
    }
}

fn summary(stdout: &str) -> std::result::Result<Summary, String> {
    let line = stdout.trim_end().lines().next_back().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| {
        let shown: String = line.chars().take(80).collect();
        if shown.is_empty() {
            return "it printed nothing".to_owned();
        }
        format!("its last line is `{shown}` ({error})")
    })
}

/// What the script gives as its reason, else the last line that it printed.
fn reason(summary: std::result::Result<Summary, String>, report: &Report) -> String {
    if let Ok(Summary { reason, .. }) = summary
        && !reason.is_empty()
    {
        return reason;
    }
    let said = [&report.stderr, &report.stdout]
        .into_iter()
        .flat_map(|text| text.lines().rev())
        .find(|line| !line.trim().is_empty() && !line.starts_with(AGENT));
    let code = report.response_code;
    match said {
        Some(line) => format!("exit code {code}: {}", line.trim()),
        None => format!("exit code {code}, and it printed nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, mounted};
    use crate::ssm::Report;

    const GOOD: &str =
        r#"{"valid":true,"checks":9,"tables":3,"rows":1000,"seconds":2.5,"reason":""}"#;

    fn report(response_code: i32, stdout: &str, stderr: &str) -> Report {
        Report {
            command_id: "c".to_owned(),
            status: String::new(),
            status_details: String::new(),
            response_code,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            ended_at: None,
        }
    }

    #[test]
    fn tag_and_metric_come_from_one_value() {
        // 2018's metric was computed from the text 'False', which is not empty: always 1.
        let verdict = |valid| Verdict {
            valid,
            detail: String::new(),
            coverage: None,
            paused_seconds: None,
        };
        assert_eq!((verdict(true).tag(), verdict(true).metric()), ("True", 1.0));
        assert_eq!(
            (verdict(false).tag(), verdict(false).metric()),
            ("False", 0.0)
        );
    }

    #[test]
    fn valid_needs_a_test_that_says_what_it_checked() {
        let verdict =
            Verdict::judge(&report(0, &format!("table ok\n{GOOD}\n"), "")).expect("valid");
        assert!(verdict.valid);
        assert_eq!(verdict.detail, "3 tables, 1000 rows, 9 checks in 2.5 s");
        for stdout in [
            "",
            "all good",
            &GOOD.replace("\"tables\":3", "\"tables\":0"),
            &GOOD.replace("\"checks\":9", "\"checks\":0"),
            &GOOD.replace("true", "false"),
            &GOOD.replace("true", "null"),
            &"x".repeat(24_000),
        ] {
            let error = Verdict::judge(&report(0, stdout, "")).expect_err(stdout);
            assert!(
                error.to_string().contains("command c exited with 0"),
                "{error}"
            );
        }
    }

    #[test]
    fn seventy_five_is_no_verdict_and_any_other_code_is_a_fault() {
        let error = Verdict::judge(&report(75, "", "no mysqld at /x\n")).expect_err("unknown");
        assert!(error.to_string().contains("no mysqld at /x"), "{error}");
        let summary = GOOD.replace("true", "false").replace(
            "\"reason\":\"\"",
            "\"reason\":\"shop.events: read\\nfailed\"",
        );
        let verdict = Verdict::judge(&report(1, &summary, "")).expect("invalid");
        assert_eq!(
            (verdict.valid, verdict.detail.as_str()),
            (false, "shop.events: read failed")
        );
        let verdict = Verdict::judge(&report(3, "", "gone\n\n")).expect("invalid");
        assert_eq!(
            (verdict.valid, verdict.detail.as_str()),
            (false, "exit code 3: gone")
        );
        let long = Verdict::judge(&report(1, &"é".repeat(300), "")).expect("invalid");
        assert_eq!(long.detail.chars().count(), 256);
    }

    #[test]
    fn what_the_test_measured_comes_with_either_verdict() {
        let measured = "\"reason\":\"\",\"coverage\":80,\"paused_seconds\":95";
        let summary = GOOD.replace("\"reason\":\"\"", measured);
        for code in [0, 1] {
            let verdict = Verdict::judge(&report(code, &summary, "")).expect("a verdict");
            assert_eq!(verdict.coverage, Some(80.0), "{code}");
            assert_eq!(verdict.paused_seconds, Some(95.0), "{code}");
            let verdict = Verdict::judge(&report(code, GOOD, "")).expect("a verdict");
            assert_eq!(verdict.coverage, None, "{code}");
            assert_eq!(verdict.paused_seconds, None, "{code}");
        }
    }

    #[test]
    fn the_agents_own_last_line_is_not_taken_for_the_scripts() {
        let agent = "failed to run commands: exit status 32";
        let said = |stdout: &str, stderr: &str| {
            let verdict = Verdict::judge(&report(32, stdout, stderr));
            verdict.expect("invalid").detail
        };
        let both = format!("mount: bad superblock\n{agent}");
        assert_eq!(said("", &both), "exit code 32: mount: bad superblock");
        assert_eq!(said("no journal\n", agent), "exit code 32: no journal");
        assert_eq!(said("", agent), "exit code 32, and it printed nothing");
    }

    #[test]
    fn a_mount_needs_no_tables() {
        assert!(mounted(&report(0, "", "")).expect("mounted"));
        assert!(!mounted(&report(1, "", "bad superblock")).expect("broken"));
        assert!(mounted(&report(75, "", "no device")).is_err());
    }
}
