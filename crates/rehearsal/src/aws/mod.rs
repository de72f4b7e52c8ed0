//! AWS and Datadog as the backup check meets them, at the wire.
//!
//! One account in one place: EC2 and SSM here, Lambda plugged in, Datadog's intake beside them.
//! The real SDK signs, serialises, retries and parses against it, in memory ([`wire`]) or through
//! a socket ([`server`]). What is not modelled is answered 501 and kept in [`Aws::unmodelled`].

mod account;
mod authorizer;
mod call;
pub mod clock;
mod datadog;
mod ec2;
pub mod host;
mod lagging;
pub mod model_host;
mod operator;
mod refusal;
mod route;
pub mod server;
mod settings;
mod ssm;
mod view;
pub mod wire;
mod world;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};

pub use account::Timing;
pub use authorizer::{AllowAll, Authorizer};
pub use call::{Call, CallRecord, ConnectionLost, Fault, FaultHook};
pub use clock::Clock;
pub use datadog::{DatadogReply, Event, Point};
pub use ec2::{
    Attachment, AttachmentState, Instance, InstanceState, Snapshot, SnapshotState, Tags,
    VolumeState, VolumeView,
};
pub use ssm::{Command, CommandStatus, Document, DocumentParameter};
pub use world::{PRODUCTION_INSTANCE, TEST_INSTANCE, World};

use account::{Account, Context};
use call::Log;
use host::BoxFuture;
use refusal::{NOT_MODELLED, Refusal};
use route::Route;

/// The region of everything.
pub const REGION: &str = "us-east-1";
/// Our account. It cannot exist.
pub const ACCOUNT_ID: &str = "000000000000";

/// A service that is modelled elsewhere and answers through this door, like Lambda.
pub trait Service: Send + Sync {
    /// Answers a call of the holder of that access key. What is not modelled is answered 501.
    fn call(&self, caller: &str, request: &Request<Bytes>) -> BoxFuture<Response<Bytes>>;
}

/// One AWS account and one Datadog organisation. Clones are the same one.
#[derive(Clone)]
pub struct Aws {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    account: Mutex<Account>,
    authorizer: Mutex<Arc<dyn Authorizer>>,
    faults: Mutex<Option<FaultHook>>,
    log: Mutex<Log>,
    services: Mutex<BTreeMap<String, Arc<dyn Service>>>,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws")
            .field("clock", &self.inner.clock)
            .finish_non_exhaustive()
    }
}

impl Aws {
    /// An empty account where everybody may do everything.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            inner: Arc::new(Inner {
                clock,
                account: Mutex::new(Account::default()),
                authorizer: Mutex::new(Arc::new(AllowAll)),
                faults: Mutex::new(None),
                log: Mutex::new(Log::default()),
                services: Mutex::new(BTreeMap::new()),
            }),
        }
    }

    /// The clock that everything here runs by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.inner.clock
    }

    /// The one door: every call of every service, in memory or through a socket.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ConnectionLost> {
        let route = Route::of(&request);
        let call = Call {
            number: 0,
            service: route.service.clone(),
            action: route.action.clone(),
            caller: route.caller.clone(),
            time: self.inner.clock.now(),
        };
        let call = locked(&self.inner.log).begin(call, route.parameters.clone());
        let fault = locked(&self.inner.faults)
            .as_mut()
            .and_then(|draw| draw(&call));
        let request_id = format!("rehearsal-request-{:06}", call.number);
        let lag = match fault {
            Some(Fault::Lag(lag)) => Some(lag),
            _ => None,
        };
        match fault {
            Some(Fault::Refuse {
                status,
                code,
                message,
            }) => {
                let refusal = Refusal {
                    status,
                    code,
                    message,
                };
                self.outcome(&call, format!("{status} {} (fault)", refusal.code));
                Ok(refusal.into_response(&call.service, &request_id))
            }
            Some(Fault::Garbage(body)) => {
                self.outcome(&call, "200 with garbage (fault)");
                Ok(refusal::response(200, "text/html", &request_id, body))
            }
            Some(Fault::DropConnection) => {
                self.outcome(&call, "not done, connection closed (fault)");
                Err(ConnectionLost)
            }
            Some(Fault::Hang) => {
                self.outcome(&call, "not done, never answered (fault)");
                std::future::pending().await
            }
            Some(Fault::LoseAnswer) => {
                let (_, outcome) = self.answer(&route, &request, &request_id, None).await;
                self.outcome(&call, format!("{outcome}, but the answer lost (fault)"));
                Err(ConnectionLost)
            }
            Some(Fault::Slow(delay)) => {
                let (answer, outcome) = self.answer(&route, &request, &request_id, None).await;
                self.outcome(&call, format!("{outcome}, slowly (fault)"));
                self.inner.clock.sleep(delay).await;
                Ok(answer)
            }
            None | Some(Fault::Lag(_)) => {
                let (answer, outcome) = self.answer(&route, &request, &request_id, lag).await;
                self.outcome(&call, outcome);
                Ok(answer)
            }
        }
    }

    /// Whether the holder of that access key may do this, for services that are modelled
    /// elsewhere. The error is IAM's text.
    pub fn authorize(&self, caller: &str, action: &str, resource: &str) -> Result<(), String> {
        let authorizer = locked(&self.inner.authorizer).clone();
        authorizer.allows(caller, action, resource, &[])
    }

    /// The service's own answer, and how the log puts it.
    async fn answer(
        &self,
        route: &Route,
        request: &Request<Bytes>,
        request_id: &str,
        lag: Option<Duration>,
    ) -> (Response<Bytes>, String) {
        let plugged_in = locked(&self.inner.services).get(&route.service).cloned();
        if let Some(service) = plugged_in {
            let answer = service.call(&route.caller, request).await;
            let outcome = answer.status().as_u16().to_string();
            if answer.status().as_u16() == 501 {
                let body = String::from_utf8_lossy(answer.body()).into_owned();
                self.note_unmodelled(route, &body);
            }
            return (answer, outcome);
        }
        let result = match route.service.as_str() {
            "ec2" => self.in_account(route, lag, |context| {
                ec2::answer(context, request, request_id)
            }),
            "ssm" => self.in_account(route, lag, |context| {
                ssm::answer(context, &route.action, request.body(), request_id)
            }),
            "datadog" => return self.datadog(route, request, request_id).await,
            other => Err(Refusal::not_modelled(format!(
                "service {other:?}: {} {}",
                request.method(),
                request.uri()
            ))),
        };
        self.finish(route, result, request_id)
    }

    fn finish(
        &self,
        route: &Route,
        result: Result<Response<Bytes>, Refusal>,
        request_id: &str,
    ) -> (Response<Bytes>, String) {
        match result {
            Ok(answer) => {
                let outcome = answer.status().as_u16().to_string();
                (answer, outcome)
            }
            Err(refusal) => {
                if refusal.code == NOT_MODELLED {
                    self.note_unmodelled(route, &refusal.message);
                }
                let outcome = format!("{} {}: {}", refusal.status, refusal.code, refusal.message);
                (refusal.into_response(&route.service, request_id), outcome)
            }
        }
    }

    async fn datadog(
        &self,
        route: &Route,
        request: &Request<Bytes>,
        request_id: &str,
    ) -> (Response<Bytes>, String) {
        let reply = self.account(|account, _| account.datadog.reply.clone());
        match reply {
            DatadogReply::Normal => {
                let answer =
                    |context: &mut Context<'_>| datadog::answer(context, request, request_id);
                self.finish(route, self.in_account(route, None, answer), request_id)
            }
            DatadogReply::Answer { status, body } => {
                let answer = refusal::response(status, "application/json", request_id, body);
                (answer, format!("{status} as set"))
            }
            DatadogReply::Never => std::future::pending().await,
        }
    }

    /// Runs one call on the account as it is now.
    fn in_account<R>(
        &self,
        route: &Route,
        lag: Option<Duration>,
        work: impl FnOnce(&mut Context<'_>) -> R,
    ) -> R {
        let authorizer = locked(&self.inner.authorizer).clone();
        self.account(|account, now| {
            let lag = lag.unwrap_or(account.timing.read_lag);
            work(&mut Context {
                aws: self,
                account,
                authorizer: authorizer.as_ref(),
                caller: &route.caller,
                now,
                seen_from: now + lag,
            })
        })
    }

    /// Looks at the account, or changes it, after all that time alone has brought about.
    fn account<R>(&self, work: impl FnOnce(&mut Account, SystemTime) -> R) -> R {
        let now = self.inner.clock.now();
        let mut account = locked(&self.inner.account);
        account.settle(now);
        work(&mut account, now)
    }

    /// Has what is due at that time happen then, whether or not anybody calls.
    fn settle_at(&self, time: SystemTime) {
        let aws = self.clone();
        tokio::spawn(async move {
            aws.inner.clock.sleep_until(time).await;
            aws.account(|_, _| ());
        });
    }

    fn outcome(&self, call: &Call, outcome: impl Into<String>) {
        locked(&self.inner.log).end(call.number, outcome.into());
    }

    fn note_unmodelled(&self, route: &Route, what: &str) {
        let what = format!("{} {}: {what}", route.service, route.action);
        locked(&self.inner.log).unmodelled.push(what);
    }
}

/// A panic elsewhere has already failed the test; the state itself is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
