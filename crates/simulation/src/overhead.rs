//! What polling costs: how much of a night is idle, and how many calls it takes.

use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::environment::Environment;
use aws_stand_in::Timing;
use aws_stand_in::simulated_host::Durations;

/// The figures of an ordinary night.
#[derive(Clone, Copy, Debug)]
pub struct Overhead {
    /// How long its integrity test took.
    pub test: Duration,
    /// How long it took in all.
    pub night: Duration,
    /// How long AWS and the scripts worked, one after the other.
    pub work: Duration,
    /// Invocations of functions.
    pub invocations: usize,
    /// Calls of AWS and Datadog.
    pub calls: usize,
}

/// Plays a night whose integrity test takes `test`. Needs a paused clock.
pub async fn play(test: Duration) -> Overhead {
    let durations = Durations {
        test,
        ..Durations::default()
    };
    let night = Environment::new().testing_for(test);
    let clock = night.stack.aws.clock();
    let began = clock.now();
    let ending = night.play().await;
    Overhead {
        test,
        night: clock.now().duration_since(began).unwrap_or_default(),
        work: work(&Timing::default(), durations),
        invocations: ending.deliveries.len(),
        calls: night.stack.aws.made_calls().len(),
    }
}

/// The time of the three commands and of AWS's work on the volume.
fn work(aws: &Timing, scripts: Durations) -> Duration {
    let volume = aws.creating + aws.attaching + aws.detaching + aws.deleting;
    volume + 3 * aws.delivery + scripts.mount + scripts.test + scripts.release
}

impl Overhead {
    /// Idle time: AWS or a script is ready, and the step has not polled yet.
    #[must_use]
    pub fn own(&self) -> Duration {
        self.night.saturating_sub(self.work)
    }

    /// Idle time as a percentage of the night.
    #[must_use]
    pub fn percent(&self) -> f64 {
        100.0 * self.own().as_secs_f64() / self.night.as_secs_f64()
    }
}

/// Nights with a short, a long and the longest possible test. Needs a paused clock.
pub async fn table() -> String {
    let mut table = "| test | night | idle | of the night | invocations | calls |\n\
                     |---|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for minutes in [5, 60, 179] {
        let waited = play(Duration::from_mins(minutes)).await;
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{waited}");
    }
    table
}

/// A row of the table.
impl fmt::Display for Overhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| {} min | {:.0} s | {:.0} s | {:.1} % | {} | {} |",
            self.test.as_secs() / 60,
            self.night.as_secs_f64(),
            self.own().as_secs_f64(),
            self.percent(),
            self.invocations,
            self.calls
        )
    }
}
