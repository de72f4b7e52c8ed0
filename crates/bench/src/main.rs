//! `bench`: the size and speed of the functions, and the cost of a run.

fn main() -> std::process::ExitCode {
    bench::main()
}
