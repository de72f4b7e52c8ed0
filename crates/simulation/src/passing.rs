//! Faults that pass, or that the check is built for. A single one costs no verdict: the SDK, Lambda
//! and the steps try again.

use std::time::Duration;

use super::{CallFault, DeliveryFault, OperatorAction, PlannedFault, Service};

impl PlannedFault {
    /// Whether a night with only this fault must have its verdict.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Call(_, how) => !matches!(how, CallFault::Denied | CallFault::BadRequest),
            Self::Death(..) | Self::Lag(_) => true,
            // A step that cannot invoke the next one fails, and Lambda retries it for a few minutes
            // only. The shortest time limit of a step is 15 minutes, and a wait may be doubled.
            Self::Answers(service, _, _, lasts) => {
                *service != Service::Lambda && *lasts < Duration::from_mins(10)
            }
            Self::Delivery(_, how) => how.passes(),
            Self::OperatorAction(_, act) => act.passes(),
            Self::Outage(..) | Self::Queue(_) => false,
        }
    }
}

impl PlannedFault {
    /// Whether a night with only this fault releases everything at once.
    pub(super) fn leaves_giving_back(&self) -> bool {
        match self {
            Self::Call(..) | Self::Death(..) | Self::Lag(_) | Self::Queue(_) => true,
            Self::Delivery(_, how) => how.passes(),
            Self::OperatorAction(_, act) => act.leaves_giving_back(),
            Self::Outage(..) | Self::Answers(..) => false,
        }
    }
}

impl DeliveryFault {
    fn passes(self) -> bool {
        matches!(
            self,
            Self::Twice
                | Self::AgainSoon
                | Self::AgainLate
                | Self::AgainNextDay
                | Self::Late
                | Self::Older
        )
    }
}

impl OperatorAction {
    fn leaves_giving_back(self) -> bool {
        matches!(
            self,
            Self::PauseAgent
                | Self::KillFunctions
                | Self::RevokeKey
                | Self::HoldName
                | Self::TakeName
                | Self::FillInstance
                | Self::HideDevice
                | Self::Scan
                | Self::AddSteps
                | Self::ReplaceProduction
                | Self::FillTags
                | Self::TestAgain
                | Self::StartAnother
        )
    }

    fn passes(self) -> bool {
        matches!(
            self,
            Self::PauseAgent
                | Self::StartAnother
                | Self::TestAgain
                | Self::KillFunctions
                | Self::TakeAlong
                | Self::TakeAlongUnseen
                | Self::HoldMount
                | Self::Scan
                | Self::AddSteps
                | Self::ChangeFunctions
                | Self::ReplaceProduction
        )
    }
}
