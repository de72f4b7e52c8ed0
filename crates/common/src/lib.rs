//! What the six steps share. Start with [`step`] (what a step is), then [`runner`] (what is done
//! with it) and [`event`] (what travels between functions).

/// AWS's answers as they come off the wire.
mod answer;
/// AWS's answers, told apart while they are still typed.
mod aws;
pub mod datadog;
pub mod ec2;
pub mod error;
pub mod event;
pub mod https;
pub mod lambda;
pub mod runner;
/// The SDK's configuration, from the environment.
mod sdk;
pub mod settings;
pub mod ssm;
pub mod step;
mod text;
pub mod time;
pub mod verdict;
pub mod world;

pub use error::{Error, Kind, Result};

#[cfg(test)]
mod properties;
