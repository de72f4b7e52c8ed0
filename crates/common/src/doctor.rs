//! The doctor: a run that changes nothing. Each function checks, with its own role, whether AWS
//! allows what its step does and whether what it relies on is there. The findings are passed from
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

/// The steps, in order.
pub const STEPS: [&str; 6] = [
    "step-1-snapshot",
    "step-2-volume",
    "step-3-attach",
    "step-4-mount",
    "step-5-run-test",
    "step-6-await-result",
];

/// A value that the documents accept; a script that only checks does not use it.
pub const ANY_VOLUME: &str = "vol-doctor";
/// The same.
pub const ANY_SNAPSHOT: &str = "snap-doctor";
/// Why EC2 was not asked about a test volume.
pub const NO_VOLUME: &str =
    "EC2 says it only of a test volume that is there, and there is none now";

/// The longest finding, in characters. Six functions have some forty findings, so the payload stays
/// far below Lambda's limit of 1 MB.
const LONGEST: usize = 480;
/// More findings than all functions together have.
const MOST: usize = 100;

/// How a need stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// A run has it.
    Met,
    /// It cannot be checked without changing something, or AWS did not answer.
    NotKnown,
    /// A run would fail for it.
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
    /// The snapshot that a run would test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// The instance that would test it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev_ib_backup_instance_id: Option<String>,
    /// A test volume of this environment, of any run: EC2 checks `AttachVolume` only for a volume
    /// that exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
    /// The live run that holds the test instance, which is no fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at_work: Option<String>,
    #[serde(default)]
    findings: Vec<Finding>,
    /// The table is printed; the next invocation only fails.
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

/// Whether an event belongs to a doctor run: a start event, an event of the chain, or Lambda's
/// record of a failed function. An unreadable `doctor` field counts too, and the doctor refuses it:
/// nobody asked for a run that changes something.
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

    /// What is known if a function failed on the way. Its findings are lost; its error becomes one.
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

    /// Records a need that is met.
    pub fn met(&mut self, need: Need, saw: &str) {
        self.find(need, Stands::Met, saw);
    }

    /// Records a need for which a run would fail.
    pub fn not_met(&mut self, need: Need, saw: &str) {
        self.find(need, Stands::NotMet, saw);
    }

    /// Records a need that could not be checked.
    pub fn not_known(&mut self, need: Need, saw: &str) {
        self.find(need, Stands::NotKnown, saw);
    }

    /// Records the result of a check. A busy AWS says nothing about the need.
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

    /// Records a failed check.
    pub fn error(&mut self, need: Need, error: &Error) {
        // What the role may not read is not known to be missing.
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
        // Of several findings of one function on one need, the worst counts.
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

/// The field of a start event that asks for the doctor.
#[derive(Deserialize)]
struct Asked {
    doctor: bool,
}

/// Checks what the event's patterns do not.
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
