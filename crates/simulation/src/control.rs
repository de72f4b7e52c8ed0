//! Controls: a guard is taken away, and the invariants must show it. A check that cannot fail
//! proves nothing.
//!
//! The steps stay as they are. What the guard does is undone on the wire, in the events, on the
//! test instance or in the template, so that nothing that ships knows of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::exhaustive::undisturbed;
use super::{Act, CallTrouble, DeliveryTrouble, Plan, Played, Service, Trouble};
use crate::night::Night;
use aws_stand_in::lambda::Accepted;
use aws_stand_in::simulated_host::Backup;
use aws_stand_in::template::Template;
use aws_stand_in::{AgentReport, AllowAll, Aws};

/// A guard that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Reads never lag, though the night asks for it.
    NothingLags,
    /// Step 6 detaches before it unmounts.
    DetachFirst,
    /// A failed step is not told to step 6.
    NoOnFailureDestination,
    /// Step 1 does not see what a dead run has left.
    NoSweep,
    /// The metric is 1 whatever the verdict.
    MetricOfItsOwn,
    /// The metric is sent before the tag is written.
    MetricBeforeTag,
    /// The script finds every backup good.
    TestThatAlwaysPasses,
    /// The exit code alone is the verdict, whoever it is of.
    ExitCodeAlone,
    /// `CreateVolume` goes without its client token.
    NoClientToken,
    /// The script on the test instance takes no lock.
    NoLockOnHost,
    /// Step 6 takes production's volume for its own, and may.
    ProductionForTest,
    /// Looks are not counted.
    NoLimitOnLooks,
    /// A function's error is no error.
    ErrorsSwallowed,
}

impl Control {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::NothingLags,
        Self::DetachFirst,
        Self::NoOnFailureDestination,
        Self::NoSweep,
        Self::MetricOfItsOwn,
        Self::MetricBeforeTag,
        Self::TestThatAlwaysPasses,
        Self::ExitCodeAlone,
        Self::NoClientToken,
        Self::NoLockOnHost,
        Self::ProductionForTest,
        Self::NoLimitOnLooks,
        Self::ErrorsSwallowed,
    ];

    /// The number of the invariant that it breaks.
    #[must_use]
    pub fn breaks(self) -> u8 {
        match self {
            Self::NothingLags => 0,
            Self::DetachFirst | Self::NoOnFailureDestination | Self::NoSweep => 1,
            Self::MetricOfItsOwn
            | Self::MetricBeforeTag
            | Self::TestThatAlwaysPasses
            | Self::ExitCodeAlone => 2,
            Self::NoClientToken | Self::NoLockOnHost => 3,
            Self::ProductionForTest => 4,
            Self::NoLimitOnLooks | Self::ErrorsSwallowed => 5,
        }
    }

    /// A night on which the guard is needed. `clean` is a night without trouble.
    #[must_use]
    pub fn plan(self, clean: &Played) -> Plan {
        let call = |action, how| vec![Trouble::Call(call_of(clean, action), how)];
        let event = |function, how| vec![Trouble::Delivery(event_of(clean, function), how)];
        let troubles = match self {
            Self::DetachFirst
            | Self::ProductionForTest
            | Self::MetricOfItsOwn
            | Self::TestThatAlwaysPasses => Vec::new(),
            Self::NothingLags => vec![Trouble::Lag(Duration::from_secs(10))],
            Self::NoOnFailureDestination => {
                // Each of Lambda's three attempts reads once and then attaches.
                let first = call_of(clean, "AttachVolume");
                let calls = [first, first + 2, first + 4];
                calls
                    .map(|call| Trouble::Call(call, CallTrouble::Denied))
                    .into()
            }
            Self::NoSweep => event("step-6", DeliveryTrouble::Dropped),
            Self::ErrorsSwallowed => call("AttachVolume", CallTrouble::Denied),
            Self::MetricBeforeTag => call("CreateTags", CallTrouble::Denied),
            Self::ExitCodeAlone => {
                let full = Act::AgentReports(AgentReport::NoSpace);
                vec![Trouble::Act(Duration::ZERO, full)]
            }
            Self::NoClientToken => call("CreateVolume", CallTrouble::AnswerLost),
            Self::NoLockOnHost => event("step-5", DeliveryTrouble::Twice),
            Self::NoLimitOnLooks => {
                let day = Duration::from_hours(24);
                vec![Trouble::Outage(Service::Ec2, Duration::ZERO, day)]
            }
        };
        let backup = match self {
            Self::MetricOfItsOwn | Self::TestThatAlwaysPasses => Backup::Damaged,
            _ => Backup::Good,
        };
        Plan {
            troubles,
            without: Some(self),
            ..undisturbed(backup)
        }
    }

    /// What of the guard is in the template.
    pub(super) fn change(self, template: &mut Template) {
        if self == Self::NoOnFailureDestination {
            for function in &mut template.functions {
                function.on_failure = None;
            }
        }
    }

    /// Takes the guard away from a night whose troubles are set up.
    pub(super) fn take_away(self, night: &Night) {
        let (aws, ids) = (&night.stack.aws, &night.stack.fixture);
        match self {
            Self::NothingLags => aws.set_timing(|timing| timing.read_lag = Duration::ZERO),
            Self::TestThatAlwaysPasses => night.host.set_backup(&ids.snapshot_id, Backup::Good),
            Self::ExitCodeAlone => aws.take_exit_codes_for_findings(),
            Self::NoLockOnHost => night.host.take_no_locks(),
            Self::ErrorsSwallowed => night.stack.lambda.swallow_errors(),
            Self::ProductionForTest => {
                aws.set_authorizer(Arc::new(AllowAll));
                let volume = ids.production_volume_id.clone();
                aws.set_tamper(Box::new(move |action, body| {
                    let detaches = action == "DetachVolume";
                    let wherever = with_parameter(body, "InstanceId", None);
                    detaches.then(|| with_parameter(&wherever, "VolumeId", Some(&volume)))
                }));
            }
            Self::NoSweep => aws.set_tamper(Box::new(|_, body| {
                let text = String::from_utf8_lossy(body);
                let sweeps = text.contains("IBBackupTestInstance") && text.contains("Describe");
                sweeps.then(|| with_parameter(body, "Filter.2.Value.1", Some("nobody")))
            })),
            Self::NoClientToken => aws.set_tamper(Box::new(|action, body| {
                let makes = action == "CreateVolume";
                makes.then(|| with_parameter(body, "ClientToken", None))
            })),
            Self::MetricOfItsOwn => aws.set_tamper(Box::new(|_, body| always_one(body))),
            Self::MetricBeforeTag => {
                let aws = aws.clone();
                night.stack.aws.set_tamper(Box::new(move |action, _| {
                    metric_before(&aws, action);
                    None
                }));
            }
            Self::NoOnFailureDestination | Self::DetachFirst | Self::NoLimitOnLooks => {}
        }
    }

    /// What of the guard travels in the events.
    pub(super) fn rewrite(self, accepted: &mut Accepted) {
        let Some(fields) = accepted.event.as_object_mut() else {
            return;
        };
        if self == Self::DetachFirst && fields.contains_key("because") {
            fields.insert("unmounted".to_owned(), json!(true));
        }
        // Without the shorter waits at first, which would make the night without end a long one.
        if self == Self::NoLimitOnLooks && fields.contains_key("waited_seconds") {
            fields.insert("waited_seconds".to_owned(), json!(60));
        }
    }
}

/// The number of the first call of this operation. One that is not made is missed in the end.
fn call_of(clean: &Played, action: &str) -> u64 {
    let mut calls = (1..).zip(&clean.calls);
    let number = calls.find_map(|(number, made)| (made.action == action).then_some(number));
    number.unwrap_or_default()
}

/// The number of the first event for this function.
fn event_of(clean: &Played, function: &str) -> u64 {
    let mut deliveries = clean.ending.deliveries.iter().map(|one| &one.accepted);
    let event = deliveries.find(|accepted| accepted.function.contains(function));
    event.map_or(u64::MAX, |accepted| accepted.number)
}

/// An EC2 request with that parameter set or left out.
fn with_parameter(body: &[u8], name: &str, value: Option<&str>) -> Bytes {
    let parameters: Vec<(String, String)> = serde_urlencoded::from_bytes(body).unwrap_or_default();
    let others = parameters.into_iter().filter(|(key, _)| key != name);
    let mut parameters: Vec<_> = others.collect();
    parameters.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    serde_urlencoded::to_string(parameters)
        .unwrap_or_default()
        .into()
}

/// 2018's fault: the text `'False'` is not empty, so it counted as true.
fn always_one(body: &[u8]) -> Option<Bytes> {
    let mut series: serde_json::Value = serde_json::from_slice(body).ok()?;
    for gauge in series["series"].as_array_mut()? {
        if gauge["metric"] == "infobright_backup_valid" {
            gauge["points"][0]["value"] = json!(1.0);
        }
    }
    Some(series.to_string().into())
}

fn metric_before(aws: &Aws, action: &str) {
    if action == "CreateTags" {
        aws.point_by_hand("infobright_backup_valid", 1.0);
    }
}
