//! Known behaviour of AWS and of test instances. These tests check what people read, not only how
//! the night ended.

use std::sync::Arc;
use std::time::Duration;

use aws_stand_in::simulated_host::Along;
use aws_stand_in::{Fault, Tags};
use serde_json::json;
use simulation::environment::{Ending, Environment};

/// Plays a night with this fault from the start.
async fn night(meddle: impl FnOnce(&Environment)) -> Ending {
    let night = Environment::new();
    meddle(&night);
    night.play().await
}

fn instance(night: &Environment) -> &str {
    &night.stack.fixture.test_instance_id
}

#[tokio::test(start_paused = true)]
async fn a_held_device_name_is_named_with_what_to_do_and_the_volume_is_given_back() {
    let ending = night(|night| {
        night
            .stack
            .aws
            .hold_device_name(instance(night), "/dev/sdg");
    })
    .await;
    ending.assert_undetermined("choose another TestDevice, or reboot the test instance");
}

/// The step recognizes the other spelling of the name before it creates anything.
#[tokio::test(start_paused = true)]
async fn a_device_name_that_is_taken_in_its_other_spelling_is_named() {
    let taken = |night: &Environment| {
        let there = Some((instance(night), "/dev/xvdg"));
        let aws = &night.stack.aws;
        aws.add_volume("vol-rehearsaltheirs", "us-east-1a", Tags::new(), there);
    };
    let ending = night(taken).await;
    ending.assert_undetermined("vol-rehearsaltheirs");
    assert_eq!(ending.made, 0);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_takes_no_more_volumes_is_named() {
    let full = |night: &Environment| night.stack.aws.set_most_volumes(instance(night), Some(1));
    night(full)
        .await
        .assert_undetermined("AttachmentLimitExceeded");
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_shows_no_device_is_the_hosts_trouble() {
    let hidden = |night: &Environment| night.host.hide_devices(true);
    night(hidden).await.assert_undetermined("HostFailed");
}

/// The error names who holds the mount, and the volume is not detached by force.
#[tokio::test(start_paused = true)]
async fn a_mount_that_was_taken_along_is_named_and_not_taken_by_force() {
    let night = Environment::new();
    night.host.set_along(Some(Along::Seen));
    let ending = night.play().await;
    assert_eq!(ending.tag(), Some("True"));
    assert!(!ending.events.is_empty());
    for event in &ending.events {
        assert!(
            event.text.contains("in another mount namespace"),
            "{}",
            event.text
        );
    }
    assert_eq!(ending.left.len(), 1, "{:?}", ending.left);
    assert!(!forced(&night));
}

/// If the script cannot see who holds the mount, force is used as the last resort.
#[tokio::test(start_paused = true)]
async fn a_mount_that_nobody_sees_is_taken_by_force_in_the_end() {
    let night = Environment::new();
    night.host.set_along(Some(Along::Unseen));
    let ending = night.play().await;
    assert_eq!(ending.tag(), Some("True"));
    assert_eq!(ending.left, Vec::<String>::new());
    assert!(forced(&night));
}

fn forced(night: &Environment) -> bool {
    let mut calls = night.stack.aws.calls().into_iter();
    calls.any(|call| call.call.action == "DetachVolume" && call.parameters.contains("Force=true"))
}

/// <https://github.com/remotion-dev/remotion/issues/1186>
#[tokio::test(start_paused = true)]
async fn functions_that_are_pending_for_two_minutes_cost_nothing() {
    let night = Arc::new(Environment::new());
    let (lambda, clock) = (&night.stack.lambda, night.stack.aws.clock());
    night.start_run();
    clock.sleep(Duration::from_secs(8)).await;
    lambda.set_pending(true);
    clock.sleep(Duration::from_mins(2)).await;
    lambda.set_pending(false);
    lambda.idle().await;
    let refused = night.stack.aws.calls().into_iter();
    let refused = refused.filter(|call| call.outcome.contains("409"));
    assert!(refused.count() > 0, "nothing was refused");
    let ending = night.ending();
    assert_eq!(ending.tag(), Some("True"));
    assert_eq!(ending.left, Vec::<String>::new());
}

/// A copied snapshot, which has no real volume id, is not the backup, nor is a scanner's snapshot.
#[tokio::test(start_paused = true)]
async fn of_several_makers_the_one_of_the_filter_counts() {
    let night = Environment::new().starting_with("snapshot_filters", json!("description=nightly*"));
    let aws = &night.stack.aws;
    let now = aws.clock().now();
    for (id, volume, description) in [
        (
            "snap-rehearsalscan",
            night.stack.fixture.production_volume_id.as_str(),
            "a scanner's",
        ),
        ("snap-rehearsalcopy", "vol-ffffffff", "nightly"),
    ] {
        aws.add_snapshot(aws_stand_in::Snapshot {
            completes_at: now,
            description: description.to_owned(),
            ..aws_stand_in::Snapshot::completed(id, volume, now)
        });
    }
    let ending = night.play().await;
    ending.assert_verdict(true);
    for id in ["snap-rehearsalscan", "snap-rehearsalcopy"] {
        assert_eq!(night.stack.aws.snapshot_tags(id), Tags::new(), "{id}");
    }
}

/// The start event is delivered again after the run has ended. That run ends too: the client token
/// of its volume belongs to a deleted volume.
async fn late_start(meddle: impl Fn(&Environment)) -> (Environment, Ending) {
    let night = Environment::new();
    meddle(&night);
    let mut copies = vec![Duration::ZERO, Duration::from_hours(3)];
    night.stack.lambda.set_copies(Box::new(move |accepted| {
        if accepted.number == 0 {
            return std::mem::take(&mut copies);
        }
        vec![Duration::ZERO]
    }));
    let ending = night.play().await;
    (night, ending)
}

fn refuse(night: &Environment, action: &'static str) {
    let until = night.stack.aws.clock().now() + Duration::from_hours(2);
    night.stack.aws.set_faults(Box::new(move |call| {
        (call.action == action && call.time < until).then(|| Fault::Refuse {
            status: 400,
            code: "InvalidRequest".to_owned(),
            message: "as this night wants it".to_owned(),
        })
    }));
}

/// A run that failed before it had a volume sends no release command. The late start event
/// therefore starts the run again, and the backup gets its verdict.
#[tokio::test(start_paused = true)]
async fn a_late_start_of_a_run_that_had_no_volume_makes_the_night_good() {
    let (_, ending) = late_start(|night| refuse(night, "CreateVolume")).await;
    assert_eq!(ending.tag(), Some("True"));
    assert_eq!(ending.valid(), [1.0]);
    assert_eq!((ending.made, ending.events.len()), (1, 1));
    assert_eq!(ending.left, Vec::<String>::new());
}

/// A run whose volume was released before it was attached ends with an error that says so. It
/// creates no second volume and leaves nothing.
#[tokio::test(start_paused = true)]
async fn a_late_start_of_a_run_whose_volume_was_never_attached_does_no_harm() {
    let (_, ending) = late_start(|night| refuse(night, "AttachVolume")).await;
    assert_eq!((ending.tag(), ending.valid()), (None, vec![]));
    assert_eq!(ending.made, 1);
    assert_eq!(ending.left, Vec::<String>::new());
    let late = ending.events.last().expect("an event");
    assert!(
        late.text
            .contains("the run had ended before this event came"),
        "{}",
        late.text
    );
}
