//! What a step is: one look at AWS, and what came of it.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::event::{Envelope, Phase, Run};
use crate::time::Timestamp;
use crate::world::World;

/// How long the steps wait, from the contract's table of functions.
pub mod patience {
    use std::time::Duration;

    /// For the snapshot to be complete, and for the leftovers of a dead run to be given back.
    pub const SNAPSHOT: Duration = Duration::from_hours(4);
    /// For the test volume to be available.
    pub const VOLUME: Duration = Duration::from_mins(30);
    /// For it to be attached.
    pub const ATTACH: Duration = Duration::from_mins(15);
    /// For the mount command to end.
    pub const MOUNT: Duration = Duration::from_mins(30);
    /// For Systems Manager to take the command of the test.
    pub const START: Duration = Duration::from_mins(15);
    /// For the integrity test to end, with the default of `TestBudgetSeconds`.
    pub const TEST: Duration = Duration::from_hours(3);
    /// What the test does beside reading: its server starts and stops, the host's files are read.
    const BESIDE_READING: Duration = Duration::from_mins(30);
    /// For everything to be given back.
    pub const RELEASE: Duration = Duration::from_hours(1);
    /// For the calls themselves and Lambda's retries (after one and after two minutes), on top
    /// of the waits of the steps behind the test volume's birth.
    const SLACK: Duration = Duration::from_mins(75);

    /// For the integrity test to end that may read for so long.
    #[must_use]
    pub fn test(budget: Duration) -> Duration {
        budget + BESIDE_READING
    }

    /// A test volume older than this belongs to no live run whose test may read for so long.
    #[must_use]
    pub fn longest_run(budget: Duration) -> Duration {
        (LONGEST_RUN + test(budget)).saturating_sub(TEST)
    }

    /// The longest run with the default of `TestBudgetSeconds`.
    pub const LONGEST_RUN: Duration = Duration::from_secs(
        VOLUME.as_secs()
            + ATTACH.as_secs()
            + MOUNT.as_secs()
            + START.as_secs()
            + TEST.as_secs()
            + RELEASE.as_secs()
            + SLACK.as_secs(),
    );
}

/// How often a step looks, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The longest wait between two looks while AWS answers.
    pub every: Duration,
    /// The waits in all, after which it gives up.
    pub at_most: Duration,
}

/// The wait after a first look. Most of what a step sets in motion takes some seconds.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Waits are whole seconds, so that each uses patience up.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

impl Pace {
    /// How long to wait after a look, having waited so long before it: as long again, so that a
    /// step is late by no more than what it waits for takes, and by no more than `every`.
    #[must_use]
    pub fn wait(self, waited: Duration) -> Duration {
        let every = self.every.max(SHORTEST_WAIT);
        let wait = waited.clamp(FIRST_WAIT.min(every), every);
        self.within_patience(wait, waited)
    }

    /// How long to wait when AWS was too busy `busy` times in a row: drawn by `chance`, from 0 to
    /// 1, out of a range that doubles each time. Runs that met at AWS's limit so come apart, and
    /// each asks about once for each doubling of the time that AWS stays busy, however many they
    /// are.
    #[must_use]
    pub(crate) fn wait_while_busy(self, busy: u64, waited: Duration, chance: f64) -> Duration {
        let doubled = 1_u32 << busy.min(16);
        let longest = self.every.saturating_mul(doubled).min(LONGEST_WAIT);
        let more = longest.saturating_sub(self.every).mul_f64(chance);
        let wait = self.every + Duration::from_secs(more.as_secs());
        self.within_patience(wait, waited)
    }

    /// Whether a look after so long a wait is the last.
    #[must_use]
    pub(crate) fn is_last(self, waited: Duration) -> bool {
        waited >= self.at_most
    }

    fn within_patience(self, wait: Duration, waited: Duration) -> Duration {
        let left = self.at_most.saturating_sub(waited);
        wait.min(left).max(SHORTEST_WAIT)
    }
}

/// The longest wait within one invocation: with the look before it, well below the functions'
/// time-out of 600 s.
const LONGEST_WAIT: Duration = Duration::from_mins(4);

/// What one look found.
#[derive(Debug)]
pub enum Outcome<S: Step> {
    /// Not ready: look again after the step's wait, with this payload.
    LookAgain {
        /// What is being waited for.
        why: String,
        /// The payload, with what this look learned.
        payload: S::Input,
    },
    /// AWS was too busy to say: look again after a wait that grows. Trouble that may pass and
    /// that a look ends with comes to the same, with the payload as it was.
    Busy {
        /// What AWS, or Datadog, did not do.
        error: Error,
        /// The payload, with what this look learned.
        payload: S::Input,
    },
    /// Ready: the next function takes this.
    GoOn(S::Next),
    /// A late delivery of a run that has its verdict, or has given back: nothing to do.
    AlreadyEnded,
    /// There is nothing to test; why.
    NothingToDo(String),
    /// The run is over. Only the last step can make this value.
    End(S::End),
}

/// The `End` of every step but the last.
pub type NeverEnds = Infallible;

/// Which invocation of which function this is.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Lambda's request id, the same over the retries of one event.
    pub request_id: String,
    /// When the look began.
    pub now: Timestamp,
}

/// One step of the chain. A step never creates: it ensures, so that a first look, a later look,
/// a retry and a duplicate delivery are one and the same.
pub trait Step: Sized + Send + Sync + 'static {
    /// The function's name behind `<environment>-ib-backup-`.
    const NAME: &'static str;
    /// What a look needs.
    type Input: Serialize + DeserializeOwned + Clone + Send;
    /// What the next function needs.
    type Next: Serialize + Send;
    /// [`NeverEnds`] for every step but the last.
    type End: Send;

    /// Takes its settings and clients out of the world.
    fn build(world: &World) -> Result<Self>;

    /// The name of the function that takes [`Outcome::GoOn`].
    fn next_function(&self) -> &str;

    /// How often to look with this payload.
    fn pace(&self, payload: &Self::Input) -> Pace;

    /// The phase of the night that ends when this step goes on, if one does.
    fn phase(&self, payload: &Self::Input) -> Option<Phase>;

    /// What the run bears from this step on.
    fn mark(&self, run: &mut Run, next: &Self::Next) {
        let _ = (run, next);
    }

    /// Reads the event that Lambda delivers.
    fn read(&self, event: &Value, invocation: &Invocation) -> Result<Envelope<Self::Input>> {
        let _ = invocation;
        Envelope::read(event)
    }

    /// Looks once.
    fn look(
        &self,
        run: &Run,
        payload: Self::Input,
    ) -> impl Future<Output = Result<Outcome<Self>>> + Send;

    /// What happens when the last look that is allowed found nothing ready, or AWS too busy.
    fn out_of_patience(
        &self,
        run: &Run,
        payload: Self::Input,
        error: Error,
    ) -> impl Future<Output = Result<Outcome<Self>>> + Send {
        let _ = (run, payload);
        async { Err(error) }
    }
}

/// The error of a step that has waited as long as it may.
pub(crate) fn time_ran_out(step: &str, pace: Pace, why: &str) -> Error {
    Error::new(
        Kind::TimeRanOut,
        format!("{}: {why}", gave_up_after(step, pace)),
    )
}

/// The error of a step at whose last look AWS was still too busy.
pub(crate) fn busy_to_the_end(step: &str, pace: Pace, error: Error) -> Error {
    Error::caused(error.kind(), gave_up_after(step, pace), error)
}

fn gave_up_after(step: &str, pace: Pace) -> String {
    let seconds = pace.at_most.as_secs();
    let time = match seconds {
        0 => "one look".to_owned(),
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    };
    format!("{step} gave up after {time}")
}

#[cfg(test)]
mod tests {
    use super::{Pace, patience};
    use std::time::Duration;

    fn pace(every: u64, at_most: u64) -> Pace {
        Pace {
            every: Duration::from_secs(every),
            at_most: Duration::from_secs(at_most),
        }
    }

    /// The waits of a step that never finds it ready, in seconds.
    fn waits(pace: Pace) -> Vec<u64> {
        let mut waits = Vec::new();
        let mut waited = Duration::ZERO;
        while !pace.is_last(waited) {
            let wait = pace.wait(waited);
            waits.push(wait.as_secs());
            waited += wait;
        }
        waits
    }

    #[test]
    fn waits_grow_to_the_interval_and_fill_the_patience() {
        assert_eq!(waits(pace(15, 60)), [2, 2, 4, 8, 15, 15, 14]);
        assert_eq!(waits(pace(60, 240)), [2, 2, 4, 8, 16, 32, 60, 60, 56]);
        assert_eq!(waits(pace(1, 3)), [1, 1, 1]);
        assert_eq!(waits(pace(0, 2)), [1, 1]);
        assert_eq!(waits(pace(60, 1)), [1]);
        assert_eq!(waits(pace(60, 0)), [0; 0]);
        let test = waits(pace(60, patience::TEST.as_secs()));
        assert_eq!(test.len(), 185);
    }

    #[test]
    fn waits_while_busy_double_up_to_four_minutes_and_end_with_patience() {
        let pace = pace(15, 1800);
        let wait = |busy, waited, chance| {
            let waited = Duration::from_secs(waited);
            pace.wait_while_busy(busy, waited, chance).as_secs()
        };
        assert_eq!((wait(1, 0, 0.0), wait(1, 0, 1.0)), (15, 30));
        assert_eq!((wait(3, 0, 0.0), wait(3, 0, 1.0)), (15, 120));
        assert_eq!((wait(4, 0, 1.0), wait(u64::MAX, 0, 1.0)), (240, 240));
        assert_eq!((wait(1, 0, 0.5), wait(9, 0, 0.001)), (22, 15));
        assert_eq!(wait(9, 1740, 1.0), 60);
        assert_eq!(wait(9, 1799, 1.0), 1);
        assert_eq!(wait(9, u64::MAX, 1.0), 1);
    }

    #[test]
    fn one_number_says_how_long_a_test_may_take() {
        let default = Duration::from_mins(150);
        assert_eq!(patience::test(default), patience::TEST);
        assert_eq!(patience::longest_run(default), patience::LONGEST_RUN);
        let more = Duration::from_hours(8);
        assert_eq!(patience::test(default + more), patience::TEST + more);
        let longest = patience::longest_run(default + more);
        assert_eq!(longest, patience::LONGEST_RUN + more);
        // The next night begins after it.
        assert!(longest < Duration::from_hours(24));
        let short = patience::longest_run(Duration::from_mins(1));
        assert!(short < patience::LONGEST_RUN);
    }

    /// A run that step 1 takes for dead while it lives would lose its volume under the test.
    #[test]
    fn no_run_outlasts_the_longest_run() {
        let minutes = |patience: Duration| patience.as_secs() / 60;
        let waits = [
            (patience::SNAPSHOT, 240),
            (patience::VOLUME, 30),
            (patience::ATTACH, 15),
            (patience::MOUNT, 30),
            (patience::START, 15),
            (patience::TEST, 180),
            (patience::RELEASE, 60),
        ];
        for (patience, contract) in waits {
            assert_eq!(minutes(patience), contract);
        }
        // The volume is born after the wait for the snapshot.
        let behind_its_birth: u64 = waits[1..].iter().map(|(_, minutes)| minutes).sum();
        // Each of six functions may be repeated after one and after two minutes.
        let retries = 6 * (1 + 2);
        assert!(minutes(patience::LONGEST_RUN) > behind_its_birth + retries);
    }
}
