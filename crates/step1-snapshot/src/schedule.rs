//! When the schedule starts the next run, for the report on status. EventBridge has no call for it.

use chrono::{DateTime, Utc};
use common::settings::Settings;
use common::time::Timestamp;
use croner::parser::{CronParser, Seconds, Year};
use serde::Serialize;

/// The schedule of the stack.
pub(crate) struct Schedule {
    expression: String,
    state: String,
}

/// The next start, as it is reported.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Next {
    /// The expression, `cron(…)` or `rate(…)`.
    schedule: String,
    /// `off`, or on.
    state: &'static str,
    /// When it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

const ON: &str = "on, as the stack was deployed (UTC)";
const OFF: &str = "off";

impl Schedule {
    pub(crate) fn read(settings: &mut Settings) -> Self {
        Self {
            expression: settings.text("SCHEDULE"),
            state: settings.text("SCHEDULE_STATE"),
        }
    }

    /// The first start after `now`.
    pub(crate) fn next(&self, now: Timestamp) -> Next {
        let on = self.state == "ENABLED";
        let known = if on {
            next(&self.expression, now)
        } else {
            Err("the stack's ScheduleState leaves starting to people")
        };
        Next {
            schedule: self.expression.clone(),
            state: if on { ON } else { OFF },
            at: known.ok(),
            note: known.err(),
        }
    }
}

/// The first start after `now`, of an expression that EventBridge takes:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>.
fn next(expression: &str, now: Timestamp) -> Result<Timestamp, &'static str> {
    if expression.starts_with("rate(") {
        return Err("EventBridge counts a rate from when the rule was made or switched on");
    }
    let fields = expression.strip_prefix("cron(");
    let fields = fields.and_then(|rest| rest.strip_suffix(')'));
    let fields = fields.ok_or("neither cron(…) nor rate(…)")?;
    // EventBridge has no seconds, counts days of the week from Sunday as 1, and takes `5/10`.
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(true)
        .sloppy_ranges(true)
        .build();
    let cron = parser.parse(&format!("0 {fields}"));
    let cron = cron.map_err(|_| "the console's page of the rule lists the next starts")?;
    let now: DateTime<Utc> = DateTime::from_timestamp(now.unix_seconds(), 0).unwrap_or_default();
    let next = cron.find_next_occurrence(&now, false);
    let next = next.map_err(|_| "it starts no run any more")?;
    Ok(Timestamp::from_unix_seconds(next.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::{OFF, Schedule};
    use common::time::Timestamp;

    fn next(expression: &str, now: &str) -> super::Next {
        let schedule = Schedule {
            expression: expression.to_owned(),
            state: "ENABLED".to_owned(),
        };
        schedule.next(Timestamp::parse(now).expect("a time"))
    }

    /// The examples of EventBridge's documentation, and each of its wildcards.
    #[test]
    fn the_next_start_of_what_eventbridge_takes() {
        // A Friday.
        let now = "2026-11-27T02:00:00Z";
        for (expression, expected) in [
            ("cron(0 2 * * ? *)", "2026-11-28T02:00:00Z"),
            ("cron(1 2 * * ? *)", "2026-11-27T02:01:00Z"),
            ("cron(0 10 * * ? *)", "2026-11-27T10:00:00Z"),
            ("cron(15 12 * * ? *)", "2026-11-27T12:15:00Z"),
            ("cron(0 18 ? * MON-FRI *)", "2026-11-27T18:00:00Z"),
            ("cron(0 1 ? * MON-FRI *)", "2026-11-30T01:00:00Z"),
            ("cron(0 8 1 * ? *)", "2026-12-01T08:00:00Z"),
            ("cron(0/15 * * * ? *)", "2026-11-27T02:15:00Z"),
            ("cron(5/10 * * * ? *)", "2026-11-27T02:05:00Z"),
            ("cron(0/10 * ? * MON-FRI *)", "2026-11-27T02:10:00Z"),
            ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-27T08:00:00Z"),
            ("cron(0 9 ? * 2#1 *)", "2026-12-07T09:00:00Z"),
            ("cron(0 9 ? * 1 *)", "2026-11-29T09:00:00Z"),
            ("cron(0 9 ? * 7 *)", "2026-11-28T09:00:00Z"),
            ("cron(0 10 ? * 6L *)", "2026-11-27T10:00:00Z"),
            ("cron(0 1 ? * 6L *)", "2026-12-25T01:00:00Z"),
            ("cron(0 2 L * ? *)", "2026-11-30T02:00:00Z"),
            ("cron(0 2 6W * ? *)", "2026-12-07T02:00:00Z"),
            ("cron(0 2 1 JAN,JUL ? *)", "2027-01-01T02:00:00Z"),
            ("cron(15 10 ? * 6L 2027-2028)", "2027-01-29T10:15:00Z"),
            ("cron(0 2 29 2 ? *)", "2028-02-29T02:00:00Z"),
        ] {
            let told = next(expression, now);
            assert_eq!(
                told.at,
                Timestamp::parse(expected),
                "{expression}: {told:?}"
            );
            assert_eq!(told.note, None);
        }
    }

    #[test]
    fn says_why_the_next_start_is_not_known() {
        let now = "2026-11-27T02:00:00Z";
        for (expression, why) in [
            ("rate(1 day)", "EventBridge counts a rate from"),
            ("cron(0 2 * * ? 2025)", "it starts no run any more"),
            ("cron(0 2 * *)", "the console's page"),
            ("at(2026-11-28T02:00:00)", "neither"),
        ] {
            let told = next(expression, now);
            assert_eq!(told.at, None, "{expression}");
            let note = told.note.expect(expression);
            assert!(note.starts_with(why), "{expression}: {note}");
        }
        let off = Schedule {
            expression: "cron(0 2 * * ? *)".to_owned(),
            state: "DISABLED".to_owned(),
        };
        let told = off.next(Timestamp::parse(now).expect("a time"));
        assert_eq!((told.state, told.at), (OFF, None));
    }
}
