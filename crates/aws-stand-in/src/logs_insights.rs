//! CloudWatch Logs Insights, as far as the query of the history goes: `fields` with `coalesce` and `replace`, `display`, `sort` by time,
//! `limit`. Anything else is an error.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html>

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

/// A saved query: the properties of `AWS::Logs::QueryDefinition`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct SavedQuery {
    /// Its folder and name.
    pub name: String,
    /// The log groups that it reads.
    pub log_group_names: Vec<String>,
    /// The commands.
    pub query_string: String,
}

/// A result: its head, and its lines.
#[derive(Debug, PartialEq)]
pub struct Table {
    /// What `display` names.
    pub head: Vec<String>,
    /// One value for each of `head`, empty where the event has none.
    pub lines: Vec<Vec<String>>,
}

/// One event, with the fields that the query has made.
struct Line<'a> {
    event: &'a Value,
    made: BTreeMap<&'a str, String>,
}

impl Line<'_> {
    /// `coalesce(a, b)`, which is the first that the event has, `replace(a, "from", "to")`, or a value.
    fn evaluate(&self, expression: &str) -> anyhow::Result<Option<String>> {
        let Some((function, rest)) = expression.split_once('(') else {
            return Ok(self.value(expression));
        };
        let rest = rest.strip_suffix(')').context("a parenthesis")?;
        let values = arguments(rest).into_iter().map(|one| self.evaluate(one));
        let mut values: Vec<Option<String>> = values.collect::<anyhow::Result<_>>()?;
        Ok(match (function, values.as_mut_slice()) {
            ("coalesce", values) => values.iter_mut().find_map(Option::take),
            ("replace", [of, Some(from), Some(to)]) => of.take().map(|of| of.replace(&*from, to)),
            _ => bail!("{expression} is not modelled"),
        })
    }

    /// `"text"`, `@timestamp`, a field that was made, or a path into the event.
    fn value(&self, name: &str) -> Option<String> {
        if let Some(text) = name.strip_prefix('"') {
            return Some(text.trim_end_matches('"').to_owned());
        }
        if let Some(made) = self.made.get(name) {
            return Some(made.clone());
        }
        let path = if name == "@timestamp" { "time" } else { name };
        match self
            .event
            .pointer(&format!("/{}", path.replace('.', "/")))?
        {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

impl SavedQuery {
    /// What the query finds in these events of its log groups.
    ///
    /// # Errors
    /// Where it asks for something that is not modelled.
    pub fn run(&self, events: &[Value]) -> anyhow::Result<Table> {
        let code = self.query_string.lines();
        let code: String = code.filter(|line| !line.starts_with('#')).collect();
        let line = |event| Line {
            event,
            made: BTreeMap::new(),
        };
        let mut lines: Vec<Line<'_>> = events.iter().map(line).collect();
        let mut head = Vec::new();
        for command in code.split('|') {
            let command = command.trim();
            let (verb, rest) = command.split_once(' ').context("a command")?;
            match verb {
                "fields" => make(rest, &mut lines)?,
                "display" => head = rest.split(',').map(|name| name.trim().to_owned()).collect(),
                "sort" => sort(rest, &mut lines)?,
                "limit" => lines.truncate(rest.parse().context("limit")?),
                other => bail!("{other} is not modelled"),
            }
        }
        let values = |line: &Line<'_>| {
            let values = head.iter().map(|name| line.value(name));
            values.map(Option::unwrap_or_default).collect()
        };
        Ok(Table {
            lines: lines.iter().map(values).collect(),
            head,
        })
    }
}

/// `expression as name`.
fn make<'a>(rest: &'a str, lines: &mut [Line<'a>]) -> anyhow::Result<()> {
    let (expression, name) = rest.rsplit_once(" as ").context("as")?;
    for line in lines {
        let value = line.evaluate(expression)?;
        line.made.extend(value.map(|value| (name, value)));
    }
    Ok(())
}

/// The arguments of a function, which may be calls themselves. A text in quotes has no comma and no parenthesis.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(text[from..].trim());
    found
}

fn sort(rest: &str, lines: &mut [Line<'_>]) -> anyhow::Result<()> {
    let order = rest.strip_prefix("@timestamp ").context("sort by time")?;
    ensure!(["asc", "desc"].contains(&order), "sort {rest}");
    lines.sort_by_key(|line| line.value("@timestamp"));
    if order == "desc" {
        lines.reverse();
    }
    Ok(())
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = || std::iter::once(&self.head).chain(&self.lines);
        let width = |at: usize| all().map(|line| line[at].chars().count()).max();
        let widths: Vec<usize> = (0..self.head.len()).filter_map(width).collect();
        for line in all() {
            let cells = line.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}
