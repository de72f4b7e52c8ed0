//! The least that a Lambda function in Rust can be: it gives its input back. `make bench` holds
//! the steps against it; it is never deployed.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        Ok::<_, Error>(event.payload)
    }))
    .await
}
