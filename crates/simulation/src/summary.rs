//! The results of many nights, as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{Plan, Played};

/// The results of many nights.
#[derive(Default)]
pub struct Summary {
    nights: u64,
    faults: BTreeMap<String, u64>,
    outcomes: BTreeMap<&'static str, u64>,
    longest: Duration,
    calls: u64,
    most_calls: usize,
    broken: Vec<Broken>,
}

/// A night that violated an invariant.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Broken {
    /// The command that plays it again.
    again: String,
    violations: Vec<String>,
}

impl Summary {
    /// Counts a night; the command `again` plays it again.
    pub fn count(&mut self, again: &str, plan: &Plan, played: &Played) {
        self.nights += 1;
        self.calls += played.calls.len() as u64;
        self.most_calls = self.most_calls.max(played.calls.len());
        self.longest = self.longest.max(played.lasted);
        for fault in &played.happened {
            *self.faults.entry(fault.kind()).or_default() += 1;
        }
        let outcome = match played.ending.tag() {
            Some("True") => "valid",
            Some(_) => "invalid",
            None => "undetermined",
        };
        *self.outcomes.entry(outcome).or_default() += 1;
        if !played.violations.is_empty() {
            let violations = played.violations.clone();
            let again = format!("{again} {:?}", plan.faults);
            self.broken.push(Broken { again, violations });
        }
    }

    /// Adds the counts of another summary.
    pub fn add(&mut self, other: Self) {
        self.nights += other.nights;
        self.calls += other.calls;
        self.most_calls = self.most_calls.max(other.most_calls);
        self.longest = self.longest.max(other.longest);
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.broken.extend(other.broken);
        self.broken.sort();
    }

    /// Whether no invariant was violated.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| nights | {} |\n|---|---:|", self.nights)?;
        for (outcome, count) in &self.outcomes {
            writeln!(f, "| {outcome} | {count} |")?;
        }
        let faults = self.faults.values().sum::<u64>();
        writeln!(f, "| **faults that happened** | {faults} |")?;
        for (kind, count) in &self.faults {
            writeln!(f, "| {kind} | {count} |")?;
        }
        let longest = self.longest.as_secs() / 60;
        writeln!(f, "| **longest night, simulated** | {longest} min |")?;
        let mean = self.calls / self.nights.max(1);
        writeln!(f, "| calls of a night, mean | {mean} |")?;
        writeln!(f, "| calls of a night, most | {} |", self.most_calls)?;
        writeln!(
            f,
            "| **nights that broke something** | {} |",
            self.broken.len()
        )?;
        for Broken { again, violations } in &self.broken {
            writeln!(f, "\n{again}\n  {}", violations.join("\n  "))?;
        }
        Ok(())
    }
}
