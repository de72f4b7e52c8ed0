use aws_stand_in::step_harness::{ends, later, waits_out};
use aws_stand_in::{
    AgentReport, AttachmentState, Instance, InstanceState, Snapshot, TEST_INSTANCE,
};
use aws_stand_in::{VolumeState, simulated_host::Durations};
use common::event::{EndReason, Release};

use super::{GOOD, Harness, NOTHING, attached, give_all_back, held_up, send};
use crate::Stage;

/// Giving back, call by call.
const ALL: [&str; 3] = ["SendCommand", "DetachVolume", "DeleteVolume"];

fn state(harness: &Harness, back: &Release) -> Option<VolumeState> {
    let id = back.volume_id.as_ref()?;
    harness.aws.volume(id).map(|volume| volume.state)
}

#[tokio::test(start_paused = true)]
async fn unmounts_then_detaches_then_deletes() {
    let harness = Harness::new();
    let back = attached(&harness, EndReason::Leftover).await;
    let id = back.volume_id.clone().expect("a volume");
    send(&harness, "mount", &id).await;
    send(&harness, "programs", &id).await;
    harness.wait(60).await;
    send(&harness, "test", &id).await;
    harness.wait(60).await;
    assert!(harness.host.server_running());
    ends(give_all_back(&harness, &harness.run(), back.clone()).await);
    assert_eq!(harness.done(), ALL);
    assert_eq!(state(&harness, &back), Some(VolumeState::Deleted));
    assert_eq!(harness.host.leftovers(), NOTHING);
    let detach = &harness.asked("DetachVolume")[0].parameters;
    assert!(detach.contains("Force=false"), "{detach}");
}

#[tokio::test(start_paused = true)]
async fn each_wait_is_waited_out() {
    let harness = Harness::new();
    let mut back = attached(&harness, EndReason::Leftover).await;
    let release = std::time::Duration::from_secs(100);
    harness.host.set_durations(Durations {
        release,
        ..Durations::default()
    });
    let run = harness.run();
    for (count, (wait, done)) in (0..).zip([
        (0, 1),
        (50, 1), // the release command runs
        (60, 2), // it has ended: detach
        (1, 2),  // detaching
        (3, 3),  // detached: delete
        (1, 3),  // deleting
    ]) {
        harness.wait(wait).await;
        (_, back) = held_up(
            harness
                .poll(&later(&run, count), Stage::Release(back))
                .await,
        );
        assert_eq!(harness.done(), ALL[..done]);
    }
    harness.wait(2).await;
    ends(harness.poll(&later(&run, 6), Stage::Release(back)).await);
}

#[tokio::test(start_paused = true)]
async fn a_volume_without_an_attachment_is_detached() {
    let harness = Harness::new();
    harness.volume("run-1").await;
    let back = Release::unknown(EndReason::Leftover);
    ends(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.done(), ["DeleteVolume"]);
    assert_eq!(harness.stack.left_volumes(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn an_attachment_that_is_over_counts_as_none() {
    let harness = Harness::new();
    let id = harness.volume("run-1").await;
    harness.shows(&id, "available", Some("detached"));
    let back = Release::unknown(EndReason::Leftover);
    held_up(harness.poll(&harness.run(), Stage::Release(back)).await);
    assert_eq!(harness.done(), ["DeleteVolume"]);
}

#[tokio::test(start_paused = true)]
async fn a_volume_on_its_way_is_waited_for() {
    for (shown, why) in [
        ("creating", "volume vol-rehearsal0001 is still being made"),
        ("deleting", "volume vol-rehearsal0001 is being deleted"),
        (
            "in-use",
            "the attachment of volume vol-rehearsal0001 is not in sight",
        ),
    ] {
        let harness = Harness::new();
        harness.shows("vol-rehearsal0001", shown, None);
        let task = Stage::Release(Release::unknown(EndReason::Leftover));
        let (said, _) = held_up(harness.poll(&harness.run(), task).await);
        assert_eq!(said, why);
        assert_eq!(harness.done(), NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_failed_is_deleted() {
    let harness = Harness::new();
    let begun = harness.aws.clock().now() - std::time::Duration::from_hours(1);
    let (id, volume) = (&harness.ids.snapshot_id, &harness.ids.production_volume_id);
    harness.aws.add_snapshot(Snapshot {
        kms_denied: true,
        ..Snapshot::completed(id, volume, begun)
    });
    harness.volume("run-1").await;
    let back = Release::unknown(EndReason::Leftover);
    ends(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.stack.left_volumes(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_runs_no_more_has_nothing_mounted() {
    for meddle in [
        |harness: &Harness| harness.aws.stop_instance(&harness.ids.test_instance_id),
        |harness: &Harness| {
            harness
                .aws
                .terminate_instance(&harness.ids.test_instance_id);
        },
        |harness: &Harness| {
            harness
                .aws
                .terminate_instance(&harness.ids.test_instance_id);
            harness.aws.forget_instance(&harness.ids.test_instance_id);
        },
    ] {
        let harness = Harness::new();
        let back = attached(&harness, EndReason::Leftover).await;
        meddle(&harness);
        ends(give_all_back(&harness, &harness.run(), back).await);
        assert_eq!(harness.asked("SendCommand").len(), 0);
        assert_eq!(harness.stack.left_volumes(), NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_on_its_way_down_is_waited_for() {
    for state in [InstanceState::Stopping, InstanceState::ShuttingDown] {
        let harness = Harness::new();
        let back = attached(&harness, EndReason::Leftover).await;
        let now = harness.aws.clock().now();
        let id = &harness.ids.test_instance_id;
        harness.aws.add_instance(Instance {
            state,
            ..Instance::running(id, TEST_INSTANCE, "us-east-1a", now)
        });
        let (why, _) = held_up(harness.poll(&harness.run(), Stage::Release(back)).await);
        assert_eq!(why, format!("instance {id} is stopping"));
        assert_eq!(harness.done(), NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_is_asked_for_again_and_nothing_is_detached() {
    let harness = Harness::new();
    let mut back = attached(&harness, EndReason::Leftover).await;
    harness.scripts_end_with(75, "the server does not stop");
    let run = harness.run();
    let mut said = String::new();
    for count in 0..4 {
        let task = Stage::Release(back);
        (said, back) = held_up(harness.poll(&later(&run, count), task).await);
        harness.wait(15).await;
    }
    assert!(said.contains("the server does not stop"), "{said}");
    assert_eq!(harness.done(), ["SendCommand", "SendCommand"]);
    harness.scripts_end_with(0, GOOD);
    ends(give_all_back(&harness, &later(&run, 4), back).await);
    assert_eq!(harness.asked("SendCommand").len(), 3);
    assert_eq!(harness.stack.left_volumes(), NOTHING);
}

/// Case 40 of the field, at the release: to detach then would wedge a mounted volume.
#[tokio::test(start_paused = true)]
async fn field_case_40_a_release_that_was_skipped_has_released_nothing() {
    let harness = Harness::new();
    let mut back = attached(&harness, EndReason::Leftover).await;
    harness.aws.set_agent_report(Some(AgentReport::Skipped));
    let run = harness.run();
    let mut said = String::new();
    for count in 0..2 {
        let task = Stage::Release(back);
        (said, back) = held_up(harness.poll(&later(&run, count), task).await);
        harness.wait(15).await;
    }
    assert!(said.contains("unsupported plugin"), "{said}");
    assert_eq!(harness.done(), ["SendCommand"]);
    assert!(!back.unmounted);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_ssm_lost_is_asked_for_again() {
    let harness = Harness::new();
    let back = attached(&harness, EndReason::Leftover).await;
    let run = harness.run();
    let (_, back) = held_up(harness.poll(&run, Stage::Release(back)).await);
    harness.aws.cancel_by_hand(&harness.aws.commands()[0].id);
    harness.wait(15).await;
    let (_, back) = held_up(harness.poll(&later(&run, 1), Stage::Release(back)).await);
    assert_eq!(back.release_command_id, None);
    ends(give_all_back(&harness, &later(&run, 2), back).await);
    assert_eq!(
        harness.done(),
        ["SendCommand", "SendCommand", "DetachVolume", "DeleteVolume"]
    );
}

#[tokio::test(start_paused = true)]
async fn force_comes_after_half_of_the_hour_and_not_before() {
    let harness = Harness::new();
    let mut back = attached(&harness, EndReason::Leftover).await;
    send(
        &harness,
        "mount",
        back.volume_id.as_deref().expect("a volume"),
    )
    .await;
    harness.wait(60).await;
    harness.aws.set_agent(&harness.ids.test_instance_id, false);
    let run = harness.run();
    for count in [0, 60, 119] {
        let task = Stage::Release(back);
        (_, back) = held_up(harness.poll(&later(&run, count), task).await);
    }
    assert_eq!(harness.asked("DetachVolume").len(), 0);
    let (_, back) = held_up(harness.poll(&later(&run, 120), Stage::Release(back)).await);
    let detach = &harness.asked("DetachVolume")[0].parameters;
    assert!(detach.contains("Force=true"), "{detach}");
    harness.wait(15).await;
    ends(give_all_back(&harness, &later(&run, 121), back).await);
    assert_eq!(harness.stack.left_volumes(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_turns_busy_is_mounted_after_all() {
    let harness = Harness::new();
    let mut back = attached(&harness, EndReason::Leftover).await;
    let id = back.volume_id.clone().expect("a volume");
    send(&harness, "mount", &id).await;
    harness.wait(60).await;
    let detached = common::ec2::detach(&harness.person.ec2, &id, false).await;
    detached.expect("it can be asked for");
    harness.wait(5).await;
    let attachment = harness.aws.volume(&id).and_then(|volume| volume.attachment);
    assert_eq!(attachment.map(|at| at.state), Some(AttachmentState::Busy));
    back.unmounted = true;
    ends(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.done(), ["SendCommand", "DeleteVolume"]);
    assert_eq!(harness.host.leftovers(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_volume_detached_under_its_mount_is_unmounted_all_the_same() {
    let harness = Harness::new();
    let back = attached(&harness, EndReason::Leftover).await;
    let id = back.volume_id.clone().expect("a volume");
    send(&harness, "mount", &id).await;
    harness.wait(60).await;
    harness.aws.delete_by_hand(&id);
    ends(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.done(), ["SendCommand"]);
    assert_eq!(harness.host.leftovers(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn trouble_is_waited_out() {
    let harness = Harness::new();
    let mut back = attached(&harness, EndReason::Leftover).await;
    let run = harness.run();
    for action in ["DescribeVolumes", "DescribeInstances", "SendCommand"] {
        harness.refuse(action, 403, "AccessDeniedException");
        let task = Stage::Release(back);
        let (error, next) = waits_out(harness.poll(&run, task).await);
        let why = error.to_string();
        assert!(why.contains("as this test wants it"), "{why}");
        let Stage::Release(next) = next else {
            panic!("it goes on with the test")
        };
        back = next;
    }
    harness.aws.clear_faults();
    ends(give_all_back(&harness, &run, back).await);
    assert_eq!(harness.stack.left_volumes(), NOTHING);
}

/// Row E8 of the audit: the role knows the test instance by its name, and the name is gone.
#[tokio::test(start_paused = true)]
async fn audit_e8_a_volume_on_an_instance_that_was_renamed_is_given_back() {
    let harness = Harness::new();
    let back = attached(&harness, EndReason::Leftover).await;
    let test = &harness.ids.test_instance_id;
    harness
        .aws
        .tag_by_hand(test, "Name", "renamed.dev.code418.net");
    let mut task = Stage::Release(back);
    let run = harness.run();
    // Nobody may ask it to unmount any more, so the volume goes as from one that does not answer.
    let (error, next) = waits_out(harness.poll(&run, task).await);
    assert_eq!(error.kind(), common::Kind::AccessDenied);
    task = next;
    let Stage::Release(back) = task else {
        panic!("it goes on with the test")
    };
    ends(give_all_back(&harness, &later(&run, 120), back).await);
    assert_eq!(
        harness.done(),
        ["SendCommand", "DetachVolume", "DeleteVolume"]
    );
    assert_eq!(harness.stack.left_volumes(), NOTHING);
}

/// The exit status alone says that the host answers, and that the script could not unmount.
#[tokio::test(start_paused = true)]
async fn no_force_while_the_host_says_so_in_output_that_was_cut() {
    let harness = Harness::new();
    let back = attached(&harness, EndReason::Leftover).await;
    harness.scripts_end_with(75, "is in use by bash(4711)\n{\"valid\":nu");
    let run = harness.run();
    let (_, back) = held_up(harness.poll(&run, Stage::Release(back)).await);
    harness.wait(15).await;
    let (_, back) = held_up(harness.poll(&run, Stage::Release(back)).await);
    assert!(back.held_by.is_some(), "{back:?}");
    held_up(harness.poll(&later(&run, 200), Stage::Release(back)).await);
    assert_eq!(harness.asked("DetachVolume").len(), 0);
}

/// Row E9 of the audit: a person's shell stands in the mount.
#[tokio::test(start_paused = true)]
async fn audit_e9_no_force_while_the_host_says_who_holds_the_volume() {
    const HELD: &str = "/mnt/ib-backup-check is in use by bash(4711): not ours to stop";
    let harness = Harness::new();
    let mut back = attached(&harness, EndReason::Leftover).await;
    let said = GOOD.replace("\"\"", &format!("\"{HELD}\""));
    harness.scripts_end_with(75, &said.replace("\"valid\":true", "\"valid\":null"));
    let run = harness.run();
    for count in [0, 1, 100, 101, 130, 131, 200, 201, 239] {
        let task = Stage::Release(back);
        (_, back) = held_up(harness.poll(&later(&run, count), task).await);
        harness.wait(15).await;
    }
    assert_eq!(harness.asked("DetachVolume").len(), 0);
    assert_eq!(back.held_by.as_deref(), Some(HELD));
    let late = common::Error::new(common::Kind::TimeRanOut, "it hangs");
    let task = Stage::Release(back.clone());
    let last = later(&run, 240);
    let over = common::step::Step::on_timeout(&harness.step, &last, task, late);
    let error = aws_stand_in::step_harness::fails(over.await);
    assert!(error.to_string().contains(HELD), "{error}");
    assert!(harness.aws.events()[0].text.contains(HELD));
    // It lets go late, and nothing is taken by force then.
    harness.scripts_end_with(0, GOOD);
    ends(give_all_back(&harness, &later(&run, 200), back).await);
    let detach = &harness.asked("DetachVolume")[0].parameters;
    assert!(detach.contains("Force=false"), "{detach}");
}
