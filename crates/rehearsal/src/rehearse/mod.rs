//! `rehearse`: one night on this machine, with the real binaries, the real scripts, a real file
//! system and a real database server. Only AWS and Datadog are stand-ins.

mod code;
mod ground;
mod host;
mod night;
mod production;
mod summary;
mod trail;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// Rehearses one night of the backup check on this machine.
///
/// Exit status: 0 the backup is valid, 1 it is invalid, 2 it could not be tested.
#[derive(Clone, Debug, Parser)]
#[command(name = "rehearse")]
pub struct Arguments {
    /// What is wrong with last night's backup.
    #[arg(long, value_enum, default_value_t = Backup::Good)]
    backup: Backup,

    /// Where the six binaries are; beside this one by default.
    #[arg(long)]
    binaries: Option<PathBuf>,

    /// Deploy what `make package` made instead, such as `dist/x86_64`: its template and zips.
    #[arg(long, conflicts_with = "binaries")]
    zips: Option<PathBuf>,

    /// Use directories instead of volumes, as where loop devices are not to be had.
    #[arg(long)]
    directories: bool,

    /// This process is in namespaces of its own, with this folder to itself.
    #[arg(long, hide = true)]
    inside: Option<PathBuf>,
}

/// What is wrong with a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backup {
    /// Nothing.
    Good,
    /// A page of a table was changed behind the server's back.
    Damaged,
    /// The file system's superblock is destroyed.
    Filesystem,
    /// There is none.
    None,
}

/// The program.
#[must_use]
#[expect(
    clippy::print_stderr,
    reason = "a program tells people what went wrong"
)]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match ground::enter(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("rehearse: {error:#}");
            ExitCode::from(2)
        }
    }
}
