//! What can go wrong with calls, deliveries and answers.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::OperatorAction;
use aws_stand_in::clock::rfc3339;
use aws_stand_in::lambda::{Accepted, Death};
use aws_stand_in::{Aws, Call, Fault};

/// The longest delay of a delivery.
pub(super) const DAY: Duration = Duration::from_hours(24);

/// One fault of a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedFault {
    /// A fault of the call with this number, counted from 1.
    Call(u64, CallFault),
    /// The function dies at the call with this number, before or after AWS executes it.
    Death(u64, When, Death),
    /// A fault of the event with this number, counted from 0.
    Delivery(u64, DeliveryFault),
    /// Somebody does this, that long after the start.
    OperatorAction(Duration, OperatorAction),
    /// All calls of a service are refused: from when, and for how long.
    Outage(Service, Duration, Duration),
    /// All calls of a service get an answer that is not AWS's: from when, and for how long.
    Answers(Service, Answers, Duration, Duration),
    /// All reads lag behind by this much.
    Lag(Duration),
    /// Every event waits this long in Lambda's queue. Steps count their own waits, but not this.
    Queue(Duration),
}

/// How answers that are not AWS's look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// A proxy answers with a page of its own.
    Foreign,
    /// The answers are cut: a list of EC2's ends before its first item.
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
    /// Its name in a table.
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

/// A service that can be down.
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

/// Whether the function dies before AWS executes the call, or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The call is not executed.
    Before,
    /// The call is executed, and its answer is lost.
    After,
}

/// A fault of one call.
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
    /// The connection breaks before the call is executed.
    Dropped,
    /// The connection breaks after the call is executed.
    AnswerLost,
    /// The call is neither executed nor answered.
    Hangs,
    /// The call is executed, and answered after 20 s, twice the time-out of an attempt.
    Slow,
    /// The call is executed, and reads show its effect after 40 s.
    Lags,
    /// The call is not executed, and something that is not AWS answers.
    Garbage,
    /// The call is not executed, and its answer is cut: a list of EC2's ends before its first item.
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

/// A fault of the delivery of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryFault {
    /// Delivered twice at once.
    Twice,
    /// Delivered again after two minutes.
    AgainSoon,
    /// Delivered again after three hours, when the run has ended.
    AgainLate,
    /// Delivered five minutes late, so that other events overtake it.
    Late,
    /// Dropped after its retries.
    Dropped,
    /// Lost by Lambda, which reports it nowhere.
    Lost,
    /// Written by an older release, without the fields that came later.
    Older,
    /// Delivered again after a day.
    AgainNextDay,
    /// Its `run_id` is `*`, which in EC2's filters matches every run.
    EveryRun,
    /// Its `test_command_id` is another run's, or if there is no other run, that of no command.
    OtherCommand,
    /// It claims that the run has the verdict `True`.
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

    /// Whether the event may no longer name its run.
    pub(super) fn hides_run(self) -> bool {
        matches!(self, Self::EveryRun | Self::FieldCut | Self::WrongType)
    }

    /// When the event is delivered, each time counted from its acceptance. Also changes the event.
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

    /// Forges or garbles an event. The event's number decides which field is hit, so that over a
    /// night every field is hit.
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

/// The newest test command of another run, otherwise an id that no command has.
fn test_of_another_run(run: &str, aws: &Aws) -> String {
    let commands = aws.commands().into_iter().rev();
    let mut others = commands.filter(|command| {
        command.steps.iter().any(|step| step == "test")
            && command.parameters.get("runId").is_some_and(|of| of != run)
    });
    let other = others.next().map(|command| command.id);
    other.unwrap_or_else(|| "00000000-0000-4000-8000-000000000000".to_owned())
}
