//! The runner: reads the event, has the step look, and hands on or has it look again. The limit
//! on looks is here, once; with loop detection allowed it alone stops a runaway.

use serde::Serialize;
use serde_json::Value;
use tracing::{Instrument, error, info, info_span};

use crate::error::Result;
use crate::event::{Envelope, Run};
use crate::lambda;
use crate::step::{Invocation, Outcome, Step};
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
        Err(_) => event
            .get("run_id")
            .and_then(Value::as_str)
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
    let looks = pace.looks();
    let outcome = if run.iteration_count >= looks {
        let why = format!(
            "the event says that {} looks were made",
            run.iteration_count
        );
        step.out_of_patience(&run, payload, &why).await?
    } else {
        info!("look {} of at most {looks}", run.iteration_count + 1);
        match step.look(&run, payload).await? {
            Outcome::LookAgain { why, payload } if run.iteration_count + 1 >= looks => {
                step.out_of_patience(&run, payload, &why).await?
            }
            outcome => outcome,
        }
    };
    match outcome {
        Outcome::LookAgain { why, payload } => {
            info!(
                "not ready: {why}; looking again in {} s",
                pace.every.as_secs()
            );
            world.clock.wait(pace.every).await;
            let iteration_count = run.iteration_count + 1;
            let run = Run {
                iteration_count,
                ..run
            };
            hand_on(world, &world.function_name, run, payload).await
        }
        Outcome::GoOn(next) => {
            let mut run = Run {
                iteration_count: 0,
                ..run
            };
            run.ready_at
                .extend(phase.map(|phase| (phase, world.clock.now())));
            hand_on(world, step.next_function(), run, next).await
        }
        Outcome::AlreadyEnded => {
            info!("this run has its verdict already: a late delivery, nothing to do");
            Ok(())
        }
        Outcome::End(_) => {
            info!("the run has ended, and holds nothing any more");
            Ok(())
        }
    }
}

/// Invokes `function` with the payload. It is the last act of a look: an error after it would
/// have Lambda repeat the look and fork the run.
async fn hand_on<P: Serialize>(world: &World, function: &str, run: Run, payload: P) -> Result<()> {
    lambda::invoke(&world.lambda, function, &Envelope { run, payload }).await
}

#[cfg(test)]
mod tests;
