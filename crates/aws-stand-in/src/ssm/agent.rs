//! What the SSM agent reports for itself, where the script never ran, or not all of its output
//! came through.
//!
//! The words and codes are those of amazon-ssm-agent: the plugin `runscript`, `MarkAsFailed` of
//! its output handler, and its issues 90, 94, 234 and 370.

use super::command::CommandStatus;
use crate::instance_host::Finished;

/// One way in which the agent's report is not the script's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentReport {
    /// The agent cannot write the script: `Failed`, 1.
    NoSpace,
    /// The shell cannot be started: `Failed`, 1, and only the agent's own line says so.
    NoMemory,
    /// The agent's folder is mounted `noexec`: `Failed`, 126.
    NoExec,
    /// The script's interpreter is missing: `Failed`, 127.
    NoInterpreter,
    /// The instance is to restart: `Failed`, 194, without output.
    Restart,
    /// The agent's worker died: `Failed` without an exit code, its words on standard output.
    WorkerDied,
    /// The step was skipped: `Success`, 0, the agent's words on standard output.
    Skipped,
    /// The script ran, and its output ends in the middle of its last line.
    OutputCut,
}

impl AgentReport {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::NoSpace,
        Self::NoMemory,
        Self::NoExec,
        Self::NoInterpreter,
        Self::Restart,
        Self::WorkerDied,
        Self::Skipped,
        Self::OutputCut,
    ];

    /// What is reported though no script ran; `None` where one runs.
    pub(super) fn without_script(self) -> Option<(CommandStatus, Finished)> {
        let failed = |exit_code, stdout: &str, stderr: &str| {
            let finished = Finished {
                exit_code,
                stdout: stdout.to_owned(),
                stderr: stderr.to_owned(),
            };
            Some((CommandStatus::Failed, finished))
        };
        match self {
            Self::NoSpace => failed(
                1,
                "",
                "failed to create script file. open /var/lib/amazon/ssm/orchestration/_script.sh: \
                 no space left on device",
            ),
            Self::NoMemory => failed(
                1,
                "",
                "failed to run commands: fork/exec /bin/sh: cannot allocate memory",
            ),
            Self::NoExec => failed(
                126,
                "",
                "sh: 1: /var/lib/amazon/ssm/orchestration/_script.sh: Permission denied\nfailed to \
                 run commands: exit status 126",
            ),
            Self::NoInterpreter => failed(
                127,
                "",
                "sh: 1: /var/lib/amazon/ssm/orchestration/_script.sh: not found\nfailed to run \
                 commands: exit status 127",
            ),
            Self::Restart => failed(194, "", "failed to run commands: exit status 194"),
            Self::WorkerDied => failed(
                -1,
                "document process failed unexpectedly: document worker timed out, check \
                 [ssm-document-worker]/[ssm-session-worker] log for crash reason",
                "",
            ),
            Self::Skipped => Some((
                CommandStatus::Success,
                Finished {
                    exit_code: 0,
                    stdout: "Step execution skipped due to unsupported plugin: \
                             aws:runShellScript. Step name: test"
                        .to_owned(),
                    stderr: String::new(),
                },
            )),
            Self::OutputCut => None,
        }
    }

    /// What came through of what a script printed.
    pub(super) fn passes_on(self, mut finished: Finished) -> Finished {
        if self == Self::OutputCut {
            let text = finished.stdout.trim_end();
            let last = text.rfind('\n').map_or(0, |end| end + 1);
            let middle = last + (text.len() - last) / 2;
            let middle = (0..=middle).rev().find(|&at| text.is_char_boundary(at));
            finished.stdout.truncate(middle.unwrap_or_default());
        }
        finished
    }
}
