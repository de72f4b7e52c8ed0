//! Nights in memory: the six real steps on the stand-in, a paused clock, and trouble on purpose. What
//! must hold at the end of each night is in [`invariants`].

mod act;
mod control;
pub mod exhaustive;
mod happen;
mod in_process;
mod invariants;
pub mod many;
pub mod night;
mod play;
pub mod program;
pub mod random;
mod recorded;
mod tally;
mod trouble;
pub mod waiting;

pub use act::Act;
pub use control::Control;
pub use play::{Plan, Played, play};
pub use trouble::{CallTrouble, DeliveryTrouble, Service, Trouble};
