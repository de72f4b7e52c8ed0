//! README.md and RUNBOOK.md, held against the code.

#[path = "papers/both.rs"]
mod both;
#[path = "papers/page.rs"]
mod page;
#[path = "papers/readme.rs"]
mod readme;
#[path = "papers/runbook.rs"]
mod runbook;
