use std::time::Duration;

use aws_sdk_ec2::operation::attach_volume::builders::AttachVolumeFluentBuilder;

use crate::testing::{Night, code};
use crate::{AttachmentState, Instance, InstanceState, VolumeState};

pub(super) fn attach(night: &Night, volume_id: &str, device: &str) -> AttachVolumeFluentBuilder {
    let attach = night
        .ec2
        .attach_volume()
        .volume_id(volume_id)
        .device(device);
    attach.instance_id(&night.fixture.test_instance_id)
}

pub(super) fn attachment(night: &Night, volume_id: &str) -> Option<AttachmentState> {
    let volume = night.aws.volume(volume_id)?;
    volume.attachment.map(|attachment| attachment.state)
}

#[tokio::test(start_paused = true)]
async fn attaching_takes_its_time_and_detaching_too() {
    let night = Night::new();
    let id = night.volume().await;
    attach(&night, &id, "/dev/sdg").send().await.unwrap();
    assert_eq!(attachment(&night, &id), Some(AttachmentState::Attaching));
    assert_eq!(
        code(night.ec2.detach_volume().volume_id(&id).send().await),
        "IncorrectState"
    );
    night.wait(3).await;
    assert_eq!(attachment(&night, &id), Some(AttachmentState::Attached));
    assert_eq!(
        code(night.ec2.delete_volume().volume_id(&id).send().await),
        "VolumeInUse"
    );
    night
        .ec2
        .detach_volume()
        .volume_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(attachment(&night, &id), Some(AttachmentState::Detaching));
    night.wait(3).await;
    assert_eq!(attachment(&night, &id), None);
    assert_eq!(
        code(night.ec2.detach_volume().volume_id(&id).send().await),
        "IncorrectState"
    );
    night
        .ec2
        .delete_volume()
        .volume_id(&id)
        .send()
        .await
        .unwrap();
    night.wait(2).await;
    assert_eq!(night.aws.volume(&id).unwrap().state, VolumeState::Deleted);
    for gone in [
        code(night.ec2.delete_volume().volume_id(&id).send().await),
        code(night.ec2.detach_volume().volume_id(&id).send().await),
        code(night.ec2.describe_volumes().volume_ids(&id).send().await),
    ] {
        assert_eq!(gone, "InvalidVolume.NotFound");
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_name_holds_one_volume() {
    let night = Night::new();
    let first = night.attached_volume().await;
    let second = night.volume().await;
    let busy = attach(&night, &second, "/dev/sdg").send().await;
    assert_eq!(code(busy), "InvalidParameterValue");
    assert_eq!(
        code(attach(&night, &first, "/dev/sdh").send().await),
        "VolumeInUse"
    );
    assert_eq!(
        code(attach(&night, &second, "disk7").send().await),
        "InvalidParameterValue"
    );
    attach(&night, &second, "/dev/sdh").send().await.unwrap();
    night.wait(3).await;
    assert_eq!(attachment(&night, &second), Some(AttachmentState::Attached));
}

#[tokio::test(start_paused = true)]
async fn a_volume_attaches_only_when_available_and_only_in_its_zone() {
    let night = Night::new();
    let create = night
        .ec2
        .create_volume()
        .snapshot_id(&night.fixture.snapshot_id);
    let made = create.availability_zone("us-east-1b").send().await.unwrap();
    let id = made.volume_id().unwrap();
    assert_eq!(
        code(attach(&night, id, "/dev/sdg").send().await),
        "IncorrectState"
    );
    night.wait(4).await;
    assert_eq!(
        code(attach(&night, id, "/dev/sdg").send().await),
        "InvalidVolume.ZoneMismatch"
    );
    let unknown = attach(&night, "vol-unknown", "/dev/sdg").send().await;
    assert_eq!(code(unknown), "InvalidVolume.NotFound");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_gone_takes_no_volume() {
    let night = Night::new();
    let id = night.volume().await;
    let now = night.aws.clock().now();
    night.aws.add_instance(Instance {
        state: InstanceState::Terminated,
        ..Instance::running("i-07e57000000000005", "old", "us-east-1a", now)
    });
    let old = attach(&night, &id, "/dev/sdg")
        .instance_id("i-07e57000000000005")
        .send()
        .await;
    assert_eq!(code(old), "IncorrectState");
    let none = attach(&night, &id, "/dev/sdg")
        .instance_id("i-none")
        .send()
        .await;
    assert_eq!(code(none), "InvalidInstanceID.NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_mounted_volume_stays_busy_until_it_is_unmounted() {
    let night = Night::new();
    let id = night.attached_volume().await;
    night
        .send("mount", &[("runId", "run-1"), ("volumeId", &id)])
        .await;
    night.wait(60).await;
    assert_eq!(night.host.mounted().as_ref(), Some(&id));
    night
        .ec2
        .detach_volume()
        .volume_id(&id)
        .send()
        .await
        .unwrap();
    night.wait(3600).await;
    assert_eq!(attachment(&night, &id), Some(AttachmentState::Busy));
    assert_eq!(
        code(night.ec2.detach_volume().volume_id(&id).send().await),
        "IncorrectState"
    );
    night.send("release", &[("runId", "run-1")]).await;
    night.wait(60).await;
    assert_eq!(attachment(&night, &id), None);
}

#[tokio::test(start_paused = true)]
async fn force_takes_a_mounted_volume() {
    let night = Night::new();
    let id = night.attached_volume().await;
    night
        .send("mount", &[("runId", "run-1"), ("volumeId", &id)])
        .await;
    night.wait(60).await;
    let elsewhere = night.ec2.detach_volume().volume_id(&id);
    let elsewhere = elsewhere
        .instance_id(&night.fixture.production_instance_id)
        .send()
        .await;
    assert_eq!(code(elsewhere), "InvalidAttachment.NotFound");
    night
        .ec2
        .detach_volume()
        .volume_id(&id)
        .send()
        .await
        .unwrap();
    night.wait(60).await;
    night
        .ec2
        .detach_volume()
        .volume_id(&id)
        .force(true)
        .send()
        .await
        .unwrap();
    night.wait(3).await;
    assert_eq!(attachment(&night, &id), None);
    assert_eq!(
        night.host.leftovers().len(),
        1,
        "the dead mount is still there"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stopped_instance_keeps_its_volumes_and_a_terminated_one_loses_them() {
    let night = Night::new();
    let id = night.attached_volume().await;
    night.aws.stop_instance(&night.fixture.test_instance_id);
    night.wait(60).await;
    assert_eq!(attachment(&night, &id), Some(AttachmentState::Attached));
    night
        .aws
        .terminate_instance(&night.fixture.test_instance_id);
    night.wait(1).await;
    assert_eq!(attachment(&night, &id), None);
    assert_eq!(night.aws.volume(&id).unwrap().state, VolumeState::Available);
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_does_shows_at_once() {
    let night = Night::new();
    let id = night.attached_volume().await;
    night
        .aws
        .set_timing(|timing| timing.read_lag = Duration::from_secs(30));
    night.aws.detach_by_hand(&id);
    let shown = night
        .ec2
        .describe_volumes()
        .volume_ids(&id)
        .send()
        .await
        .unwrap();
    assert!(shown.volumes()[0].attachments().is_empty());
    night.aws.delete_by_hand(&id);
    let shown = night.ec2.describe_volumes().volume_ids(&id).send().await;
    assert_eq!(code(shown), "InvalidVolume.NotFound");
}
