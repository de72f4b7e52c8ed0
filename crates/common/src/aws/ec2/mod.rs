//! Calls of EC2: instances, snapshots and volumes, with the states that matter here.

mod dry_run;
mod instances;
mod key;
mod performance;
mod snapshot_filters;
mod snapshots;
mod volume_tags;
mod volumes;

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, Tag};

pub use dry_run::{may_attach, may_create, may_delete, may_detach, may_tag};
pub use instances::{
    Instance, backed_up_instance, instance_state, is_same_device, running_instance,
};
pub use key::Key;
pub use performance::Performance;
pub use snapshot_filters::SnapshotFilters;
pub use snapshots::{
    COPIED, Snapshot, SnapshotState, Tagged, snapshot, snapshot_matching, snapshots_of,
    tag_snapshot, verdict_of,
};
pub use volume_tags::VolumeTags;
pub use volumes::{
    Asked, Attachment, NewVolume, Volume, VolumeState, attach, create, delete, detach,
    test_volumes, volume, volumes_of_environment, volumes_of_run,
};

/// The tags that the check writes, and by which it finds its resources.
pub mod tags {
    /// On a test volume, `True`: the check made it, and may delete it.
    pub const TEST: &str = "IBBackupTest";
    /// On a test volume: the run that holds it.
    pub const RUN: &str = "IBBackupRun";
    /// On a test volume: the `Name` of the instance that it is for. Runs for one test instance
    /// exclude each other by it.
    pub const TEST_INSTANCE: &str = "IBBackupTestInstance";
    /// On a test volume: the environment whose stack made it. No other stack may touch it.
    pub const ENVIRONMENT: &str = "IBBackupEnvironment";
    /// On an instance, `True`: runs may use it although the settings do not name it.
    pub const TEST_HOST: &str = "IBBackupTestHost";
    /// On a snapshot: the verdict, `True` or `False`.
    pub const VALID: &str = "DBBackupValid";
    /// On a snapshot: when the test ended, RFC 3339.
    pub const CHECKED_AT: &str = "DBBackupCheckedAt";
    /// On a snapshot: the run that gave the verdict.
    pub const CHECK_RUN: &str = "DBBackupCheckRun";
    /// On a snapshot: what was covered, or what was found.
    pub const CHECK_DETAIL: &str = "DBBackupCheckDetail";
}

/// EC2 reads are eventually consistent: a resource unseen for this many polling intervals (one
/// minute by default) is treated as gone.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>
pub const OUT_OF_SIGHT: u32 = 4;

/// AWS's tags as a map.
fn tag_map(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .collect()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// The largest page of a list. AWS advises to ask for pages in accounts that hold much.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-pagination.html>
const PAGE: i32 = 1000;

/// A filter for exactly this value: `*`, `?` and `\` are its own characters, not EC2's wildcards.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>
fn filter(name: &str, value: &str) -> Filter {
    let mut literal = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '*' | '?' | '\\') {
            literal.push('\\');
        }
        literal.push(letter);
    }
    Filter::builder().name(name).values(literal).build()
}

/// A filter in a person's own words: `*` and `?` are wildcards.
fn wildcard_filter(name: &str, values: &[&str]) -> Filter {
    let values = values.iter().map(|&value| value.to_owned()).collect();
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

#[cfg(test)]
mod tests;
