//! Parameters of a stack: what was given, else the default, held against what the template allows.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Parameter {
    #[serde(rename = "Type")]
    kind: Kind,
    default: Option<Value>,
    allowed_values: Option<Vec<Value>>,
    allowed_pattern: Option<String>,
    min_value: Option<f64>,
    max_value: Option<f64>,
    #[serde(rename = "Description")]
    _description: Option<String>,
    #[serde(rename = "ConstraintDescription")]
    _constraint_description: Option<String>,
}

#[derive(Deserialize, Eq, PartialEq)]
enum Kind {
    CommaDelimitedList,
    String,
    Number,
}

/// The value of each parameter, as text.
pub(super) fn evaluate(
    declared: &Map<String, Value>,
    given: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeMap<String, String>> {
    if let Some(unknown) = given.keys().find(|name| !declared.contains_key(*name)) {
        bail!("the template has no parameter {unknown}");
    }
    declared
        .iter()
        .map(|(name, declaration)| {
            let parameter =
                Parameter::deserialize(declaration).with_context(|| format!("parameter {name}"))?;
            let value = match (given.get(name), &parameter.default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => {
                    text(default).with_context(|| format!("parameter {name}"))?
                }
                (None, None) => bail!("parameter {name} has no default and was not given"),
            };
            parameter
                .check(&value)
                .with_context(|| format!("parameter {name}={value}"))?;
            Ok((name.clone(), value))
        })
        .collect()
}

impl Parameter {
    fn check(&self, value: &str) -> anyhow::Result<()> {
        if self.kind == Kind::Number {
            let number: f64 = value.parse().context("not a number")?;
            if self.min_value.is_some_and(|least| number < least)
                || self.max_value.is_some_and(|most| number > most)
            {
                bail!("not from {:?} to {:?}", self.min_value, self.max_value);
            }
        }
        if let Some(pattern) = &self.allowed_pattern {
            // CloudFormation asks for a match of the whole value, of a list for one of each.
            let pattern = Regex::new(&format!("^(?:{pattern})$"))?;
            let mut values = match self.kind {
                Kind::CommaDelimitedList => value.split(',').collect(),
                Kind::String | Kind::Number => vec![value],
            }
            .into_iter();
            if let Some(value) = values.find(|value| !pattern.is_match(value)) {
                bail!("`{value}` does not fit {pattern}");
            }
        }
        if let Some(values) = &self.allowed_values {
            let values: Vec<_> = values.iter().map(text).collect::<anyhow::Result<_>>()?;
            if !values.iter().any(|allowed| allowed == value) {
                bail!("not one of {}", values.join(", "));
            }
        }
        Ok(())
    }
}

/// A scalar as CloudFormation hands it on: parameters, variables and joined parts are text.
pub(super) fn text(value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        other => bail!("not a scalar: {other}"),
    })
}
