//! The Lambda function of step 5.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    common::serve::serve::<step5_run_test::RunTest>().await
}
