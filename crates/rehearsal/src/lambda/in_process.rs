//! Runs the steps in this process: the same code, each invocation with clients of its own.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use common::Error;
use common::runner;
use common::step::Step;
use common::world::World;
use lambda_runtime::Diagnostic;
use tokio::task::JoinSet;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Accepted, Executor, FunctionError, Lambda, access_key};
use crate::aws::Aws;
use crate::aws::host::BoxFuture;
use crate::template::Function;

/// The steps of this process, on that account.
pub struct InProcess {
    /// The account.
    pub aws: Aws,
    /// Where the log lines go.
    pub lambda: Lambda,
}

impl Executor for InProcess {
    fn run(
        &self,
        function: &Function,
        accepted: &Accepted,
        invocation: usize,
    ) -> BoxFuture<Result<(), FunctionError>> {
        let (aws, lambda) = (self.aws.clone(), self.lambda.clone());
        let (function, accepted) = (function.clone(), accepted.clone());
        Box::pin(async move {
            let log = Log {
                lambda,
                function: function.name.clone(),
                line: Arc::default(),
            };
            let lines = tracing_subscriber::fmt::layer()
                .with_target(false)
                .without_time()
                .with_ansi(false)
                .with_writer(move || log.clone());
            // The SDK misses the sockets of its connections, and does not say so each time.
            let ours = Targets::new()
                .with_default(LevelFilter::INFO)
                .with_target("aws_smithy_runtime", LevelFilter::OFF);
            let subscriber = tracing_subscriber::registry().with(lines).with(ours);
            let key = access_key(&function.name, accepted.depth, invocation);
            let invocation = invoke(aws, key, function, accepted).with_subscriber(subscriber);
            // A task of its own, so that a panic is the function's and not the service's; it ends
            // with this future, as a process does that Lambda kills.
            let mut task = JoinSet::new();
            task.spawn(invocation);
            let ended = task.join_next().await.unwrap_or(Ok(Ok(())));
            ended.unwrap_or_else(|panic| {
                Err(FunctionError {
                    error_type: "Panic".to_owned(),
                    error_message: panic.to_string(),
                })
            })
        })
    }
}

async fn invoke(
    aws: Aws,
    key: String,
    function: Function,
    accepted: Accepted,
) -> Result<(), FunctionError> {
    match function.binary.as_str() {
        "step1-snapshot" => {
            look::<step1_snapshot::ChooseSnapshot>(aws, key, function, accepted).await
        }
        "step2-volume" => look::<step2_volume::MakeVolume>(aws, key, function, accepted).await,
        "step3-attach" => look::<step3_attach::AttachVolume>(aws, key, function, accepted).await,
        "step4-mount" => look::<step4_mount::Mount>(aws, key, function, accepted).await,
        "step5-run-test" => look::<step5_run_test::RunTest>(aws, key, function, accepted).await,
        "step6-await-result" => {
            look::<step6_await_result::AwaitResult>(aws, key, function, accepted).await
        }
        other => Err(FunctionError {
            error_type: "Runtime.InvalidEntrypoint".to_owned(),
            error_message: format!("there is no crate {other}"),
        }),
    }
}

async fn look<S: Step>(
    aws: Aws,
    key: String,
    function: Function,
    accepted: Accepted,
) -> Result<(), FunctionError> {
    let sdk = aws.sdk_config(&key);
    let world = World::new(
        &sdk,
        aws.datadog_service(),
        &function.name,
        function.environment,
    );
    let step = S::build(&world).map_err(shown)?;
    let handled = runner::handle(&step, &world, &accepted.request_id, accepted.event).await;
    handled.map_err(shown)
}

fn shown(error: Error) -> FunctionError {
    let Diagnostic {
        error_type,
        error_message,
    } = error.into();
    FunctionError {
        error_type,
        error_message,
    }
}

/// Writes whole lines to the function's log.
#[derive(Clone)]
struct Log {
    lambda: Lambda,
    function: String,
    line: Arc<Mutex<Vec<u8>>>,
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.extend_from_slice(bytes);
        while let Some(end) = line.iter().position(|&byte| byte == b'\n') {
            let whole: Vec<u8> = line.drain(..=end).collect();
            let text = String::from_utf8_lossy(&whole[..end]);
            self.lambda.write_log(&self.function, &text);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
