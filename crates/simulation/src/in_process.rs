//! Runs the steps in this process. Like Lambda, it keeps them warm between invocations.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_ec2::config::IdentityCache;
use common::Error;
use common::clients::Clients;
use common::runner;
use common::step::Step;
use lambda_runtime::Diagnostic;
use serde_json::Value;
use tokio::task::JoinSet;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

use aws_stand_in::Aws;
use aws_stand_in::instance_host::BoxFuture;
use aws_stand_in::lambda::{Accepted, Executor, FunctionError, Lambda, access_key};
use aws_stand_in::template::Function;

/// Runs the steps in this process, on that account.
pub struct InProcess {
    aws: Aws,
    /// Where the log lines go.
    lambda: Lambda,
    warm: Arc<Warm>,
}

impl InProcess {
    /// Steps for that account; log lines go to that Lambda.
    #[must_use]
    pub fn new(aws: Aws, lambda: Lambda) -> Self {
        let warm = Arc::default();
        Self { aws, lambda, warm }
    }
}

/// For each function, the processes that wait for an event. A process that handles an event is not
/// here: if it dies, or a second event comes meanwhile, a new process is started.
#[derive(Default)]
struct Warm(Mutex<BTreeMap<String, Vec<Box<dyn Any + Send>>>>);

/// A function's process: what it creates once, before its first event.
struct Process<S> {
    clients: Clients,
    step: S,
}

impl Executor for InProcess {
    fn run(
        &self,
        function: &Function,
        accepted: &Accepted,
        invocation: usize,
    ) -> BoxFuture<Result<Value, FunctionError>> {
        let (aws, warm) = (self.aws.clone(), self.warm.clone());
        let at_work = AtWork {
            access_key: access_key(&function.name, accepted.depth, invocation),
            lambda: self.lambda.clone(),
            function: function.name.clone(),
            line: RefCell::default(),
        };
        let (function, accepted) = (function.clone(), accepted.clone());
        Box::pin(async move {
            let invocation = AT_WORK.scope(at_work, invoke(aws, warm, function, accepted));
            let invocation = invocation.with_subscriber(SUBSCRIBER.clone());
            // In a task of its own a panic ends only the function. Dropping this future ends the
            // task, as Lambda kills a process.
            let mut task = JoinSet::new();
            task.spawn(invocation);
            let ended = task.join_next().await.unwrap_or(Ok(Ok(Value::Null)));
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
    warm: Arc<Warm>,
    function: Function,
    accepted: Accepted,
) -> Result<Value, FunctionError> {
    match function.binary.as_str() {
        "step1-snapshot" => {
            poll::<step1_snapshot::ChooseSnapshot>(aws, warm, function, accepted).await
        }
        "step2-volume" => poll::<step2_volume::MakeVolume>(aws, warm, function, accepted).await,
        "step3-attach" => poll::<step3_attach::AttachVolume>(aws, warm, function, accepted).await,
        "step4-mount" => poll::<step4_mount::Mount>(aws, warm, function, accepted).await,
        "step5-run-test" => poll::<step5_run_test::RunTest>(aws, warm, function, accepted).await,
        "step6-await-result" => {
            poll::<step6_await_result::AwaitResult>(aws, warm, function, accepted).await
        }
        other => Err(FunctionError {
            error_type: "Runtime.InvalidEntrypoint".to_owned(),
            error_message: format!("there is no crate {other}"),
        }),
    }
}

async fn poll<S: Step>(
    aws: Aws,
    warm: Arc<Warm>,
    function: Function,
    accepted: Accepted,
) -> Result<Value, FunctionError> {
    let process = match warm.take::<S>(&function) {
        Some(process) => process,
        None => Process::<S>::start(&aws, &function)?,
    };
    let Process { clients, step } = &*process;
    let handled = runner::handle(step, clients, &accepted.request_id, accepted.event).await;
    warm.put_back(&function, process);
    let reply = handled.map_err(shown)?;
    Ok(serde_json::from_str(reply.text()).unwrap_or_default())
}

impl Warm {
    /// A process of that function with the variables of the current deployment.
    fn take<S: Step>(&self, function: &Function) -> Option<Box<Process<S>>> {
        let mut warm = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let process = warm.get_mut(&function.name)?.pop()?;
        let process = process.downcast::<Process<S>>().ok()?;
        (process.clients.variables == function.environment).then_some(process)
    }

    fn put_back<S: Step>(&self, function: &Function, process: Box<Process<S>>) {
        let mut warm = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let processes = warm.entry(function.name.clone()).or_default();
        processes.push(process);
    }
}

impl<S: Step> Process<S> {
    fn start(aws: &Aws, function: &Function) -> Result<Box<Self>, FunctionError> {
        let sdk = aws.sdk_config("").to_builder();
        let sdk = sdk
            .credentials_provider(SharedCredentialsProvider::new(OfInvocation))
            .identity_cache(IdentityCache::no_cache())
            .build();
        let variables = function.environment.clone();
        let clients = Clients::new(&sdk, aws.datadog_service(), &function.name, variables);
        let step = runner::build(&clients).map_err(shown)?;
        Ok(Box::new(Self { clients, step }))
    }
}

/// Credentials that name the current invocation, so that each call can be attributed to it.
#[derive(Debug)]
struct OfInvocation;

impl ProvideCredentials for OfInvocation {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let key = AT_WORK.try_with(|at_work| at_work.access_key.clone());
        let credentials = |key| Credentials::new(key, "no-secret", None, None, "rehearsal");
        let key = key.map_err(CredentialsError::not_loaded);
        future::ProvideCredentials::ready(key.map(credentials))
    }
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

/// Shared by all invocations: a new subscriber would invalidate tracing's callsite cache.
static SUBSCRIBER: LazyLock<Dispatch> = LazyLock::new(|| {
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .without_time()
        .with_ansi(false)
        .with_writer(|| ToLog);
    // In memory the SDK finds no sockets for its connections, and would warn each time.
    let ours = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("aws_smithy_runtime", LevelFilter::OFF);
    Dispatch::new(tracing_subscriber::registry().with(lines).with(ours))
});

tokio::task_local! {
    static AT_WORK: AtWork;
}

/// The current invocation: the access key of its calls, and the target of its log lines.
struct AtWork {
    access_key: String,
    lambda: Lambda,
    function: String,
    /// The log line that is incomplete so far.
    line: RefCell<Vec<u8>>,
}

/// Writes whole lines to the log of the current invocation.
struct ToLog;

impl io::Write for ToLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = AT_WORK.try_with(|at_work| at_work.write(bytes));
        written.map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AtWork {
    fn write(&self, bytes: &[u8]) {
        let mut line = self.line.borrow_mut();
        line.extend_from_slice(bytes);
        while let Some(end) = line.iter().position(|&byte| byte == b'\n') {
            let whole: Vec<u8> = line.drain(..=end).collect();
            let text = String::from_utf8_lossy(&whole[..end]);
            self.lambda.write_log(&self.function, &text);
        }
    }
}
