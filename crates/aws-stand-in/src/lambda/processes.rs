//! Runs the real binaries, each a process of its own behind Lambda's Runtime API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::service::trace_of_depth;
use super::{Accepted, Executor, FunctionError, Lambda, access_key};
use crate::instance_host::BoxFuture;
use crate::template::Function;

/// The six binaries, each started at its first invocation and kept, as Lambda does.
#[derive(Clone)]
pub struct Processes {
    inner: Arc<Inner>,
}

struct Inner {
    lambda: Lambda,
    /// The program of each function, by its name.
    programs: BTreeMap<String, PathBuf>,
    /// Where the Runtime API, AWS and Datadog are.
    address: SocketAddr,
    /// Environment variables that go before all others.
    variables: BTreeMap<String, String>,
    watch: Option<Arc<dyn Watch>>,
    /// One invocation at a time and function, since there is one process of each.
    functions: BTreeMap<String, Arc<tokio::sync::Mutex<Option<Child>>>>,
    queues: BTreeMap<String, Queue>,
    /// What copies the processes' output to the logs.
    copying: Mutex<Vec<JoinHandle<()>>>,
    replies: Mutex<BTreeMap<String, oneshot::Sender<Result<Value, FunctionError>>>>,
    /// Why a function says that it does not start.
    init_errors: Mutex<BTreeMap<String, FunctionError>>,
}

/// Sees a process as Lambda does.
pub trait Watch: Send + Sync {
    /// It is about to be started.
    fn starts(&self);
    /// It runs.
    fn runs(&self, pid: u32);
    /// It asks for an invocation.
    fn asks(&self);
    /// It is given one.
    fn takes(&self);
    /// It has answered it.
    fn answers(&self);
}

/// What a process waits for when it asks for the next invocation.
struct Queue {
    put: mpsc::UnboundedSender<Next>,
    take: tokio::sync::Mutex<mpsc::UnboundedReceiver<Next>>,
}

struct Next {
    accepted: Accepted,
    arn: String,
    deadline: SystemTime,
}

impl Processes {
    /// These programs, each of the function of that name.
    #[must_use]
    pub fn new(lambda: Lambda, programs: BTreeMap<String, PathBuf>, address: SocketAddr) -> Self {
        let names = || programs.keys().cloned();
        Self {
            inner: Arc::new(Inner {
                lambda,
                address,
                variables: BTreeMap::new(),
                watch: None,
                functions: names().map(|name| (name, Arc::default())).collect(),
                queues: names().map(|name| (name, Queue::new())).collect(),
                copying: Mutex::default(),
                replies: Mutex::default(),
                init_errors: Mutex::default(),
                programs,
            }),
        }
    }

    /// The same with these environment variables, and with somebody watching.
    ///
    /// # Panics
    /// Where it is in use already.
    #[must_use]
    pub fn watched(mut self, variables: BTreeMap<String, String>, watch: Arc<dyn Watch>) -> Self {
        let inner = Arc::get_mut(&mut self.inner).expect("not in use yet");
        inner.variables = variables;
        inner.watch = Some(watch);
        self
    }

    fn seen(&self, by: impl Fn(&dyn Watch)) {
        if let Some(watch) = &self.inner.watch {
            by(watch.as_ref());
        }
    }

    /// The Runtime API: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>, under
    /// one path for each function.
    pub fn routes(&self) -> Router {
        let path = |rest: &str| format!("/runtime/{{function}}/2018-06-01/runtime/{rest}");
        Router::new()
            .route(&path("invocation/next"), get(next))
            .route(&path("invocation/{id}/response"), post(response))
            .route(&path("invocation/{id}/error"), post(error))
            .route(&path("init/error"), post(init_error))
            .with_state(self.clone())
    }

    /// Ends the processes, and returns once all that they wrote is in the logs.
    pub async fn shut_down(&self) {
        for slot in self.inner.functions.values() {
            drop(slot.lock().await.take());
        }
        let copying = {
            let mut copying = self
                .inner
                .copying
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *copying)
        };
        for copy in copying {
            // A panic there has been printed.
            let _ = copy.await;
        }
    }

    fn expect_reply(
        &self,
        request_id: &str,
        answer: oneshot::Sender<Result<Value, FunctionError>>,
    ) {
        let mut replies = self
            .inner
            .replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        replies.insert(request_id.to_owned(), answer);
    }

    fn reply(&self, request_id: &str, outcome: Result<Value, FunctionError>) -> StatusCode {
        let mut replies = self
            .inner
            .replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match replies.remove(request_id) {
            // Where nobody waits any more, the function was killed at its time-out.
            Some(waiting) => {
                let _ = waiting.send(outcome);
                StatusCode::ACCEPTED
            }
            None => StatusCode::BAD_REQUEST,
        }
    }

    /// What a process that did not start has said of it.
    fn init_error(&self, function: &str) -> Option<FunctionError> {
        let errors = self.inner.init_errors.lock();
        errors
            .unwrap_or_else(PoisonError::into_inner)
            .remove(function)
    }

    fn spawn(&self, function: &Function) -> Result<Child, FunctionError> {
        let Inner {
            address, programs, ..
        } = self.inner.as_ref();
        let program = &programs[&function.name];
        self.seen(|watch| watch.starts());
        let mut child = Command::new(program)
            .env_clear()
            .envs(&function.environment)
            .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env(
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                function.memory.to_string(),
            )
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                format!("http://{address}/runtime/{}", function.name),
            )
            .env("AWS_REGION", crate::REGION)
            .env("AWS_ACCESS_KEY_ID", access_key(&function.name, 0, 0))
            .env("AWS_SECRET_ACCESS_KEY", "rehearsal")
            .env("AWS_ENDPOINT_URL", format!("http://{address}"))
            .env("DD_URL", format!("http://{address}"))
            .envs(&self.inner.variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| FunctionError {
                error_type: "Runtime.InvalidEntrypoint".to_owned(),
                error_message: format!("cannot start {}: {error}", program.display()),
            })?;
        if let Some(pid) = child.id() {
            self.seen(|watch| watch.runs(pid));
        }
        self.copy_logs(&function.name, &mut child);
        Ok(child)
    }

    fn copy_logs(&self, function: &str, child: &mut Child) {
        let lambda = &self.inner.lambda;
        let mut copying = self
            .inner
            .copying
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(stdout) = child.stdout.take() {
            copying.push(tokio::spawn(copy_log(
                lambda.clone(),
                function.to_owned(),
                stdout,
            )));
        }
        if let Some(stderr) = child.stderr.take() {
            copying.push(tokio::spawn(copy_log(
                lambda.clone(),
                function.to_owned(),
                stderr,
            )));
        }
    }

    async fn invoke(self, function: Function, accepted: Accepted) -> Result<Value, FunctionError> {
        let (answer, answered) = oneshot::channel();
        let slot = self.inner.functions[&function.name].clone();
        let mut slot = slot.lock().await;
        let mut child = match slot.take() {
            Some(child) => child,
            None => self.spawn(&function)?,
        };
        let request_id = accepted.request_id.clone();
        self.expect_reply(&request_id, answer);
        let deadline = self.inner.lambda.clock().now() + function.timeout;
        let _ = self.inner.queues[&function.name].put.send(Next {
            accepted,
            arn: function.arn,
            deadline,
        });
        // A future that is dropped here takes the child with it: killed at the time-out.
        tokio::select! {
            outcome = answered => {
                *slot = Some(child);
                outcome.unwrap_or_else(|_| Err(exited(&request_id, "no answer")))
            }
            status = child.wait() => {
                let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                self.inner.queues[&function.name].clear().await;
                Err(self.init_error(&function.name).unwrap_or_else(|| exited(&request_id, &status)))
            }
        }
    }
}

fn exited(request_id: &str, how: &str) -> FunctionError {
    FunctionError {
        error_type: "Runtime.ExitError".to_owned(),
        error_message: format!("RequestId: {request_id} Error: Runtime exited: {how}"),
    }
}

impl Executor for Processes {
    fn run(
        &self,
        function: &Function,
        accepted: &Accepted,
        _: usize,
    ) -> BoxFuture<Result<Value, FunctionError>> {
        Box::pin(self.clone().invoke(function.clone(), accepted.clone()))
    }
}

impl Queue {
    fn new() -> Self {
        let (put, take) = mpsc::unbounded_channel();
        Self {
            put,
            take: tokio::sync::Mutex::new(take),
        }
    }

    /// Forgets what a process that has exited did not take.
    async fn clear(&self) {
        let mut take = self.take.lock().await;
        while take.try_recv().is_ok() {}
    }
}

async fn copy_log(lambda: Lambda, function: String, stream: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        lambda.write_log(&function, &line);
    }
}

async fn next(State(processes): State<Processes>, Path(function): Path<String>) -> Response {
    let Some(queue) = processes.inner.queues.get(&function) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    processes.seen(|watch| watch.asks());
    let Some(next) = queue.take.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    processes.seen(|watch| watch.takes());
    let deadline = next
        .deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", next.accepted.request_id),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        ("lambda-runtime-invoked-function-arn", next.arn),
        (
            "lambda-runtime-trace-id",
            trace_of_depth(next.accepted.depth),
        ),
    ];
    (headers, next.accepted.event.to_string()).into_response()
}

async fn response(
    State(processes): State<Processes>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    processes.seen(|watch| watch.answers());
    let answer = serde_json::from_slice(&body).map_err(|error| FunctionError {
        error_type: "Runtime.InvalidResponse".to_owned(),
        error_message: format!("the answer is no JSON: {error}"),
    });
    processes.reply(&id, answer)
}

async fn error(
    State(processes): State<Processes>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    processes.reply(&id, Err(read_error(&body)))
}

async fn init_error(
    State(processes): State<Processes>,
    Path(function): Path<String>,
    body: Bytes,
) -> StatusCode {
    let errors = processes.inner.init_errors.lock();
    errors
        .unwrap_or_else(PoisonError::into_inner)
        .insert(function, read_error(&body));
    StatusCode::ACCEPTED
}

fn read_error(body: &[u8]) -> FunctionError {
    serde_json::from_slice(body).unwrap_or_else(|_| FunctionError {
        error_type: "Unknown".to_owned(),
        error_message: String::from_utf8_lossy(body).into_owned(),
    })
}
