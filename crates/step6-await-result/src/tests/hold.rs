//! What a run holds, and what it never touches.

use aws_stand_in::VolumeState;
use aws_stand_in::workbench::{busy_until_now, ends, goes_on, later};
use common::event::{Because, GiveBack};

use super::{Bench, NOTHING, give_all_back, held_up};
use crate::Task;

/// A payload that names a volume and nothing else.
fn naming(volume_id: &str) -> GiveBack {
    GiveBack {
        volume_id: Some(volume_id.to_owned()),
        ..GiveBack::unknown(Because::Leftover)
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
        let bench = Bench::new();
        bench.add_volume("vol-rehearsalother", &tags);
        let back = naming("vol-rehearsalother");
        goes_on(give_all_back(&bench, &bench.run(), back).await);
        assert_eq!(bench.done(), ["CreateEvent"], "{tags:?}");
        let volume = bench.aws.volume("vol-rehearsalother").expect("a volume");
        assert_eq!(volume.state, VolumeState::Available, "{tags:?}");
    }
    let bench = Bench::new();
    let back = naming(&bench.ids.production_volume_id);
    goes_on(give_all_back(&bench, &bench.run(), back).await);
    assert_eq!(bench.done(), ["CreateEvent"]);
}

#[tokio::test(start_paused = true)]
async fn the_volume_of_the_payload_is_given_back_where_the_list_does_not_show_it() {
    let bench = Bench::new();
    let id = bench.volume("run-1").await;
    // The list shows another run's volumes; asked for by its id the volume is there.
    let mut asked = 0;
    bench.aws.set_faults(Box::new(move |call| {
        let list = call.action == "DescribeVolumes" && asked == 0;
        asked += u32::from(list);
        let empty = "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>";
        list.then(|| aws_stand_in::Fault::Garbage(empty.to_owned()))
    }));
    held_up(bench.look(&bench.run(), Task::GiveBack(naming(&id))).await);
    assert_eq!(bench.done(), ["DeleteVolume"]);
}

#[tokio::test(start_paused = true)]
async fn every_volume_of_the_run_is_given_back() {
    let bench = Bench::new();
    let tags = [
        ("IBBackupTest", "True"),
        ("IBBackupRun", "run-1"),
        ("IBBackupEnvironment", "dev"),
    ];
    bench.add_volume("vol-rehearsalleft1", &tags);
    bench.add_volume("vol-rehearsalleft2", &tags);
    let back = GiveBack::unknown(Because::Leftover);
    ends(give_all_back(&bench, &bench.run(), back).await);
    assert_eq!(bench.done(), ["DeleteVolume", "DeleteVolume"]);
    assert_eq!(bench.stack.left_volumes(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn nothing_in_sight_at_first_is_looked_for() {
    let bench = Bench::new();
    let lag = std::time::Duration::from_secs(10);
    bench.aws.set_timing(|timing| timing.read_lag = lag);
    bench.new_volume("run-1").await;
    let run = bench.run();
    let task = Task::GiveBack(GiveBack::unknown(Because::Leftover));
    let (why, back) = held_up(bench.look(&run, task).await);
    assert_eq!(why, "no volume in sight; looking for a while");
    bench.wait(15).await;
    held_up(bench.look(&later(&run, 1), Task::GiveBack(back)).await);
    assert_eq!(bench.done(), ["DeleteVolume"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_in_sight_for_a_minute_is_nothing() {
    let bench = Bench::new();
    let task = Task::GiveBack(GiveBack::unknown(Because::Leftover));
    let run = bench.run();
    for too_soon in [later(&run, 3), busy_until_now(&run, 40)] {
        held_up(bench.look(&too_soon, task.clone()).await);
    }
    ends(bench.look(&later(&run, 4), task).await);
    assert_eq!(bench.done(), NOTHING);
}
