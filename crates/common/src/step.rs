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
    /// For the integrity test to end.
    pub const TEST: Duration = Duration::from_hours(3);
    /// For everything to be given back.
    pub const RELEASE: Duration = Duration::from_hours(1);
    /// For the calls themselves and Lambda's retries (after one and after two minutes), on top
    /// of the waits of the steps behind the test volume's birth.
    const SLACK: Duration = Duration::from_mins(75);

    /// A test volume older than this belongs to no live run.
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
    /// The wait between two looks.
    pub every: Duration,
    /// The waits in all, after which it gives up.
    pub at_most: Duration,
}

impl Pace {
    /// How many looks that makes, at least one.
    #[must_use]
    pub fn looks(self) -> u32 {
        let looks = self.at_most.as_secs().div_ceil(self.every.as_secs().max(1));
        u32::try_from(looks.max(1)).unwrap_or(u32::MAX)
    }

    /// How long to wait when AWS was too busy `busy` times in a row, after `looks_made` looks:
    /// drawn by `chance`, from 0 to 1, out of a range that doubles each time. Runs that met at
    /// AWS's limit so come apart, and each asks about once for each doubling of the time that
    /// AWS stays busy, however many they are. The last look that is allowed is not waited past.
    #[must_use]
    pub(crate) fn wait_while_busy(self, busy: u32, looks_made: u32, chance: f64) -> Duration {
        let left = self.every * self.looks().saturating_sub(looks_made + 1);
        let longest = (self.every * 2_u32.saturating_pow(busy.min(16))).min(LONGEST_WAIT);
        let more = longest.saturating_sub(self.every).mul_f64(chance);
        (self.every + more).min(left).max(self.every)
    }

    /// How many looks a wait stands for, so that waiting longer does not mean waiting for more.
    #[must_use]
    pub(crate) fn looks_in(self, wait: Duration) -> u32 {
        let every = self.every.as_millis().max(1);
        u32::try_from(wait.as_millis().div_ceil(every)).unwrap_or(u32::MAX)
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
    /// A late delivery of a run that has its verdict: nothing to do.
    AlreadyEnded,
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
    let (looks, every) = (pace.looks(), pace.every.as_secs());
    format!("{step} gave up after {looks} looks, {every} s apart")
}

#[cfg(test)]
mod tests {
    use super::{Pace, patience};
    use std::time::Duration;

    fn looks(every: u64, at_most: u64) -> u32 {
        let every = Duration::from_secs(every);
        let at_most = Duration::from_secs(at_most);
        Pace { every, at_most }.looks()
    }

    #[test]
    fn looks_fill_the_patience_and_are_at_least_one() {
        assert_eq!(looks(15, 1800), 120);
        assert_eq!(looks(15, 1801), 121);
        assert_eq!(looks(60, 59), 1);
        assert_eq!(looks(1, 1), 1);
        assert_eq!(looks(60, 0), 1);
        assert_eq!(looks(0, 3), 3);
        assert_eq!(looks(1, u64::MAX), u32::MAX);
    }

    #[test]
    fn waits_while_busy_double_up_to_four_minutes_and_end_with_patience() {
        let pace = Pace {
            every: Duration::from_secs(15),
            at_most: Duration::from_mins(30),
        };
        let wait = |busy, looks, chance| pace.wait_while_busy(busy, looks, chance).as_secs();
        assert_eq!((wait(1, 0, 0.0), wait(1, 0, 1.0)), (15, 30));
        assert_eq!((wait(3, 0, 0.0), wait(3, 0, 1.0)), (15, 120));
        assert_eq!((wait(4, 0, 1.0), wait(u32::MAX, 0, 1.0)), (240, 240));
        // 120 looks: after 115 there are four waits left before the last.
        assert_eq!(wait(9, 115, 1.0), 60);
        assert_eq!(wait(9, 118, 1.0), 15);
        assert_eq!(pace.looks_in(Duration::from_secs(15)), 1);
        assert_eq!(pace.looks_in(Duration::from_millis(15_001)), 2);
        assert_eq!(pace.looks_in(Duration::from_mins(4)), 16);
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
