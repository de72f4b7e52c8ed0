//! What is in the account.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::datadog::Datadog;
use crate::ec2::Ec2;
use crate::instance_host::Host;
use crate::ssm::Ssm;
use crate::timing::Timing;

/// The state of everything.
pub(crate) struct Account {
    pub timing: Timing,
    /// How many a list shows at once at most, so that tests see several pages.
    pub page_size: usize,
    pub stale_reads: u64,
    pub detached_while_mounted: Vec<String>,
    pub ec2: Ec2,
    pub ssm: Ssm,
    pub datadog: Datadog,
    /// The machine behind each instance that has one.
    pub hosts: BTreeMap<String, Arc<dyn Host>>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            page_size: usize::MAX,
            stale_reads: 0,
            detached_while_mounted: Vec::new(),
            ec2: Ec2::default(),
            ssm: Ssm::default(),
            datadog: Datadog::default(),
            hosts: BTreeMap::new(),
        }
    }
}

impl Account {
    /// Has everything happen that time alone brings about.
    pub fn settle(&mut self, now: SystemTime) {
        self.ec2.settle(now, &self.hosts);
    }
}
