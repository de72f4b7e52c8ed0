//! Command documents: what may be run, and with what.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::error_response::ErrorResponse;
use crate::template::{DocumentParameter, bind, execution_timeout};

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

impl Document {
    /// The parameters of a command, complete and checked.
    pub(super) fn bind(
        &self,
        given: &BTreeMap<String, Vec<String>>,
    ) -> Result<BTreeMap<String, String>, ErrorResponse> {
        bind(&self.name, &self.parameters, given)
            .map_err(|error| ErrorResponse::new("InvalidParameters", error.to_string()))
    }

    /// The execution time-out of a command with these parameters.
    pub(super) fn time_out(&self, parameters: &BTreeMap<String, String>) -> Duration {
        execution_timeout(&self.timeout_seconds, parameters)
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn document(timeout_seconds: &str) -> Document {
        Document {
            name: "mount".to_owned(),
            parameters: vec![DocumentParameter {
                name: "RunId".to_owned(),
                default: None,
                allowed_pattern: Some(Regex::new("^[a-z0-9-]+$").unwrap()),
                allowed_values: vec!["run-1".to_owned(), "run-2".to_owned()],
                env_var: true,
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
            document.bind(&given(&[("RunId", "run-1")])).unwrap()["RunId"],
            "run-1"
        );
        for wrong in [
            &[][..],
            &[("RunId", "$(reboot)")],
            &[("RunId", "run-3")],
            &[("RunId", "run-1"), ("More", "x")],
        ] {
            assert_eq!(
                document.bind(&given(wrong)).unwrap_err().code,
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
