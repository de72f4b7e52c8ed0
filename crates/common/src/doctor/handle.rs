//! What a function does with the event of a doctor run.

use std::collections::BTreeSet;

use serde_json::Value;
use tracing::{Instrument, error, info, info_span};

use super::{Examination, Need, STEPS};
use crate::chain;
use crate::clients::Clients;
use crate::error::Result;
use crate::event::{self, Envelope};
use crate::lambda;
use crate::reply::Reply;
use crate::step::Step;

/// Examines one step, and invokes the next; the last prints the table.
pub(crate) async fn handle<S: Step>(
    step: &S,
    clients: &Clients,
    request_id: &str,
    event: &Value,
) -> Result<Reply> {
    let read = Examination::read(S::NAME, event, request_id, clients.clock.now());
    let run_id = match &read {
        Ok(examination) => examination.run.run_id.clone(),
        Err(_) => event::text(event, "run_id")
            .unwrap_or(request_id)
            .to_owned(),
    };
    async {
        let handled = match read {
            Ok(examination) => examine(step, clients, examination).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &handled {
            error!("{:?}: {}", error.kind(), error.chain());
        }
        handled.map(|()| Reply::default())
    }
    .instrument(info_span!("run", run_id))
    .await
}

async fn examine<S: Step>(step: &S, clients: &Clients, mut examination: Examination) -> Result<()> {
    // After the table, Lambda's retries repeat only this error.
    if examination.seen.told {
        return Err(examination.failure());
    }
    info!(
        "doctor: {} looks at what it needs, and changes nothing",
        S::NAME
    );
    examination.met(Need::Function, &format!("{} runs", clients.function_name));
    ask_to_invoke::<S>(clients, &mut examination).await;
    Box::pin(step.examine(clients, &mut examination)).await;
    if examination.step < STEPS.len() {
        return hand_on::<S>(clients, examination).await;
    }
    examination.note_missing_steps();
    examination.print();
    if !examination.is_unwell() {
        return Ok(());
    }
    let failure = examination.failure();
    examination.seen.told = true;
    let told = send(clients, &clients.function_name, examination).await;
    told.map_err(|_| failure)
}

/// With `DryRun`, Lambda answers without invoking.
async fn ask_to_invoke<S: Step>(clients: &Clients, examination: &mut Examination) {
    let last = last_function::<S>(clients);
    let functions = [
        clients.function_name.as_str(),
        chain::next_function::<S>(clients),
        &last,
    ];
    let functions: BTreeSet<&str> = functions.into_iter().collect();
    for function in &functions {
        if let Err(error) = lambda::may_invoke(&clients.lambda, function).await {
            examination.error(Need::Invoke, &error);
        }
    }
    let functions: Vec<&str> = functions.into_iter().collect();
    examination.met(
        Need::Invoke,
        &format!("may invoke {}", functions.join(", ")),
    );
}

/// If the next function cannot be invoked, step 6 still reports the findings so far.
async fn hand_on<S: Step>(clients: &Clients, examination: Examination) -> Result<()> {
    let next = chain::next_function::<S>(clients);
    let Err(error) = send(clients, next, examination.clone()).await else {
        return Ok(());
    };
    let last = last_function::<S>(clients);
    if last == next {
        return Err(error);
    }
    error!(
        "{:?}: {}; going on with {last}",
        error.kind(),
        error.chain()
    );
    let mut examination = examination;
    examination.error(Need::Invoke, &error);
    send(clients, &last, examination).await
}

async fn send(clients: &Clients, function: &str, examination: Examination) -> Result<()> {
    let Examination { run, seen, .. } = examination;
    let run = run.at_next_step();
    let envelope = Envelope { run, payload: seen };
    lambda::invoke(&clients.lambda, function, &envelope).await
}

/// Step 6's name, which differs from this function's only by the step.
fn last_function<S: Step>(clients: &Clients) -> String {
    let stack = clients.function_name.trim_end_matches(S::NAME);
    format!("{stack}{}", STEPS[STEPS.len() - 1])
}
