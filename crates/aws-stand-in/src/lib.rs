//! The stand-in for AWS, Datadog and the test instance, as the backup check meets them at the wire.
//!
//! One account in one place: EC2 and SSM in [`Aws`], [`lambda`] plugged in, Datadog's intake beside
//! them. [`stack`] deploys what [`template`] reads, and [`iam`] enforces its policies.
//! The real SDK signs, serialises, retries and parses against it, in memory ([`sdk_http_client`]) or through
//! a socket ([`http_server`]). What is not modelled is answered 501 and kept in [`Aws::unmodelled`].

mod account;
pub mod at_once;
mod authorizer;
mod bucket;
mod call;
pub mod clock;
mod datadog;
mod dispatch;
mod ec2;
mod error_response;
pub mod event_bridge;
mod eventual_consistency;
mod exchange;
mod fault;
mod fixture;
mod guests;
pub mod http_server;
pub mod iam;
mod ids;
pub mod in_memory;
mod inspect;
pub mod instance_host;
pub mod lambda;
pub mod logs_insights;
mod manual_changes;
mod request;
pub mod sdk_http_client;
mod setup;
pub mod simulated_host;
mod ssm;
pub mod stack;
pub mod step_harness;
pub mod template;
mod timing;
mod traffic;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};

pub use authorizer::{AllowAll, Authorizer};
pub use call::{Call, CallRecord};
pub use clock::Clock;
pub use datadog::{DatadogReply, Event, Point};
pub use ec2::{
    Attachment, AttachmentState, Instance, InstanceState, Snapshot, SnapshotState, Speed, Tags,
    VolumeState, VolumeView,
};
pub use exchange::{Exchange, Message};
pub use fault::{ConnectionLost, Fault, FaultHook, Tamper};
pub use fixture::{Fixture, PRODUCTION_INSTANCE, TEST_INSTANCE};
pub use ids::{ACCOUNT_ID, PARTITION, REGION};
pub use ssm::{AgentReport, Command, CommandStatus, Document};
pub use template::DocumentParameter;
pub use timing::Timing;

use account::Account;
use call::Log;
use instance_host::BoxFuture;

/// A service that is modelled elsewhere and answers through the dispatcher, like Lambda.
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
    limits: Mutex<Option<(ec2::Limits, ssm::Limits)>>,
    tamper: Mutex<Option<Tamper>>,
    traffic: Mutex<Option<Vec<Exchange>>>,
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
                limits: Mutex::new(None),
                tamper: Mutex::new(None),
                traffic: Mutex::new(None),
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

    /// Reads or changes the account, after everything that is due by now has happened.
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
}

/// A panic elsewhere has already failed the test; the state itself is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
