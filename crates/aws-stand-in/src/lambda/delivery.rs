//! From the queue to the end of an event: its deliveries and its retries.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::{Accepted, Death, Delivery, FunctionError, Lambda};
use crate::instance_host::BoxFuture;
use crate::template::Function;

/// After so many invocations of one chain Lambda drops a function whose loop is not allowed.
const LOOP_LIMIT: u32 = 16;

impl Lambda {
    /// Takes an event in and has it delivered.
    pub(super) fn accept(&self, function: &str, event: Value, depth: u32) {
        let (accepted, copies) = {
            let mut state = self.state();
            let mut accepted = Accepted {
                number: state.requests,
                function: function.to_owned(),
                request_id: format!("rehearsal-request-{:04}", state.requests),
                event,
                depth,
                lost: false,
            };
            state.requests += 1;
            let copies = state
                .copies
                .as_mut()
                .map_or(vec![Duration::ZERO], |copies| copies(&mut accepted));
            (accepted, copies)
        };
        if accepted.lost {
            return;
        }
        if let (true, Some(function)) = (copies.is_empty(), self.inner.functions.get(function)) {
            self.give_up(function, &accepted, "EventAgeExceeded", 0, None);
        }
        for delay in copies {
            let (lambda, accepted) = (self.clone(), accepted.clone());
            self.inner.under_way.send_modify(|count| *count += 1);
            tokio::spawn(async move {
                lambda.clock().sleep(delay).await;
                lambda.deliver(accepted).await;
                lambda.inner.under_way.send_modify(|count| *count -= 1);
            });
        }
    }

    async fn deliver(&self, accepted: Accepted) {
        let Some(function) = self.inner.functions.get(&accepted.function).cloned() else {
            self.state()
                .lost
                .push(format!("no function is named {}", accepted.function));
            return;
        };
        if accepted.depth >= LOOP_LIMIT && !function.recursive_loop_allowed {
            self.give_up(&function, &accepted, "RecursiveInvocationsDropped", 0, None);
            return;
        }
        let began = self.clock().now();
        let mut attempt = 0;
        let error = loop {
            if !self.room(&function).await {
                self.give_up(&function, &accepted, "EventAgeExceeded", attempt, None);
                return;
            }
            let error = match self.attempt(&function, &accepted, attempt).await {
                Ok(answer) => {
                    return self.succeed(&function, &accepted, attempt + 1, answer);
                }
                Err(error) => error,
            };
            if attempt >= function.maximum_retry_attempts {
                break error;
            }
            let wait = self
                .inner
                .retries_after
                .get(attempt as usize)
                .copied()
                .unwrap_or_default();
            self.clock().sleep(wait).await;
            let age = self.clock().now().duration_since(began).unwrap_or_default();
            attempt += 1;
            if age > function.maximum_event_age {
                break error;
            }
        };
        self.give_up(
            &function,
            &accepted,
            "RetriesExhausted",
            attempt + 1,
            Some(error),
        );
    }

    /// Waits until the account's concurrency allows one more invocation, as long as an event may
    /// wait: after a second at first, and twice as long each time, up to five minutes.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
    async fn room(&self, function: &Function) -> bool {
        let began = self.clock().now();
        let mut wait = Duration::from_secs(1);
        loop {
            {
                let mut state = self.state();
                let running = state.running.len();
                if state.most_at_once.is_none_or(|most| running < most) {
                    return true;
                }
                state.throttled += 1;
            }
            let age = self.clock().now().duration_since(began).unwrap_or_default();
            if age > function.maximum_event_age {
                return false;
            }
            self.clock().sleep(wait).await;
            wait = (wait * 2).min(Duration::from_mins(5));
        }
    }

    async fn attempt(
        &self,
        function: &Function,
        accepted: &Accepted,
        attempt: u32,
    ) -> Result<Value, FunctionError> {
        let executor = self.executor().clone();
        let executor = executor.expect("an executor is set before the first event");
        let index = {
            let mut state = self.state();
            state.deliveries.push(Delivery {
                time: self.clock().now(),
                accepted: accepted.clone(),
                attempt,
                outcome: None,
            });
            state.deliveries.len() - 1
        };
        let (kill, killed) = oneshot::channel();
        self.state().running.insert(index, kill);
        let run = executor.run(function, accepted, index);
        let outcome = tokio::time::timeout(function.timeout, mortal(run, killed)).await;
        self.state().running.remove(&index);
        let outcome = outcome.unwrap_or_else(|_| {
            let seconds = function.timeout.as_secs_f64();
            Err(FunctionError {
                error_type: "Sandbox.Timedout".to_owned(),
                error_message: format!(
                    "RequestId: {} Error: Task timed out after {seconds:.2} seconds",
                    accepted.request_id
                ),
            })
        });
        let mut state = self.state();
        let outcome = if state.swallows_errors {
            Ok(outcome.unwrap_or_default())
        } else {
            outcome
        };
        state.deliveries[index].outcome = Some(outcome.clone().map(|_| ()));
        outcome
    }
}

/// Runs an invocation until it ends or is killed. One that stands still never ends here: its
/// time-out ends it.
async fn mortal(
    run: BoxFuture<Result<Value, FunctionError>>,
    killed: oneshot::Receiver<Death>,
) -> Result<Value, FunctionError> {
    let death = async {
        match killed.await {
            Ok(death) => death,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        death = death => match death {
            Death::Exit => Err(FunctionError {
                error_type: "Runtime.ExitError".to_owned(),
                error_message: "Runtime exited with error: signal: killed".to_owned(),
            }),
            Death::TimeOut => std::future::pending().await,
        },
        ended = run => ended,
    }
}
