//! `simulate`: thousands of nights in memory.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::iter::{ParallelBridge, ParallelIterator};

use super::exhaustive::{single_faults, undisturbed};
use super::fleet::{self, Databases};
use super::summary::Summary;
use super::{Plan, PlannedFault, Played, on_paused_clock, overhead, play, random, recorded};
use aws_stand_in::simulated_host::Backup;

/// Plays bad nights in memory and checks the invariants of each.
///
/// Exit status: 0 if no invariant was violated, else 1.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// How many nights to play, each drawn from its own seed.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,

    /// The seed of the first night.
    #[arg(long, default_value_t = 0)]
    first: u64,

    /// Start no night after this many minutes.
    #[arg(long)]
    minutes: Option<u64>,

    /// Play this one seed and always print its trace.
    #[arg(long, conflicts_with_all = ["seeds", "first", "minutes"])]
    seed: Option<u64>,

    /// Play every single fault of a good, a bad and a failing night.
    #[arg(long, conflicts_with_all = ["seeds", "first", "seed"])]
    singles: bool,

    /// Play only the single faults whose name contains this, such as `act: Stop`.
    #[arg(long, requires = "singles")]
    only: Option<String>,

    /// Play ordinary nights, and print how much of each is idle.
    #[arg(long, conflicts_with_all = ["seeds", "first", "minutes", "seed", "singles"])]
    waiting: bool,

    /// Play one night with this many databases on one stack, under EC2's request limits.
    #[arg(long, conflicts_with_all = ["seeds", "first", "minutes", "seed", "singles", "waiting"])]
    databases: Option<u32>,

    /// Play a night of each kind, and write all requests with their answers to this file, one line
    /// of JSON each.
    #[arg(long, conflicts_with_all = ["seeds", "first", "minutes", "seed", "singles", "waiting", "databases"])]
    record: Option<PathBuf>,

    /// Spread the schedules of the databases over this many minutes.
    #[arg(long, default_value_t = 0, requires = "databases")]
    within: u64,

    /// How many functions the account runs at once.
    #[arg(long, default_value_t = fleet::CONCURRENCY, requires = "databases")]
    concurrency: usize,
}

/// The program.
#[must_use]
#[expect(clippy::print_stdout, reason = "the program's result")]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(count) = arguments.databases {
        let played = on_paused_clock(fleet::play(Databases {
            count,
            within: Duration::from_mins(arguments.within),
            concurrency: arguments.concurrency,
            seed: 0,
        }));
        println!("{played}");
        return ExitCode::from(u8::from(!played.violations.is_empty()));
    }
    if let Some(file) = &arguments.record {
        let lines = on_paused_clock(recorded::traffic());
        if let Err(error) = std::fs::write(file, lines) {
            println!("cannot write {}: {error}", file.display());
            return ExitCode::FAILURE;
        }
        return ExitCode::SUCCESS;
    }
    if arguments.waiting {
        println!("{}", on_paused_clock(overhead::table()));
        return ExitCode::SUCCESS;
    }
    if let Some(seed) = arguments.seed {
        let (plan, played) = of_seed(seed);
        println!("{plan:#?}\n{}", played.trace());
        for violation in &played.violations {
            println!("broken: {violation}");
        }
        return ExitCode::from(u8::from(!played.violations.is_empty()));
    }
    let summary = if arguments.singles {
        singles(arguments.only.as_deref(), arguments.minutes)
    } else {
        random(arguments.first, arguments.seeds, arguments.minutes)
    };
    println!("{summary}");
    ExitCode::from(u8::from(!summary.holds()))
}

fn of_seed(seed: u64) -> (Plan, Played) {
    on_paused_clock(async {
        let plan = random::plan(seed).await;
        let played = play(&plan).await;
        (plan, played)
    })
}

fn random(first: u64, seeds: u64, minutes: Option<u64>) -> Summary {
    on_all_cores(seeds, minutes, |number, summary| {
        let seed = first + number;
        let (plan, played) = of_seed(seed);
        summary.count(&format!("simulate --seed {seed}"), &plan, &played);
    })
}

fn singles(only: Option<&str>, minutes: Option<u64>) -> Summary {
    let mut plans = Vec::new();
    for backup in [Backup::Good, Backup::Damaged, Backup::CannotBeTested] {
        let faults = on_paused_clock(single_faults(&undisturbed(backup))).into_iter();
        let asked = |fault: &PlannedFault| only.is_none_or(|name| fault.kind().contains(name));
        plans.extend(faults.filter(asked).map(|fault| Plan {
            faults: vec![fault],
            ..undisturbed(backup)
        }));
    }
    on_all_cores(plans.len() as u64, minutes, |number, summary| {
        let Some(plan) = plans.get(usize::try_from(number).unwrap_or(usize::MAX)) else {
            return;
        };
        let mut played = on_paused_clock(play(plan));
        let missed = played.missed(plan);
        played.violations.extend(missed);
        summary.count(&format!("{:?} backup", plan.backup), plan, &played);
    })
}

/// Plays the nights on all cores and shows progress.
#[expect(
    clippy::disallowed_methods,
    reason = "the progress bar shows real time; no night sees it"
)]
fn on_all_cores(
    nights: u64,
    minutes: Option<u64>,
    play: impl Fn(u64, &mut Summary) + Sync,
) -> Summary {
    let bar = ProgressBar::new(nights);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} nights, {per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let began = Instant::now();
    let in_time = || minutes.is_none_or(|most| began.elapsed() < Duration::from_mins(most));
    let count = |mut summary: Summary, number| {
        play(number, &mut summary);
        bar.inc(1);
        summary
    };
    let add = |mut all: Summary, more| {
        all.add(more);
        all
    };
    // In this order, so that the nights that were played are the first ones.
    let summary = (0..nights)
        .take_while(|_| in_time())
        .par_bridge()
        .fold(Summary::default, count)
        .reduce(Summary::default, add);
    bar.finish_and_clear();
    summary
}
