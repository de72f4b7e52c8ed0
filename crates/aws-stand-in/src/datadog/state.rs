//! What Datadog has taken, and how it answers.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How Datadog answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DatadogReply {
    /// As it should.
    #[default]
    Normal,
    /// With this, whatever was sent; nothing is recorded.
    Answer {
        /// HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Not at all.
    Never,
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Name of the metric.
    pub metric: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// Seconds since 1970.
    pub timestamp: i64,
    /// The value that was sent last.
    pub value: f64,
}

/// An event.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its title.
    pub title: String,
    /// At most 4000 characters.
    pub text: String,
    /// `error`, `warning`, `info` or `success`.
    #[serde(default)]
    pub alert_type: Option<String>,
    /// Groups events, at most 100 characters.
    #[serde(default)]
    pub aggregation_key: Option<String>,
    /// Seconds since 1970.
    #[serde(default)]
    pub date_happened: Option<i64>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Metric, tags and time: a second value for the same takes the place of the first.
type Place = (String, Vec<String>, i64);

/// All of Datadog.
pub(crate) struct Datadog {
    pub api_key: String,
    pub reply: DatadogReply,
    pub points: BTreeMap<Place, f64>,
    /// Accepted and thrown away, as Datadog does with what is too old.
    pub dropped: Vec<Point>,
    pub events: Vec<Event>,
}

impl Default for Datadog {
    fn default() -> Self {
        Self {
            api_key: "rehearsal-datadog-api-key".to_owned(),
            reply: DatadogReply::Normal,
            points: BTreeMap::new(),
            dropped: Vec::new(),
            events: Vec::new(),
        }
    }
}
