//! Lambda: invoking a function, and asking whether it could be.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, RecursiveLoop};
use serde::Serialize;
use tracing::info;

use crate::aws::error::refused;
use crate::error::{Error, Kind, Result};

/// Invokes a function asynchronously, and logs the line by which people follow a run from log to
/// log.
///
/// # Errors
/// Where Lambda does not accept the event.
pub async fn invoke<P: Serialize>(client: &Client, function: &str, payload: &P) -> Result<()> {
    let event = serde_json::to_string(payload).map_err(|error| {
        Error::caused(
            Kind::BadEvent,
            format!("cannot write the event of {function}"),
            error,
        )
    })?;
    let reply = client
        .invoke()
        .function_name(function)
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(event.as_bytes()))
        .send()
        .await
        .map_err(|error| refused(&format!("invoke {function}"), error))?;
    let status = reply.status_code();
    if status != 202 {
        let what = "the answer is not AWS's";
        return Err(Error::new(
            Kind::AwsUnavailable,
            format!("tried to invoke {function}, and {what}: status {status} instead of 202"),
        ));
    }
    info!("Invoked lambda, name={function}, event={event}");
    Ok(())
}

/// Whether a function may be invoked: Lambda answers that without invoking it.
///
/// # Errors
/// Where it may not, or is not there.
pub async fn may_invoke(client: &Client, function: &str) -> Result<()> {
    let asked = client
        .invoke()
        .function_name(function)
        .invocation_type(InvocationType::DryRun)
        .send()
        .await;
    let tried = format!("ask whether {function} may be invoked");
    asked.map(|_| ()).map_err(|error| refused(&tried, error))
}

/// Whether Lambda lets a function invoke itself more than about 16 times.
///
/// # Errors
/// Where it would drop the chain, or does not say.
pub async fn lets_invoke_itself(client: &Client, function: &str) -> Result<()> {
    let asked = client.get_function_recursion_config();
    let asked = asked.function_name(function).send().await;
    let tried = format!("ask for the recursive loop detection of {function}");
    let answer = asked.map_err(|error| refused(&tried, error))?;
    match answer.recursive_loop() {
        Some(RecursiveLoop::Allow) => Ok(()),
        other => Err(Error::new(
            Kind::AwsRefused,
            format!(
                "{function} has RecursiveLoop {}: Lambda would drop a run after about 16 invocations",
                other.map_or("unset", RecursiveLoop::as_str)
            ),
        )),
    }
}
