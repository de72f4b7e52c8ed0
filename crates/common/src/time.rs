//! One instant, written as people and AWS write it: RFC 3339, UTC.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(DateTime);

impl Timestamp {
    /// Reads RFC 3339, as `2026-03-01T02:00:00Z`. `None` where the text is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::from_str(text, Format::DateTimeWithOffset)
            .ok()
            .map(Self::from)
    }

    /// So many seconds after 1970 began.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(DateTime::from_secs(seconds))
    }

    /// Whole seconds since 1970, as Datadog counts time.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.secs()
    }

    /// The second that this instant is in.
    #[must_use]
    pub fn whole_second(self) -> Self {
        Self(DateTime::from_secs(self.0.secs()))
    }

    /// The instant so long before.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self(DateTime::from_secs(self.0.secs().saturating_sub(seconds)))
    }

    /// Seconds from `earlier` to this instant, to the millisecond; zero where the clocks say
    /// otherwise.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.since(earlier).as_secs_f64()
    }

    /// The time from `earlier` to this instant; zero where the clocks say otherwise.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let millis = |time: Self| time.0.to_millis().unwrap_or(i64::MAX);
        let passed = millis(self).saturating_sub(millis(earlier));
        Duration::from_millis(passed.try_into().unwrap_or(0))
    }
}

impl From<DateTime> for Timestamp {
    fn from(time: DateTime) -> Self {
        let millis = time.subsec_nanos() / 1_000_000;
        Self(DateTime::from_secs_and_nanos(
            time.secs(),
            millis * 1_000_000,
        ))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        DateTime::from(time).into()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.fmt(Format::DateTime).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is not a time in RFC 3339, such as 2026-03-01T02:00:00Z"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn reads_what_it_writes_and_keeps_milliseconds() {
        let time = Timestamp::parse("2026-03-01T02:00:00.25Z").expect("a time");
        assert_eq!(time.to_string(), "2026-03-01T02:00:00.25Z");
        let offset = Timestamp::parse("2026-03-01T03:00:00.25+01:00").expect("a time");
        assert_eq!(offset, time);
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}
