use std::time::Duration;

use aws_sdk_ec2::operation::create_volume::builders::CreateVolumeFluentBuilder;
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification, VolumeState as State};

use crate::testing::{Night, code};
use crate::{Snapshot, SnapshotState, VolumeState};

fn create(night: &Night, token: &str) -> CreateVolumeFluentBuilder {
    let tag = Tag::builder().key("IBBackupRun").value("run-1").build();
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Volume)
        .tags(tag);
    let create = night
        .ec2
        .create_volume()
        .snapshot_id(&night.fixture.snapshot_id);
    let create = create.availability_zone("us-east-1a").client_token(token);
    create.tag_specifications(tags.build())
}

#[tokio::test(start_paused = true)]
async fn a_volume_is_made_with_its_tags_and_becomes_available() {
    let night = Night::new();
    let made = create(&night, "run-1").send().await.unwrap();
    assert_eq!(made.state(), Some(&State::Creating));
    let id = made.volume_id().unwrap();
    assert!(id.starts_with("vol-rehearsal"));
    night.wait(4).await;
    let shown = night
        .ec2
        .describe_volumes()
        .volume_ids(id)
        .send()
        .await
        .unwrap();
    let shown = &shown.volumes()[0];
    assert_eq!(shown.state(), Some(&State::Available));
    assert_eq!(shown.tags()[0].value(), Some("run-1"));
    assert_eq!(
        shown.snapshot_id(),
        Some(night.fixture.snapshot_id.as_str())
    );
    assert!(night.aws.unmodelled().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_token_gives_the_same_volume_and_none_once_that_is_deleted() {
    let night = Night::new();
    let id =
        |made: aws_sdk_ec2::operation::create_volume::CreateVolumeOutput| made.volume_id.unwrap();
    let first = id(create(&night, "run-1").send().await.unwrap());
    assert_eq!(id(create(&night, "run-1").send().await.unwrap()), first);
    night.wait(4).await;
    night
        .ec2
        .delete_volume()
        .volume_id(&first)
        .send()
        .await
        .unwrap();
    night.wait(60).await;
    let burnt = create(&night, "run-1").send().await;
    assert_eq!(code(burnt), "IdempotentParameterMismatch");
    assert_eq!(
        night.aws.volume(&first).unwrap().state,
        VolumeState::Deleted
    );
    let other = create(&night, "run-1")
        .availability_zone("us-east-1b")
        .send()
        .await;
    assert_eq!(code(other), "IdempotentParameterMismatch");
    assert_ne!(id(create(&night, "run-2").send().await.unwrap()), first);
}

#[tokio::test(start_paused = true)]
async fn only_a_complete_snapshot_at_hand_makes_a_volume() {
    let night = Night::new();
    let now = night.aws.clock().now();
    let whole = |id: &str| Snapshot::completed(id, "vol-rehearsal", now - Duration::from_hours(1));
    night.aws.add_snapshot(Snapshot {
        completes_at: now + Duration::from_mins(1),
        ..whole("snap-pending")
    });
    night.aws.add_snapshot(Snapshot {
        ends_as: SnapshotState::Error,
        ..whole("snap-failed")
    });
    night.aws.add_snapshot(Snapshot {
        archived: true,
        ..whole("snap-archived")
    });
    let from = |id: &str| create(&night, id).snapshot_id(id).send();
    for id in ["snap-pending", "snap-failed", "snap-archived"] {
        assert_eq!(code(from(id).await), "IncorrectState", "{id}");
    }
    assert_eq!(code(from("snap-unknown").await), "InvalidSnapshot.NotFound");
    night.wait(60).await;
    from("snap-pending").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_rights_on_the_key_the_volume_is_made_vanishes_and_burns_its_token() {
    let night = Night::new();
    let began = night.aws.clock().now() - Duration::from_hours(1);
    night.aws.add_snapshot(Snapshot {
        kms_denied: true,
        ..Snapshot::completed("snap-encrypted", "vol-rehearsal", began)
    });
    let of_it = || create(&night, "run-1").snapshot_id("snap-encrypted").send();
    let made = of_it().await.unwrap();
    assert_eq!(made.state(), Some(&State::Creating));
    assert!(made.kms_key_id().unwrap().starts_with("arn:aws:kms:"));
    night.wait(4).await;
    let id = made.volume_id().unwrap();
    let shown = night.ec2.describe_volumes().volume_ids(id).send().await;
    assert_eq!(code(shown), "InvalidVolume.NotFound");
    assert_eq!(code(of_it().await), "IdempotentParameterMismatch");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_modelled_is_an_error_and_is_kept() {
    let night = Night::new();
    let more = create(&night, "run-1")
        .outpost_arn("arn:aws:outposts")
        .send()
        .await;
    assert_eq!(code(more), "NotModelled");
    let create_snapshot = night
        .ec2
        .create_snapshot()
        .volume_id("vol-rehearsal")
        .send()
        .await;
    assert_eq!(code(create_snapshot), "NotModelled");
    let unmodelled = night.aws.unmodelled();
    assert_eq!(unmodelled.len(), 2, "{unmodelled:?}");
    assert!(unmodelled[0].contains("OutpostArn"), "{unmodelled:?}");
    assert!(unmodelled[1].contains("CreateSnapshot"), "{unmodelled:?}");
    assert_eq!(night.aws.volumes().len(), 3, "nothing was made");
}

/// Of a snapshot of 100 GiB.
async fn made_as(
    kind: &str,
    iops: Option<i32>,
    throughput: Option<i32>,
    rate: Option<i32>,
) -> String {
    let night = Night::new();
    let create = create(&night, "run-1").volume_type(kind.into());
    let create = create.set_iops(iops).set_throughput(throughput);
    let made = create.set_volume_initialization_rate(rate).send().await;
    match made {
        Ok(_) => "made".to_owned(),
        refused => code(refused),
    }
}

#[tokio::test(start_paused = true)]
async fn how_fast_a_volume_may_be_follows_from_its_type_and_size() {
    const COMBINATION: &str = "InvalidParameterCombination";
    const VALUE: &str = "InvalidParameterValue";
    for (kind, iops, throughput, rate, said) in [
        ("gp3", None, None, None, "made"),
        ("gp3", Some(3000), Some(750), Some(300), "made"),
        ("gp3", None, Some(750), None, "made"),
        ("gp3", None, Some(751), None, COMBINATION),
        ("gp3", Some(8000), Some(2000), None, "made"),
        ("gp3", Some(8000), Some(2001), None, VALUE),
        ("gp3", Some(2999), None, None, VALUE),
        ("gp3", Some(50_000), None, None, "made"),
        ("gp3", Some(50_001), None, None, COMBINATION),
        ("gp3", Some(80_001), None, None, VALUE),
        ("gp3", None, Some(124), None, VALUE),
        ("gp3", None, None, Some(99), VALUE),
        ("gp3", None, None, Some(301), VALUE),
        ("gp2", None, None, Some(100), "made"),
        ("gp2", Some(3000), None, None, COMBINATION),
        ("gp2", None, Some(250), None, COMBINATION),
        ("io1", None, None, None, "MissingParameter"),
        ("io1", Some(5000), None, None, "made"),
        ("io1", Some(5001), None, None, COMBINATION),
        ("io2", Some(100_000), None, None, "made"),
        ("io2", Some(5000), Some(500), None, COMBINATION),
        ("st1", None, None, None, VALUE),
        ("standard", None, None, None, "made"),
        ("gp4", None, None, None, VALUE),
    ] {
        let seen = made_as(kind, iops, throughput, rate).await;
        assert_eq!(seen, said, "{kind} {iops:?} {throughput:?} {rate:?}");
    }
}
