use std::time::Duration;

use rehearsal::aws::clock::parse_rfc3339;
use rehearsal::aws::{self, Aws, Clock};

use super::{NewVolume, VolumeState, attach, create, delete, detach, volume};
use crate::error::Kind;
use crate::world::World;

/// An ordinary night's account, and a test volume in it, available.
async fn account() -> (Aws, aws::World, World, String) {
    let clock = Clock::starting_at(parse_rfc3339("2026-03-01T02:00:00Z").unwrap());
    let aws = Aws::new(clock);
    let ids = aws.world();
    let sdk = aws.sdk_config("anybody");
    let world = World::new(&sdk, aws.datadog_service(), "f", [].into());
    let new = NewVolume {
        run_id: "run-1",
        snapshot_id: &ids.snapshot_id,
        zone: "us-east-1a",
        test_instance_name: "ib02",
        performance: &super::Performance::default(),
    };
    let id = create(&world.ec2, &new).await.expect("it is made");
    world.clock.wait(Duration::from_secs(4)).await;
    (aws, ids, world, id)
}

#[tokio::test(start_paused = true)]
async fn to_detach_what_is_detached_or_gone_is_fine() {
    let (aws, ids, world, id) = account().await;
    let (test, other) = (&ids.test_instance_id, &ids.production_instance_id);
    let detached = detach(&world.ec2, &id, test, false).await;
    detached.expect("it was never attached");
    let attached = attach(&world.ec2, &id, test, "/dev/sdg").await;
    assert!(attached.expect("it can be attached"));
    world.clock.wait(Duration::from_secs(3)).await;
    let detached = detach(&world.ec2, &id, other, false).await;
    detached.expect("it is not attached there");
    aws.delete_by_hand(&id);
    let detached = detach(&world.ec2, &id, test, false).await;
    detached.expect("it is gone");
    let outcomes: Vec<String> = aws
        .calls()
        .into_iter()
        .filter(|record| record.call.action == "DetachVolume")
        .map(|record| record.outcome)
        .collect();
    for (outcome, code) in outcomes.iter().zip([
        "IncorrectState",
        "InvalidAttachment.NotFound",
        "InvalidVolume.NotFound",
    ]) {
        assert!(outcome.contains(code), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn to_delete_what_is_gone_is_fine_and_what_is_attached_is_not() {
    let (_, ids, world, id) = account().await;
    let test = &ids.test_instance_id;
    let attached = attach(&world.ec2, &id, test, "/dev/sdg").await;
    attached.expect("it can be attached");
    let error = delete(&world.ec2, &id).await.expect_err("it is attached");
    assert_eq!(error.kind(), Kind::AwsRefused);
    assert!(error.to_string().contains("VolumeInUse"), "{error}");
    world.clock.wait(Duration::from_secs(3)).await;
    let detached = detach(&world.ec2, &id, test, false).await;
    detached.expect("it can be detached");
    world.clock.wait(Duration::from_secs(3)).await;
    for _ in 0..2 {
        let deleted = delete(&world.ec2, &id).await;
        deleted.expect("it is deleted, or was");
    }
    let found = volume(&world.ec2, &id).await.expect("an answer");
    assert_eq!(found.map(|volume| volume.state), Some(VolumeState::Deleted));
    world.clock.wait(Duration::from_secs(3)).await;
    let found = volume(&world.ec2, &id).await.expect("an answer");
    assert_eq!(found, None);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_apart_by_what_can_be_done() {
    let (aws, _, world, id) = account().await;
    for (status, code, kind, transient) in [
        (403, "UnauthorizedOperation", Kind::AccessDenied, false),
        (503, "RequestLimitExceeded", Kind::AwsUnavailable, true),
        (500, "SomethingNew", Kind::AwsUnavailable, true),
        (400, "VolumeLimitExceeded", Kind::AwsRefused, false),
    ] {
        aws.set_faults(Box::new(move |_| {
            Some(aws::Fault::Refuse {
                status,
                code: code.to_owned(),
                message: "no".to_owned(),
            })
        }));
        let error = delete(&world.ec2, &id).await.expect_err("refused");
        assert_eq!((error.kind(), error.is_transient()), (kind, transient));
        let text = error.to_string();
        let tried = format!("tried to delete volume {id}: AWS answered {code}: no");
        assert!(text.starts_with(&tried), "{text}");
        assert_eq!(text.contains("template.yaml"), kind == Kind::AccessDenied);
    }
}
