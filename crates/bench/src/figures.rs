//! What was measured of one program, summed up.

use super::process::{Cost, Sample};
use super::quartiles::Quartiles;
use super::run::Measured;

/// Wall and CPU time, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub wall: Quartiles,
    pub cpu: Quartiles,
}

/// All runs of one program.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub name: String,
    /// From exec to the first `/next`.
    pub start: Times,
    /// The first invocation.
    pub first: Times,
    /// Each further one.
    pub further: Times,
    /// Start and first invocation together.
    pub ready: Times,
    /// At most, in MiB.
    pub memory: Quartiles,
    pub threads: usize,
    /// The program in bytes, and what is left of it in a zip; none of an interpreter.
    pub size: Option<Size>,
    /// The calls of one invocation.
    pub calls: Vec<String>,
}

/// How much a program weighs, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub program: usize,
    pub zipped: usize,
}

impl Figures {
    /// Of at least one run. All runs must have made the same calls.
    pub fn of(name: &str, size: Option<Size>, runs: &[Measured]) -> anyhow::Result<Self> {
        let calls = &runs[0].calls;
        let same = runs.iter().all(|run| run.calls == *calls);
        anyhow::ensure!(same, "{name} does not make the same calls each time");
        let samples: Vec<&Sample> = runs.iter().map(|run| &run.sample).collect();
        let each = |cost: fn(&Sample) -> Cost| times(samples.iter().map(|sample| cost(sample)));
        Ok(Self {
            name: name.to_owned(),
            start: each(|sample| sample.start),
            first: each(|sample| sample.first),
            further: times(samples.iter().flat_map(|sample| sample.further.clone())),
            ready: each(|sample| Cost {
                wall: sample.start.wall + sample.first.wall,
                cpu: sample.start.cpu + sample.first.cpu,
            }),
            memory: Quartiles::of(samples.iter().map(|sample| sample.memory)),
            threads: samples
                .iter()
                .map(|of| of.threads)
                .max()
                .unwrap_or_default(),
            size,
            calls: calls.clone(),
        })
    }
}

fn times(costs: impl Iterator<Item = Cost>) -> Times {
    let (wall, cpu): (Vec<f64>, Vec<f64>) = costs.map(|cost| (cost.wall, cost.cpu)).unzip();
    Times {
        wall: Quartiles::of(wall),
        cpu: Quartiles::of(cpu),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A process whose every figure is a multiple of `unit`.
    pub fn measured(unit: f64) -> Measured {
        let cost = |times: f64| Cost {
            wall: times * unit,
            cpu: times * unit / 2.0,
        };
        Measured {
            sample: Sample {
                start: cost(2.0),
                first: cost(4.0),
                further: vec![cost(1.0), cost(3.0)],
                memory: 8.0 * unit,
                threads: 2,
            },
            calls: vec!["Invoke".to_owned()],
        }
    }

    #[test]
    fn start_and_first_invocation_are_added_up_run_by_run() {
        let runs = [measured(1.0), measured(2.0), measured(10.0)];
        let figures = Figures::of("it", None, &runs).expect("the same calls");
        let (start, first) = (figures.start.wall.median, figures.first.cpu.median);
        assert_eq!((start, first), (4.0, 4.0));
        let (ready, further) = (figures.ready.wall.median, figures.further.wall.median);
        assert_eq!((ready, further), (12.0, 4.5));
        assert_eq!((figures.memory.median, figures.threads), (16.0, 2));
    }

    #[test]
    fn runs_that_did_something_else_are_no_measure() {
        let mut other = measured(1.0);
        other.calls.push("CreateTags".to_owned());
        assert!(Figures::of("it", None, &[measured(1.0), other]).is_err());
    }
}
