//! Lambda's asynchronous side: accepts an event, delivers it, repeats it after an error, and gives
//! what comes of it to the destinations.

mod delivery;
mod destination;
pub mod processes;
mod record;
mod service;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::{oneshot, watch};

use crate::clock::rfc3339;
use crate::event_bridge::{Kept, Rule};
use crate::instance_host::BoxFuture;
use crate::template::{Function, Schedule};
use crate::{Aws, Clock};

/// The Lambda service of the account. Clones are the same one.
#[derive(Clone)]
pub struct Lambda {
    inner: Arc<Inner>,
}

struct Inner {
    aws: Aws,
    functions: BTreeMap<String, Function>,
    rules: Vec<Rule>,
    retries_after: [Duration; 2],
    executor: Mutex<Option<Arc<dyn Executor>>>,
    state: Mutex<State>,
    under_way: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    requests: u64,
    deliveries: Vec<Delivery>,
    lost: Vec<String>,
    gone: Vec<String>,
    log: Vec<LogLine>,
    kept: Vec<Kept>,
    copies: Option<Copies>,
    running: BTreeMap<usize, oneshot::Sender<Death>>,
    swallows_errors: bool,
    /// Functions are `Pending`: they are being made or changed.
    pending: bool,
    /// How many invocations run at once, in all functions.
    most_at_once: Option<usize>,
    /// How often an event went back to the queue since they did.
    throttled: u64,
}

/// Says when each copy of an event is delivered, counted from its acceptance, and may change the
/// event. One copy at once is a good day; none is an event that Lambda dropped after its retries.
pub type Copies = Box<dyn FnMut(&mut Accepted) -> Vec<Duration> + Send>;

/// How a function dies in the middle of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its process ends.
    Exit,
    /// It stands still until its time is out.
    TimeOut,
}

/// An event that Lambda has accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// 0 for the first.
    pub number: u64,
    /// The function that it is for.
    pub function: String,
    /// The same for all copies and retries.
    pub request_id: String,
    /// The event.
    pub event: Value,
    /// How many invocations of functions by functions led here.
    pub depth: u32,
    /// Lambda loses it: no function gets it, no destination, and no metric counts it.
    pub lost: bool,
}

/// One invocation of a function.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// When it began.
    pub time: SystemTime,
    /// The event.
    pub accepted: Accepted,
    /// 0 for the first attempt, 2 for the last.
    pub attempt: u32,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Result<(), FunctionError>>,
}

/// A function's error, as Lambda shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// Its name.
    #[serde(default)]
    pub error_type: String,
    /// Its text.
    pub error_message: String,
}

/// One line of a function's log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// When it was written.
    pub time: SystemTime,
    /// The function.
    pub function: String,
    /// The line.
    pub text: String,
}

/// What runs the functions' code.
pub trait Executor: Send + Sync {
    /// Runs one invocation to its end, and gives its answer. A dropped future is a function killed at its time-out.
    fn run(
        &self,
        function: &Function,
        accepted: &Accepted,
        invocation: usize,
    ) -> BoxFuture<Result<Value, FunctionError>>;
}

/// The access key by which a function's calls are known: whose they are, how deep in a chain, and
/// which invocation's.
#[must_use]
pub fn access_key(function: &str, depth: u32, invocation: usize) -> String {
    format!("{function}.{depth}.{invocation}")
}

/// The function, the depth and the invocation behind an access key.
fn caller(access_key: &str) -> (&str, u32, usize) {
    let mut fields = access_key.split('.');
    let function = fields.next().unwrap_or(access_key);
    let depth = fields.next().and_then(|depth| depth.parse().ok());
    let invocation = fields.next().and_then(|number| number.parse().ok());
    (function, depth.unwrap_or(0), invocation.unwrap_or(0))
}

/// The function behind an access key, for IAM.
#[must_use]
pub fn function_of(access_key: &str) -> &str {
    caller(access_key).0
}

/// The invocation behind an access key, as its place among [`Lambda::deliveries`].
#[must_use]
pub fn invocation_of(access_key: &str) -> usize {
    caller(access_key).2
}

impl Lambda {
    /// Lambda with these functions, which repeats a failed event after these two waits, and
    /// EventBridge with these rules.
    pub fn new(
        aws: Aws,
        functions: impl IntoIterator<Item = Function>,
        rules: Vec<Rule>,
        retries_after: [Duration; 2],
    ) -> Self {
        let functions = functions.into_iter();
        Self {
            inner: Arc::new(Inner {
                aws,
                functions: functions
                    .map(|function| (function.name.clone(), function))
                    .collect(),
                rules,
                retries_after,
                executor: Mutex::default(),
                state: Mutex::default(),
                under_way: watch::Sender::new(0),
            }),
        }
    }

    /// Sets what runs the functions' code.
    pub fn set_executor(&self, executor: Arc<dyn Executor>) {
        *self.executor() = Some(executor);
    }

    /// Drops everything that refers to this service or its account. They refer to each other, so a
    /// hundred thousand runs would fill the memory otherwise.
    pub fn break_cycles(&self) {
        *self.executor() = None;
        self.state().copies = None;
    }

    fn executor(&self) -> MutexGuard<'_, Option<Arc<dyn Executor>>> {
        let executor = self.inner.executor.lock();
        executor.unwrap_or_else(PoisonError::into_inner)
    }

    /// Has events delivered otherwise than once and at once.
    pub fn set_copies(&self, copies: Copies) {
        self.state().copies = Some(copies);
    }

    /// Accepts an event for a function from outside, as a person's.
    pub fn start(&self, function: &str, event: Value) {
        self.accept(function, event, 0);
    }

    /// A schedule's time has come: its function gets the event, and so does each other rule of the same times.
    pub fn start_scheduled(&self, schedule: &Schedule, event: Value) {
        let time = rfc3339(self.clock().now());
        let rules = self.inner.rules.iter();
        let kept = rules.filter_map(|rule| rule.keep_scheduled(&schedule.expression, &time));
        self.state().kept.extend(kept);
        self.start(&schedule.function, event);
    }

    /// Has the invocation die that holds this access key, as soon as it lets anything else run.
    pub fn kill(&self, access_key: &str, death: Death) {
        let (_, _, invocation) = caller(access_key);
        if let Some(running) = self.state().running.remove(&invocation) {
            // If it has just ended by itself, it is too late to kill it.
            let _ = running.send(death);
        }
    }

    /// Kills every running invocation.
    pub fn kill_all(&self, death: Death) {
        for running in std::mem::take(&mut self.state().running).into_values() {
            let _ = running.send(death);
        }
    }

    /// Takes every function's error for a success from now on: a control, which must be caught.
    pub fn swallow_errors(&self) {
        self.state().swallows_errors = true;
    }

    /// Has every function be `Pending`, as while it is made or changed, or `Active` again: Lambda
    /// takes no event for one that is `Pending`.
    pub fn set_pending(&self, pending: bool) {
        self.state().pending = pending;
    }

    /// Has so many invocations run at once, as an account's concurrency allows; other events wait.
    pub fn limit_concurrency(&self, most: usize) {
        self.state().most_at_once = Some(most);
    }

    /// How often an event went back to the queue, since so many invocations ran.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.state().throttled
    }

    /// Waits until nothing is under way any more: no delivery, no retry.
    pub async fn idle(&self) {
        let mut under_way = self.inner.under_way.subscribe();
        // The sender lives as long as `self`.
        let _ = under_way.wait_for(|&count| count == 0).await;
    }

    /// How many events it has accepted so far.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.state().requests
    }

    /// Every invocation so far.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state().deliveries.clone()
    }

    /// Events that reached neither their function nor a destination, and why.
    #[must_use]
    pub fn lost(&self) -> Vec<String> {
        self.state().lost.clone()
    }

    /// Events that were given up with no function to take them, as the metrics show.
    #[must_use]
    pub fn given_up(&self) -> Vec<String> {
        self.state().gone.clone()
    }

    /// What EventBridge's rules have kept.
    #[must_use]
    pub fn kept(&self) -> Vec<Kept> {
        self.state().kept.clone()
    }

    /// What the functions wrote to their logs, from line `from` on.
    #[must_use]
    pub fn log(&self, from: usize) -> Vec<LogLine> {
        self.state().log.get(from..).unwrap_or_default().to_vec()
    }

    /// Writes a line to a function's log, if its role lets it.
    pub fn write_log(&self, function: &str, text: &str) {
        let Some(of) = self.inner.functions.get(function) else {
            return;
        };
        let stream = format!(
            "arn:aws:logs:{}:{}:log-group:{}:log-stream:rehearsal",
            crate::REGION,
            crate::ACCOUNT_ID,
            of.log_group
        );
        let may = |action| self.inner.aws.authorize(function, action, &stream).is_ok();
        if may("logs:CreateLogStream") && may("logs:PutLogEvents") {
            let (time, function) = (self.clock().now(), function.to_owned());
            self.state().log.push(LogLine {
                time,
                function,
                text: text.to_owned(),
            });
        }
    }

    fn clock(&self) -> Clock {
        self.inner.aws.clock()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
