//! What Systems Manager reports of a command, and who else than the script may have ended it.

use serde::Serialize;

use crate::text::one_line;
use crate::time::Timestamp;

/// The exit code of a script that found no fault.
pub(crate) const GOOD: i32 = 0;
/// The exit code of a script that found one.
pub(crate) const FAULT: i32 = 1;
/// What the SSM agent writes below a failed script's own errors: it says no more than the code.
const AGENTS_CODE: &str = "failed to run commands: exit status";
/// How much foreign text an error shows, in characters.
pub(crate) const SHOWN: usize = 300;
/// Further reading for the author of a document.
pub(crate) const OWN_DOCUMENT: &str =
    "\"A document of your own\" in docs/documents.md says what it must print";

/// What Systems Manager tells of a command; also the log line of step 6.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The command.
    pub command_id: String,
    /// `Success`, `Failed`, …
    pub status: String,
    /// The same in more detail.
    pub status_details: String,
    /// The script's exit code, -1 while there is none.
    pub response_code: i32,
    /// What the script printed, its first 24,000 characters.
    pub stdout: String,
    /// The same of its errors, 8,000 characters.
    pub stderr: String,
    /// When the script ended.
    #[serde(skip)]
    pub ended_at: Option<Timestamp>,
}

impl Report {
    /// The last line that was printed, by the script if it printed anything.
    pub(crate) fn words(&self) -> String {
        let lines = [&self.stderr, &self.stdout]
            .into_iter()
            .flat_map(|text| text.lines().rev());
        let mut said = lines
            .filter(|line| !line.starts_with(AGENTS_CODE))
            .map(|line| one_line(line, SHOWN))
            .filter(|line| !line.is_empty());
        said.next().unwrap_or_else(|| "nothing".to_owned())
    }
}

/// What an exit code means that the script does not use itself.
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
