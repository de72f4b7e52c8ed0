//! Nights on which a guard against what AWS does is needed, and what is left of the night without
//! it.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Mutant;
use super::wire::with_parameter;
use crate::fault::Answers;
use crate::{OperatorAction, Plan, PlannedFault, Service};
use aws_stand_in::lambda::Accepted;
use aws_stand_in::simulated_host::Backup;
use aws_stand_in::{Call, Fault};

/// Longer than Lambda repeats a failed event, and shorter than any step's patience.
const A_WHILE: Duration = Duration::from_mins(8);

impl Mutant {
    /// The night on which this guard is needed, where it is one of these.
    pub(super) fn aws_as_it_is(self) -> Option<Plan> {
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
            ..super::undisturbed(backup)
        })
    }

    /// What is believed of an answer that is not AWS's, or is half of one.
    pub(crate) fn believes(self, how: Answers, call: &Call) -> Option<Fault> {
        match (self, how) {
            (Self::ForeignAnswerBelieved, Answers::Foreign) => Some(Fault::Refuse {
                status: 400,
                code: "InvalidRequest".to_owned(),
                message: "as if AWS had said it".to_owned(),
            }),
            (Self::HalfListBelieved, Answers::Cut) => {
                let name = format!("{}Response", call.action);
                Some(Fault::Garbage(format!(
                    "<{name}><requestId>1</requestId></{name}>"
                )))
            }
            _ => None,
        }
    }

    /// What of these guards travels in the events.
    pub(super) fn forget(self, accepted: &mut Accepted) {
        let Some(fields) = accepted.event.as_object_mut() else {
            return;
        };
        match self {
            Self::SourceVolumeUnused => fields.remove("source_volume_id"),
            Self::FiltersUnused => fields.remove("snapshot_filters"),
            Self::CanaryForgotten if accepted.function.contains("step-6") => {
                fields.remove("canary")
            }
            _ => None,
        };
    }

    /// What of these guards is in the requests.
    pub(super) fn alter(self, action: &str, body: &[u8]) -> Option<Bytes> {
        match (self, action) {
            (Self::StepUnnamed, "GetCommandInvocation") => without_step(body),
            (Self::StuckWithoutForce, "DetachVolume") => {
                Some(with_parameter(body, "Force", Some("false")))
            }
            (Self::VerdictLostWithTag | Self::MetricUnsent, _) => {
                renamed(body, "infobright_backup_valid")
            }
            (Self::KeyUnnamed, _) => unsaid(body, "KmsKeyArn"),
            (Self::HeldNameUnsaid, _) => unsaid(body, "TestDevice"),
            (Self::LostTagsUnsaid, _) => unsaid(body, "IBBackupRun"),
            _ => None,
        }
    }
}

fn without_step(body: &[u8]) -> Option<Bytes> {
    let mut question: Value = serde_json::from_slice(body).ok()?;
    question.as_object_mut()?.remove("PluginName")?;
    Some(question.to_string().into())
}

/// Datadog's series without that metric.
fn renamed(body: &[u8], metric: &str) -> Option<Bytes> {
    let mut series: Value = serde_json::from_slice(body).ok()?;
    for gauge in series["series"].as_array_mut()? {
        if gauge["metric"] == metric {
            gauge["metric"] = json!("something_else");
        }
    }
    Some(series.to_string().into())
}

/// Datadog's event without that word.
fn unsaid(body: &[u8], word: &str) -> Option<Bytes> {
    let mut event: Value = serde_json::from_slice(body).ok()?;
    let text = event["text"].as_str()?.replace(word, "");
    event["text"] = json!(text);
    Some(event.to_string().into())
}
