//! Condition keys of EC2's requests.

use super::tags::Tags;
use crate::account::{Conditions, condition};

/// The condition keys that tell a resource's tags.
pub(super) fn resource_tags(tags: &Tags) -> Conditions {
    let pairs = tags.iter().flat_map(|(key, value)| {
        let ec2 = condition(format!("ec2:ResourceTag/{key}"), value);
        [ec2, condition(format!("aws:ResourceTag/{key}"), value)]
    });
    pairs.collect()
}

/// The condition keys that tell the tags of a request.
pub(super) fn request_tags(tags: &Tags) -> Conditions {
    let pairs = tags
        .iter()
        .map(|(key, value)| condition(format!("aws:RequestTag/{key}"), value));
    let mut conditions: Conditions = pairs.collect();
    if !tags.is_empty() {
        conditions.push(("aws:TagKeys".to_owned(), tags.keys().cloned().collect()));
    }
    conditions
}
