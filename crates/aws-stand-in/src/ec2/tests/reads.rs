use std::time::Duration;

use aws_sdk_ec2::operation::describe_snapshots::DescribeSnapshotsOutput;
use aws_sdk_ec2::types::{
    AttachmentStatus, Filter, InstanceStateName, SnapshotState, VolumeAttachmentState,
};

use crate::testing::{Night, code};
use crate::{Instance, InstanceState, PRODUCTION_INSTANCE, Snapshot};

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

#[tokio::test(start_paused = true)]
async fn a_read_lags_behind_what_was_written() {
    let night = Night::new();
    night
        .aws
        .set_timing(|timing| timing.read_lag = Duration::from_secs(10));
    let create = night
        .ec2
        .create_volume()
        .snapshot_id(&night.fixture.snapshot_id);
    let made = create.availability_zone("us-east-1a").send().await.unwrap();
    let id = made.volume_id().unwrap();
    let by_id = || night.ec2.describe_volumes().volume_ids(id).send();
    let listed = || {
        night
            .ec2
            .describe_volumes()
            .filters(filter("volume-id", id))
            .send()
    };
    assert_eq!(code(by_id().await), "InvalidVolume.NotFound");
    assert!(listed().await.unwrap().volumes().is_empty());
    night.wait(10).await;
    assert_eq!(listed().await.unwrap().volumes().len(), 1);

    let attach = night.ec2.attach_volume().volume_id(id).device("/dev/sdg");
    attach
        .instance_id(&night.fixture.test_instance_id)
        .send()
        .await
        .unwrap();
    assert!(by_id().await.unwrap().volumes()[0].attachments().is_empty());
    night.wait(10).await;
    assert_eq!(by_id().await.unwrap().volumes()[0].attachments().len(), 1);

    let detach = night.ec2.detach_volume().volume_id(id);
    detach.send().await.unwrap();
    night.wait(5).await;
    let volume = by_id().await.unwrap().volumes()[0].clone();
    let state = volume.attachments()[0].state();
    assert_eq!(state, Some(&VolumeAttachmentState::Attached));
    night.wait(5).await;
    assert!(by_id().await.unwrap().volumes()[0].attachments().is_empty());

    let delete = night.ec2.delete_volume().volume_id(id);
    delete.send().await.unwrap();
    night.wait(9).await;
    assert_eq!(by_id().await.unwrap().volumes().len(), 1);
    night.wait(1).await;
    assert_eq!(code(by_id().await), "InvalidVolume.NotFound");
}

#[tokio::test(start_paused = true)]
async fn the_instance_lists_its_volumes_by_device() {
    let night = Night::new();
    let named = night
        .ec2
        .describe_instances()
        .filters(filter("tag:Name", PRODUCTION_INSTANCE));
    let found = named
        .filters(filter("instance-state-name", "running"))
        .send()
        .await
        .unwrap();
    let instance = &found.reservations()[0].instances()[0];
    assert_eq!(
        instance.instance_id(),
        Some(night.fixture.production_instance_id.as_str())
    );
    assert_eq!(
        instance.placement().unwrap().availability_zone(),
        Some("us-east-1a")
    );
    let mappings = instance.block_device_mappings().iter();
    let mut data = mappings.filter(|mapping| mapping.device_name() == Some("/dev/sdg"));
    let data = data.next().and_then(|mapping| mapping.ebs()).unwrap();
    assert_eq!(
        data.volume_id(),
        Some(night.fixture.production_volume_id.as_str())
    );
    assert_eq!(data.status(), Some(&AttachmentStatus::Attached));
}

#[tokio::test(start_paused = true)]
async fn a_terminated_instance_is_still_listed_under_its_name() {
    let night = Night::new();
    let now = night.aws.clock().now();
    night.aws.add_instance(Instance {
        state: InstanceState::Terminated,
        ..Instance::running(
            "i-07e57000000000005",
            PRODUCTION_INSTANCE,
            "us-east-1a",
            now,
        )
    });
    let named = || {
        night
            .ec2
            .describe_instances()
            .filters(filter("tag:Name", PRODUCTION_INSTANCE))
    };
    assert_eq!(named().send().await.unwrap().reservations().len(), 2);
    let gone = named()
        .filters(filter("instance-state-name", "terminated"))
        .send()
        .await
        .unwrap();
    let state = gone.reservations()[0].instances()[0]
        .state()
        .unwrap()
        .name();
    assert_eq!(state, Some(&InstanceStateName::Terminated));
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages_in_no_order_of_time() {
    let night = Night::new();
    let now = night.aws.clock().now();
    for age in 1..=6 {
        let (id, begun) = (format!("snap-{age}"), now - Duration::from_hours(24 * age));
        night
            .aws
            .add_snapshot(Snapshot::completed(&id, "vol-rehearsal", begun));
    }
    night.aws.set_page_size(2);
    let first = night
        .ec2
        .describe_snapshots()
        .owner_ids("self")
        .send()
        .await
        .unwrap();
    assert_eq!(first.snapshots().len(), 2);
    assert!(first.next_token().is_some());
    let pages = night
        .ec2
        .describe_snapshots()
        .owner_ids("self")
        .into_paginator()
        .items();
    let all: Result<Vec<_>, _> = pages.send().collect().await;
    let all: Vec<_> = all
        .unwrap()
        .iter()
        .filter_map(|found| found.start_time().copied())
        .collect();
    assert_eq!(all.len(), 7);
    assert!(!all.is_sorted() && !all.iter().rev().is_sorted());
    let wrong = night
        .ec2
        .describe_snapshots()
        .next_token("page 2")
        .send()
        .await;
    assert_eq!(code(wrong), "InvalidNextToken");
}

fn ids(found: &DescribeSnapshotsOutput) -> Vec<&str> {
    let mut ids: Vec<_> = found
        .snapshots()
        .iter()
        .filter_map(|s| s.snapshot_id())
        .collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(start_paused = true)]
async fn snapshots_are_told_apart_by_owner_state_and_tier() {
    let night = Night::new();
    let now = night.aws.clock().now();
    let whole = |id: &str| Snapshot::completed(id, "vol-rehearsal", now - Duration::from_hours(1));
    night.aws.add_snapshot(Snapshot {
        owner_id: "111111111111".to_owned(),
        ..whole("snap-foreign")
    });
    night.aws.add_snapshot(Snapshot {
        completes_at: now + Duration::from_mins(1),
        ..whole("snap-pending")
    });
    night.aws.add_snapshot(Snapshot {
        archived: true,
        ..whole("snap-archived")
    });
    let own = || {
        night
            .ec2
            .describe_snapshots()
            .owner_ids("self")
            .filters(filter("volume-id", "vol-rehearsal"))
    };
    let owned = own().send().await.unwrap();
    assert_eq!(ids(&owned), ["snap-archived", "snap-pending"]);
    let pending = own()
        .filters(filter("status", "pending"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        pending.snapshots()[0].state(),
        Some(&SnapshotState::Pending)
    );
    let archived = own()
        .filters(filter("storage-tier", "archive"))
        .send()
        .await
        .unwrap();
    assert_eq!(ids(&archived), ["snap-archived"]);
    night.wait(60).await;
    let complete = own()
        .filters(filter("status", "completed"))
        .send()
        .await
        .unwrap();
    assert_eq!(ids(&complete), ["snap-archived", "snap-pending"]);
    let unknown = own().filters(filter("colour", "blue")).send().await;
    assert_eq!(code(unknown), "NotModelled");
    assert_eq!(night.aws.unmodelled().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn ids_are_refused_in_three_ways() {
    let night = Night::new();
    let snapshot = |id: &str| night.ec2.describe_snapshots().snapshot_ids(id).send();
    assert_eq!(
        code(snapshot("snap-unknown").await),
        "InvalidSnapshot.NotFound"
    );
    assert_eq!(
        code(snapshot("snap-Unknown!").await),
        "InvalidSnapshotID.Malformed"
    );
    assert_eq!(code(snapshot("last night").await), "InvalidParameterValue");
    let volume = |id: &str| night.ec2.describe_volumes().volume_ids(id).send();
    assert_eq!(code(volume("vol-unknown").await), "InvalidVolume.NotFound");
    assert_eq!(code(volume("snap-unknown").await), "InvalidParameterValue");
    let instance = |id: &str| night.ec2.describe_instances().instance_ids(id).send();
    assert_eq!(
        code(instance("i-unknown").await),
        "InvalidInstanceID.NotFound"
    );
    assert_eq!(code(instance("ib02").await), "InvalidInstanceID.Malformed");
    let test_instance = &night.fixture.test_instance_id;
    instance(test_instance).await.unwrap();
    night.aws.terminate_instance(test_instance);
    night.aws.forget_instance(test_instance);
    assert_eq!(
        code(instance(test_instance).await),
        "InvalidInstanceID.NotFound"
    );
}
