//! What a step is: one look at AWS, and what came of it.

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

/// What one look found.
#[derive(Debug)]
pub enum Outcome<S: Step> {
    /// Not ready: look again after the step's wait, with this payload.
    PollAgain {
        /// What is being waited for.
        why: String,
        /// The payload, with what this look learned.
        payload: S::Input,
    },
    /// AWS was too busy to say: look again after a wait that grows. Trouble that may pass and
    /// that a look ends with comes to the same, with the payload as it was.
    Busy {
        /// What AWS, or Datadog, did not do.
        error: Error,
        /// The payload, with what this look learned.
        payload: S::Input,
    },
    /// Ready: the next function takes this.
    GoOn(S::Next),
    /// A late delivery of a run that has its verdict, or has given back: nothing to do.
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
    /// When the look began.
    pub now: Timestamp,
}

/// One step of the chain. A step never creates: it ensures, so that a first look, a later look,
/// a retry and a duplicate delivery are one and the same.
pub trait Step: Sized + Send + Sync + 'static {
    /// The function's name behind `<environment>-ib-backup-`.
    const NAME: &'static str;
    /// How long it polls before it gives up.
    const GIVE_UP_AFTER: Duration;
    /// The phase of the night that ends when this step goes on, if one does.
    const PHASE: Option<Phase>;
    /// Whether runs end here: the last step goes on only to its own next stage.
    const IS_LAST: bool = false;
    /// What a look needs.
    type Input: Payload + Clone + Send;
    /// What the next function needs.
    type Next: Serialize + Send;
    /// [`NeverEnds`] for every step but the last. It is what the function answers with.
    type End: Serialize + Send;

    /// Takes its clients and settings. [`crate::runner::build`] names the settings that are missing.
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

    /// The phase of the night that ends when this step goes on with this payload, if one does.
    fn phase(&self, payload: &Self::Input) -> Option<Phase> {
        let _ = payload;
        Self::PHASE
    }

    /// What the run bears from this step on.
    fn mark(&self, run: &mut Run, next: &Self::Next) {
        let _ = (run, next);
    }

    /// Reads the event that Lambda delivers.
    fn read(&self, event: &Value, invocation: &Invocation) -> Result<Envelope<Self::Input>> {
        let _ = invocation;
        Envelope::read(event)
    }

    /// The reply to an event that asks something and starts no run, where it is one.
    fn reply(
        &self,
        run: &Run,
        payload: &Self::Input,
    ) -> impl Future<Output = Option<Reply>> + Send {
        let _ = (run, payload);
        async { None }
    }

    /// Looks once.
    fn poll(
        &self,
        run: &Run,
        payload: Self::Input,
    ) -> impl Future<Output = Result<Outcome<Self>>> + Send;

    /// Asks whether this step could do its part tonight, and changes nothing.
    fn examine(
        &self,
        clients: &Clients,
        examination: &mut Examination,
    ) -> impl Future<Output = ()> + Send;

    /// What happens when the last look that is allowed found nothing ready, or AWS too busy.
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

/// The error of a step that has waited as long as it may.
pub(crate) fn time_ran_out(step: &str, polling: Polling, why: &str) -> Error {
    Error::new(
        Kind::TimeRanOut,
        format!("{}: {why}", gave_up_after(step, polling)),
    )
}

/// The error of a step at whose last look AWS was still too busy.
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
