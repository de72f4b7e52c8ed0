//! The Lambda function of step 3.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    common::serve::serve::<step3_attach::AttachVolume>().await
}
