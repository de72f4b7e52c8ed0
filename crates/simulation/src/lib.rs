//! Runs in memory: the six real steps on the stand-in, a paused clock, and injected faults.
//! [`invariants`] checks the end of each run.

mod after;
pub mod cli;
pub mod environment;
pub mod exhaustive;
mod fault;
pub mod fleet;
mod in_process;
mod inject;
mod invariants;
mod mutant_nights;
mod mutants;
mod operator_action;
pub mod overhead;
mod passing;
mod perform;
mod plan;
pub mod random;
mod recorded;
mod run;
mod summary;

pub use fault::{Answers, CallFault, DeliveryFault, PlannedFault, Service, When};
pub use mutants::Mutant;
pub use operator_action::OperatorAction;
pub use plan::Plan;
pub use run::{Played, on_paused_clock, play};
