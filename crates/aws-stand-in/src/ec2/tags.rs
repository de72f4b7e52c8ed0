//! Tags, and the rules for them.

use std::collections::BTreeMap;

use crate::error_response::ErrorResponse;

/// Tags of a resource, by key.
pub type Tags = BTreeMap<String, String>;

const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// The tags of a request, as EC2 checks them.
pub(super) fn checked(pairs: Vec<(String, String)>) -> Result<Tags, ErrorResponse> {
    let mut tags = Tags::new();
    for (key, value) in pairs {
        if key.starts_with("aws:") {
            return Err(invalid(
                "Tag keys starting with 'aws:' are reserved for internal use",
            ));
        }
        if key.is_empty() {
            return Err(invalid("Tag key cannot be null or empty."));
        }
        if key.chars().count() > LONGEST_KEY {
            return Err(invalid(
                "Tag key exceeds the maximum length of 128 characters",
            ));
        }
        if value.chars().count() > LONGEST_VALUE {
            return Err(invalid(
                "Tag value exceeds the maximum length of 256 characters",
            ));
        }
        if tags.contains_key(&key) {
            return Err(invalid(&format!("Duplicate tag key '{key}' specified.")));
        }
        tags.insert(key, value);
    }
    Ok(tags)
}

/// The tags of a resource after more were given to it.
pub(super) fn merged(before: &Tags, more: &Tags) -> Result<Tags, ErrorResponse> {
    let mut tags = before.clone();
    tags.extend(more.clone());
    if tags.len() > MOST_TAGS {
        let message = "The maximum number of Tags for a resource has been reached.";
        return Err(ErrorResponse::new("TagLimitExceeded", message));
    }
    Ok(tags)
}

fn invalid(message: &str) -> ErrorResponse {
    ErrorResponse::new("InvalidParameterValue", message)
}
