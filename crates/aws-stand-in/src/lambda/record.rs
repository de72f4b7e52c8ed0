//! The record of an invocation, as a destination gets it.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::{Accepted, FunctionError};
use crate::clock::rfc3339;
use crate::template::Function;

pub(super) fn failure(
    now: SystemTime,
    function: &Function,
    accepted: &Accepted,
    condition: &str,
    attempts: u32,
    error: Option<FunctionError>,
) -> Value {
    let mut record = of(now, function, accepted, condition, attempts);
    if let (Some(error), Some(fields)) = (error, record.as_object_mut()) {
        let context = json!({
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        });
        fields.insert("responseContext".to_owned(), context);
        fields.insert("responsePayload".to_owned(), json!(error));
    }
    record
}

pub(super) fn success(
    now: SystemTime,
    function: &Function,
    accepted: &Accepted,
    attempts: u32,
    answer: Value,
) -> Value {
    let mut record = of(now, function, accepted, "Success", attempts);
    record["responseContext"] = json!({"statusCode": 200, "executedVersion": "$LATEST"});
    record["responsePayload"] = answer;
    record
}

fn of(
    now: SystemTime,
    function: &Function,
    accepted: &Accepted,
    condition: &str,
    attempts: u32,
) -> Value {
    json!({
        "version": "1.0",
        "timestamp": rfc3339(now),
        "requestContext": {
            "requestId": accepted.request_id,
            "functionArn": format!("{}:$LATEST", function.arn),
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": accepted.event,
    })
}
