//! The runner: reads the event, has the step look, and hands on or has it look again. The limit
//! on waiting is here, once; with loop detection allowed it alone stops a runaway.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tracing::{Instrument, error, info, info_span};

use crate::error::Result;
use crate::event::{self, Envelope, Run};
use crate::lambda;
use crate::step::{Invocation, Outcome, Pace, Step, busy_to_the_end, time_ran_out};
use crate::world::World;

/// Handles one event that Lambda delivered. An error is logged here, once, and is the function's
/// error.
pub async fn handle<S: Step>(
    step: &S,
    world: &World,
    request_id: &str,
    event: Value,
) -> Result<()> {
    let invocation = Invocation {
        request_id: request_id.to_owned(),
        now: world.clock.now(),
    };
    let read = step.read(&event, &invocation);
    let run_id = match &read {
        Ok(envelope) => envelope.run.run_id.clone(),
        Err(_) => event::text(&event, "run_id")
            .unwrap_or(request_id)
            .to_owned(),
    };
    async {
        let handled = match read {
            Ok(envelope) => look(step, world, envelope).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &handled {
            error!("{:?}: {}", error.kind(), error.chain());
        }
        handled
    }
    .instrument(info_span!("run", run_id))
    .await
}

async fn look<S: Step>(step: &S, world: &World, envelope: Envelope<S::Input>) -> Result<()> {
    let Envelope { run, payload } = envelope;
    let pace = step.pace(&payload);
    let phase = step.phase(&payload);
    match look_once(step, &run, payload, pace).await? {
        Outcome::LookAgain { why, payload } => {
            let wait = pace.wait(run.waited());
            let run = Run { busy: 0, ..run };
            look_again(world, run, payload, wait, &why).await
        }
        Outcome::Busy { error, payload } => {
            let busy = run.busy.saturating_add(1);
            let wait = pace.wait_while_busy(busy, run.waited(), fastrand::f64());
            let run = Run { busy, ..run };
            look_again(world, run, payload, wait, &error.chain()).await
        }
        Outcome::GoOn(next) => {
            let mut run = run.at_next_step();
            run.ready_at
                .extend(phase.map(|phase| (phase, world.clock.now())));
            step.mark(&mut run, &next);
            hand_on(world, step.next_function(), run, next).await
        }
        Outcome::AlreadyEnded => {
            info!("this run has ended already: a late delivery, nothing to do");
            Ok(())
        }
        Outcome::NothingToDo(why) => {
            info!("nothing to do: {why}");
            Ok(())
        }
        Outcome::End(_) => {
            info!("the run has ended, and holds nothing any more");
            Ok(())
        }
    }
}

/// One look, or what comes of it where no further one is allowed.
async fn look_once<S: Step>(
    step: &S,
    run: &Run,
    payload: S::Input,
    pace: Pace,
) -> Result<Outcome<S>> {
    let (waited, at_most) = (run.waited_seconds, pace.at_most.as_secs());
    if waited > at_most {
        let why = format!("the event says that it has waited {waited} s");
        return step
            .out_of_patience(run, payload, time_ran_out(S::NAME, pace, &why))
            .await;
    }
    let number = run.iteration_count.saturating_add(1);
    info!("look {number}, after {waited} s of at most {at_most} s of waiting");
    let last = pace.is_last(run.waited());
    let before = payload.clone();
    match step.look(run, payload).await {
        Ok(Outcome::LookAgain { why, payload }) if last => {
            step.out_of_patience(run, payload, time_ran_out(S::NAME, pace, &why))
                .await
        }
        Ok(Outcome::Busy { error, payload }) if last => {
            step.out_of_patience(run, payload, busy_to_the_end(S::NAME, pace, error))
                .await
        }
        Err(error) if error.is_transient() && last => {
            step.out_of_patience(run, before, busy_to_the_end(S::NAME, pace, error))
                .await
        }
        Err(error) if error.is_transient() => Ok(Outcome::Busy {
            error,
            payload: before,
        }),
        looked => looked,
    }
}

/// Waits and invokes itself.
async fn look_again<P: Serialize>(
    world: &World,
    run: Run,
    payload: P,
    wait: Duration,
    why: &str,
) -> Result<()> {
    info!("not ready: {why}; looking again in {} s", wait.as_secs());
    world.clock.wait(wait).await;
    let run = Run {
        iteration_count: run.iteration_count.saturating_add(1),
        waited_seconds: run.waited_seconds.saturating_add(wait.as_secs()),
        ..run
    };
    hand_on(world, &world.function_name, run, payload).await
}

/// Invokes `function` with the payload. It is the last act of a look: an error after it would
/// have Lambda repeat the look and fork the run.
async fn hand_on<P: Serialize>(world: &World, function: &str, run: Run, payload: P) -> Result<()> {
    lambda::invoke(&world.lambda, function, &Envelope { run, payload }).await
}

#[cfg(test)]
mod tests;
