//! A function's response to its caller and its destination.

use serde::Serialize;
use serde_json::value::RawValue;

/// JSON as it is sent: in lines, and in the order that it was written in, for people to read.
#[derive(Debug, Default, Serialize)]
pub struct Reply(Option<Box<RawValue>>);

impl Reply {
    /// That value.
    pub fn of<T: Serialize>(value: &T) -> Self {
        let text = serde_json::to_string_pretty(value);
        Self(text.and_then(RawValue::from_string).ok())
    }

    /// The JSON; `null` where there is nothing to say.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.as_deref().map_or("null", RawValue::get)
    }
}
