//! What comes of an event in the end, at the function's destinations.

use serde_json::{Value, json};

use super::{Accepted, FunctionError, Lambda, record};
use crate::clock::rfc3339;
use crate::event_bridge;
use crate::template::Function;

impl Lambda {
    /// Hands an event that failed to the on-failure destination, as the failing function's role
    /// allows.
    pub(super) fn give_up(
        &self,
        function: &Function,
        accepted: &Accepted,
        condition: &str,
        attempts: u32,
        error: Option<FunctionError>,
    ) {
        let destination = function.on_failure.as_deref();
        if destination.is_none_or(is_bus) {
            let event = &accepted.request_id;
            let lost = format!(
                "{condition}: event {event} of {}, which no function takes",
                function.name
            );
            self.state().gone.push(lost);
        }
        let Some(destination) = destination else {
            return;
        };
        let record = record::failure(
            self.clock().now(),
            function,
            accepted,
            condition,
            attempts,
            error,
        );
        self.hand_over(function, accepted, destination, "Failure", record);
    }

    /// Hands the answer to the on-success destination, if there is one.
    pub(super) fn succeed(
        &self,
        function: &Function,
        accepted: &Accepted,
        attempts: u32,
        answer: Value,
    ) {
        if let Some(destination) = &function.on_success {
            let now = self.clock().now();
            let record = record::success(now, function, accepted, attempts, answer);
            self.hand_over(function, accepted, destination, "Success", record);
        }
    }

    fn hand_over(
        &self,
        function: &Function,
        accepted: &Accepted,
        destination: &str,
        result: &str,
        record: Value,
    ) {
        let bus = is_bus(destination);
        let action = if bus {
            "events:PutEvents"
        } else {
            "lambda:InvokeFunction"
        };
        let allowed = self
            .inner
            .aws
            .authorize(&function.name, action, destination);
        match (allowed, destination.rsplit(':').next()) {
            (Err(refusal), _) => self.state().lost.push(refusal),
            (Ok(()), _) if bus => self.publish(function, destination, result, &record),
            (Ok(()), Some(name)) => self.accept(name, record, accepted.depth + 1),
            (Ok(()), None) => self
                .state()
                .lost
                .push(format!("{destination} is no function")),
        }
    }

    /// An event as Lambda puts it on a bus, kept by the rules that it matches.
    fn publish(&self, function: &Function, bus: &str, result: &str, record: &Value) {
        let event = event_bridge::event(
            "lambda",
            &format!("Lambda Function Invocation Result - {result}"),
            &rfc3339(self.clock().now()),
            &json!([bus, format!("{}:$LATEST", function.arn)]),
            record,
        );
        let kept = self.inner.rules.iter().filter_map(|rule| rule.keep(&event));
        self.state().kept.extend(kept);
    }
}

fn is_bus(destination: &str) -> bool {
    destination.contains(":event-bus/")
}
