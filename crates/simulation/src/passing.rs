//! A fault that passes, or that the check is built for. One such thing costs no verdict: AWS and
//! Lambda repeat what they are asked, and so do the steps.

use super::{OperatorAction, PlannedFault, Service};

impl PlannedFault {
    /// Whether a night with this alone must have its verdict.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Lag(_) => true,
            // A step is handed on by its own event, which Lambda repeats for a few minutes.
            Self::Answers(service, ..) => *service != Service::Lambda,
            Self::OperatorAction(_, act) => act.passes(),
            _ => false,
        }
    }

    /// Whether a night with this alone gives everything back at once.
    pub(super) fn leaves_giving_back(&self) -> bool {
        match self {
            Self::Call(..) | Self::Lag(_) | Self::Queue(_) => true,
            Self::OperatorAction(_, act) => act.leaves_giving_back(),
            _ => false,
        }
    }
}

impl OperatorAction {
    fn leaves_giving_back(self) -> bool {
        matches!(
            self,
            Self::HoldName
                | Self::TakeName
                | Self::FillInstance
                | Self::HideDevice
                | Self::Scan
                | Self::AddSteps
                | Self::ReplaceProduction
                | Self::FillTags
                | Self::TestAgain
        )
    }

    fn passes(self) -> bool {
        matches!(
            self,
            Self::TestAgain
                | Self::TakeAlong
                | Self::TakeAlongUnseen
                | Self::Scan
                | Self::AddSteps
                | Self::ChangeFunctions
                | Self::ReplaceProduction
        )
    }
}
