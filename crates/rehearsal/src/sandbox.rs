//! The sandbox that a rehearsal runs in: namespaces and a file system of its own, so that
//! whatever ends it, nothing is left. Where they are not to be had: a folder, tidied at the end.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use super::arguments::Arguments;
use super::command::{run, text};

/// Where a volume can be had on this machine.
#[derive(Clone, Debug)]
pub(super) struct Sandbox {
    /// The folder that everything of this rehearsal is in.
    pub folder: PathBuf,
    /// Volumes are loop devices; else they are directories.
    pub loop_devices: bool,
}

impl Sandbox {
    /// Ends every process that has anything of this folder open, works in it or has its name among
    /// its variables, such as a database server whose script was ended under it; one at a time until there is none, since
    /// they may have children that are just beginning.
    pub(super) fn sweep(&self) {
        while let Some(pid) = self.user() {
            // One that has just ended by itself is as good.
            let _ = run("kill", &["-KILL", &pid]);
        }
    }

    /// A process, other than this one, that uses the folder.
    fn user(&self) -> Option<String> {
        let own = std::process::id().to_string();
        let mut processes = std::fs::read_dir("/proc").ok()?.flatten();
        let user = processes.find(|process| {
            let pid = process.file_name();
            let pid = pid.to_string_lossy();
            let is_process = pid.bytes().all(|byte| byte.is_ascii_digit());
            is_process && pid != own && self.is_used_by(&process.path())
        });
        Some(user?.file_name().to_string_lossy().into_owned())
    }

    fn is_used_by(&self, process: &Path) -> bool {
        let open = std::fs::read_dir(process.join("fd"))
            .into_iter()
            .flatten()
            .flatten();
        let links = open.map(|entry| entry.path()).chain([process.join("cwd")]);
        let mut targets = links.filter_map(|link| std::fs::read_link(link).ok());
        // A script opens nothing for long, but its variables name the folder.
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        let folder = self.folder.as_os_str().as_bytes();
        targets.any(|target| target.starts_with(&self.folder))
            || environment.windows(folder.len()).any(|text| text == folder)
    }
}

/// Folders that exist everywhere and that nothing here needs: one of them is covered by a file
/// system in memory, in this program's own mount namespace.
const COVERED: &[&str] = &["/mnt", "/media", "/srv"];

/// Runs `rehearse` in the best sandbox that this machine has.
#[expect(clippy::print_stdout, reason = "a program tells people what it does")]
pub(super) fn enter(
    arguments: &Arguments,
    rehearse: impl FnOnce(&Sandbox) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    if let Some(folder) = &arguments.inside {
        let mounted = run(
            "mount",
            &["-t", "tmpfs", "-o", "mode=0755", "rehearsal", &text(folder)],
        );
        mounted.context("cannot make a file system in memory")?;
        let folder = folder.join("rehearsal");
        std::fs::create_dir(&folder)?;
        return rehearse(&Sandbox {
            folder,
            loop_devices: true,
        });
    }
    let why = if arguments.directories {
        Some("asked for".to_owned())
    } else {
        lacking()
    };
    let Some(why) = why else {
        return inside(arguments);
    };
    println!("using directories instead of volumes: {why}");
    let folder = tempfile::Builder::new().prefix("rehearsal.").tempdir()?;
    let sandbox = Sandbox {
        folder: folder.path().to_owned(),
        loop_devices: false,
    };
    let ended = rehearse(&sandbox);
    folder
        .close()
        .context("cannot remove the rehearsal's folder")?;
    ended
}

/// What this machine lacks for volumes of its own, if anything.
fn lacking() -> Option<String> {
    let probes: [(&str, &[&str], &str); 2] = [
        (
            "unshare",
            &["--mount", "--pid", "--fork", "true"],
            "no namespaces of its own",
        ),
        ("losetup", &["--find"], "no loop devices"),
    ];
    probes.into_iter().find_map(|(program, arguments, what)| {
        let error = run(program, arguments).err()?;
        Some(format!("{what} ({error:#})"))
    })
}

/// Starts this program again in mount and process namespaces of its own. They end with it, and it
/// with this process, even when that is killed; with them go mounts, loop devices, processes and
/// files.
fn inside(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe()?;
    let given = folders(arguments)?;
    let mut needed = vec![program.clone(), std::env::current_dir()?];
    needed.extend(given.iter().map(|(_, folder)| folder.clone()));
    let covered = COVERED
        .iter()
        .map(Path::new)
        .find(|folder| folder.is_dir() && !needed.iter().any(|needed| needed.starts_with(folder)));
    let covered = covered.context("no folder of /mnt, /media and /srv is free to be covered")?;
    let mut command = Command::new("setpriv");
    command
        .args([
            "--pdeathsig",
            "KILL",
            "unshare",
            "--mount",
            "--propagation",
            "private",
        ])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(program)
        .args(["--inside", &text(covered)])
        .args(["--backup", &arguments.backup])
        .args(arguments.status.then_some("--status"))
        .args(arguments.doctor.then_some("--doctor"));
    for (option, folder) in given {
        command.arg(option).arg(folder);
    }
    let status = command.status().context("cannot run setpriv and unshare")?;
    Ok(ExitCode::from(
        status
            .code()
            .and_then(|code| code.try_into().ok())
            .unwrap_or(2),
    ))
}

/// The folders that the arguments name, by their options.
fn folders(arguments: &Arguments) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    let Arguments { binaries, zips, .. } = arguments;
    let given = [("--binaries", binaries), ("--zips", zips)].into_iter();
    given
        .filter_map(|(option, folder)| Some((option, folder.as_ref()?)))
        .map(|(option, folder)| Ok((option, std::path::absolute(folder)?)))
        .collect()
}
