//! The doctor: a run that changes nothing. Each function asks AWS, with its own role, whether it
//! may do what its step needs, and looks at what the step relies on. What they find travels from
//! function to function; step 6 ends the run with one table.

mod handle;
mod need;
mod script;
mod table;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::warn;

use crate::datadog::Datadog;
use crate::error::{Error, Kind, Result};
use crate::event::{self, Envelope, Payload, Run, Target};
use crate::text::one_line;
use crate::time::Timestamp;

pub(crate) use handle::handle;
pub use need::Need;
pub use script::{PARAMETER, Script};

/// The steps, in the order of a night.
pub const STEPS: [&str; 6] = [
    "step-1-snapshot",
    "step-2-volume",
    "step-3-attach",
    "step-4-mount",
    "step-5-run-test",
    "step-6-await-result",
];

/// A form that documents take; a script that only looks uses none of them.
pub const ANY_VOLUME: &str = "vol-doctor";
/// The same.
pub const ANY_SNAPSHOT: &str = "snap-doctor";
/// Why EC2 was not asked about a test volume.
pub const NO_VOLUME: &str =
    "EC2 says it only of a test volume that is there, and there is none now";

/// What was seen, in characters. Six functions find some forty things: the payload stays far below
/// the 1 MB that Lambda takes.
const LONGEST: usize = 480;
/// More than all functions find together.
const MOST: usize = 100;

/// How a need stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// Tonight has it.
    Met,
    /// It cannot be seen without changing something, or AWS did not say.
    NotKnown,
    /// Tonight would fail for it.
    NotMet,
}

/// What one function found of one need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whose: 1 to 6.
    pub step: usize,
    /// Which need.
    pub need: Need,
    /// How it stands.
    pub stands: Stands,
    /// What was seen.
    pub saw: String,
}

/// What travels from function to function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    doctor: bool,
    /// The snapshot that tonight would test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// The instance that would test it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev_ib_backup_instance_id: Option<String>,
    /// A test volume of this environment, whosever: EC2 tells only of a volume that there is
    /// whether it may be attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
    /// The run that is at work on the test instance now, as it should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at_work: Option<String>,
    #[serde(default)]
    findings: Vec<Finding>,
    /// The table is printed; all that is left is to fail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    told: bool,
}

impl Payload for Seen {
    fn read(event: &Value) -> Result<Self> {
        let seen = event::read(event)?;
        check(&seen).map(|()| seen)
    }
}

/// A doctor run in one function.
#[derive(Clone, Debug)]
pub struct Examination {
    /// The run.
    pub run: Run,
    /// What it has seen so far.
    pub seen: Seen,
    /// The event that it was read from.
    pub event: Value,
    step: usize,
}

/// Whether an event asks for the doctor, be it the start event, one of ours, or Lambda's record of
/// a function that failed on one. What says so in words that cannot be read is the doctor's to
/// refuse: a run that changes something was not asked for.
pub(crate) fn is_asked(event: &Value) -> bool {
    let event = match event.get("requestContext") {
        Some(_) => event.get("requestPayload").unwrap_or(event),
        None => event,
    };
    !matches!(
        event.get("doctor"),
        None | Some(Value::Null | Value::Bool(false))
    )
}

impl Examination {
    /// Reads the event of a doctor run in the function of that step.
    fn read(step: &str, event: &Value, request_id: &str, now: Timestamp) -> Result<Self> {
        let step = STEPS.iter().position(|name| *name == step);
        let step = step.map_or(1, |place| place + 1);
        if event.get("requestContext").is_some() {
            return Self::after_failure(event, step, request_id, now);
        }
        if step == 1 {
            let asked: Asked = event::read(event)?;
            let target: Target = event::read(event)?;
            let run = Run::read(event).unwrap_or_else(|_| Run::begin(request_id, now, target));
            let doctor = asked.doctor;
            let seen = Seen {
                doctor,
                ..Seen::default()
            };
            return Ok(Self {
                run,
                seen,
                event: event.clone(),
                step,
            });
        }
        let Envelope { run, payload } = Envelope::<Seen>::read(event)?;
        Ok(Self {
            run,
            seen: payload,
            event: event.clone(),
            step,
        })
    }

    /// What is known where a function failed on the way. Its own findings are lost; its error is
    /// one.
    fn after_failure(event: &Value, step: usize, request_id: &str, now: Timestamp) -> Result<Self> {
        let record = event::FailureRecord::read(event)?;
        let payload = &record.request_payload;
        let envelope = Envelope::<Seen>::read(payload).ok();
        let (run, seen) = if let Some(Envelope { run, payload }) = envelope {
            (run, payload)
        } else {
            let failed = record.request_context.request_id.as_deref();
            let run_id = event::text(payload, "run_id").or(failed);
            let target = event::read(payload).unwrap_or_default();
            let run = Run::begin(run_id.unwrap_or(request_id), now, target);
            let seen = Seen {
                doctor: true,
                ..Seen::default()
            };
            (run, seen)
        };
        let failed = STEPS
            .iter()
            .position(|name| record.function().ends_with(name));
        let mut examination = Self {
            run,
            seen,
            event: event.clone(),
            step: failed.map_or(step, |place| place + 1),
        };
        examination.not_met(Need::Function, &record.error());
        examination.step = step;
        Ok(examination)
    }

    /// A need that tonight has.
    pub fn met(&mut self, need: Need, saw: &str) {
        self.find(need, Stands::Met, saw);
    }

    /// A need for which tonight would fail.
    pub fn not_met(&mut self, need: Need, saw: &str) {
        self.find(need, Stands::NotMet, saw);
    }

    /// A need that could not be looked into.
    pub fn not_known(&mut self, need: Need, saw: &str) {
        self.find(need, Stands::NotKnown, saw);
    }

    /// What a question came to. That AWS was too busy to answer says nothing of the need.
    pub fn found<T>(&mut self, need: Need, saw: &str, answer: Result<T>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.met(need, saw);
                Some(answer)
            }
            Err(error) => {
                self.error(need, &error);
                None
            }
        }
    }

    /// The same where there is nothing to be said of what is well.
    pub fn error(&mut self, need: Need, error: &Error) {
        // What a step could not look at for its role is not known to be missing.
        let need = match error.kind() {
            Kind::AccessDenied if need.is_looked_at() => Need::Look,
            _ => need,
        };
        warn!("{}: {:?}: {}", need.title(), error.kind(), error.chain());
        let stands = match error.kind() {
            Kind::AwsUnavailable => Stands::NotKnown,
            _ => Stands::NotMet,
        };
        self.find(need, stands, &error.chain());
    }

    /// Whether Datadog takes the API key, as this function reads it.
    pub async fn datadog_takes_key(&mut self, datadog: &Datadog) {
        match datadog.takes_key().await {
            Ok(Some(url)) => self.met(Need::DatadogKey, &format!("valid at {url}")),
            Ok(None) => self.met(Need::DatadogKey, "Datadog is left off: no parameter is set"),
            Err(error) => self.error(Need::DatadogKey, &error),
        }
    }

    /// Whether any function found this need met.
    #[must_use]
    pub fn is_met(&self, need: Need) -> bool {
        let met = |found: &Finding| found.need == need && found.stands == Stands::Met;
        self.seen.findings.iter().any(met)
    }

    /// What was found so far.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.seen.findings
    }

    fn find(&mut self, need: Need, stands: Stands, saw: &str) {
        let saw = one_line(saw, LONGEST);
        let step = self.step;
        // The worst that one function finds of a need is what it finds.
        let findings = &mut self.seen.findings;
        let same = findings
            .iter_mut()
            .find(|found| (found.step, found.need) == (step, need));
        match same {
            Some(found) if found.stands < stands => {
                found.stands = stands;
                found.saw = saw;
            }
            Some(_) => {}
            None => findings.push(Finding {
                step,
                need,
                stands,
                saw,
            }),
        }
    }
}

/// What a start event has to say to ask for the doctor.
#[derive(Deserialize)]
struct Asked {
    doctor: bool,
}

/// What the patterns of an event do not check.
fn check(seen: &Seen) -> Result<()> {
    let refuse = |at: &str, why: &str| {
        let message = format!("cannot use this event at `{at}`: {why}");
        Err(Error::new(Kind::BadEvent, message))
    };
    if !seen.doctor {
        return refuse("doctor", "it is not true");
    }
    if seen.findings.len() > MOST {
        return refuse("findings", &format!("there are more than {MOST}"));
    }
    for found in &seen.findings {
        if !(1..=STEPS.len()).contains(&found.step) {
            return refuse("findings.step", "it is none of 1 to 6");
        }
        if one_line(&found.saw, LONGEST) != found.saw {
            let why = format!("it is no line of at most {LONGEST} characters");
            return refuse("findings.saw", &why);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
