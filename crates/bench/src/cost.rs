//! The cost of a run, from a simulated run and the measured invocations.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;

/// Lambda gives this much memory together with one whole processor:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
const ONE_PROCESSOR_MB: f64 = 1769.0;
/// AWS prices a GB-month by the hours in it.
const HOURS_A_MONTH: f64 = 730.0;

/// What AWS charges, in USD.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Prices {
    /// A second of a function with 1 GB (<https://aws.amazon.com/lambda/pricing/>, x86, us-east-1).
    #[arg(long, default_value_t = 0.000_016_666_7)]
    pub gb_second: f64,
    /// A million requests (the same page).
    #[arg(long, default_value_t = 0.20)]
    pub million_requests: f64,
    /// A GB of volume for a month (<https://aws.amazon.com/ebs/pricing/>, gp3, us-east-1).
    #[arg(long, default_value_t = 0.08)]
    pub gb_month: f64,
    /// How large production's volume is, in GB.
    #[arg(long, default_value_t = 1000)]
    pub volume_gb: u32,
    /// One of the volume's IOPS above 3,000 for a month (the same page, gp3).
    #[arg(long, default_value_t = 0.005)]
    pub iops_month: f64,
    /// What `VolumeIops` says.
    #[arg(long, default_value_t = GP3_IOPS)]
    pub volume_iops: u32,
    /// One MiB/s of the volume above 125 for a month (the same page, gp3).
    #[arg(long, default_value_t = 0.04)]
    pub throughput_month: f64,
    /// What `VolumeThroughput` says.
    #[arg(long, default_value_t = GP3_THROUGHPUT)]
    pub volume_throughput: u32,
    /// A GB of a snapshot's data at a provisioned rate (the same page, Provisioned Rate for Volume
    /// Initialization).
    #[arg(long, default_value_t = 0.0036)]
    pub initialization_gb: f64,
    /// What `VolumeInitializationRate` says; 0 is EC2's default, which costs nothing.
    #[arg(long, default_value_t = 0)]
    pub volume_initialization_rate: u32,
}

/// What each gp3 volume has in its price for a GB.
pub(super) const GP3_IOPS: u32 = 3000;
pub(super) const GP3_THROUGHPUT: u32 = 125;

impl Prices {
    /// What a volume costs that is held for so many hours. The rate of initialization is billed
    /// once, for the data of the snapshot; here all of the volume.
    pub fn volume_usd(&self, hours: f64) -> f64 {
        let gb = f64::from(self.volume_gb);
        let more = |has: u32, free: u32| f64::from(has.saturating_sub(free));
        let a_month = gb * self.gb_month
            + more(self.volume_iops, GP3_IOPS) * self.iops_month
            + more(self.volume_throughput, GP3_THROUGHPUT) * self.throughput_month;
        let once = if self.volume_initialization_rate > 0 {
            gb * self.initialization_gb
        } else {
            0.0
        };
        a_month * hours / HOURS_A_MONTH + once
    }
}

/// CPU time of one function, in milliseconds of a whole processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub start: f64,
    pub first: f64,
    pub further: f64,
}

/// What a run used.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Activity {
    /// Invocations by program.
    pub invocations: BTreeMap<String, u32>,
    /// How long the functions waited, all together.
    pub waited: Duration,
    /// From the volume's creation to its deletion.
    pub volume_held: Duration,
}

impl Activity {
    /// Extrapolates linearly: `self + times * (longer - self)`.
    pub fn extrapolate(&self, times: u32, longer: &Self) -> Self {
        let mut sum = longer.clone();
        for (program, count) in &mut sum.invocations {
            let before = self.invocations.get(program).copied().unwrap_or_default();
            *count = before + times * (*count - before);
        }
        let more = |of: Duration, before: Duration| before + times * of.saturating_sub(before);
        sum.waited = more(longer.waited, self.waited);
        sum.volume_held = more(longer.volume_held, self.volume_held);
        sum
    }

    pub fn requests(&self) -> u32 {
        self.invocations.values().sum()
    }
}

/// What that costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NightCost {
    pub requests: u32,
    /// While the functions wait.
    pub waiting_gb_seconds: f64,
    /// While they work.
    pub working_gb_seconds: f64,
    pub gb_hours: f64,
    pub lambda_usd: f64,
    pub volume_usd: f64,
}

/// The cost of a run whose functions have this much memory. Lambda bills whole milliseconds, which
/// adds half a millisecond to each invocation on average.
pub(super) fn bill(
    activity: &Activity,
    work: &BTreeMap<String, Work>,
    memory_mb: u32,
    prices: Prices,
) -> NightCost {
    let gb = f64::from(memory_mb) / 1024.0;
    let share = (f64::from(memory_mb) / ONE_PROCESSOR_MB).min(1.0);
    let mut working = 0.0;
    for (program, &count) in &activity.invocations {
        let Some(work) = work.get(program).filter(|_| count > 0) else {
            continue;
        };
        let cpu = work.start + work.first + f64::from(count - 1) * work.further;
        working += cpu / 1000.0 / share + f64::from(count) * 0.0005;
    }
    let requests = activity.requests();
    let waiting_gb_seconds = activity.waited.as_secs_f64() * gb;
    let working_gb_seconds = working * gb;
    let held = activity.volume_held.as_secs_f64() / 3600.0;
    let by_time = (waiting_gb_seconds + working_gb_seconds) * prices.gb_second;
    NightCost {
        requests,
        waiting_gb_seconds,
        working_gb_seconds,
        gb_hours: f64::from(prices.volume_gb) * held,
        lambda_usd: by_time + f64::from(requests) * prices.million_requests / 1e6,
        volume_usd: prices.volume_usd(held),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: Prices = Prices {
        gb_second: 0.00001,
        million_requests: 1.0,
        gb_month: 0.073,
        volume_gb: 100,
        iops_month: 0.0073,
        volume_iops: GP3_IOPS,
        throughput_month: 0.073,
        volume_throughput: GP3_THROUGHPUT,
        initialization_gb: 0.003,
        volume_initialization_rate: 0,
    };

    fn activity(invocations: u32, waited: u64, held: u64) -> Activity {
        Activity {
            invocations: [("step".to_owned(), invocations)].into(),
            waited: Duration::from_secs(waited),
            volume_held: Duration::from_secs(held),
        }
    }

    fn near(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    #[test]
    fn a_night_is_billed_for_waiting_working_requests_and_the_volume() {
        let work = Work {
            start: 2.0,
            first: 3.0,
            further: 0.5,
        };
        let work = [("step".to_owned(), work)].into();
        let night = activity(11, 1000, 7200);
        let bill = bill(&night, &work, 512, PRICES);
        near(bill.waiting_gb_seconds, 500.0);
        // 2 + 3 + 10 * 0.5 ms of CPU on 512/1769 of a processor, and half a millisecond each.
        let working = (0.010 * 1769.0 / 512.0 + 11.0 * 0.0005) * 0.5;
        near(bill.working_gb_seconds, working);
        near(bill.gb_hours, 200.0);
        near(bill.lambda_usd, (500.0 + working) * 0.00001 + 0.000_011);
        near(bill.volume_usd, 0.02);
    }

    #[test]
    fn a_faster_volume_costs_its_iops_its_throughput_and_once_its_initialization() {
        near(PRICES.volume_usd(2.0), 0.02);
        let with = |change: fn(&mut Prices)| {
            let mut prices = PRICES;
            change(&mut prices);
            prices.volume_usd(2.0) - PRICES.volume_usd(2.0)
        };
        near(with(|prices| prices.volume_iops = 4000), 0.02);
        near(with(|prices| prices.volume_throughput = 225), 0.02);
        near(with(|prices| prices.volume_initialization_rate = 100), 0.3);
        near(with(|prices| prices.volume_initialization_rate = 300), 0.3);
        near(with(|prices| prices.volume_iops = 100), 0.0);
    }

    #[test]
    fn more_than_a_processor_makes_nothing_faster() {
        let work = Work {
            start: 10.0,
            first: 0.0,
            further: 0.0,
        };
        let work = [("step".to_owned(), work)].into();
        let night = activity(1, 0, 0);
        let at = |memory| bill(&night, &work, memory, PRICES).working_gb_seconds;
        near(at(3538), 0.0105 * 3538.0 / 1024.0);
    }

    #[test]
    fn hours_are_added_as_the_longer_night_has_them() {
        let five = activity(70, 3700, 3650).extrapolate(4, &activity(130, 7300, 7250));
        assert_eq!(five, activity(310, 18_100, 18_050));
    }
}
