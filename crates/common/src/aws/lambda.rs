//! Lambda: invoking a function.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde::Serialize;
use tracing::info;

use crate::aws::error::refused;
use crate::error::{Error, Kind, Result};

/// Invokes a function asynchronously and logs the line that people follow from log to log.
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
