//! Who started a run.

use serde_json::Value;

use crate::text::{LONGEST_TAG, one_line};

/// Who started a run, as far as its event shows: EventBridge names itself and its rule. Anybody
/// else who invoked the function is only in `CloudTrail`.
#[must_use]
pub fn started_by(event: &Value) -> String {
    let source = event.get("source").and_then(Value::as_str);
    let rule = event.pointer("/resources/0").and_then(Value::as_str);
    let rule = rule.and_then(|arn| arn.split_once(":rule/"));
    match (source, rule) {
        (Some("aws.events"), Some((_, rule))) => one_line(&format!("schedule {rule}"), LONGEST_TAG),
        (Some("aws.events" | "aws.scheduler"), _) => "schedule".to_owned(),
        _ => "event by hand".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::started_by;

    #[test]
    fn a_schedule_is_told_from_a_person() {
        let rule = "arn:aws:events:us-east-1:000000000000:rule/ib-backup-Nightly\n-1";
        for (event, who) in [
            (
                json!({"source": "aws.events", "resources": [rule]}),
                "schedule ib-backup-Nightly -1",
            ),
            (json!({"source": "aws.scheduler"}), "schedule"),
            (json!({"resources": [rule]}), "event by hand"),
            (json!({}), "event by hand"),
        ] {
            assert_eq!(started_by(&event), who, "{event}");
        }
    }
}
