//! `bench`: measures the programs that ship as Lambda would run them, against EC2, SSM, Lambda and
//! Datadog over TLS, beside a baseline and a reference; and calculates what a run costs.

mod cost;
mod figures;
mod fixture;
mod nights;
mod process;
mod quartiles;
mod report;
mod run;
mod table;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use indicatif::{ProgressBar, ProgressStyle};

use aws_stand_in::template::{TEMPLATE, Template};
use cost::{Activity, Prices};
use figures::{Figures, Size};
use report::{Nights, REFERENCE, Report};
use run::{Candidate, Measured, Place};

/// What the tables call the reference.
const PYTHON: &str = "Python";

/// Measures the functions, and writes the tables.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The folder of the programs that ship, as `make package` builds them: each is
    /// `bootstrap` in a folder of its own.
    #[arg(long)]
    binaries: PathBuf,

    /// The program of the baseline.
    #[arg(long)]
    baseline: PathBuf,

    /// How often each program is started.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// The Python that has awslambdaric and boto3; without it the reference is left out.
    #[arg(long, requires = "reference")]
    python: Option<PathBuf>,

    /// The folder of the reference's handler.
    #[arg(long)]
    reference: Option<PathBuf>,

    /// Where performance.md goes.
    #[arg(long, default_value = "docs")]
    into: PathBuf,

    #[command(flatten)]
    prices: Prices,
}

/// The program.
#[must_use]
#[expect(
    clippy::print_stderr,
    reason = "a program tells people what went wrong"
)]
pub fn main() -> ExitCode {
    match bench(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program tells people what it made")]
fn bench(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut figures = runtime.block_on(measure(arguments))?;
    drop(runtime);
    let python = arguments.python.as_ref().and_then(|_| figures.pop());
    let baseline = figures.pop().context("the baseline was measured")?;
    let report = Report {
        steps: figures,
        baseline,
        python,
        runs: arguments.runs,
        nights: nights()?,
        prices: arguments.prices,
    };
    let path = arguments.into.join("performance.md");
    std::fs::write(&path, report.markdown())
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}

/// The figures of the steps, the baseline and the reference, in that order. The programs take turns,
/// so that whatever else this machine does meets them all alike.
async fn measure(arguments: &Arguments) -> anyhow::Result<Vec<Figures>> {
    let folder = tempfile::tempdir()?;
    let place = Place::in_folder(folder.path())?;
    let candidates = candidates(arguments, &place)?;
    let mut measured: Vec<Vec<Measured>> = candidates.iter().map(|_| Vec::new()).collect();
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}, {eta} left")?;
    let of = u64::from(arguments.runs) * candidates.len() as u64;
    let bar = ProgressBar::new(of).with_style(style);
    for _ in 0..arguments.runs {
        for (candidate, measured) in candidates.iter().zip(&mut measured) {
            bar.set_message(candidate.name.clone());
            measured.push(candidate.measure(&place).await?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let figures = candidates.iter().zip(&measured);
    let figures: Vec<Figures> = figures
        .map(|(of, runs)| Figures::of(&of.name, size(of)?, runs))
        .collect::<anyhow::Result<_>>()?;
    let of = |name: &str| figures.iter().find(|figures| figures.name == name);
    if let (Some(python), Some(step)) = (of(PYTHON), of(REFERENCE)) {
        let (here, there) = (&step.calls, &python.calls);
        anyhow::ensure!(
            here == there,
            "the reference calls {there:?} where {REFERENCE} calls {here:?}"
        );
    }
    Ok(figures)
}

fn candidates(arguments: &Arguments, place: &Place) -> anyhow::Result<Vec<Candidate>> {
    let folder = std::path::absolute(&arguments.binaries)?;
    let step = |step: &str| Candidate::compiled(step, folder.join(step).join("bootstrap"), step);
    let template = Template::read(TEMPLATE, &BTreeMap::new())?;
    let steps = template.functions.iter();
    let mut candidates: Vec<_> = steps.map(|function| step(&function.binary)).collect();
    let baseline = std::path::absolute(&arguments.baseline)?;
    candidates.push(Candidate::compiled("baseline", baseline, REFERENCE));
    if let (Some(python), Some(reference)) = (&arguments.python, &arguments.reference) {
        let path = |path: &Path| Ok::<_, anyhow::Error>(std::path::absolute(path)?);
        let variables = [
            ("PYTHON", path(python)?),
            ("AWS_CA_BUNDLE", place.bundle.clone()),
            ("AWS_DEFAULT_REGION", aws_stand_in::REGION.into()),
        ];
        let variables = variables.into_iter();
        candidates.push(Candidate {
            name: PYTHON.to_owned(),
            program: path(reference)?.join("bootstrap"),
            stands_for: REFERENCE.to_owned(),
            scheme: "",
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.to_string_lossy().into_owned()))
                .collect(),
        });
    }
    for candidate in &candidates {
        let program = candidate.program.display();
        anyhow::ensure!(candidate.program.is_file(), "{program} is missing");
    }
    Ok(candidates)
}

/// How much a program weighs; nothing for an interpreter, which does not stand in one file.
fn size(candidate: &Candidate) -> anyhow::Result<Option<Size>> {
    let program = std::fs::read(&candidate.program)?;
    if !program.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let mut zip = DeflateEncoder::new(Vec::new(), Compression::best());
    zip.write_all(&program)?;
    Ok(Some(Size {
        program: program.len(),
        zipped: zip.finish()?.len(),
    }))
}

/// A test of five minutes, of one hour, and of five. The last exceeds the functions' time limit, so
/// it is extrapolated: the first hour, and four times what the second hour adds.
fn nights() -> anyhow::Result<Nights> {
    let [short, hour, two] = [5, 60, 120].map(Duration::from_mins);
    let (short, hour, two) = (
        nights::play(short)?,
        nights::play(hour)?,
        nights::play(two)?,
    );
    let five: Activity = hour.extrapolate(4, &two);
    Ok(vec![
        ("5 minutes", short),
        ("1 hour", hour),
        ("5 hours", five),
    ])
}
