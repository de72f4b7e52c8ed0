//! A call as the faults and the log see it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

/// Gives another body for a request, from its operation and its own body.
pub type Tamper = Box<dyn FnMut(&str, &[u8]) -> Option<Bytes> + Send>;

/// One call that has arrived, before anything is done about it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Counts the calls from 1, over all services.
    pub number: u64,
    /// `ec2`, `ssm`, `lambda` or `datadog`.
    pub service: String,
    /// The operation, by its own service's name.
    pub action: String,
    /// The access key id that signed it; `datadog` for Datadog, whose key names nobody.
    pub caller: String,
    /// When it arrived.
    pub time: SystemTime,
}

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Not done; answered with this error, in the shape of the service.
    Refuse {
        /// HTTP status.
        status: u16,
        /// The service's error code, like `RequestLimitExceeded`.
        code: String,
        /// Its text.
        message: String,
    },
    /// Done, then the connection breaks before the answer.
    LoseAnswer,
    /// Not done and never answered.
    Hang,
    /// Done, and answered only after this long.
    Slow(Duration),
    /// Done, but reads show what it wrote only after this long.
    Lag(Duration),
    /// Not done; the connection breaks.
    DropConnection,
    /// Not done; answered 200 with this body, as something between us and AWS might.
    Garbage(String),
}

/// Draws the fault of each call. It is asked once per call, in the order of their numbers, and
/// must not call the stand-in.
pub type FaultHook = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

/// The connection broke: whether the call was done, the caller cannot know.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLost;

impl std::fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection closed before an answer came")
    }
}

impl std::error::Error for ConnectionLost {}

/// One line of the story of a night.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// The call itself.
    pub call: Call,
    /// What it asked for, in one line.
    pub parameters: String,
    /// What came back: the HTTP status and the error, or which fault. `no answer yet` until then.
    pub outcome: String,
}

/// All calls so far, and which of them the stand-in does not model.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub records: Vec<CallRecord>,
    pub unmodelled: Vec<String>,
}

impl Log {
    /// Takes the call in; its number is its place.
    pub fn begin(&mut self, mut call: Call, parameters: String) -> Call {
        call.number = self.records.len() as u64 + 1;
        self.records.push(CallRecord {
            call: call.clone(),
            parameters,
            outcome: "no answer yet".to_owned(),
        });
        call
    }

    /// Says how it ended.
    pub fn end(&mut self, number: u64, outcome: String) {
        let place = usize::try_from(number - 1).expect("as many calls as fit into memory");
        if let Some(record) = self.records.get_mut(place) {
            record.outcome = outcome;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_goes_to_its_own_call() {
        let mut log = Log::default();
        let call = |action: &str| Call {
            number: 0,
            service: "ec2".to_owned(),
            action: action.to_owned(),
            caller: "AKIDSTEP1".to_owned(),
            time: SystemTime::UNIX_EPOCH,
        };
        let first = log.begin(call("DescribeVolumes"), String::new());
        let second = log.begin(call("DeleteVolume"), String::new());
        log.end(first.number, "200".to_owned());
        assert_eq!((first.number, second.number), (1, 2));
        assert_eq!(log.records[0].outcome, "200");
        assert_eq!(log.records[1].outcome, "no answer yet");
    }
}
