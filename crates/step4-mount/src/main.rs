//! The Lambda function of step 4.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    common::serve::serve::<step4_mount::Mount>().await
}
