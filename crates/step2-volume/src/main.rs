//! The Lambda function of step 2.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    common::serve::serve::<step2_volume::MakeVolume>().await
}
