//! The stand-in for AWS, Datadog and the test instance, and one night on it with real processes.

pub mod aws;
pub mod iam;
pub mod in_memory;
pub mod lambda;
pub mod rehearse;
pub mod stack;
pub mod template;
pub mod workbench;
