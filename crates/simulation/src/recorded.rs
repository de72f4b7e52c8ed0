//! Records the requests and answers of a night of each kind.

use aws_stand_in::Fault;
use aws_stand_in::simulated_host::Backup;
use serde_json::{Value, json};

use crate::environment::Environment;

/// The requests of a night of each kind with their answers, one line of JSON each. Needs a paused
/// clock.
///
/// # Panics
/// If `template.yaml` cannot be read.
pub async fn traffic() -> String {
    let scheduled = || json!({"source": "aws.events"});
    let mut lines = String::new();
    for backup in [
        Backup::Good,
        Backup::Damaged,
        Backup::CannotBeTested,
        Backup::BrokenFilesystem,
        Backup::ServerDoesNotStart,
    ] {
        play(Environment::new().backup(backup), scheduled(), &mut lines).await;
    }
    play(Environment::new(), json!({"canary": true}), &mut lines).await;
    let doctor = Environment::new();
    doctor.leave_a_volume(None);
    play(doctor, json!({"doctor": true}), &mut lines).await;
    let filters = json!({"snapshot_filters": "tag:Name=ib-backup*", "pick": "untested"});
    play(Environment::new(), filters, &mut lines).await;
    let silent = Environment::new();
    let aws = &silent.stack.aws;
    aws.set_agent(&silent.stack.fixture.test_instance_id, false);
    play(silent, scheduled(), &mut lines).await;
    let left = Environment::new();
    left.leave_a_volume(None);
    play(left, scheduled(), &mut lines).await;
    for (action, status, code) in REFUSALS {
        play(refusing(action, *status, code), scheduled(), &mut lines).await;
    }
    lines
}

/// Errors that AWS may return, by operation.
const REFUSALS: &[(&str, u16, &str)] = &[
    ("CreateVolume", 503, "RequestLimitExceeded"),
    ("AttachVolume", 400, "IncorrectState"),
    ("SendCommand", 400, "InvalidInstanceId"),
    ("GetCommandInvocation", 400, "ThrottlingException"),
    ("Invoke", 429, "TooManyRequestsException"),
    ("CreateTags", 400, "TagLimitExceeded"),
];

/// A night in which the first call of an operation is refused.
fn refusing(action: &'static str, status: u16, code: &'static str) -> Environment {
    let night = Environment::new();
    let mut told = false;
    night.stack.aws.set_faults(Box::new(move |call| {
        if told || call.action != action {
            return None;
        }
        told = true;
        Some(Fault::Refuse {
            status,
            code: code.to_owned(),
            message: "refused once".to_owned(),
        })
    }));
    night
}

async fn play(night: Environment, event: Value, lines: &mut String) {
    night.stack.aws.record_traffic();
    let _ = night.start(event).await;
    for exchange in night.stack.aws.traffic() {
        let line = serde_json::to_string(&exchange).expect("texts and numbers are JSON");
        lines.push_str(&line);
        lines.push('\n');
    }
}
