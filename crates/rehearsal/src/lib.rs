//! x
pub mod iam;
pub mod template;
