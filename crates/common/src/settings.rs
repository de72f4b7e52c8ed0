//! Settings: environment variables, read once at start.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// Reads settings and remembers each that is missing or unreadable, so that one error names
/// them all.
pub struct Settings<'a> {
    variables: &'a BTreeMap<String, String>,
    faults: Vec<String>,
}

impl<'a> Settings<'a> {
    /// Reads from these environment variables.
    #[must_use]
    pub fn new(variables: &'a BTreeMap<String, String>) -> Self {
        Self {
            variables,
            faults: Vec::new(),
        }
    }

    /// A text that must be there and not be empty.
    pub fn text(&mut self, name: &str) -> String {
        let Some(text) = self.variables.get(name).filter(|text| !text.is_empty()) else {
            self.fault(format!("{name} is missing"));
            return String::new();
        };
        text.clone()
    }

    /// A text, or nothing where it is left empty; it may not be left out.
    pub fn text_or_empty(&mut self, name: &str) -> Option<String> {
        if !self.variables.contains_key(name) {
            self.fault(format!("{name} is missing"));
        }
        self.optional(name)
    }

    /// A text that may be missing.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        let text = self.variables.get(name)?;
        (!text.is_empty()).then(|| text.clone())
    }

    /// A whole number of at least 1, or nothing where it is left empty.
    pub fn number_or_empty(&mut self, name: &str) -> Option<i32> {
        let text = self.text_or_empty(name)?;
        let number = text.parse().ok().filter(|number| *number > 0);
        if number.is_none() {
            self.fault(format!(
                "{name} is `{text}`, neither empty nor a whole number of at least 1"
            ));
        }
        number
    }

    /// Whole seconds, at least one.
    pub fn seconds(&mut self, name: &str) -> Duration {
        Duration::from_secs(self.number(name))
    }

    /// Whole hours, at least one.
    pub fn hours(&mut self, name: &str) -> Duration {
        Duration::from_secs(self.number(name).saturating_mul(3600))
    }

    fn number(&mut self, name: &str) -> u64 {
        let text = self.text(name);
        match text.parse() {
            Ok(number) if number > 0 => number,
            _ if text.is_empty() => 1,
            _ => {
                self.fault(format!(
                    "{name} is `{text}`, not a whole number of at least 1"
                ));
                1
            }
        }
    }

    /// Notes a fault, once: two parts of a function may ask for the same setting.
    pub fn fault(&mut self, fault: String) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// An error naming every setting that was missing or unreadable.
    pub fn check(self) -> Result<()> {
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            Kind::BadSettings,
            format!(
                "cannot start: {}; the environment variables are set by template.yaml",
                self.faults.join(", ")
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn names_everything_that_is_missing_or_unreadable() {
        let variables = [("POLL_SECONDS", "soon"), ("ENVIRONMENT", "dev")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let mut settings = Settings::new(&variables);
        settings.text("ENVIRONMENT");
        settings.text("TEST_DEVICE");
        settings.seconds("POLL_SECONDS");
        settings.hours("SNAPSHOT_MAX_AGE_HOURS");
        let error = settings.check().expect_err("three faults").to_string();
        assert!(
            error.starts_with(
                "cannot start: TEST_DEVICE is missing, POLL_SECONDS is `soon`, not a whole number \
                 of at least 1, SNAPSHOT_MAX_AGE_HOURS is missing;"
            ),
            "{error}"
        );
    }

    #[test]
    fn a_number_may_be_left_empty_but_not_out() {
        let read = |value: Option<&str>| {
            let value = value.map(|value| ("VOLUME_IOPS".to_owned(), value.to_owned()));
            let variables = value.into_iter().collect();
            let mut settings = Settings::new(&variables);
            let number = settings.number_or_empty("VOLUME_IOPS");
            settings.check().map(|()| number)
        };
        assert_eq!(read(Some("")).expect("empty"), None);
        assert_eq!(read(Some("3000")).expect("a number"), Some(3000));
        for bad in [None, Some("0"), Some("-1"), Some("many"), Some("3e3")] {
            let error = read(bad).expect_err("no number").to_string();
            assert!(error.contains("VOLUME_IOPS"), "{error}");
        }
    }

    #[test]
    fn zero_is_no_wait() {
        let variables = [("POLL_SECONDS".to_owned(), "0".to_owned())].into();
        let mut settings = Settings::new(&variables);
        settings.seconds("POLL_SECONDS");
        assert!(settings.check().is_err());
    }
}
