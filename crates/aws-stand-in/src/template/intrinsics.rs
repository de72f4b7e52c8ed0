//! CloudFormation's intrinsic functions, as far as the template uses them.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use serde_yaml_ng as yaml;

use super::include;
use super::parameters::text;

/// The template's sections, intrinsics not yet evaluated and all in their long form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Sections {
    #[serde(rename = "AWSTemplateFormatVersion")]
    _version: Option<String>,
    #[serde(rename = "Transform")]
    _transform: Option<String>,
    #[serde(rename = "Description")]
    _description: Option<String>,
    #[serde(default)]
    pub parameters: Map<String, Value>,
    #[serde(default)]
    conditions: Map<String, Value>,
    #[serde(default)]
    pub globals: Map<String, Value>,
    pub resources: BTreeMap<String, Resource>,
    #[serde(default)]
    pub outputs: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Resource {
    #[serde(rename = "Type")]
    pub kind: String,
    /// Without it, or where it holds, the resource is made.
    pub condition: Option<String>,
    #[serde(default)]
    pub metadata: Value,
    #[serde(default)]
    pub properties: Value,
    // No run sees a stack being deleted.
    #[serde(rename = "DeletionPolicy")]
    _deletion_policy: Option<String>,
    #[serde(rename = "UpdateReplacePolicy")]
    _update_replace_policy: Option<String>,
}

/// Parses YAML, writes short forms out (`!Sub x` becomes `Fn::Sub: x`) and resolves includes.
pub(super) fn sections(template: &str) -> anyhow::Result<Sections> {
    let value = long_form(yaml::from_str(template)?)?;
    Ok(Sections::deserialize(include::resolve(value)?)?)
}

fn long_form(value: yaml::Value) -> anyhow::Result<Value> {
    Ok(match value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Bool(truth) => truth.into(),
        yaml::Value::Number(number) => serde_json::to_value(number)?,
        yaml::Value::String(text) => text.into(),
        yaml::Value::Sequence(items) => {
            items.into_iter().map(long_form).collect::<Result<_, _>>()?
        }
        yaml::Value::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let yaml::Value::String(key) = key else {
                    bail!("a key that is no text: {key:?}");
                };
                map.insert(key, long_form(value)?);
            }
            map.into()
        }
        yaml::Value::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            let name = name.trim_start_matches('!');
            let argument = long_form(tagged.value)?;
            match name {
                "Ref" | "Condition" => json!({name: argument}),
                // The short form takes the dot, the long one a list.
                _ => json!({format!("Fn::{name}"): argument}),
            }
        }
    })
}

/// What intrinsics are evaluated against.
pub(super) struct Stack {
    pub name: String,
    pub sections: Sections,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Stack {
    pub fn new(sections: Sections, parameters: BTreeMap<String, String>) -> Self {
        let environment = parameters.get("Environment").map_or("", String::as_str);
        let name = format!("ib-backup-{environment}");
        Self {
            name: name.trim_end_matches('-').to_owned(),
            sections,
            parameters,
        }
    }

    /// A value without intrinsics; `None` is `AWS::NoValue`.
    pub fn evaluate(&self, value: &Value) -> anyhow::Result<Option<Value>> {
        Ok(Some(match value {
            Value::Array(items) => {
                let items = items
                    .iter()
                    .filter_map(|item| self.evaluate(item).transpose());
                Value::Array(items.collect::<anyhow::Result<_>>()?)
            }
            Value::Object(map) => {
                if let Some((key, argument)) = intrinsic(map)? {
                    return self
                        .call(key, argument)
                        .with_context(|| format!("{key}: {argument}"));
                }
                let entries = map.iter().filter_map(|(key, value)| {
                    let value = self.evaluate(value).transpose()?;
                    Some(value.map(|value| (key.clone(), value)))
                });
                Value::Object(entries.collect::<anyhow::Result<_>>()?)
            }
            scalar => scalar.clone(),
        }))
    }

    /// A value that must be a scalar, as text.
    pub fn text(&self, value: &Value) -> anyhow::Result<String> {
        text(&self.evaluate(value)?.context("AWS::NoValue is no text")?)
    }

    fn call(&self, name: &str, argument: &Value) -> anyhow::Result<Option<Value>> {
        Ok(Some(match (name, argument) {
            ("Ref", Value::String(reference)) if reference == "AWS::NoValue" => return Ok(None),
            ("Ref", Value::String(reference)) => match self.list(reference) {
                Some(list) => list.into(),
                None => self.reference(reference)?.into(),
            },
            ("Fn::GetAtt", Value::String(path)) => self.attribute(path)?.into(),
            ("Fn::GetAtt", Value::Array(path)) => {
                let path: Vec<_> = path.iter().map(text).collect::<anyhow::Result<_>>()?;
                self.attribute(&path.join("."))?.into()
            }
            ("Fn::Sub", Value::String(format)) => self.substitute(format, &Map::new())?.into(),
            ("Fn::Sub", Value::Array(pair)) => {
                let [Value::String(format), Value::Object(own)] = pair.as_slice() else {
                    bail!("wants a text and a map");
                };
                self.substitute(format, own)?.into()
            }
            ("Fn::If", Value::Array(branches)) => {
                let [Value::String(condition), yes, no] = branches.as_slice() else {
                    bail!("wants a condition and two values");
                };
                let holds = self.condition(condition)?;
                return self.evaluate(if holds { yes } else { no });
            }
            ("Fn::Join", Value::Array(pair)) => {
                let [Value::String(separator), list] = pair.as_slice() else {
                    bail!("wants a separator and a list");
                };
                let list = self.evaluate(list)?;
                let Some(Value::Array(items)) = list else {
                    bail!("wants a separator and a list");
                };
                let items: Vec<_> = items.iter().map(text).collect::<anyhow::Result<_>>()?;
                items.join(separator).into()
            }
            ("Fn::Split", Value::Array(pair)) => {
                let [Value::String(separator), whole] = pair.as_slice() else {
                    bail!("wants a separator and a text");
                };
                let whole = self.text(whole)?;
                whole.split(separator.as_str()).collect::<Vec<_>>().into()
            }
            ("Fn::Select", Value::Array(pair)) => {
                let [index, list] = pair.as_slice() else {
                    bail!("wants an index and a list");
                };
                let index: usize = text(index)?.parse()?;
                let list = self.evaluate(list)?;
                let one = list.as_ref().and_then(|list| list.get(index));
                one.with_context(|| format!("no element {index}"))?.clone()
            }
            _ => bail!("this intrinsic is not modelled"),
        }))
    }

    /// Fills `${…}` in; `${!x}` stays as `${x}`.
    fn substitute(&self, format: &str, own: &Map<String, Value>) -> anyhow::Result<String> {
        let mut result = String::new();
        let mut rest = format;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                bail!("a `${{` without its end");
            };
            result.push_str(before);
            if let Some(literal) = name.strip_prefix('!') {
                result.extend(["${", literal, "}"]);
            } else if let Some(value) = own.get(name) {
                result.push_str(&self.text(value)?);
            } else if name.contains('.') {
                result.push_str(&self.attribute(name)?);
            } else {
                result.push_str(&self.reference(name)?);
            }
            rest = after;
        }
        Ok(result + rest)
    }

    pub fn condition(&self, name: &str) -> anyhow::Result<bool> {
        let Some(expression) = self.sections.conditions.get(name) else {
            bail!("the template has no condition {name}");
        };
        self.holds(expression)
            .with_context(|| format!("condition {name}"))
    }

    fn holds(&self, expression: &Value) -> anyhow::Result<bool> {
        let map = expression.as_object().context("wants an intrinsic")?;
        let (name, argument) = map.iter().next().context("wants an intrinsic")?;
        ensure!(map.len() == 1, "wants one intrinsic: {expression}");
        Ok(match (name.as_str(), argument) {
            ("Condition", Value::String(name)) => self.condition(name)?,
            ("Fn::Equals", Value::Array(pair)) => {
                let [left, right] = pair.as_slice() else {
                    bail!("Fn::Equals wants two values");
                };
                self.text(left)? == self.text(right)?
            }
            ("Fn::Not", Value::Array(one)) => {
                let [inner] = one.as_slice() else {
                    bail!("Fn::Not wants one condition");
                };
                !self.holds(inner)?
            }
            // Every part is evaluated, so that an unmodelled one is not missed.
            ("Fn::And", Value::Array(all)) => self.each(all)?.iter().all(|&holds| holds),
            ("Fn::Or", Value::Array(all)) => self.each(all)?.iter().any(|&holds| holds),
            _ => bail!("{name} is not modelled in a condition"),
        })
    }

    fn each(&self, expressions: &[Value]) -> anyhow::Result<Vec<bool>> {
        expressions.iter().map(|inner| self.holds(inner)).collect()
    }
}

/// The intrinsic that a map stands for, if it does.
fn intrinsic(map: &Map<String, Value>) -> anyhow::Result<Option<(&str, &Value)>> {
    let mut named = map
        .iter()
        .filter(|(key, _)| *key == "Ref" || key.starts_with("Fn::"));
    let Some((key, argument)) = named.next() else {
        return Ok(None);
    };
    ensure!(map.len() == 1, "{key} stands beside other keys");
    Ok(Some((key, argument)))
}

pub(super) fn evaluated(stack: &Stack, value: &Value) -> anyhow::Result<Value> {
    let value = stack.evaluate(value)?;
    value.context("AWS::NoValue instead of properties")
}
