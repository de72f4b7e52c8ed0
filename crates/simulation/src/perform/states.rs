//! States of AWS and of the test instance that people have met. The stand-in's tests say where each
//! was reported.

use std::time::Duration;

use serde_json::json;

use crate::OperatorAction;
use crate::environment::Environment;
use aws_stand_in::simulated_host::Along;
use aws_stand_in::{Aws, Instance, InstanceState, Snapshot, TEST_INSTANCE, Tags};

/// The device name of a night, and the other spelling of it.
const DEVICE: &str = "/dev/sdg";
const OTHER_SPELLING: &str = "/dev/xvdg";
/// Somebody else's volume on the test instance.
const THEIRS: &str = "vol-rehearsaltheirs";
/// The snapshots that others make.
pub(crate) const SCANNED: &str = "snap-rehearsalscan";
pub(crate) const COPIED: &str = "snap-rehearsalcopy";
/// A step that a user's own document may have before the one that runs the script.
const STEP_BEFORE: &str = "prepare";
/// The name that the test instance is renamed to.
const OTHER_NAME: &str = "ib02-former.dev.code418.net";

pub(super) async fn bring_about(act: OperatorAction, night: &Environment) {
    let (aws, instance) = (&night.stack.aws, &night.stack.fixture.test_instance_id);
    match act {
        OperatorAction::HoldName => aws.hold_device_name(instance, DEVICE),
        OperatorAction::TakeName => {
            let there = Some((instance.as_str(), OTHER_SPELLING));
            aws.add_volume(THEIRS, "us-east-1a", Tags::new(), there);
        }
        OperatorAction::FillInstance => {
            let attached = aws.volumes().into_iter();
            let attached = attached.filter_map(|volume| volume.attachment);
            let attached = attached.filter(|at| at.instance_id == *instance).count();
            aws.set_most_volumes(instance, Some(attached));
        }
        OperatorAction::HideDevice => night.host.hide_devices(true),
        OperatorAction::TakeAlong => night.host.set_along(Some(Along::Seen)),
        OperatorAction::TakeAlongUnseen => night.host.set_along(Some(Along::Unseen)),
        OperatorAction::Scan => scan(night),
        OperatorAction::AddSteps => set_steps(aws, true),
        OperatorAction::ChangeFunctions => {
            night.stack.lambda.set_pending(true);
            aws.clock().sleep(Duration::from_mins(2)).await;
            night.stack.lambda.set_pending(false);
        }
        OperatorAction::ReplaceProduction => {
            aws.terminate_instance(&night.stack.fixture.production_instance_id);
        }
        OperatorAction::FillTags => fill_tags(night),
        OperatorAction::TestAgain => {
            let snapshot = &night.stack.fixture.snapshot_id;
            night.start_with(json!({"snapshot_id": snapshot}));
        }
        OperatorAction::Rename => aws.tag_by_hand(instance, "Name", OTHER_NAME),
        _ => {}
    }
}

/// Undoes these states, so that the next night is clean.
pub(crate) fn mend(night: &Environment) {
    let (aws, instance) = (&night.stack.aws, &night.stack.fixture.test_instance_id);
    if aws.holds_device_name(instance, DEVICE) {
        aws.reboot_instance(instance);
    }
    aws.delete_by_hand(THEIRS);
    restore_production(night);
    aws.set_most_volumes(instance, None);
    night.host.hide_devices(false);
    night.host.set_along(None);
    night.stack.lambda.set_pending(false);
    set_steps(aws, false);
    let mut instances = aws.instances().into_iter();
    let renamed = |tags: &Tags| tags.get("Name").is_some_and(|name| name == OTHER_NAME);
    if instances.any(|one| one.id == *instance && renamed(&one.tags)) {
        aws.tag_by_hand(instance, "Name", TEST_INSTANCE);
    }
}

fn scan(night: &Environment) {
    let (aws, world) = (&night.stack.aws, &night.stack.fixture);
    let now = aws.clock().now();
    let of = |id: &str, volume: &str, description: &str| Snapshot {
        description: description.to_owned(),
        completes_at: now,
        ..Snapshot::completed(id, volume, now)
    };
    let volume = &world.production_volume_id;
    aws.add_snapshot(of(SCANNED, volume, "taken by a scanner"));
    // A snapshot made by CopySnapshot has no real volume id.
    aws.add_snapshot(of(COPIED, "vol-ffffffff", "nightly"));
}

/// Restores production as it was, on a new instance with the same id.
fn restore_production(night: &Environment) {
    let (aws, world) = (&night.stack.aws, &night.stack.fixture);
    let id = &world.production_instance_id;
    let mut instances = aws.instances().into_iter();
    if instances.any(|one| one.id == *id && one.state == InstanceState::Running) {
        return;
    }
    let (zone, now) = ("us-east-1a", aws.clock().now());
    aws.add_instance(Instance::running(id, &world.production_instance, zone, now));
    let volume = aws.volume(&world.production_volume_id);
    let tags = volume.map(|volume| volume.tags).unwrap_or_default();
    aws.add_volume(&world.production_volume_id, zone, tags, Some((id, DEVICE)));
}

/// How many tags EC2 allows for a snapshot.
const MOST_TAGS: usize = 50;

fn fill_tags(night: &Environment) {
    let (aws, id) = (&night.stack.aws, &night.stack.fixture.snapshot_id);
    let mut number = 0;
    while aws.snapshot_tags(id).len() < MOST_TAGS {
        aws.tag_by_hand(id, &format!("copied-{number}"), "by a backup service");
        number += 1;
    }
}

fn set_steps(aws: &Aws, several: bool) {
    for mut document in aws.documents() {
        document.steps.retain(|step| step != STEP_BEFORE);
        if several {
            document.steps.insert(0, STEP_BEFORE.to_owned());
        }
        aws.add_document(document);
    }
}
