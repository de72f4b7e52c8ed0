//! `rehearse`: one night on this machine.

fn main() -> std::process::ExitCode {
    rehearsal::main()
}
