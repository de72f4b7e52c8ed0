//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Rehearses one night of the backup check on this machine.
///
/// Exit status: 0 the backup is valid, or the canary was caught; 1 it is invalid; 2 it could not
/// be tested, or the canary was missed. Of the doctor: 0 nothing is missing, 2 something is.
#[derive(Clone, Debug, Parser)]
#[command(name = "rehearse")]
pub struct Arguments {
    /// What is wrong with last night's backup; `help` lists all that can be.
    #[arg(long, default_value = "good", value_name = "NAME")]
    pub backup: String,

    /// Where the six binaries are; beside this one by default.
    #[arg(long)]
    pub binaries: Option<PathBuf>,

    /// Deploy what `make package` made instead, such as `dist/x86_64`: its template and zips.
    #[arg(long, conflicts_with = "binaries")]
    pub zips: Option<PathBuf>,

    /// Use directories instead of volumes, as where loop devices are not to be had.
    #[arg(long)]
    pub directories: bool,

    /// Show the record of the run afterwards, and what step 1 says of the backups.
    #[arg(long)]
    pub status: bool,

    /// Ask what a run would lack, instead of a run.
    #[arg(long, conflicts_with = "status")]
    pub doctor: bool,

    /// This process is in namespaces of its own, with this folder to itself.
    #[arg(long, hide = true)]
    pub inside: Option<PathBuf>,
}
