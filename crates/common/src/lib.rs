//! What the six steps share. Start with [`step`] (what a step is), then [`runner`] (what is done
//! with it) and [`event`] (what travels between functions).

/// What talks to AWS.
mod aws;
mod chain;
pub mod datadog;
pub mod doctor;
pub mod error;
pub mod event;
pub mod https;
pub mod polling;
pub mod reply;
pub mod runner;
pub mod serve;
pub mod settings;
pub mod step;
mod text;
pub mod time;
pub mod verdict;

pub use aws::{clients, console, ec2, lambda, ssm};
pub use error::{Error, Kind, Result};

#[cfg(test)]
mod properties;
