//! A rehearsal that is interrupted leaves nothing: no process, no loop device, no file.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts a rehearsal in a process group and a temporary folder of its own, and waits until it
/// prints this.
fn begun(
    arguments: &[&str],
    temporary: &Path,
    until: &str,
) -> (Child, BufReader<impl std::io::Read>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rehearse"))
        .args(arguments)
        .stdin(Stdio::null())
        .env("TMPDIR", temporary)
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .expect("rehearse runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    while !line.contains(until) {
        line.clear();
        assert_ne!(
            lines.read_line(&mut line).expect("a line"),
            0,
            "it never printed {until}"
        );
    }
    (child, lines)
}

fn signal(signal: &str, target: &str) {
    let sent = Command::new("kill").args([signal, "--", target]).status();
    assert!(sent.expect("kill runs").success());
}

/// The process namespace that a rehearsal has made for itself, if it has: that of the innermost of
/// its descendants that have no brothers.
fn namespace(id: u32) -> PathBuf {
    let mut innermost = id.to_string();
    let child_of = |id: &str| {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        children.split_whitespace().next().map(str::to_owned)
    };
    for _ in 0..2 {
        innermost = child_of(&innermost).unwrap_or(innermost);
    }
    fs::read_link(format!("/proc/{innermost}/ns/pid")).expect("it has a namespace")
}

/// Command lines of the processes in that namespace, if it is not ours, and of those that were
/// given that temporary folder.
fn processes(namespace: &Path, temporary: &Path) -> Vec<String> {
    let ours = fs::read_link("/proc/self/ns/pid").expect("we have a namespace");
    let temporary = temporary.to_string_lossy().into_owned();
    let all = fs::read_dir("/proc")
        .expect("processes")
        .flatten()
        .map(|entry| entry.path());
    let of_rehearsal = all.filter(|process| {
        let within = fs::read_link(process.join("ns/pid")).is_ok_and(|link| link == namespace);
        let variables = fs::read(process.join("environ")).unwrap_or_default();
        let given = String::from_utf8_lossy(&variables).contains(&temporary);
        given || (namespace != ours && within)
    });
    let line = |process: PathBuf| fs::read(process.join("cmdline")).unwrap_or_default();
    // One that has ended and waits to be reaped has no command line any more.
    of_rehearsal
        .map(|process| String::from_utf8_lossy(&line(process)).replace('\0', " "))
        .filter(|line| !line.is_empty())
        .collect()
}

fn loop_devices() -> Vec<String> {
    let devices = fs::read_dir("/sys/block").expect("block devices").flatten();
    let files = devices
        .filter_map(|device| fs::read_to_string(device.path().join("loop/backing_file")).ok());
    files.filter(|file| file.contains("/rehearsal/")).collect()
}

/// What is left of a rehearsal: processes, loop devices, files. The kernel removes a namespace
/// asynchronously, so this checks up to some thousand times until nothing is left.
fn left(namespace: &Path, temporary: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for _ in 0..3000 {
        left = processes(namespace, temporary);
        left.extend(loop_devices());
        let files = fs::read_dir(temporary).expect("the folder").flatten();
        left.extend(files.map(|file| file.path().to_string_lossy().into_owned()));
        if left.is_empty() {
            break;
        }
    }
    left
}

/// When, how, and whether with directories. A folder needs somebody to tidy it, so there the
/// signal is one that can be caught.
const INTERRUPTIONS: [(&str, &str, bool); 9] = [
    ("starting the production server", "-KILL", false),
    ("mounting", "-KILL", false),
    ("s starting /", "-KILL", false),
    ("mounting", "-INT", false),
    ("s starting /", "-TERM", false),
    ("starting the production server", "-INT", true),
    ("mounting", "-TERM", true),
    ("s starting /", "-INT", true),
    ("s starting /", "-TERM", true),
];

#[test]
fn interrupted_anywhere_it_leaves_nothing() {
    for (until, how, directories) in INTERRUPTIONS {
        let mode: &[&str] = if directories { &["--directories"] } else { &[] };
        let temporary = tempfile::tempdir().expect("a folder");
        let (mut child, lines) = begun(mode, temporary.path(), until);
        let id = child.id();
        let namespace = namespace(id);
        // A terminal sends its interrupt to the whole group.
        signal(
            how,
            &if how == "-INT" {
                format!("-{id}")
            } else {
                id.to_string()
            },
        );
        child.wait().expect("it ends");
        // Its output ends with the last process of its namespace.
        let _ = lines.lines().count();
        let what = format!("{mode:?} {how} at {until}");
        let left = left(&namespace, temporary.path());
        assert_eq!(left, Vec::<String>::new(), "{what}");
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        assert!(!mounts.contains("rehearsal"), "{what}");
    }
}
