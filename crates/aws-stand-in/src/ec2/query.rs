//! The form in which EC2 takes its parameters. What no operation asks for is not modelled.

use std::collections::BTreeMap;

use super::tags::{self, Tags};
use crate::error_response::ErrorResponse;

/// The parameters that have not been asked for yet.
#[derive(Clone, Debug)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub fn read(body: &[u8]) -> Result<Self, ErrorResponse> {
        let pairs = serde_urlencoded::from_bytes(body)
            .map_err(|error| ErrorResponse::new("MalformedQueryString", error.to_string()))?;
        let mut query = Self(pairs);
        match query.take("Version").as_deref() {
            Some("2016-11-15") => Ok(query),
            version => Err(ErrorResponse::not_modelled(format!(
                "API version {version:?}"
            ))),
        }
    }

    /// A parameter, if it is there.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// A parameter that must be there.
    pub fn need(&mut self, name: &str) -> Result<String, ErrorResponse> {
        self.take(name).ok_or_else(|| {
            let message = format!("The request must contain the parameter {name}");
            ErrorResponse::new("MissingParameter", message)
        })
    }

    /// Whether the call only asks whether it may be made.
    pub fn is_dry_run(&mut self) -> Result<bool, ErrorResponse> {
        Ok(self.parse("DryRun")?.unwrap_or(false))
    }

    /// A number or a truth value, if it is there.
    pub fn parse<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, ErrorResponse> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let invalid = |_| {
            let message = format!("Value ({value}) for parameter {name} is invalid.");
            ErrorResponse::new("InvalidParameterValue", message)
        };
        value.parse().map(Some).map_err(invalid)
    }

    /// `name.1`, `name.2` and so on.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        (1..)
            .map_while(|n| self.take(&format!("{name}.{n}")))
            .collect()
    }

    /// `<prefix>.1.Key`, `<prefix>.1.Value` and so on.
    pub fn tags(&mut self, prefix: &str) -> Result<Tags, ErrorResponse> {
        let mut pairs = Vec::new();
        while let Some(key) = self.take(&format!("{prefix}.{}.Key", pairs.len() + 1)) {
            let value = self.take(&format!("{prefix}.{}.Value", pairs.len() + 1));
            pairs.push((key, value.unwrap_or_default()));
        }
        tags::checked(pairs)
    }

    /// The tags to give to a new resource of that kind.
    pub fn tag_specification(&mut self, kind: &str) -> Result<Tags, ErrorResponse> {
        match self.take("TagSpecification.1.ResourceType") {
            None => Ok(Tags::new()),
            Some(given) if given == kind => self.tags("TagSpecification.1.Tag"),
            Some(given) => {
                let message =
                    format!("'{given}' is not a valid taggable resource type for this operation.");
                Err(ErrorResponse::new("InvalidParameterValue", message))
            }
        }
    }

    /// All that is left, for comparing two requests.
    pub fn rest(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Everything has been asked for, or the request means something that is not modelled.
    pub fn finish(self) -> Result<(), ErrorResponse> {
        if self.0.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.0.into_keys().collect();
        Err(ErrorResponse::not_modelled(format!(
            "parameters {}",
            names.join(", ")
        )))
    }
}
