//! A function that cannot start reports why to Lambda, which records it and returns it to the
//! caller: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>.
//! The runtime crate reports only its own errors.

use std::time::Duration;

use lambda_runtime::Diagnostic;
use serde_json::json;
use tracing::error;

use crate::error::Error;
use crate::https::client;

/// Lambda gives a function ten seconds to start; the process ends after this.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Tells Lambda. Where that fails, the log has both.
pub(super) async fn tell(failure: &Error) {
    let told = tokio::time::timeout(TIMEOUT, post(failure)).await;
    if let Err(unsaid) = told.unwrap_or_else(|late| Err(late.into())) {
        error!("Lambda was not told why the function does not start: {unsaid}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the runtime API is must be known even where no setting can be read"
)]
async fn post(failure: &Error) -> Result<(), lambda_runtime::Error> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    // As Lambda sets it, without a scheme; as the runtime crate takes it, with one too.
    let api = api.strip_prefix("http://").unwrap_or(&api);
    let Diagnostic {
        error_type,
        error_message,
    } = Diagnostic::from(failure);
    let body = json!({"errorType": error_type, "errorMessage": error_message, "stackTrace": []});
    let answer = client()?
        .post(format!("http://{api}/2018-06-01/runtime/init/error"))
        .header("content-type", "application/json")
        .header("lambda-runtime-function-error-type", error_type)
        .body(body.to_string());
    let status = answer.send().await?.status();
    if status.is_success() {
        return Ok(());
    }
    Err(format!("status {status}").into())
}
