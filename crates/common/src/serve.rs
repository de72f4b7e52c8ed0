//! A step as a Lambda function: the process from its start on.

mod start_failure;

use lambda_runtime::tracing::subscriber;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tracing::error;

use crate::clients::Clients;
use crate::error::Result;
use crate::runner;
use crate::step::Step;

/// Runs a step as a Lambda function until Lambda ends the process.
///
/// # Errors
/// At start, naming every setting that is missing or unreadable.
pub async fn serve<S: Step>() -> std::result::Result<(), lambda_runtime::Error> {
    start_logging();
    let (clients, step) = match start::<S>() {
        Ok(started) => started,
        Err(error) => {
            error!("{:?}: {}", error.kind(), error.chain());
            start_failure::tell(&error).await;
            return Err(error.into());
        }
    };
    let (clients, step) = (&clients, &step);
    // Boxed, since the compiler cannot lay out the whole future in one piece.
    let handler = async move |event: LambdaEvent<Value>| {
        let LambdaEvent { payload, context } = event;
        Box::pin(runner::handle(step, clients, &context.request_id, payload)).await
    };
    lambda_runtime::run(service_fn(handler)).await
}

fn start<S: Step>() -> Result<(Clients, S)> {
    let clients = Clients::from_environment()?;
    let step = runner::build(&clients)?;
    Ok((clients, step))
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
