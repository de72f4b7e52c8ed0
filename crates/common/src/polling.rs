//! How often a step polls, and for how long.

use std::time::Duration;

/// How long the steps wait, from the contract's table of functions.
pub mod limits {
    use std::time::Duration;

    /// For the snapshot to be complete, and for step 6 to release the leftovers of a dead run.
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
    /// For the release: unmount, detach, delete.
    pub const RELEASE: Duration = Duration::from_hours(1);
    /// For the calls themselves and Lambda's retries (after one and after two minutes), on top of
    /// the waits of the steps after the test volume is created.
    const SLACK: Duration = Duration::from_mins(75);

    /// For an integrity test to end that may read for `budget`.
    #[must_use]
    pub fn test(budget: Duration) -> Duration {
        budget + BESIDE_READING
    }

    /// With a test that may read for `budget`, a test volume older than this belongs to no live
    /// run.
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

/// How often a step polls, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// The longest wait between two polls while AWS answers.
    pub interval: Duration,
    /// The total wait after which it gives up.
    pub give_up_after: Duration,
}

/// The wait after the first poll. Most operations that a step starts take some seconds.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Waits are whole seconds, so that each counts towards the limit.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

impl Polling {
    /// The next wait: as long as all waits so far, so that polling adds at most as much delay as
    /// the operation itself takes, and at most the interval.
    #[must_use]
    pub fn wait(self, waited: Duration) -> Duration {
        let every = self.interval.max(SHORTEST_WAIT);
        let wait = waited.clamp(FIRST_WAIT.min(every), every);
        self.within_limit(wait, waited)
    }

    /// The next wait after AWS was too busy `busy` times in a row: drawn by `chance`, from 0 to 1,
    /// out of a range that doubles each time. Jitter spreads out runs that were throttled together;
    /// each retries about once per doubling of the outage, however many there are.
    #[must_use]
    pub(crate) fn wait_while_busy(self, busy: u64, waited: Duration, chance: f64) -> Duration {
        let doubled = 1_u32 << busy.min(16);
        let longest = self.interval.saturating_mul(doubled).min(LONGEST_WAIT);
        let more = longest.saturating_sub(self.interval).mul_f64(chance);
        let wait = self.interval + Duration::from_secs(more.as_secs());
        self.within_limit(wait, waited)
    }

    /// Whether a poll after this total wait is the last.
    #[must_use]
    pub(crate) fn is_last(self, waited: Duration) -> bool {
        waited >= self.give_up_after
    }

    fn within_limit(self, wait: Duration, waited: Duration) -> Duration {
        let left = self.give_up_after.saturating_sub(waited);
        wait.min(left).max(SHORTEST_WAIT)
    }
}

/// The longest wait within one invocation: together with the poll before it, well below the
/// functions' time-out of 600 s.
const LONGEST_WAIT: Duration = Duration::from_mins(4);

#[cfg(test)]
mod tests {
    use super::{Polling, limits};
    use std::time::Duration;

    fn polling(every: u64, give_up_after: u64) -> Polling {
        Polling {
            interval: Duration::from_secs(every),
            give_up_after: Duration::from_secs(give_up_after),
        }
    }

    /// The waits of a step that never finds it ready, in seconds.
    fn waits(polling: Polling) -> Vec<u64> {
        let mut waits = Vec::new();
        let mut waited = Duration::ZERO;
        while !polling.is_last(waited) {
            let wait = polling.wait(waited);
            waits.push(wait.as_secs());
            waited += wait;
        }
        waits
    }

    #[test]
    fn waits_grow_to_the_interval_and_fill_the_limit() {
        assert_eq!(waits(polling(15, 60)), [2, 2, 4, 8, 15, 15, 14]);
        assert_eq!(waits(polling(60, 240)), [2, 2, 4, 8, 16, 32, 60, 60, 56]);
        assert_eq!(waits(polling(1, 3)), [1, 1, 1]);
        assert_eq!(waits(polling(0, 2)), [1, 1]);
        assert_eq!(waits(polling(60, 1)), [1]);
        assert_eq!(waits(polling(60, 0)), [0; 0]);
        let test = waits(polling(60, limits::TEST.as_secs()));
        assert_eq!(test.len(), 185);
    }

    #[test]
    fn waits_while_busy_double_up_to_four_minutes_and_end_with_the_limit() {
        let polling = polling(15, 1800);
        let wait = |busy, waited, chance| {
            let waited = Duration::from_secs(waited);
            polling.wait_while_busy(busy, waited, chance).as_secs()
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
        assert_eq!(limits::test(default), limits::TEST);
        assert_eq!(limits::longest_run(default), limits::LONGEST_RUN);
        let more = Duration::from_hours(8);
        assert_eq!(limits::test(default + more), limits::TEST + more);
        let longest = limits::longest_run(default + more);
        assert_eq!(longest, limits::LONGEST_RUN + more);
        // The next night begins after it.
        assert!(longest < Duration::from_hours(24));
        let short = limits::longest_run(Duration::from_mins(1));
        assert!(short < limits::LONGEST_RUN);
    }

    /// A run that step 1 takes for dead while it lives would lose its volume under the test.
    #[test]
    fn no_run_outlasts_the_longest_run() {
        let minutes = |limit: Duration| limit.as_secs() / 60;
        let waits = [
            (limits::SNAPSHOT, 240),
            (limits::VOLUME, 30),
            (limits::ATTACH, 15),
            (limits::MOUNT, 30),
            (limits::START, 15),
            (limits::TEST, 180),
            (limits::RELEASE, 60),
        ];
        for (limit, contract) in waits {
            assert_eq!(minutes(limit), contract);
        }
        // The volume is created after the wait for the snapshot.
        let behind_its_birth: u64 = waits[1..].iter().map(|(_, minutes)| minutes).sum();
        // Each of six functions may be repeated after one and after two minutes.
        let retries = 6 * (1 + 2);
        assert!(minutes(limits::LONGEST_RUN) > behind_its_birth + retries);
    }
}
