//! Whose account it is, and where.

/// The region of everything.
pub const REGION: &str = "us-east-1";
/// Our account. It cannot exist.
pub const ACCOUNT_ID: &str = "000000000000";
/// The partition of everything.
pub const PARTITION: &str = "aws";
