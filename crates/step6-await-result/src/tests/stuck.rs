//! An attachment that never comes about: case 70 of the field, when it is given back.

use common::event::EndReason;

use super::{Harness, attached, held_up};
use crate::Stage;
use aws_stand_in::step_harness::later;
use aws_stand_in::{AttachmentState, VolumeState};

fn detaches(harness: &Harness) -> usize {
    harness.asked("DetachVolume").len()
}

/// EC2 refuses to detach without force what is still `attaching`.
#[tokio::test(start_paused = true)]
async fn field_case_70_what_is_attaching_for_ever_is_taken_back_by_force_after_a_while() {
    let harness = Harness::new();
    harness
        .aws
        .hold_device_name(&harness.ids.test_instance_id, "/dev/sdg");
    let back = attached(&harness, EndReason::Leftover).await;
    let id = back.volume_id.clone().expect("a volume");
    let state = || {
        harness
            .aws
            .volume(&id)
            .and_then(|volume| volume.attachment)
            .map(|at| at.state)
    };
    let (mut task, mut looks) = (Stage::Release(back), 0);
    while state() == Some(AttachmentState::Attaching) {
        let run = later(&harness.run(), looks);
        let (why, back) = held_up(harness.poll(&run, task).await);
        if looks > 1 && looks < 20 {
            assert_eq!(detaches(&harness), 0, "after {looks} looks");
            assert!(why.contains("still being attached"), "{why}");
        }
        task = Stage::Release(back);
        harness.wait(15).await;
        looks += 1;
        assert!(looks < 30, "it is never taken back");
    }
    assert_eq!(detaches(&harness), 1);
    let volume = harness.aws.volume(&id).expect("it is there");
    assert_eq!(volume.state, VolumeState::Available);
}
