//! What a step is: one poll of AWS, and its outcome.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::clients::Clients;
use crate::doctor::Examination;
use crate::error::{Error, Kind, Result};
use crate::event::{Envelope, Payload, Phase, Run};
use crate::polling::Polling;
use crate::reply::Reply;
use crate::settings::Settings;
use crate::time::Timestamp;

/// The outcome of one poll.
#[derive(Debug)]
pub enum Outcome<S: Step> {
    /// Not ready: poll again after the step's wait, with this payload.
    PollAgain {
        /// What is being waited for.
        why: String,
        /// The payload, with what this poll found.
        payload: S::Input,
    },
    /// AWS was too busy to say: poll again after a wait that grows. A transient `Err` from `poll`
    /// is treated the same way, with the original payload.
    Busy {
        /// The error of AWS or Datadog.
        error: Error,
        /// The payload, with what this poll found.
        payload: S::Input,
    },
    /// Ready: the next function takes this.
    GoOn(S::Next),
    /// A late delivery of a run that has its verdict or was released: nothing to do.
    AlreadyEnded,
    /// There is nothing to test; why.
    NothingToDo(String),
    /// The run is over. Only the last step can make this value.
    End(S::End),
}

/// The `End` of every step but the last.
#[derive(Debug, Serialize)]
pub enum NeverEnds {}

/// Which invocation of which function this is.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Lambda's request id, the same over the retries of one event.
    pub request_id: String,
    /// When the invocation began.
    pub now: Timestamp,
}

/// One step of the chain. A step never creates, it ensures: a first poll, a later poll, a retry and
/// a duplicate delivery all do the same.
pub trait Step: Sized + Send + Sync + 'static {
    /// The function's name behind `<environment>-ib-backup-`.
    const NAME: &'static str;
    /// How long it polls before it gives up.
    const GIVE_UP_AFTER: Duration;
    /// The phase of the run that ends with this step, if one does.
    const PHASE: Option<Phase>;
    /// Whether runs end here: the last step goes on only to its own next stage.
    const IS_LAST: bool = false;
    /// The payload that the step reads.
    type Input: Payload + Clone + Send;
    /// The payload of the next function.
    type Next: Serialize + Send;
    /// [`NeverEnds`] for every step but the last. The function replies with it.
    type End: Serialize + Send;

    /// Takes its clients and settings. [`crate::runner::build`] reports missing settings.
    fn build(clients: &Clients, settings: &mut Settings<'_>) -> Self;

    /// The longest wait between two polls.
    fn interval(&self) -> Duration;

    /// How often to poll with this payload, and for how long.
    fn polling(&self, payload: &Self::Input) -> Polling {
        let _ = payload;
        Polling {
            interval: self.interval(),
            give_up_after: Self::GIVE_UP_AFTER,
        }
    }

    /// The phase of the run that ends when this step goes on from this payload, if one does.
    fn phase(&self, payload: &Self::Input) -> Option<Phase> {
        let _ = payload;
        Self::PHASE
    }

    /// What the step records in the run.
    fn mark(&self, run: &mut Run, next: &Self::Next) {
        let _ = (run, next);
    }

    /// Reads the event that Lambda delivers.
    fn read(&self, event: &Value, invocation: &Invocation) -> Result<Envelope<Self::Input>> {
        let _ = invocation;
        Envelope::read(event)
    }

    /// The reply to an event that only asks a question and starts no run.
    fn reply(
        &self,
        run: &Run,
        payload: &Self::Input,
    ) -> impl Future<Output = Option<Reply>> + Send {
        let _ = (run, payload);
        async { None }
    }

    /// Polls once.
    fn poll(
        &self,
        run: &Run,
        payload: Self::Input,
    ) -> impl Future<Output = Result<Outcome<Self>>> + Send;

    /// Checks, without changing anything, whether this step could do its part.
    fn examine(
        &self,
        clients: &Clients,
        examination: &mut Examination,
    ) -> impl Future<Output = ()> + Send;

    /// The outcome when the last allowed poll found nothing ready, or AWS too busy.
    fn on_timeout(
        &self,
        run: &Run,
        payload: Self::Input,
        error: Error,
    ) -> impl Future<Output = Result<Outcome<Self>>> + Send {
        let _ = (run, payload);
        async { Err(error) }
    }
}

/// The error of a step whose time has run out.
pub(crate) fn time_ran_out(step: &str, polling: Polling, why: &str) -> Error {
    Error::new(
        Kind::TimeRanOut,
        format!("{}: {why}", gave_up_after(step, polling)),
    )
}

/// The error of a step whose last poll met a busy AWS.
pub(crate) fn busy_to_the_end(step: &str, polling: Polling, error: Error) -> Error {
    Error::caused(error.kind(), gave_up_after(step, polling), error)
}

fn gave_up_after(step: &str, polling: Polling) -> String {
    let seconds = polling.give_up_after.as_secs();
    let time = match seconds {
        0 => "one look".to_owned(),
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    };
    format!("{step} gave up after {time}")
}
