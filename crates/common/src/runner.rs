//! The runner reads the event, lets the step poll, and invokes the next function, or this one
//! again. The time limit is enforced here and nowhere else: since Lambda's loop detection is off,
//! nothing else stops a runaway.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tracing::{Instrument, error, info, info_span};

use crate::chain;
use crate::clients::Clients;
use crate::doctor;
use crate::error::Result;
use crate::event::{self, Envelope, Run};
use crate::lambda;
use crate::polling::Polling;
use crate::reply::Reply;
use crate::settings::Settings;
use crate::step::{Invocation, Outcome, Step, busy_to_the_end, time_ran_out};

/// Builds a step from the function's settings.
///
/// # Errors
/// Where settings are missing or unreadable: one error names them all.
pub fn build<S: Step>(clients: &Clients) -> Result<S> {
    let mut settings = Settings::new(&clients.variables);
    if !S::IS_LAST {
        settings.text(chain::NEXT_FUNCTION);
    }
    let step = S::build(clients, &mut settings);
    settings.check().map(|()| step)
}

/// Handles one event that Lambda delivered. An error is logged here, once, and is the function's
/// error.
pub async fn handle<S: Step>(
    step: &S,
    clients: &Clients,
    request_id: &str,
    event: Value,
) -> Result<Reply> {
    if doctor::is_asked(&event) {
        return doctor::handle(step, clients, request_id, &event).await;
    }
    let invocation = Invocation {
        request_id: request_id.to_owned(),
        now: clients.clock.now(),
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
            Ok(envelope) => poll(step, clients, envelope).await,
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

async fn poll<S: Step>(step: &S, clients: &Clients, envelope: Envelope<S::Input>) -> Result<Reply> {
    let Envelope { run, payload } = envelope;
    if let Some(reply) = step.reply(&run, &payload).await {
        return Ok(reply);
    }
    let polling = step.polling(&payload);
    let phase = step.phase(&payload);
    match poll_once(step, &run, payload, polling).await? {
        Outcome::PollAgain { why, payload } => {
            let wait = polling.wait(run.waited());
            let run = Run { busy: 0, ..run };
            poll_again(clients, run, payload, wait, &why).await?;
        }
        Outcome::Busy { error, payload } => {
            let busy = run.busy.saturating_add(1);
            let wait = polling.wait_while_busy(busy, run.waited(), fastrand::f64());
            let run = Run { busy, ..run };
            poll_again(clients, run, payload, wait, &error.chain()).await?;
        }
        Outcome::GoOn(next) => {
            let mut run = run.at_next_step();
            run.ready_at
                .extend(phase.map(|phase| (phase, clients.clock.now())));
            step.mark(&mut run, &next);
            hand_on(clients, chain::next_function::<S>(clients), run, next).await?;
        }
        Outcome::AlreadyEnded => {
            info!("this run has ended already: a late delivery, nothing to do");
        }
        Outcome::NothingToDo(why) => {
            info!("nothing to do: {why}");
        }
        Outcome::End(end) => {
            info!("the run has ended, and holds nothing any more");
            return Ok(Reply::of(&end));
        }
    }
    Ok(Reply::default())
}

/// One poll; or, where no further one is allowed, the outcome of the time-out.
async fn poll_once<S: Step>(
    step: &S,
    run: &Run,
    payload: S::Input,
    polling: Polling,
) -> Result<Outcome<S>> {
    let (waited, give_up_after) = (run.waited_seconds, polling.give_up_after.as_secs());
    if waited > give_up_after {
        let why = format!("the event says that it has waited {waited} s");
        return step
            .on_timeout(run, payload, time_ran_out(S::NAME, polling, &why))
            .await;
    }
    let number = run.iteration_count.saturating_add(1);
    info!("poll {number}, after {waited} s of at most {give_up_after} s of waiting");
    let last = polling.is_last(run.waited());
    let before = payload.clone();
    match step.poll(run, payload).await {
        Ok(Outcome::PollAgain { why, payload }) if last => {
            step.on_timeout(run, payload, time_ran_out(S::NAME, polling, &why))
                .await
        }
        Ok(Outcome::Busy { error, payload }) if last => {
            step.on_timeout(run, payload, busy_to_the_end(S::NAME, polling, error))
                .await
        }
        Err(error) if error.is_transient() && last => {
            step.on_timeout(run, before, busy_to_the_end(S::NAME, polling, error))
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
async fn poll_again<P: Serialize>(
    clients: &Clients,
    run: Run,
    payload: P,
    wait: Duration,
    why: &str,
) -> Result<()> {
    info!("not ready: {why}; polling again in {} s", wait.as_secs());
    clients.clock.wait(wait).await;
    let run = Run {
        iteration_count: run.iteration_count.saturating_add(1),
        waited_seconds: run.waited_seconds.saturating_add(wait.as_secs()),
        ..run
    };
    hand_on(clients, &clients.function_name, run, payload).await
}

/// Invokes `function` with the payload. It comes last in an invocation: after an error behind it,
/// Lambda would retry and fork the run.
async fn hand_on<P: Serialize>(
    clients: &Clients,
    function: &str,
    run: Run,
    payload: P,
) -> Result<()> {
    lambda::invoke(&clients.lambda, function, &Envelope { run, payload }).await
}

#[cfg(test)]
mod tests;
