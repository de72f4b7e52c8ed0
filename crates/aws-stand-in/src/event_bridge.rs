//! EventBridge: the default bus, its rules, and the log groups that they keep events in.

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value, json};

/// A rule that keeps events in a log group.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The ARN of the rule.
    pub arn: String,
    /// Which events.
    pub keeps: Keeps,
    /// The name of the log group.
    pub log_group: String,
}

/// Which events a rule keeps.
#[derive(Clone, Debug)]
pub enum Keeps {
    /// Those on the bus that match this event pattern.
    Matching(Map<String, Value>),
    /// Those that EventBridge makes at the times of this expression.
    Scheduled(String),
    /// None: the schedule is `DISABLED`.
    Nothing,
}

/// An event as a rule kept it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The name of the log group.
    pub log_group: String,
    /// The whole event.
    pub event: Value,
}

impl Rule {
    /// Reads the properties of `AWS::Events::Rule`.
    ///
    /// # Errors
    /// Where they ask for something that is not modelled.
    pub(crate) fn read(id: &str, properties: &Value) -> anyhow::Result<Self> {
        let targets = properties.get("Targets").and_then(Value::as_array);
        let Some([target]) = targets.map(Vec::as_slice) else {
            bail!("a rule with another number of targets than one is not modelled");
        };
        let known = |key: &String| ["Arn", "Id"].contains(&key.as_str());
        let fields = target.as_object().context("Targets")?;
        ensure!(fields.keys().all(known), "a target that changes the event");
        let arn = fields["Arn"].as_str().context("Arn")?;
        let log_group = arn.split_once(":log-group:");
        let (_, log_group) = log_group.with_context(|| format!("target {arn}"))?;
        // EventBridge takes the ARN without the `:*` that CloudFormation's own ends with.
        ensure!(!log_group.contains(':'), "target {arn}");
        let (region, account) = (crate::REGION, crate::ACCOUNT_ID);
        Ok(Self {
            arn: format!("arn:aws:events:{region}:{account}:rule/{id}"),
            keeps: Keeps::read(properties)?,
            log_group: log_group.to_owned(),
        })
    }

    /// Keeps an event of the bus that matches.
    #[must_use]
    pub fn keep(&self, event: &Value) -> Option<Kept> {
        let Keeps::Matching(pattern) = &self.keeps else {
            return None;
        };
        fits(pattern, event).then(|| self.kept(event.clone()))
    }

    /// Keeps the event that EventBridge makes of this schedule at `time`.
    #[must_use]
    pub fn keep_scheduled(&self, expression: &str, time: &str) -> Option<Kept> {
        let Keeps::Scheduled(own) = &self.keeps else {
            return None;
        };
        let event = || {
            event(
                "aws.events",
                "Scheduled Event",
                time,
                &json!([self.arn]),
                &json!({}),
            )
        };
        (own == expression).then(|| self.kept(event()))
    }

    fn kept(&self, event: Value) -> Kept {
        Kept {
            log_group: self.log_group.clone(),
            event,
        }
    }
}

impl Keeps {
    fn read(properties: &Value) -> anyhow::Result<Self> {
        let state = properties.get("State").and_then(Value::as_str);
        let enabled = state.is_none_or(|state| state == "ENABLED");
        match (
            properties.get("EventPattern"),
            properties.get("ScheduleExpression"),
        ) {
            (Some(Value::Object(pattern)), None) => {
                ensure!(enabled, "State");
                check(pattern)?;
                Ok(Self::Matching(pattern.clone()))
            }
            (None, Some(Value::String(_))) if !enabled => Ok(Self::Nothing),
            (None, Some(Value::String(expression))) => Ok(Self::Scheduled(expression.clone())),
            _ => bail!("a rule with neither or both of EventPattern and ScheduleExpression"),
        }
    }
}

/// An event as EventBridge delivers it.
pub(crate) fn event(
    source: &str,
    detail_type: &str,
    time: &str,
    resources: &Value,
    detail: &Value,
) -> Value {
    json!({
        "version": "0",
        "id": "00000000-0000-0000-0000-000000000000",
        "detail-type": detail_type,
        "source": source,
        "account": crate::ACCOUNT_ID,
        "time": time,
        "region": crate::REGION,
        "resources": resources,
        "detail": detail,
    })
}

/// Every condition of a pattern has to be one that [`leaf_fits`] knows.
fn check(pattern: &Map<String, Value>) -> anyhow::Result<()> {
    for (key, wanted) in pattern {
        match wanted {
            Value::Object(inner) => check(inner)?,
            Value::Array(either) if key == "$or" => {
                for one in either {
                    check(one.as_object().context("$or wants objects")?)?;
                }
            }
            Value::Array(conditions) => {
                let known = |one: &Value| match one {
                    Value::Object(one) => {
                        let names = ["exists", "prefix", "anything-but"];
                        one.len() == 1 && one.keys().all(|name| names.contains(&name.as_str()))
                    }
                    other => !other.is_array(),
                };
                ensure!(conditions.iter().all(known), "{key}: {wanted}");
            }
            other => bail!("{key}: {other} is no pattern"),
        }
    }
    Ok(())
}

fn fits(pattern: &Map<String, Value>, event: &Value) -> bool {
    pattern.iter().all(|(key, wanted)| match wanted {
        Value::Array(either) if key == "$or" => either
            .iter()
            .filter_map(Value::as_object)
            .any(|one| fits(one, event)),
        Value::Object(inner) => fits(inner, event.get(key).unwrap_or(&Value::Null)),
        Value::Array(conditions) => {
            let found = event.get(key);
            conditions.iter().any(|one| leaf_fits(one, found))
        }
        _ => false,
    })
}

fn leaf_fits(condition: &Value, found: Option<&Value>) -> bool {
    // Conditions hold for leaves only; of a list, for any of its elements.
    let leaf = found.filter(|found| !found.is_object());
    let Value::Object(named) = condition else {
        return leaf == Some(condition) || any_of(condition, leaf);
    };
    if let Some(exists) = named.get("exists") {
        return exists.as_bool() == Some(leaf.is_some());
    }
    if let Some(prefix) = named.get("prefix").and_then(Value::as_str) {
        let text = leaf.and_then(Value::as_str);
        return text.is_some_and(|text| text.starts_with(prefix));
    }
    let unwanted = named.get("anything-but");
    leaf.is_some() && leaf != unwanted
}

fn any_of(condition: &Value, leaf: Option<&Value>) -> bool {
    let list = leaf.and_then(Value::as_array);
    list.is_some_and(|list| list.contains(condition))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{check, fits};

    #[test]
    fn patterns_match_as_eventbridge_says() {
        let event =
            json!({"source": "lambda", "detail": {"n": 1, "none": null, "in": {"a": "xy"}}});
        for (pattern, matches) in [
            (json!({"source": ["lambda", "aws.ec2"]}), true),
            (json!({"source": ["aws.ec2"]}), false),
            (json!({"detail": {"in": {"a": [{"prefix": "x"}]}}}), true),
            (json!({"detail": {"in": {"a": [{"prefix": "y"}]}}}), false),
            (json!({"detail": {"in": {"a": [{"exists": true}]}}}), true),
            (json!({"detail": {"in": {"b": [{"exists": true}]}}}), false),
            (
                json!({"detail": {"none": {"b": [{"exists": true}]}}}),
                false,
            ),
            // Only a leaf exists.
            (json!({"detail": {"in": [{"exists": true}]}}), false),
            (json!({"detail": {"in": {"b": [{"exists": false}]}}}), true),
            (
                json!({"detail": {"in": {"a": [{"anything-but": "xy"}]}}}),
                false,
            ),
            (
                json!({"detail": {"in": {"a": [{"anything-but": "z"}]}}}),
                true,
            ),
            (
                json!({"detail": {"in": {"b": [{"anything-but": "z"}]}}}),
                false,
            ),
            (
                json!({"$or": [{"source": ["x"]}, {"detail": {"n": [1]}}]}),
                true,
            ),
            (
                json!({"$or": [{"source": ["x"]}, {"detail": {"n": [2]}}]}),
                false,
            ),
        ] {
            let pattern = pattern.as_object().unwrap();
            check(pattern).unwrap();
            assert_eq!(fits(pattern, &event), matches, "{pattern:?}");
        }
        for unknown in [json!({"a": [{"suffix": "x"}]}), json!({"a": "x"})] {
            assert!(check(unknown.as_object().unwrap()).is_err(), "{unknown}");
        }
    }
}
