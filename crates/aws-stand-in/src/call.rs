//! A call as the faults see it, and the log of all calls.

use std::time::SystemTime;

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

/// One line of the log.
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
