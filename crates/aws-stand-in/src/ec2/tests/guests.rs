//! What a guest makes of attachments, as users of EC2 report it; see `ec2/guest.rs`.

use super::attachments::{attach, attachment};
use crate::testing::{Night, code};
use crate::{AttachmentState, Tags, VolumeState};

/// A volume of somebody else's on the test instance.
fn add_other(night: &Night, id: &str, device: &str) {
    let at = Some((night.fixture.test_instance_id.as_str(), device));
    night.aws.add_volume(id, "us-east-1a", Tags::new(), at);
}

async fn detach(night: &Night, id: &str, force: bool) -> String {
    let detach = night.ec2.detach_volume().volume_id(id).force(force);
    match detach.send().await {
        Ok(_) => String::new(),
        refused => code(refused),
    }
}

/// EC2 compares the text, the guest what it stands for: <https://github.com/joeduffy/blocker/pull/1>
#[tokio::test(start_paused = true)]
async fn two_spellings_of_a_name_are_one_to_the_guest_and_the_second_is_attaching_for_ever() {
    let night = Night::new();
    add_other(&night, "vol-other", "/dev/xvdg");
    let id = night.volume().await;
    attach(&night, &id, "/dev/sdg").send().await.unwrap();
    night.wait(24 * 3600).await;
    assert_eq!(attachment(&night, &id), Some(AttachmentState::Attaching));
    let same = night.volume().await;
    let refused = attach(&night, &same, "/dev/xvdg").send().await;
    assert_eq!(code(refused), "InvalidParameterValue");
}

/// <https://github.com/kubernetes/kubernetes/issues/31891>
#[tokio::test(start_paused = true)]
async fn a_name_whose_volume_was_taken_while_mounted_is_held_until_a_reboot() {
    for by_hand in [true, false] {
        let night = Night::new();
        let instance = &night.fixture.test_instance_id;
        night.aws.hold_device_names(instance);
        let first = night.attached_volume().await;
        let parameters = [("runId", "run-1"), ("volumeId", first.as_str())];
        night.send("mount", &parameters).await;
        night.wait(60).await;
        if by_hand {
            night.aws.detach_by_hand(&first);
        } else {
            assert_eq!(detach(&night, &first, true).await, "");
        }
        night.wait(60).await;
        assert_eq!(attachment(&night, &first), None);
        let second = night.volume().await;
        attach(&night, &second, "/dev/xvdg").send().await.unwrap();
        night.wait(24 * 3600).await;
        assert_eq!(
            attachment(&night, &second),
            Some(AttachmentState::Attaching)
        );
        night.aws.reboot_instance(instance);
        night.wait(1).await;
        assert_eq!(attachment(&night, &second), Some(AttachmentState::Attached));
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_whose_volume_was_unmounted_first_is_free() {
    let night = Night::new();
    night.aws.hold_device_names(&night.fixture.test_instance_id);
    let first = night.attached_volume().await;
    assert_eq!(detach(&night, &first, false).await, "");
    night.wait(60).await;
    let second = night.attached_volume().await;
    assert_eq!(attachment(&night, &second), Some(AttachmentState::Attached));
}

/// As its reporters got rid of it: <https://github.com/kubernetes/kubernetes/issues/31891>
#[tokio::test(start_paused = true)]
async fn only_force_takes_what_is_attaching() {
    let night = Night::new();
    let instance = &night.fixture.test_instance_id;
    night.aws.hold_device_name(instance, "/dev/sdg");
    let id = night.volume().await;
    attach(&night, &id, "/dev/sdg").send().await.unwrap();
    night.wait(3600).await;
    assert_eq!(detach(&night, &id, false).await, "IncorrectState");
    assert_eq!(detach(&night, &id, true).await, "");
    night.wait(60).await;
    let volume = night.aws.volume(&id).unwrap();
    assert_eq!(
        (volume.state, volume.attachment),
        (VolumeState::Available, None)
    );
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test(start_paused = true)]
async fn an_instance_takes_so_many_volumes_and_no_more() {
    let night = Night::new();
    let instance = &night.fixture.test_instance_id;
    // Its root volume is one.
    night.aws.set_most_volumes(instance, Some(2));
    let first = night.attached_volume().await;
    let second = night.volume().await;
    let refused = attach(&night, &second, "/dev/sdh").send().await;
    assert_eq!(code(refused), "AttachmentLimitExceeded");
    assert_eq!(detach(&night, &first, false).await, "");
    night.wait(60).await;
    attach(&night, &second, "/dev/sdh").send().await.unwrap();
}
