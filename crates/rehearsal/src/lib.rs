//! The stand-in for AWS, Datadog and the test instance, and what is played on it.

pub mod aws;
pub mod bench;
pub mod iam;
pub mod lambda;
pub mod measure;
pub mod night;
pub mod rehearse;
pub mod simulation;
pub mod stack;
pub mod template;
