//! Command documents: what may be run, and with what.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::error_response::ErrorResponse;

/// A Command document. What its steps do is modelled as one script.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name.
    pub name: String,
    /// What the script takes.
    pub parameters: Vec<DocumentParameter>,
    /// What its steps are called, at least one.
    pub steps: Vec<String>,
    /// What is run.
    pub script: Arc<str>,
    /// `timeoutSeconds` as the document has it: a number or `{{ parameter }}`.
    pub timeout_seconds: String,
}

/// A parameter of a document; all are strings.
#[derive(Clone, Debug)]
pub struct DocumentParameter {
    /// Its name.
    pub name: String,
    /// Its value if none is given; without it the parameter is required.
    pub default: Option<String>,
    /// What a value must match.
    pub allowed_pattern: Option<Regex>,
    /// What a value must be one of, if anything is listed.
    pub allowed_values: Vec<String>,
}

impl Document {
    /// The parameters of a command, complete and checked.
    pub(super) fn bind(
        &self,
        mut given: BTreeMap<String, Vec<String>>,
    ) -> Result<BTreeMap<String, String>, ErrorResponse> {
        let mut bound = BTreeMap::new();
        for parameter in &self.parameters {
            let value = match given.remove(&parameter.name) {
                Some(values) => one(&parameter.name, values)?,
                None => parameter.default.clone().ok_or_else(|| {
                    invalid(format!(
                        "Parameter \"{}\" requires a value.",
                        parameter.name
                    ))
                })?,
            };
            parameter.check(&value)?;
            bound.insert(parameter.name.clone(), value);
        }
        if let Some(name) = given.keys().next() {
            return Err(invalid(format!(
                "Parameter \"{name}\" is not defined in document {}.",
                self.name
            )));
        }
        Ok(bound)
    }

    /// The execution time-out. What is no number from 5 to 172800 is silently an hour.
    pub(super) fn time_out(&self, parameters: &BTreeMap<String, String>) -> Duration {
        let text = self.timeout_seconds.trim();
        let name = text
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        let text = match name {
            Some(name) => parameters.get(name.trim()).map_or("", String::as_str),
            None => text,
        };
        let seconds = text
            .parse()
            .ok()
            .filter(|seconds| (5..=172_800).contains(seconds));
        Duration::from_secs(seconds.unwrap_or(3600))
    }
}

impl DocumentParameter {
    fn check(&self, value: &str) -> Result<(), ErrorResponse> {
        let listed = self.allowed_values.iter().any(|allowed| allowed == value);
        if !self.allowed_values.is_empty() && !listed {
            return Err(invalid(format!(
                "Parameter \"{}\" is none of the allowed values.",
                self.name
            )));
        }
        match &self.allowed_pattern {
            Some(pattern) if !pattern.is_match(value) => Err(invalid(format!(
                "Parameter \"{}\" does not match the allowed pattern {pattern}.",
                self.name
            ))),
            _ => Ok(()),
        }
    }
}

fn one(name: &str, values: Vec<String>) -> Result<String, ErrorResponse> {
    match <[String; 1]>::try_from(values) {
        Ok([value]) => Ok(value),
        Err(values) => Err(invalid(format!(
            "Parameter \"{name}\" takes one value, not {}.",
            values.len()
        ))),
    }
}

fn invalid(message: String) -> ErrorResponse {
    ErrorResponse::new("InvalidParameters", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(timeout_seconds: &str) -> Document {
        Document {
            name: "mount".to_owned(),
            parameters: vec![DocumentParameter {
                name: "RunId".to_owned(),
                default: None,
                allowed_pattern: Some(Regex::new("^[a-z0-9-]+$").unwrap()),
                allowed_values: vec!["run-1".to_owned(), "run-2".to_owned()],
            }],
            steps: vec!["mount".to_owned()],
            script: Arc::from(""),
            timeout_seconds: timeout_seconds.to_owned(),
        }
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), vec![(*value).to_owned()]);
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn parameters_are_complete_known_and_as_the_document_wants() {
        let document = document("60");
        assert_eq!(
            document.bind(given(&[("RunId", "run-1")])).unwrap()["RunId"],
            "run-1"
        );
        for wrong in [
            &[][..],
            &[("RunId", "$(reboot)")],
            &[("RunId", "run-3")],
            &[("RunId", "run-1"), ("More", "x")],
        ] {
            assert_eq!(
                document.bind(given(wrong)).unwrap_err().code,
                "InvalidParameters"
            );
        }
    }

    #[test]
    fn a_time_out_that_cannot_be_read_is_an_hour() {
        let parameters = BTreeMap::from([("executionTimeout".to_owned(), "7200".to_owned())]);
        let seconds = |text| document(text).time_out(&parameters).as_secs();
        assert_eq!(seconds("60"), 60);
        assert_eq!(seconds("{{ executionTimeout }}"), 7200);
        assert_eq!(seconds("{{ nothing }}"), 3600);
        assert_eq!(seconds("4"), 3600);
        assert_eq!(seconds("172801"), 3600);
    }
}
