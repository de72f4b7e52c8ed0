//! The night after a bad one.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::plan::{BOUND, NEXT_SNAPSHOT};
use super::run::is_own;
use crate::environment::Environment;
use aws_stand_in::Snapshot;

/// The night after, with nothing wrong: it must be valid and leave nothing, its own or older.
pub(super) async fn clean_night(night: &Environment, began: SystemTime) -> Vec<String> {
    let aws = &night.stack.aws;
    aws.clock()
        .sleep_until(began + Duration::from_hours(24))
        .await;
    let volume = &night.stack.fixture.production_volume_id;
    let half_past = aws.clock().now() - Duration::from_mins(30);
    aws.add_snapshot(Snapshot::completed(NEXT_SNAPSHOT, volume, half_past));
    // An ordinary run: what the first night was told was for that night.
    night.start_with(json!({"source": "aws.events", "detail-type": "Scheduled Event"}));
    if !aws.clock().within(BOUND, night.stack.lambda.idle()).await {
        return vec!["1: the clean night after it has not ended".to_owned()];
    }
    let mut violations = Vec::new();
    let mut left = night.left();
    left.retain(is_own);
    if !left.is_empty() {
        violations.push(format!("1: left after the clean night: {left:?}"));
    }
    let tag = aws
        .snapshot_tags(NEXT_SNAPSHOT)
        .get("DBBackupValid")
        .cloned();
    if tag.as_deref() != Some("True") {
        violations.push(format!("1: the clean night ended with {tag:?}"));
    }
    violations
}
