//! What comes of an event in the end, at the function's destinations.

use serde_json::{Value, json};

use super::{Accepted, FunctionError, Lambda, record};
use crate::clock::rfc3339;
use crate::event_bridge::Kept;
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
        let event = json!({
            "version": "0",
            "id": "00000000-0000-0000-0000-000000000000",
            "detail-type": format!("Lambda Function Invocation Result - {result}"),
            "source": "lambda",
            "account": crate::ACCOUNT_ID,
            "time": rfc3339(self.clock().now()),
            "region": crate::REGION,
            "resources": [bus, format!("{}:$LATEST", function.arn)],
            "detail": record,
        });
        let rules = self.inner.rules.iter();
        let kept = rules.filter(|rule| rule.matches(&event)).map(|rule| Kept {
            log_group: rule.log_group.clone(),
            event: event.clone(),
        });
        self.state().kept.extend(kept);
    }
}

fn is_bus(destination: &str) -> bool {
    destination.contains(":event-bus/")
}
