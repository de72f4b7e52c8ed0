//! The Lambda function of step 6.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    common::serve::serve::<step6_await_result::AwaitResult>().await
}
