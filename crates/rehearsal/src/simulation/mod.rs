//! Bad nights: the six real steps on the stand-in, a paused clock, and trouble on purpose. What
//! must hold at the end of each night is in [`invariants`].

pub mod exhaustive;
mod invariants;
mod night;
pub mod program;
pub mod random;
mod trouble;

pub use night::{Plan, Played, play};
pub use trouble::{Act, CallTrouble, DeliveryTrouble, Trouble};
