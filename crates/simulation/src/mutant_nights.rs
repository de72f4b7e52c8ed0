//! For each mutant, a night that needs the guard.

use std::time::Duration;

use super::exhaustive::undisturbed;
use super::fault::{Answers, When};
use super::{
    CallFault, DeliveryFault, Mutant, OperatorAction, Plan, PlannedFault, Played, Service,
};
use aws_stand_in::AgentReport;
use aws_stand_in::lambda::Death;
use aws_stand_in::simulated_host::Backup;

/// Longer than Lambda retries a failed event, and shorter than any step's time limit.
const A_WHILE: Duration = Duration::from_mins(8);

impl Mutant {
    /// A night that needs the guard. `clean` is a night without faults.
    #[must_use]
    pub fn plan(self, clean: &Played) -> Plan {
        if let Some(plan) = self.aws_as_it_is() {
            return plan;
        }
        let backup = match self {
            Self::MetricOfItsOwn | Self::TestThatAlwaysPasses => Backup::Damaged,
            _ => Backup::Good,
        };
        Plan {
            canary: self == Self::CanaryForgotten,
            faults: self.faults(clean),
            without: Some(self),
            ..undisturbed(backup)
        }
    }

    fn faults(self, clean: &Played) -> Vec<PlannedFault> {
        let call = |action, how| vec![PlannedFault::Call(call_of(clean, action), how)];
        let event = |function, how| vec![PlannedFault::Delivery(event_of(clean, function), how)];
        match self {
            Self::NothingLags => vec![PlannedFault::Lag(Duration::from_secs(10))],
            Self::NoOnFailureDestination => {
                // Each of Lambda's three attempts reads once and then attaches.
                let first = call_of(clean, "AttachVolume");
                let calls = [first, first + 2, first + 4];
                calls
                    .map(|call| PlannedFault::Call(call, CallFault::Denied))
                    .into()
            }
            Self::NoSweep => event("step-6", DeliveryFault::Dropped),
            Self::ErrorsSwallowed => call("AttachVolume", CallFault::Denied),
            Self::MetricBeforeTag => call("CreateTags", CallFault::Denied),
            Self::ExitCodeAlone => {
                let full = OperatorAction::AgentReports(AgentReport::NoSpace);
                vec![PlannedFault::OperatorAction(Duration::ZERO, full)]
            }
            Self::NoClientToken => call("CreateVolume", CallFault::AnswerLost),
            Self::MetricUnsent => {
                let attach = call_of(clean, "AttachVolume");
                vec![PlannedFault::Death(attach, When::Before, Death::Exit)]
            }
            Self::ForceThoughHeld => vec![PlannedFault::OperatorAction(
                Duration::ZERO,
                OperatorAction::HoldMount,
            )],
            Self::CommandUnasked => {
                // The second run has the same events as the first.
                let events = clean.ending.deliveries.iter();
                let events = events.map(|one| one.accepted.number + 1).max();
                let second = events.unwrap_or_default() + event_of(clean, "step-6");
                vec![
                    another_after(clean),
                    PlannedFault::Delivery(second, DeliveryFault::OtherCommand),
                ]
            }
            Self::OlderOverNewer => {
                let first = event_of(clean, "step-6");
                vec![
                    another_after(clean),
                    PlannedFault::Delivery(first, DeliveryFault::AgainLate),
                ]
            }
            Self::NoLockOnHost => event("step-5", DeliveryFault::Twice),
            Self::NoLimitOnLooks => {
                let day = Duration::from_hours(24);
                vec![PlannedFault::Outage(Service::Ec2, Duration::ZERO, day)]
            }
            // These need no fault.
            _ => Vec::new(),
        }
    }

    /// The night that needs the guard, for guards against known behaviour of AWS.
    fn aws_as_it_is(self) -> Option<Plan> {
        let act = |act| PlannedFault::OperatorAction(Duration::ZERO, act);
        let answers = |how| PlannedFault::Answers(Service::Ec2, how, Duration::ZERO, A_WHILE);
        let fault = match self {
            Self::ForeignAnswerBelieved => answers(Answers::Foreign),
            Self::HalfListBelieved => answers(Answers::Cut),
            Self::SourceVolumeUnused => act(OperatorAction::ReplaceProduction),
            Self::FiltersUnused => act(OperatorAction::Scan),
            Self::StepUnnamed => act(OperatorAction::AddSteps),
            Self::KeyUnnamed => act(OperatorAction::RevokeKey),
            Self::HeldNameUnsaid | Self::StuckWithoutForce => act(OperatorAction::HoldName),
            Self::VerdictLostWithTag => act(OperatorAction::FillTags),
            Self::LostTagsUnsaid => {
                PlannedFault::OperatorAction(Duration::from_secs(40), OperatorAction::Retag)
            }
            _ => return None,
        };
        let backup = match self {
            Self::VerdictLostWithTag => Backup::Damaged,
            _ => Backup::Good,
        };
        Some(Plan {
            faults: vec![fault],
            without: Some(self),
            ..undisturbed(backup)
        })
    }
}

/// The number of the first call of this operation. If there is none, its fault is reported as
/// missed.
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

/// Starts another run after the first is over.
fn another_after(clean: &Played) -> PlannedFault {
    let over = clean.lasted + Duration::from_mins(1);
    PlannedFault::OperatorAction(over, OperatorAction::StartAnother)
}
