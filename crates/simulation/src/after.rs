//! The nights after a bad night: another bad night if the plan has one, then a clean night.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::inject::{Before, is_over, set_up};
use super::plan::{BOUND, NEXT_SNAPSHOTS, bound, start_fields};
use super::{Plan, PlannedFault, invariants};
use crate::environment::{Environment, is_own};
use aws_stand_in::Snapshot;
use common::time::Timestamp;

/// The next night, with faults of its own, on a good backup.
pub(super) async fn bad_night(
    night: &Arc<Environment>,
    plan: &Plan,
    began: SystemTime,
) -> Vec<String> {
    let snapshot = next_day(night, began, 1).await;
    let before = Before::now(night);
    let aws = &night.stack.aws;
    let earlier = (aws.events().len(), night.stack.lambda.given_up().len());
    let began = Timestamp::from(aws.clock().now()).unix_seconds();
    let detached = invariants::detached(night).len();
    let (_, mut acts) = set_up(night, &plan.next, None);
    start(night, &plan.next);
    let ended = is_over(night, &mut acts, bound(&plan.next)).await;
    let mut violations = Vec::new();
    if !ended {
        violations.push("5: the next night has not ended".to_owned());
    }
    violations.extend(invariants::detached(night).split_off(detached));
    // Without what the first night left in the account.
    let mut ending = night.ending();
    ending.tags = aws.snapshot_tags(snapshot);
    ending.points.retain(|point| point.timestamp >= began);
    ending.events.drain(..earlier.0);
    ending.given_up.drain(..earlier.1);
    ending
        .deliveries
        .retain(|one| one.accepted.number >= before.events);
    if let Some("False") = ending.tag() {
        violations.push("2: the next night found a fault in a good backup".to_owned());
    }
    violations.extend(invariants::one_of_each(night));
    violations.extend(invariants::tag_and_metric(night, &plan.next, &ending));
    violations.extend(invariants::instant_of_verdict(night, &plan.next, &ending));
    violations.extend(invariants::somebody_knows(&plan.next, &ending));
    violations
}

/// A clean night: it must end valid, and nothing of it or of earlier nights may be left.
pub(super) async fn clean_night(night: &Environment, began: SystemTime, days: u32) -> Vec<String> {
    let aws = &night.stack.aws;
    let snapshot = next_day(night, began, days).await;
    let earlier = night.ending().valid().len();
    start(night, &[]);
    if !aws.clock().within(BOUND, night.stack.lambda.idle()).await {
        return vec!["1: the clean night has not ended".to_owned()];
    }
    let mut violations = Vec::new();
    let mut left = night.left();
    left.retain(is_own);
    if !left.is_empty() {
        violations.push(format!("1: left after the clean night: {left:?}"));
    }
    let tag = aws.snapshot_tags(snapshot).get("DBBackupValid").cloned();
    if tag.as_deref() != Some("True") {
        violations.push(format!("1: the clean night ended with {tag:?}"));
    }
    let sent = night.ending().valid().split_off(earlier);
    if sent != [1.0] {
        violations.push(format!("2: the metric of the clean night is {sent:?}"));
    }
    violations
}

/// Starts an ordinary run, with the fields that these faults need. The fields of the first night
/// were for that night only.
fn start(night: &Environment, faults: &[PlannedFault]) {
    let mut event = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
    for (field, value) in start_fields(faults, night) {
        event[field] = value;
    }
    night.start_with(event);
}

/// Waits until `days` days after the first night, and makes that night's snapshot.
async fn next_day(night: &Environment, began: SystemTime, days: u32) -> &'static str {
    let aws = &night.stack.aws;
    let day = Duration::from_hours(24);
    aws.clock().sleep_until(began + day * days).await;
    let snapshot = NEXT_SNAPSHOTS[days as usize - 1];
    let volume = &night.stack.fixture.production_volume_id;
    let half_past = aws.clock().now() - Duration::from_mins(30);
    aws.add_snapshot(Snapshot::completed(snapshot, volume, half_past));
    snapshot
}
