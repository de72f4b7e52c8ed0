//! Compares README.md, RUNBOOK.md and docs/ with the code.

#[path = "papers/both.rs"]
mod both;
#[path = "papers/examples.rs"]
mod examples;
#[path = "papers/page.rs"]
mod page;
#[path = "papers/readme.rs"]
mod readme;
#[path = "papers/runbook.rs"]
mod runbook;
#[path = "papers/steps.rs"]
mod steps;
