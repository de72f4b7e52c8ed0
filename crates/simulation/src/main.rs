//! `simulate`: nights by the thousand.

/// A simulated night is small pieces of memory by the million; the C library's allocator takes a
/// fifth longer over them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    simulation::cli::main()
}
