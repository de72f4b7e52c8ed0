//! What talks to AWS: the clients and their configuration, and the calls of each service.

/// Checks of AWS's responses before the SDK parses them.
mod answer;
pub mod clients;
/// The SDK's configuration, from the environment.
mod config;
pub mod console;
pub mod ec2;
/// AWS's errors, told apart while they are still typed.
pub(crate) mod error;
pub mod lambda;
pub mod ssm;
