//! How the account is set up: no calls, so nothing authorises, lags or is logged.

use std::sync::Arc;

use super::authorizer::Authorizer;
use super::datadog::DatadogReply;
use super::fault::{FaultHook, Tamper};
use super::instance_host::Host;
use super::ssm::{AgentReport, Document};
use super::{Aws, Service, Timing, locked};

impl Aws {
    /// Who may do what, from now on.
    pub fn set_authorizer(&self, authorizer: Arc<dyn Authorizer>) {
        *locked(&self.inner.authorizer) = authorizer;
    }

    /// Plugs in a service by the name in its signatures, like `lambda`.
    pub fn register(&self, name: &str, service: Arc<dyn Service>) {
        locked(&self.inner.services).insert(name.to_owned(), service);
    }

    /// What goes wrong, from now on.
    pub fn set_faults(&self, faults: FaultHook) {
        *locked(&self.inner.faults) = Some(faults);
    }

    /// Changes requests on their way, as a step without one of its guards would have sent them.
    pub fn set_tamper(&self, tamper: Tamper) {
        *locked(&self.inner.tamper) = Some(tamper);
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        *locked(&self.inner.faults) = None;
    }

    /// Lets go of all that is plugged in.
    pub fn break_cycles(&self) {
        locked(&self.inner.services).clear();
        *locked(&self.inner.faults) = None;
        *locked(&self.inner.tamper) = None;
    }

    /// Limits EC2 and Systems Manager to the request rates of a new account.
    pub fn limit_requests(&self) {
        *locked(&self.inner.limits) = Some(Default::default());
    }

    /// Changes how long AWS takes; what is under way keeps its time.
    pub fn set_timing(&self, change: impl FnOnce(&mut Timing)) {
        self.account(|account, _| change(&mut account.timing));
    }

    /// Cuts every list into pages of at most that many; at least one.
    pub fn set_page_size(&self, size: usize) {
        self.account(|account, _| account.page_size = size.max(1));
    }

    /// The machine behind an instance.
    pub fn set_host(&self, instance_id: &str, host: Arc<dyn Host>) {
        self.account(|account, _| account.hosts.insert(instance_id.to_owned(), host));
    }

    /// Puts a document in place, or a new version of it.
    pub fn add_document(&self, document: Document) {
        self.account(|account, _| {
            account
                .ssm
                .documents
                .insert(document.name.clone(), document)
        });
    }

    /// What SSM agents report of commands that they take from now on, instead of what the script
    /// ends with.
    pub fn set_agent_report(&self, report: Option<AgentReport>) {
        self.account(|account, _| account.ssm.agent = report);
    }

    /// Has every failed command end in a line that says that it found a fault, as if its exit
    /// code alone were a finding: a control, which must be caught.
    pub fn take_exit_codes_for_findings(&self) {
        self.account(|account, _| account.ssm.exit_code_is_a_finding = true);
    }

    /// Puts an SSM parameter in place.
    pub fn put_parameter(&self, name: &str, value: &str, secure: bool) {
        self.account(|account, _| account.ssm.put_parameter(name, value, secure));
    }

    /// The API key that Datadog takes.
    pub fn set_datadog_api_key(&self, key: &str) {
        self.account(|account, _| key.clone_into(&mut account.datadog.api_key));
    }

    /// How Datadog answers, from now on.
    pub fn set_datadog_reply(&self, reply: DatadogReply) {
        self.account(|account, _| account.datadog.reply = reply);
    }
}
