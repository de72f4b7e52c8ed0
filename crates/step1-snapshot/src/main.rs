//! The Lambda function of step 1.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    common::serve::serve::<step1_snapshot::ChooseSnapshot>().await
}
