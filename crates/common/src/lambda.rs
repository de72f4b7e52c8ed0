//! The words for Lambda: being invoked, and invoking.

mod start_failure;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use lambda_runtime::tracing::subscriber;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use tracing::{error, info};

use crate::aws::refused;
use crate::error::{Error, Kind, Result};
use crate::runner;
use crate::step::Step;
use crate::world::World;

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

/// Runs a step as a Lambda function until Lambda ends the process.
///
/// # Errors
/// At start, naming every setting that is missing or unreadable.
pub async fn serve<S: Step>() -> std::result::Result<(), lambda_runtime::Error> {
    start_logging();
    let (world, step) = match start::<S>() {
        Ok(started) => started,
        Err(error) => {
            error!("{:?}: {}", error.kind(), error.chain());
            start_failure::tell(&error).await;
            return Err(error.into());
        }
    };
    let (world, step) = (&world, &step);
    // Boxed, since the compiler lays the whole look out in one piece otherwise, and gives up.
    let handler = async move |event: LambdaEvent<Value>| {
        let LambdaEvent { payload, context } = event;
        Box::pin(runner::handle(step, world, &context.request_id, payload)).await
    };
    lambda_runtime::run(service_fn(handler)).await
}

fn start<S: Step>() -> Result<(World, S)> {
    let world = World::from_environment()?;
    let step = S::build(&world)?;
    Ok((world, step))
}

/// Plain lines with the run's id, for CloudWatch Logs. The runtime's own span would repeat the
/// request id, which Lambda logs anyway, on every line.
fn start_logging() {
    use subscriber::filter::{LevelFilter, Targets};
    use subscriber::prelude::*;
    let lines = subscriber::fmt::layer()
        .with_target(false)
        .without_time()
        .with_ansi(false);
    let targets = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("lambda_runtime", LevelFilter::WARN)
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    subscriber::registry().with(lines).with(targets).init();
}
