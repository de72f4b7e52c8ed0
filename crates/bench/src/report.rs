//! `docs/performance.md`: what was measured, in tables.

use std::collections::BTreeMap;

use super::cost::{Activity, GP3_IOPS, GP3_THROUGHPUT, NightCost, Prices, Work, bill};
use super::figures::{Figures, Times};
use super::quartiles::Quartiles;
use super::table::markdown;

/// The program whose calls the reference in Python makes.
pub(super) const REFERENCE: &str = "step6-await-result";

/// Runs, by the duration of their test.
pub(super) type Nights = Vec<(&'static str, Activity)>;

/// The memory that the bill is for: the least that Lambda has.
const LEAST_MEMORY: u32 = 128;
/// GB, IOPS, throughput and initialization rate of volumes that README speaks of.
const VOLUMES: [(u32, u32, u32, u32); 4] = [
    (100, GP3_IOPS, GP3_THROUGHPUT, 0),
    (500, GP3_IOPS, 250, 200),
    (2000, GP3_IOPS, 500, 300),
    (2000, 4000, 1000, 300),
];

/// All that goes into the tables.
pub(super) struct Report {
    pub steps: Vec<Figures>,
    pub baseline: Figures,
    pub python: Option<Figures>,
    pub runs: u32,
    pub nights: Nights,
    pub prices: Prices,
}

impl Report {
    /// The whole page.
    pub fn markdown(&self) -> String {
        let sections = [
            self.head(),
            self.starts(),
            self.invocations(),
            self.against_python(),
            self.night(),
        ];
        sections.join("\n")
    }

    fn programs(&self) -> impl Iterator<Item = &Figures> {
        self.steps
            .iter()
            .chain([&self.baseline])
            .chain(&self.python)
    }

    fn head(&self) -> String {
        format!(
            "# What the functions weigh, how fast they are, what a night costs\n\n\
             `make bench` measures this and writes this page; do not edit it. \
             On {}.\n\n\
             Each program is started {} times and invoked {} times, as \
             [crates/bench](../crates/bench/README.md) says. Figures are medians, and in brackets the \
             quartiles. `baseline` is a function that gives its input back and does nothing else; \
             `Python` makes the calls of `{}` with `awslambdaric` and `boto3`.\n",
            machine(),
            self.runs,
            super::run::INVOCATIONS,
            REFERENCE,
        )
    }

    fn starts(&self) -> String {
        let head = [
            "program",
            "ms",
            "CPU ms",
            "ms, × baseline",
            "CPU, × baseline",
            "memory, MiB",
            "× baseline",
            "threads",
            "MB",
            "zipped, MB",
        ];
        let baseline = &self.baseline;
        let rows = self.programs().map(|of| {
            let size = |bytes: Option<usize>| bytes.map_or("–".to_owned(), megabytes);
            vec![
                code(&of.name),
                of.start.wall.to_string(),
                of.start.cpu.to_string(),
                times(of.start.wall, baseline.start.wall),
                times(of.start.cpu, baseline.start.cpu),
                of.memory.to_string(),
                times(of.memory, baseline.memory),
                of.threads.to_string(),
                size(of.size.map(|size| size.program)),
                size(of.size.map(|size| size.zipped)),
            ]
        });
        let table = markdown(&head, &rows.collect::<Vec<_>>());
        format!(
            "## Starting\n\nFrom exec until it asks for its first invocation (`/next`); the most \
             memory and threads that it ever had.\n\n{table}"
        )
    }

    fn invocations(&self) -> String {
        let head = [
            "program",
            "first, ms",
            "CPU ms",
            "each further, ms",
            "CPU ms",
            "calls",
        ];
        let rows = self.programs().map(|of| {
            vec![
                code(&of.name),
                of.first.wall.to_string(),
                of.first.cpu.to_string(),
                of.further.wall.to_string(),
                of.further.cpu.to_string(),
                of.calls.len().to_string(),
            ]
        });
        let table = markdown(&head, &rows.collect::<Vec<_>>());
        let calls = self.steps.iter().map(|of| {
            let calls: Vec<String> = of.calls.iter().map(|call| code(call)).collect();
            format!("- {}: {}\n", code(&of.name), calls.join(", "))
        });
        let calls: String = calls.collect();
        format!(
            "## Invocations\n\nThe first one reads the trusted certificates and opens the \
             connections. Each finds what it waits for, hands on and answers: it does not \
             sleep.\n\n{table}\nThe calls of one invocation:\n\n{calls}"
        )
    }

    fn against_python(&self) -> String {
        let named = self.steps.iter().find(|of| of.name == REFERENCE);
        let (Some(python), Some(step)) = (&self.python, named) else {
            return "## Against Python\n\nNot measured: no Python with `awslambdaric` and `boto3` \
                    was given.\n"
                .to_owned();
        };
        let of = |what: &str, step: Quartiles, python: Quartiles| {
            vec![
                what.to_owned(),
                step.to_string(),
                python.to_string(),
                format!("1/{:.1}", python.median / step.median),
            ]
        };
        let both = |what: &str, step: Times, python: Times| {
            [
                of(&format!("{what}, ms"), step.wall, python.wall),
                of(&format!("{what}, CPU ms"), step.cpu, python.cpu),
            ]
        };
        let rows: Vec<_> = [
            both("start and first invocation", step.ready, python.ready),
            both("start", step.start, python.start),
            both("first invocation", step.first, python.first),
            both("each further one", step.further, python.further),
        ]
        .into_iter()
        .flatten()
        .chain([of("memory, MiB", step.memory, python.memory)])
        .collect();
        let name = code(REFERENCE);
        let table = markdown(&["what", &name, "Python", "ratio"], &rows);
        format!("## Against Python\n\nThe same calls of the same stand-ins.\n\n{table}")
    }

    fn night(&self) -> String {
        let bills: Vec<(&str, NightCost)> = self
            .nights
            .iter()
            .map(|(test, activity)| (*test, self.bill(activity, LEAST_MEMORY)))
            .collect();
        let rows = bills.iter().map(|(test, bill)| night_row(test, bill));
        let head = [
            "test",
            "requests",
            "waiting, GB-s",
            "working, GB-s",
            "waiting, of both",
            "Lambda, USD",
            "volume, GB-hours",
            "volume, USD",
        ];
        let nights = markdown(&head, &rows.collect::<Vec<_>>());
        let (test, hour) = &self.nights[1];
        let rows = [128, 256, 512, 1024, 1769].map(|memory| {
            let bill = self.bill(hour, memory);
            vec![
                memory.to_string(),
                format!("{:.1}", bill.waiting_gb_seconds),
                format!("{:.2}", bill.working_gb_seconds),
                format!("{:.5}", bill.lambda_usd),
            ]
        });
        let head = [
            "memory, MB",
            "waiting, GB-s",
            "working, GB-s",
            "Lambda, USD",
        ];
        let memories = markdown(&head, &rows);
        let Prices {
            gb_second,
            million_requests,
            gb_month,
            volume_gb,
            ..
        } = self.prices;
        let volumes = volumes(self.prices);
        format!(
            "## What a night costs\n\n\
             Invocations, waits and the life of the volume are those of a simulated night with a \
             good backup; the work is the CPU time above, on the share of a processor that Lambda \
             gives with {LEAST_MEMORY} MB (1,769 MB is one whole). Each function starts once. \
             {gb_second} USD a GB-second, {million_requests} USD a million requests, {gb_month} \
             USD a GB-month of a volume of {volume_gb} GB; `bench --help` names the options for \
             other prices.\n\n{nights}\n\
             With the default of `TestBudgetSeconds` the functions wait for the test 3 hours at most, so the night of 5 hours is \
             arithmetic: the night of 1 hour, and four times what a second hour adds to it.\n\n\
             A function that waits is billed by its memory alone, and waiting is nearly all that \
             there is; its work takes as many GB-seconds with more memory as with less, since it \
             is the faster for it. So the least memory is the cheapest. For a test of {test}:\n\n\
             {memories}\n{volumes}\nHow long nobody works in such a night, and how that was shortened: \
             [crates/simulation](../crates/simulation/README.md#waiting).\n"
        )
    }

    fn bill(&self, activity: &Activity, memory: u32) -> NightCost {
        let work = self.steps.iter().map(|of| {
            let work = Work {
                start: of.start.cpu.median,
                first: of.first.cpu.median,
                further: of.further.cpu.median,
            };
            (of.name.clone(), work)
        });
        let work: BTreeMap<_, _> = work.collect();
        bill(activity, &work, memory, self.prices)
    }
}

/// What faster volumes cost, for the hours in which each gives all its bytes once.
pub(super) fn volumes(prices: Prices) -> String {
    let rows = VOLUMES.map(|(gb, iops, throughput, rate)| {
        let of_these = Prices {
            volume_gb: gb,
            volume_iops: iops,
            volume_throughput: throughput,
            volume_initialization_rate: rate,
            ..prices
        };
        let slowest = if rate == 0 {
            throughput
        } else {
            rate.min(throughput)
        };
        let hours = f64::from(gb) * 1e9 / (f64::from(slowest) * 1_048_576.0) / 3600.0;
        let said = |value: u32, default: u32| {
            if value == default {
                "–".to_owned()
            } else {
                value.to_string()
            }
        };
        vec![
            gb.to_string(),
            said(iops, GP3_IOPS),
            said(throughput, GP3_THROUGHPUT),
            said(rate, 0),
            format!("{hours:.2}"),
            format!("{:.2}", of_these.volume_usd(hours)),
        ]
    });
    let head = [
        "volume, GB",
        "`VolumeIops`",
        "`VolumeThroughput`",
        "`VolumeInitializationRate`",
        "hours for each byte once",
        "volume, USD",
    ];
    let Prices {
        iops_month,
        throughput_month,
        initialization_gb,
        ..
    } = prices;
    format!(
        "What a faster volume costs, held as long as it needs to give each byte once: \
         {iops_month} USD for one of its IOPS above {GP3_IOPS} and {throughput_month} USD for \
         a MiB/s above {GP3_THROUGHPUT} for a month, and once {initialization_gb} USD a GB of \
         the snapshot where it has an initialization rate. Without one EC2 promises none, and \
         the hours are those of the throughput, at best.\n\n{}",
        markdown(&head, &rows)
    )
}

fn night_row(test: &str, bill: &NightCost) -> Vec<String> {
    let (waiting, working) = (bill.waiting_gb_seconds, bill.working_gb_seconds);
    vec![
        test.to_owned(),
        bill.requests.to_string(),
        format!("{waiting:.1}"),
        format!("{working:.2}"),
        format!("{:.1} %", 100.0 * waiting / (waiting + working)),
        format!("{:.5}", bill.lambda_usd),
        format!("{:.0}", bill.gb_hours),
        format!("{:.2}", bill.volume_usd),
    ]
}

fn code(name: &str) -> String {
    format!("`{name}`")
}

fn times(of: Quartiles, baseline: Quartiles) -> String {
    format!("{:.2}", of.median / baseline.median)
}

#[expect(clippy::cast_precision_loss, reason = "some megabytes")]
fn megabytes(bytes: usize) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

/// This machine, as far as it says.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = field(&read("/proc/cpuinfo"), "model name");
    let processor = processor.unwrap_or_else(|| "an unnamed processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores of {processor}, Linux {}", kernel.trim())
}

#[cfg(test)]
mod tests;
