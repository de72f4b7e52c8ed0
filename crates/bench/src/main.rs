//! `bench`: what the functions weigh, how fast they are, what a night costs.

fn main() -> std::process::ExitCode {
    bench::main()
}
