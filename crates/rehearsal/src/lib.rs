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

use clap::Parser;

/// Rehearses one night of the backup check on this machine.
///
/// Exit status: 0 the backup is valid, or the canary was caught; 1 it is invalid; 2 it could not
/// be tested, or the canary was missed.
#[derive(Clone, Debug, Parser)]
#[command(name = "rehearse")]
pub struct Arguments {
    /// What is wrong with last night's backup; `help` lists all that can be.
    #[arg(long, default_value = "good", value_name = "NAME")]
    backup: String,

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

/// The program.
#[must_use]
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program tells people what they asked for, and what went wrong"
)]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let menu = match production::menu() {
        Ok(menu) if arguments.backup == "help" => {
            println!("{menu}");
            return ExitCode::SUCCESS;
        }
        Ok(menu) => menu,
        Err(error) => {
            eprintln!("rehearse: {error:#}");
            return ExitCode::from(2);
        }
    };
    if !menu
        .lines()
        .any(|line| line.split(' ').next() == Some(&arguments.backup))
    {
        eprintln!(
            "rehearse: unknown backup {}; these are known:\n{menu}",
            arguments.backup
        );
        return ExitCode::from(2);
    }
    match ground::enter(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("rehearse: {error:#}");
            ExitCode::from(2)
        }
    }
}
