//! What can go wrong with calls, deliveries and answers.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::OperatorAction;
use aws_stand_in::clock::rfc3339;
use aws_stand_in::lambda::{Accepted, Death};
use aws_stand_in::{Aws, Call, Fault};

/// How late a delivery may be in these nights.
pub(super) const DAY: Duration = Duration::from_hours(24);

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedFault {
    /// With the call of this number, counted from 1.
    Call(u64, CallFault),
    /// The function dies at the call of this number, before it is done or after.
    Death(u64, When, Death),
    /// With the event of this number, counted from 0.
    Delivery(u64, DeliveryFault),
    /// Somebody does something, so long after the start.
    OperatorAction(Duration, OperatorAction),
    /// Every call of this is refused, from then on for so long.
    Outage(Service, Duration, Duration),
    /// Every call of this is answered by something else than AWS, from then on for so long.
    Answers(Service, Answers, Duration, Duration),
    /// All reads lag behind by this much.
    Lag(Duration),
    /// Every event waits so long in Lambda's queue: waits are counted, and this is not.
    Queue(Duration),
}

/// What answers instead of AWS, or has hold of its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// A proxy, with a page of its own.
    Foreign,
    /// They are cut: a list of EC2's ends before its first item.
    Cut,
}

impl Answers {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Foreign, Self::Cut];

    pub(super) fn to_each(self) -> CallFault {
        match self {
            Self::Foreign => CallFault::Garbage,
            Self::Cut => CallFault::Cut,
        }
    }
}

impl PlannedFault {
    /// What it is called in a table.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Call(_, how) => format!("call: {how:?}"),
            Self::Death(_, when, how) => format!("death {when:?} a call: {how:?}"),
            Self::Delivery(_, how) => format!("delivery: {how:?}"),
            Self::OperatorAction(_, act) => format!("act: {act:?}"),
            Self::Outage(service, ..) => format!("outage: {service:?}"),
            Self::Answers(service, how, ..) => format!("answers of {service:?}: {how:?}"),
            Self::Lag(_) => "reads lag".to_owned(),
            Self::Queue(_) => "events wait".to_owned(),
        }
    }
}

/// What can be down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// EC2.
    Ec2,
    /// Systems Manager, Run Command and Parameter Store.
    Ssm,
    /// Parameter Store alone.
    Parameters,
    /// Lambda's Invoke.
    Lambda,
    /// Datadog.
    Datadog,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Ec2,
        Self::Ssm,
        Self::Parameters,
        Self::Lambda,
        Self::Datadog,
    ];

    pub(super) fn takes(self, call: &Call) -> bool {
        match self {
            Self::Ec2 => call.service == "ec2",
            Self::Ssm => call.service == "ssm",
            Self::Parameters => call.action == "GetParameter",
            Self::Lambda => call.service == "lambda",
            Self::Datadog => call.service == "datadog",
        }
    }
}

/// Before a call is done, or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It is not done.
    Before,
    /// It is done, and its answer is lost.
    After,
}

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// Refused: too many requests.
    Throttled,
    /// Refused: not allowed.
    Denied,
    /// Refused: 400.
    BadRequest,
    /// Refused: 500.
    ServerError,
    /// The connection breaks before the call is done.
    Dropped,
    /// The connection breaks after the call is done.
    AnswerLost,
    /// It is neither done nor answered.
    Hangs,
    /// It is done, and answered after 20 s, twice what an attempt may take.
    Slow,
    /// It is done, and reads show it after 40 s.
    Lags,
    /// It is not done, and answered by something that is not AWS.
    Garbage,
    /// It is not done, and its answer is cut: a list of EC2's that ends before its first item.
    Cut,
}

impl CallFault {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Throttled,
        Self::Denied,
        Self::BadRequest,
        Self::ServerError,
        Self::Dropped,
        Self::AnswerLost,
        Self::Hangs,
        Self::Slow,
        Self::Lags,
        Self::Garbage,
        Self::Cut,
    ];

    pub(super) fn fault(self, call: &Call) -> Fault {
        let refuse = |status, code: &str| Fault::Refuse {
            status,
            code: code.to_owned(),
            message: "as this night wants it".to_owned(),
        };
        match (self, call.service.as_str()) {
            (Self::Throttled, "ec2") => refuse(503, "RequestLimitExceeded"),
            (Self::Throttled, "ssm") => refuse(400, "ThrottlingException"),
            (Self::Throttled, _) => refuse(429, "TooManyRequestsException"),
            (Self::Denied, "ec2") => refuse(403, "UnauthorizedOperation"),
            (Self::Denied, "ssm") => refuse(400, "AccessDeniedException"),
            (Self::Denied, _) => refuse(403, "AccessDeniedException"),
            (Self::BadRequest, _) => refuse(400, "InvalidRequest"),
            (Self::ServerError, _) => refuse(500, "InternalError"),
            (Self::Dropped, _) => Fault::DropConnection,
            (Self::AnswerLost, _) => Fault::LoseAnswer,
            (Self::Hangs, _) => Fault::Hang,
            (Self::Slow, _) => Fault::Slow(Duration::from_secs(20)),
            (Self::Lags, _) => Fault::Lag(Duration::from_secs(40)),
            (Self::Garbage, _) => Fault::Garbage("<html>maintenance</html>".to_owned()),
            (Self::Cut, "ec2") => Fault::Garbage(format!("<{}Response><a>", call.action)),
            (Self::Cut, _) => Fault::Garbage("{".to_owned()),
        }
    }
}

/// What goes wrong with the delivery of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryFault {
    /// Delivered twice at once.
    Twice,
    /// Delivered again after two minutes.
    AgainSoon,
    /// Delivered again after three hours, when the run has ended.
    AgainLate,
    /// Delivered five minutes late, so that others overtake it.
    Late,
    /// Dropped after its retries.
    Dropped,
    /// Lost by Lambda: it says so nowhere.
    Lost,
    /// Written by an older release, without the fields that came later.
    Older,
    /// Delivered again after a day.
    AgainNextDay,
    /// Its `run_id` is `*`, which EC2's filters take for every run.
    EveryRun,
    /// Its `test_command_id` is another run's, or that of no command where there is no other run.
    OtherCommand,
    /// It says that the run has its verdict: `True`.
    SaysVerdict,
    /// One of its fields is missing.
    FieldCut,
    /// One of its fields is of another type.
    WrongType,
}

impl DeliveryFault {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Twice,
        Self::AgainSoon,
        Self::AgainLate,
        Self::Late,
        Self::Dropped,
        Self::Lost,
        Self::Older,
        Self::AgainNextDay,
        Self::EveryRun,
        Self::OtherCommand,
        Self::SaysVerdict,
        Self::FieldCut,
        Self::WrongType,
    ];

    /// Whether the event may no longer say whose it is.
    pub(super) fn hides_run(self) -> bool {
        matches!(self, Self::EveryRun | Self::FieldCut | Self::WrongType)
    }

    /// When it is delivered, each time counted from its acceptance. Changes what it says.
    pub(super) fn copies(self, accepted: &mut Accepted, aws: &Aws) -> Vec<Duration> {
        let now = Duration::ZERO;
        accepted.lost = self == Self::Lost;
        let (place, event) = (accepted.number, accepted.event.as_object_mut());
        if let Some(fields) = event {
            self.change(fields, place, aws);
        }
        match self {
            Self::Twice => vec![now, now],
            Self::AgainSoon => vec![now, Duration::from_mins(2)],
            Self::AgainLate => vec![now, Duration::from_hours(3)],
            Self::AgainNextDay => vec![now, DAY],
            Self::Late => vec![Duration::from_mins(5)],
            Self::Dropped | Self::Lost => Vec::new(),
            Self::Older
            | Self::EveryRun
            | Self::OtherCommand
            | Self::SaysVerdict
            | Self::FieldCut
            | Self::WrongType => vec![now],
        }
    }

    /// Forges or garbles an event. Which of its fields is hit depends on its number, so that all
    /// of them are in the events of a night.
    fn change(self, fields: &mut Map<String, Value>, number: u64, aws: &Aws) {
        let hit = usize::try_from(number).unwrap_or_default() % fields.len().max(1);
        let hit = fields.keys().nth(hit).cloned().unwrap_or_default();
        match self {
            Self::Older => {
                for later in ["ready_at", "release_command_id", "unmounted", "reported"] {
                    fields.remove(later);
                }
            }
            Self::EveryRun => {
                fields.insert("run_id".to_owned(), json!("*"));
            }
            Self::OtherCommand => {
                let run = fields.get("run_id").and_then(Value::as_str);
                let id = test_of_another_run(run.unwrap_or_default(), aws);
                fields.insert("test_command_id".to_owned(), json!(id));
            }
            Self::SaysVerdict => {
                let now = rfc3339(aws.clock().now());
                let verdict = json!({"verdict": {"valid": true, "checked_at": now}});
                fields.insert("because".to_owned(), verdict);
            }
            Self::FieldCut => {
                fields.remove(&hit);
            }
            Self::WrongType => {
                let other = match fields.get(&hit) {
                    Some(Value::String(_)) => json!([7]),
                    _ => json!("seven"),
                };
                fields.insert(hit, other);
            }
            Self::Twice
            | Self::AgainSoon
            | Self::AgainLate
            | Self::AgainNextDay
            | Self::Late
            | Self::Dropped
            | Self::Lost => {}
        }
    }
}

/// The newest command that tests for another run, else an id that no command has.
fn test_of_another_run(run: &str, aws: &Aws) -> String {
    let commands = aws.commands().into_iter().rev();
    let mut others = commands.filter(|command| {
        command.steps.iter().any(|step| step == "test")
            && command.parameters.get("runId").is_some_and(|of| of != run)
    });
    let other = others.next().map(|command| command.id);
    other.unwrap_or_else(|| "00000000-0000-4000-8000-000000000000".to_owned())
}
