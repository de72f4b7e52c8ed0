//! `simulate`: thousands of nights in memory.

/// A simulated night makes millions of small allocations; with the C library's allocator it takes
/// a fifth longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    simulation::cli::main()
}
