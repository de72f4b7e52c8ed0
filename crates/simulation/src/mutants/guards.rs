//! Mutants whose guard is against known behaviour of AWS.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Mutant;
use super::wire::with_parameter;
use crate::fault::Answers;
use aws_stand_in::lambda::Accepted;
use aws_stand_in::{Call, Fault};

impl Mutant {
    /// How a step without the guard sees an answer that is not AWS's or is cut.
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

    /// Removes the part of these guards that is in the events.
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

    /// Removes the part of these guards that is in the requests.
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
