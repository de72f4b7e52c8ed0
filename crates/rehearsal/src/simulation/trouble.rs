//! What can go wrong, and how it is brought about.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::aws::{Call, Fault, Instance, InstanceState, TEST_INSTANCE};
use crate::lambda::{Accepted, Death};
use crate::night::Night;

/// Longer than any function lives: done, and never answered.
const NEVER: Duration = Duration::from_hours(24);

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// With the call of this number, counted from 1.
    Call(u64, CallTrouble),
    /// The function dies at the call of this number, before it is done or after.
    Death(u64, When, Death),
    /// With the event of this number, counted from 0.
    Delivery(u64, DeliveryTrouble),
    /// Somebody does something, so long after the start.
    Act(Duration, Act),
    /// Every call of this service is refused, from then on for so long.
    Outage(&'static str, Duration, Duration),
    /// All reads lag behind by this much.
    Lag(Duration),
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
pub enum CallTrouble {
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
}

impl CallTrouble {
    /// All of them.
    pub const ALL: [Self; 10] = [
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
    ];

    fn fault(self, call: &Call) -> Fault {
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
        }
    }
}

/// What goes wrong with the delivery of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryTrouble {
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
    /// Written by an older release, without the fields that came later.
    Older,
}

impl DeliveryTrouble {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Twice,
        Self::AgainSoon,
        Self::AgainLate,
        Self::Late,
        Self::Dropped,
        Self::Older,
    ];

    fn copies(self, accepted: &mut Accepted) -> Vec<Duration> {
        let now = Duration::ZERO;
        match self {
            Self::Twice => vec![now, now],
            Self::AgainSoon => vec![now, Duration::from_mins(2)],
            Self::AgainLate => vec![now, Duration::from_hours(3)],
            Self::Late => vec![Duration::from_mins(5)],
            Self::Dropped => Vec::new(),
            Self::Older => {
                if let Some(fields) = accepted.event.as_object_mut() {
                    for later in ["ready_at", "release_command_id", "unmounted", "reported"] {
                        fields.remove(later);
                    }
                }
                vec![now]
            }
        }
    }
}

/// What people and machines do behind the check's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The test instance is stopped.
    Stop,
    /// The test instance is rebooted.
    Reboot,
    /// The test instance is terminated, and another has its name.
    Replace,
    /// The SSM agent falls silent for ever.
    SilenceAgent,
    /// The SSM agent falls silent for five minutes.
    PauseAgent,
    /// The test volume is detached by force.
    Detach,
    /// The test volume is detached by force and deleted.
    Delete,
    /// The test volume loses the tag that says whose it is.
    Retag,
    /// The newest command is cancelled.
    Cancel,
    /// Another run is started.
    StartAnother,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Stop,
        Self::Reboot,
        Self::Replace,
        Self::SilenceAgent,
        Self::PauseAgent,
        Self::Detach,
        Self::Delete,
        Self::Retag,
        Self::Cancel,
        Self::StartAnother,
    ];

    async fn perform(self, night: &Night) {
        let (aws, ids) = (&night.stack.aws, &night.stack.world);
        let instance = &ids.test_instance_id;
        let volume = aws.volumes().into_iter().rev().find(|volume| {
            volume.tags.contains_key("IBBackupTest")
                && volume.state != crate::aws::VolumeState::Deleted
        });
        let gone = |id: &str| {
            let mut instances = aws.instances().into_iter();
            instances.any(|one| one.id == id && one.state == InstanceState::Terminated)
        };
        match (self, volume) {
            // What is terminated can be neither stopped nor rebooted.
            (Self::Stop | Self::Reboot, _) if gone(instance) => {}
            (Self::Stop, _) => aws.stop_instance(instance),
            (Self::Reboot, _) => aws.reboot_instance(instance),
            (Self::Replace, _) => {
                aws.terminate_instance(instance);
                let now = aws.clock().now();
                let other = "i-rehearsaltest2";
                aws.add_instance(Instance::running(other, TEST_INSTANCE, "us-east-1a", now));
                aws.set_host(other, Arc::new(night.host.clone()));
            }
            (Self::SilenceAgent, _) => aws.set_agent(instance, false),
            (Self::PauseAgent, _) => {
                aws.set_agent(instance, false);
                aws.clock().sleep(Duration::from_mins(5)).await;
                aws.set_agent(instance, true);
            }
            (Self::Detach, Some(volume)) => aws.detach_by_hand(&volume.id),
            (Self::Delete, Some(volume)) => {
                aws.detach_by_hand(&volume.id);
                aws.delete_by_hand(&volume.id);
            }
            (Self::Retag, Some(volume)) => {
                aws.tag_by_hand(&volume.id, "IBBackupRun", "somebody-else");
            }
            (Self::Cancel, _) => {
                if let Some(command) = aws.commands().pop() {
                    aws.cancel_by_hand(&command.id);
                }
            }
            (Self::StartAnother, _) => night.start_run(),
            (Self::Detach | Self::Delete | Self::Retag, None) => {}
        }
    }
}

/// Sets the trouble up, before the night begins. What people do ends with the tasks it gives.
pub(super) fn set_up(night: &Arc<Night>, troubles: &[Trouble]) -> JoinSet<()> {
    let mut acts = JoinSet::new();
    let (aws, lambda) = (night.stack.aws.clone(), night.stack.lambda.clone());
    let began = aws.clock().now();
    let of_calls = troubles.to_vec();
    aws.set_faults(Box::new(move |call| {
        of_calls.iter().find_map(|trouble| match *trouble {
            Trouble::Call(number, how) if number == call.number => Some(how.fault(call)),
            Trouble::Death(number, when, death) if number == call.number => {
                lambda.kill(&call.caller, death);
                Some(match when {
                    When::Before => Fault::Hang,
                    When::After => Fault::Slow(NEVER),
                })
            }
            Trouble::Outage(service, from, lasts) if call.service == service => {
                let since = call.time.duration_since(began).unwrap_or_default();
                let down = since >= from && since < from + lasts;
                down.then(|| CallTrouble::ServerError.fault(call))
            }
            _ => None,
        })
    }));
    let of_events = troubles.to_vec();
    night.stack.lambda.set_copies(Box::new(move |accepted| {
        let hit = of_events.iter().find_map(|trouble| match *trouble {
            Trouble::Delivery(number, how) if number == accepted.number => Some(how),
            _ => None,
        });
        hit.map_or(vec![Duration::ZERO], |how| how.copies(accepted))
    }));
    for trouble in troubles {
        match *trouble {
            Trouble::Act(after, act) => {
                let night = night.clone();
                acts.spawn(async move {
                    night.stack.aws.clock().sleep(after).await;
                    act.perform(&night).await;
                });
            }
            Trouble::Lag(lag) => aws.set_timing(|timing| timing.read_lag = lag),
            _ => {}
        }
    }
    acts
}

/// Has people mend what is broken, so that the next night is a clean one.
pub(super) fn mend(night: &Night) {
    let aws = &night.stack.aws;
    aws.clear_faults();
    night
        .stack
        .lambda
        .set_copies(Box::new(|_| vec![Duration::ZERO]));
    aws.set_timing(|timing| timing.read_lag = Duration::ZERO);
    let instance = &night.stack.world.test_instance_id;
    aws.set_agent(instance, true);
    let mut instances = aws.instances().into_iter();
    if instances.any(|one| one.id == *instance && one.state == InstanceState::Stopped) {
        aws.start_instance(instance);
    }
}
