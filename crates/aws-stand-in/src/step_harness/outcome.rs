//! The outcome of a poll, for tests that know what it must be.

use common::event::Run;
use common::step::{Outcome, Step};
use common::{Error, Result};

/// The poll after so many, 15 s apart.
#[must_use]
pub fn later(run: &Run, looks: u64) -> Run {
    Run {
        iteration_count: looks,
        waited_seconds: 15 * looks,
        ..run.clone()
    }
}

/// The poll after so many at which AWS was too busy.
#[must_use]
pub fn busy_until_now(run: &Run, looks: u64) -> Run {
    Run {
        busy: looks,
        ..later(run, looks)
    }
}

/// The payload of the next function.
///
/// # Panics
/// If the outcome is another.
#[track_caller]
pub fn goes_on<S: Step>(looked: Result<Outcome<S>>) -> S::Next {
    match looked {
        Ok(Outcome::GoOn(next)) => next,
        other => panic!("it does not go on: {}", shown(other)),
    }
}

/// The reason of the wait, and the payload of the next poll.
///
/// # Panics
/// If the outcome is another.
#[track_caller]
pub fn polls_again<S: Step>(looked: Result<Outcome<S>>) -> (String, S::Input) {
    match looked {
        Ok(Outcome::PollAgain { why, payload }) => (why, payload),
        other => panic!("it does not look again: {}", shown(other)),
    }
}

/// The error.
///
/// # Panics
/// If the outcome is another.
#[track_caller]
pub fn fails<S: Step>(looked: Result<Outcome<S>>) -> Error {
    match looked {
        Err(error) => error,
        other => panic!("it does not fail: {}", shown(other)),
    }
}

/// The error that is retried, and the payload of the next poll.
///
/// # Panics
/// If the outcome is another.
#[track_caller]
pub fn waits_out<S: Step>(looked: Result<Outcome<S>>) -> (Error, S::Input) {
    match looked {
        Ok(Outcome::Busy { error, payload }) => (error, payload),
        other => panic!("it does not wait: {}", shown(other)),
    }
}

/// Asserts that the outcome is that of a late delivery.
///
/// # Panics
/// If the outcome is another.
#[track_caller]
pub fn has_ended_already<S: Step>(looked: Result<Outcome<S>>) {
    assert!(
        matches!(looked, Ok(Outcome::AlreadyEnded)),
        "it has not ended already: {}",
        shown(looked)
    );
}

/// Holds the run to be over.
///
/// # Panics
/// Where it is not.
#[track_caller]
pub fn ends<S: Step>(looked: Result<Outcome<S>>) {
    assert!(
        matches!(looked, Ok(Outcome::End(_))),
        "it does not end: {}",
        shown(looked)
    );
}

fn shown<S: Step>(looked: Result<Outcome<S>>) -> String {
    match looked {
        Ok(Outcome::PollAgain { why, .. }) => format!("looks again: {why}"),
        Ok(Outcome::Busy { error, .. }) => format!("waits: {}", error.chain()),
        Ok(Outcome::GoOn(_)) => "goes on".to_owned(),
        Ok(Outcome::AlreadyEnded) => "has ended already".to_owned(),
        Ok(Outcome::NothingToDo(why)) => format!("has nothing to do: {why}"),
        Ok(Outcome::End(_)) => "ends".to_owned(),
        Err(error) => format!("{:?}: {}", error.kind(), error.chain()),
    }
}
