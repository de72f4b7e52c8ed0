//! All tests of the nights, as one program, so that the SDK's crates are linked once.

mod aws_as_it_is;
mod bad_input;
mod canary;
mod doctor;
mod drawn;
mod duplicates;
mod environments;
mod grants;
mod invariants;
mod occupancy;
mod outcomes;
mod papers;
mod records;
mod settings;
mod switches;

/// As in `simulate`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
