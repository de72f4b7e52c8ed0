//! Compares README.md, RUNBOOK.md and docs/ with the code.

mod both;
mod examples;
mod page;
mod readme;
mod runbook;
mod steps;
