//! `rehearse`: one night on this machine, with the real binaries, the real scripts, a real file
//! system and a real database server. Only AWS and Datadog are stand-ins.

mod arguments;
mod binaries;
mod command;
mod local_host;
mod log_tail;
mod production;
mod run;
mod sandbox;
mod shown;
mod summary;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;

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
    match sandbox::enter(&arguments, |sandbox| run::run(&arguments, sandbox)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("rehearse: {error:#}");
            ExitCode::from(2)
        }
    }
}
