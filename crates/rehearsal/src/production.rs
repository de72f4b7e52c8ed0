//! Production: a small database, and its volume as a snapshot holds it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use super::command::{run, text};
use super::sandbox::Sandbox;

/// The scripts that make it, from the source tree that this program was built from.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/host");

/// Makes production's database and gives the image of its volume, damaged as asked.
pub(super) async fn snapshot(sandbox: &Sandbox, backup: &str) -> anyhow::Result<PathBuf> {
    let Sandbox {
        folder,
        loop_devices,
    } = sandbox;
    script(sandbox, "production.sh", &[&text(folder)]).await?;
    let image = folder.join("snapshot");
    let mut arguments = vec![text(&folder.join("data")), text(&image)];
    if !loop_devices {
        arguments.push("directory".to_owned());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    script(sandbox, "image.sh", &arguments).await?;
    if !["good", "none", "canary"].contains(&backup) {
        script(sandbox, "damage.sh", &[&text(&image), backup]).await?;
    }
    Ok(image)
}

/// What can be rehearsed, one a line, its name first.
pub(super) fn menu() -> anyhow::Result<String> {
    run(&format!("{SCRIPTS}/damage.sh"), &["help"])
}

/// The stand-ins for `mount` and others, where volumes are directories.
pub(super) fn shims() -> PathBuf {
    Path::new(SCRIPTS).join("shims")
}

async fn script(sandbox: &Sandbox, name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let path = Path::new(SCRIPTS).join(name);
    let status = Command::new(&path)
        .args(arguments)
        .env("TMPDIR", &sandbox.folder)
        .current_dir(&sandbox.folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("cannot run {}", path.display()))?;
    ensure!(status.success(), "{} failed: {status}", path.display());
    Ok(())
}
