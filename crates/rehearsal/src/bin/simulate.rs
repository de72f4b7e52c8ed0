//! `simulate`: nights by the thousand.

fn main() -> std::process::ExitCode {
    rehearsal::simulation::program::main()
}
