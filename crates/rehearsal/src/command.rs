//! Commands of this machine.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// Runs a program; its own words are the error.
pub(super) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    anyhow::bail!(
        "{program} {}: {} {said}",
        arguments.join(" "),
        output.status
    )
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
