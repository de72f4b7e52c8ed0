//! Patterns of the fields of an event. An id or a name that matches is no wildcard, no path and no
//! second line wherever it is inserted; the documents of template.yaml enforce the same patterns.

use serde_json::Value;

use crate::error::{Error, Kind, Result};

/// A kind of text.
struct Pattern {
    fits: fn(&str) -> bool,
    words: &'static str,
}

const RUN: Pattern = Pattern {
    fits: |text| is_word(text, 64),
    words: "a run id is 1 to 64 letters, digits and hyphens",
};
const COMMAND: Pattern = Pattern {
    fits: |text| is_word(text, 64),
    words: "a command id is 1 to 64 letters, digits and hyphens",
};
const SNAPSHOT: Pattern = Pattern {
    fits: |text| is_id(text, &["snap-"]),
    words: "a snapshot id is `snap-` with lower-case letters and digits",
};
const VOLUME: Pattern = Pattern {
    fits: |text| is_id(text, &["vol-"]),
    words: "a volume id is `vol-` with lower-case letters and digits",
};
const INSTANCE: Pattern = Pattern {
    fits: |text| is_id(text, &["i-", "mi-"]),
    words: "an instance id is `i-` with lower-case letters and digits",
};
const DEVICE: Pattern = Pattern {
    fits: is_device,
    words: "a device name is such as /dev/sdg",
};
const NAME: Pattern = Pattern {
    fits: is_name,
    words: "a Name tag is 1 to 256 letters, digits, spaces and + - = . _ : / @",
};

/// The fields that have a pattern.
const FIELDS: &[(&str, Pattern)] = &[
    ("run_id", RUN),
    ("run_at_work", RUN),
    ("snapshot_id", SNAPSHOT),
    ("volume_id", VOLUME),
    ("source_volume_id", VOLUME),
    ("dev_ib_backup_instance_id", INSTANCE),
    ("mount_command_id", COMMAND),
    ("test_command_id", COMMAND),
    ("release_command_id", COMMAND),
    ("device", DEVICE),
    ("production_device", DEVICE),
    ("test_device", DEVICE),
    ("production_instance_name", NAME),
    ("test_instance_name", NAME),
];

/// Checks each string of an event that has a pattern. Other types are left to serde.
pub(super) fn check(event: &Value) -> Result<()> {
    for (name, pattern) in FIELDS {
        let text = event.get(name).and_then(Value::as_str);
        if let Some(text) = text.filter(|text| !(pattern.fits)(text)) {
            return Err(unfit(name, text, pattern));
        }
    }
    Ok(())
}

/// The string in a field, if it matches the field's pattern.
#[must_use]
pub fn text<'a>(event: &'a Value, field: &str) -> Option<&'a str> {
    let (_, pattern) = FIELDS.iter().find(|(name, _)| *name == field)?;
    let text = event.get(field)?.as_str()?;
    (pattern.fits)(text).then_some(text)
}

/// Checks the request id in Lambda's record, which may become a run id.
pub(super) fn check_request_id(text: &str) -> Result<()> {
    if (RUN.fits)(text) {
        return Ok(());
    }
    Err(unfit("requestContext.requestId", text, &RUN))
}

fn unfit(field: &str, text: &str, pattern: &Pattern) -> Error {
    let shown: String = text.chars().take(60).collect();
    let words = pattern.words;
    Error::new(
        Kind::BadEvent,
        format!(
            "cannot use this event at `{field}`: it is {shown:?}, and {words}; the payload of \
             each step is described in docs/events.md"
        ),
    )
}

fn is_word(text: &str, longest: usize) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=longest).contains(&text.len()) && text.bytes().all(fits)
}

fn is_id(text: &str, prefixes: &[&str]) -> bool {
    let rest = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
    rest.is_some_and(|rest| (1..=40).contains(&rest.len()) && rest.bytes().all(is_low))
}

fn is_device(text: &str) -> bool {
    let name = text.strip_prefix("/dev/").unwrap_or_default().as_bytes();
    (2..=31).contains(&name.len())
        && name[0].is_ascii_lowercase()
        && name.iter().copied().all(is_low)
}

fn is_low(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// The characters that every AWS service allows in a tag; no wildcard of a filter is among them.
fn is_name(text: &str) -> bool {
    let fits = |letter: char| letter.is_alphanumeric() || " +-=._:/@".contains(letter);
    (1..=256).contains(&text.chars().count()) && text.chars().all(fits)
}
