//! What a run holds, and what it never touches.

use aws_stand_in::VolumeState;
use aws_stand_in::step_harness::{busy_until_now, ends, goes_on, later};
use common::event::{EndReason, Release};

use super::{Harness, NOTHING, give_all_back, held_up};
use crate::Stage;

/// A payload that names a volume and nothing else.
fn naming(volume_id: &str) -> Release {
    Release {
        volume_id: Some(volume_id.to_owned()),
        ..Release::unknown(EndReason::Leftover)
    }
}

#[tokio::test(start_paused = true)]
async fn a_volume_without_this_runs_tags_is_never_touched() {
    let test_tag = ("IBBackupTest", "True");
    let dev = ("IBBackupEnvironment", "dev");
    for tags in [
        vec![],
        vec![test_tag],
        vec![test_tag, dev, ("IBBackupRun", "run-2")],
        vec![dev, ("IBBackupRun", "run-1")],
        vec![("IBBackupTest", "False"), dev, ("IBBackupRun", "run-1")],
        vec![test_tag, ("IBBackupRun", "run-1")],
        vec![
            test_tag,
            ("IBBackupEnvironment", "prod"),
            ("IBBackupRun", "run-1"),
        ],
    ] {
        let harness = Harness::new();
        harness.add_volume("vol-rehearsalother", &tags);
        let back = naming("vol-rehearsalother");
        goes_on(give_all_back(&harness, &harness.run(), back).await);
        assert_eq!(harness.done(), ["CreateEvent"], "{tags:?}");
        let volume = harness.aws.volume("vol-rehearsalother").expect("a volume");
        assert_eq!(volume.state, VolumeState::Available, "{tags:?}");
    }
    let harness = Harness::new();
    let back = naming(&harness.ids.production_volume_id);
    goes_on(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.done(), ["CreateEvent"]);
}

#[tokio::test(start_paused = true)]
async fn the_volume_of_the_payload_is_given_back_where_the_list_does_not_show_it() {
    let harness = Harness::new();
    let id = harness.volume("run-1").await;
    // The list shows another run's volumes; asked for by its id the volume is there.
    let mut asked = 0;
    harness.aws.set_faults(Box::new(move |call| {
        let list = call.action == "DescribeVolumes" && asked == 0;
        asked += u32::from(list);
        let empty = "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>";
        list.then(|| aws_stand_in::Fault::Garbage(empty.to_owned()))
    }));
    held_up(
        harness
            .poll(&harness.run(), Stage::Release(naming(&id)))
            .await,
    );
    assert_eq!(harness.done(), ["DeleteVolume"]);
}

#[tokio::test(start_paused = true)]
async fn every_volume_of_the_run_is_given_back() {
    let harness = Harness::new();
    let tags = [
        ("IBBackupTest", "True"),
        ("IBBackupRun", "run-1"),
        ("IBBackupEnvironment", "dev"),
    ];
    harness.add_volume("vol-rehearsalleft1", &tags);
    harness.add_volume("vol-rehearsalleft2", &tags);
    let back = Release::unknown(EndReason::Leftover);
    ends(give_all_back(&harness, &harness.run(), back).await);
    assert_eq!(harness.done(), ["DeleteVolume", "DeleteVolume"]);
    assert_eq!(harness.stack.left_volumes(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn nothing_in_sight_at_first_is_looked_for() {
    let harness = Harness::new();
    let lag = std::time::Duration::from_secs(10);
    harness.aws.set_timing(|timing| timing.read_lag = lag);
    harness.new_volume("run-1").await;
    let run = harness.run();
    let task = Stage::Release(Release::unknown(EndReason::Leftover));
    let (why, back) = held_up(harness.poll(&run, task).await);
    assert_eq!(why, "no volume in sight; looking for a while");
    harness.wait(15).await;
    held_up(harness.poll(&later(&run, 1), Stage::Release(back)).await);
    assert_eq!(harness.done(), ["DeleteVolume"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_in_sight_for_a_minute_is_nothing() {
    let harness = Harness::new();
    let task = Stage::Release(Release::unknown(EndReason::Leftover));
    let run = harness.run();
    for too_soon in [later(&run, 3), busy_until_now(&run, 40)] {
        held_up(harness.poll(&too_soon, task.clone()).await);
    }
    ends(harness.poll(&later(&run, 4), task).await);
    assert_eq!(harness.done(), NOTHING);
}
