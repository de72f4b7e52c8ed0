//! `simulate`: nights by the thousand, each drawn from its seed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Played, Trouble, play, random};

/// Plays bad nights in memory and holds each against what must hold.
///
/// Exit status: 0 nothing was broken, 1 something was.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// How many nights.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,

    /// The seed of the first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,

    /// Play this one seed and tell its story, whatever it comes to.
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
}

/// What many nights came to.
#[derive(Default)]
struct Tally {
    nights: u64,
    calls: u64,
    troubles: BTreeMap<&'static str, u64>,
    outcomes: BTreeMap<&'static str, u64>,
    longest: Duration,
    broken: Vec<(u64, Vec<String>)>,
}

/// The program.
#[must_use]
#[expect(clippy::print_stdout, reason = "a program tells people what it found")]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        let (plan, played) = night(seed);
        println!("{plan:#?}\n{}", played.story);
        for violation in &played.violations {
            println!("broken: {violation}");
        }
        return ExitCode::from(u8::from(!played.violations.is_empty()));
    }
    let tally = many(arguments.first..arguments.first + arguments.seeds);
    println!("{tally}");
    ExitCode::from(u8::from(!tally.broken.is_empty()))
}

fn night(seed: u64) -> (super::Plan, Played) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime needs nothing that can be missing");
    let plan = random::plan(seed);
    let played = runtime.block_on(play(&plan));
    (plan, played)
}

/// Plays these seeds on all cores.
fn many(seeds: Range<u64>) -> Tally {
    let bar = ProgressBar::new(seeds.end - seeds.start);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} nights, {per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let next = AtomicU64::new(seeds.start);
    let cores = thread::available_parallelism().map_or(1, Into::into);
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let work = || {
            let mut tally = Tally::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return tally;
                }
                let (plan, played) = night(seed);
                tally.count(seed, &plan, &played);
                bar.inc(1);
            }
        };
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            tally.add(worker.join().expect("a night does not panic"));
        }
    });
    bar.finish_and_clear();
    tally.broken.sort();
    tally
}

impl Tally {
    fn count(&mut self, seed: u64, plan: &super::Plan, played: &Played) {
        self.nights += 1;
        self.calls += played.calls;
        self.longest = self.longest.max(played.lasted);
        for trouble in &plan.troubles {
            *self.troubles.entry(kind(trouble)).or_default() += 1;
        }
        let outcome = match played.ending.tag() {
            Some("True") => "valid",
            Some(_) => "invalid",
            None => "undetermined",
        };
        *self.outcomes.entry(outcome).or_default() += 1;
        if !played.violations.is_empty() {
            self.broken.push((seed, played.violations.clone()));
        }
    }

    fn add(&mut self, other: Self) {
        self.nights += other.nights;
        self.calls += other.calls;
        self.longest = self.longest.max(other.longest);
        for (kind, count) in other.troubles {
            *self.troubles.entry(kind).or_default() += count;
        }
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.broken.extend(other.broken);
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "nights            {}", self.nights)?;
        for (outcome, count) in &self.outcomes {
            writeln!(f, "  {outcome:<15} {count}")?;
        }
        writeln!(
            f,
            "troubles          {}",
            self.troubles.values().sum::<u64>()
        )?;
        for (kind, count) in &self.troubles {
            writeln!(f, "  {kind:<15} {count}")?;
        }
        writeln!(f, "longest night     {} min", self.longest.as_secs() / 60)?;
        writeln!(f, "calls per night   {}", self.calls / self.nights.max(1))?;
        writeln!(f, "broken            {}", self.broken.len())?;
        for (seed, violations) in &self.broken {
            writeln!(f, "simulate --seed {seed}: {}", violations.join("; "))?;
        }
        Ok(())
    }
}

fn kind(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Call(..) => "call",
        Trouble::Death(..) => "death",
        Trouble::Delivery(..) => "delivery",
        Trouble::Act(..) => "act",
        Trouble::Outage(..) => "outage",
        Trouble::Lag(..) => "lag",
    }
}
