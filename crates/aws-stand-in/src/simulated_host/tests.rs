use std::time::Duration;

use serde_json::Value;

use super::{Along, Backup, Durations};
use crate::instance_host::Host as _;
use crate::testing::Night;
use crate::{Command, CommandStatus};

/// A run whose snapshot holds that, with the volume attached.
async fn night(backup: Backup) -> (Night, String) {
    let night = Night::new();
    night.host.set_backup(&night.fixture.snapshot_id, backup);
    night.host.set_durations(Durations {
        test: Duration::from_mins(10),
        ..Durations::default()
    });
    let volume_id = night.attached_volume().await;
    (night, volume_id)
}

/// Runs a script and waits long enough.
async fn run(night: &Night, document: &str, run_id: &str, volume_id: &str) -> Command {
    let id = send(night, document, run_id, volume_id).await;
    night.wait(1200).await;
    command(night, &id)
}

async fn send(night: &Night, document: &str, run_id: &str, volume_id: &str) -> String {
    night
        .send(document, &[("runId", run_id), ("volumeId", volume_id)])
        .await
}

fn command(night: &Night, id: &str) -> Command {
    let commands = night.aws.commands();
    commands
        .into_iter()
        .find(|command| command.id == id)
        .unwrap()
}

fn sum(command: &Command) -> Value {
    let line = command.stdout.trim_end().lines().next_back().unwrap();
    serde_json::from_str(line).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_good_backup_mounts_tests_and_is_given_back() {
    let (night, volume_id) = night(Backup::Good).await;
    assert_eq!(
        run(&night, "mount", "run-1", &volume_id).await.exit_code,
        Some(0)
    );
    let test = run(&night, "test", "run-1", &volume_id).await;
    assert_eq!(
        (test.exit_code, sum(&test)["valid"].as_bool()),
        (Some(0), Some(true))
    );
    assert!(!night.host.leftovers().is_empty());
    assert_eq!(
        run(&night, "release", "run-1", &volume_id).await.exit_code,
        Some(0)
    );
    assert!(night.host.leftovers().is_empty());
    assert_eq!(night.host.tests_executed()["run-1"], 1);
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_backup_and_of_the_machine_exit_differently() {
    for (backup, exit_code) in [
        (Backup::Damaged, 1),
        (Backup::ServerDoesNotStart, 1),
        (Backup::CannotBeTested, 75),
    ] {
        let (night, volume_id) = night(backup).await;
        run(&night, "mount", "run-1", &volume_id).await;
        let test = run(&night, "test", "run-1", &volume_id).await;
        assert_eq!(
            (test.exit_code, sum(&test)["valid"].as_bool()),
            (Some(exit_code), Some(false))
        );
    }
    let (night, volume_id) = night(Backup::BrokenFilesystem).await;
    assert_eq!(
        run(&night, "mount", "run-1", &volume_id).await.exit_code,
        Some(1)
    );
    assert_eq!(night.host.mounted(), None);
}

#[tokio::test(start_paused = true)]
async fn a_second_test_of_the_run_reports_the_first() {
    let (night, volume_id) = night(Backup::Damaged).await;
    run(&night, "mount", "run-1", &volume_id).await;
    let first = send(&night, "test", "run-1", &volume_id).await;
    night.wait(60).await;
    let duplicate = send(&night, "test", "run-1", &volume_id).await;
    night.wait(600).await;
    let late = run(&night, "test", "run-1", &volume_id).await;
    assert_eq!(
        command(&night, &first).stdout,
        command(&night, &duplicate).stdout
    );
    assert_eq!(command(&night, &first).stdout, late.stdout);
    assert_eq!(night.host.tests_executed()["run-1"], 1);
}

#[tokio::test(start_paused = true)]
async fn another_run_cannot_mount_or_test_meanwhile() {
    let (night, volume_id) = night(Backup::Good).await;
    run(&night, "mount", "run-1", &volume_id).await;
    send(&night, "test", "run-1", &volume_id).await;
    night.wait(60).await;
    assert_eq!(
        run(&night, "mount", "run-2", &volume_id).await.exit_code,
        Some(75)
    );
    assert_eq!(
        run(&night, "test", "run-2", &volume_id).await.exit_code,
        Some(75)
    );
    assert_eq!(night.host.most_tests_at_once(), 1);
    run(&night, "release", "run-2", &volume_id).await;
    assert_eq!(
        night.host.mounted(),
        Some(volume_id),
        "not theirs to give back"
    );
}

#[tokio::test(start_paused = true)]
async fn release_stops_a_running_test_and_bars_a_late_mount() {
    let (night, volume_id) = night(Backup::Good).await;
    run(&night, "mount", "run-1", &volume_id).await;
    let test = send(&night, "test", "run-1", &volume_id).await;
    night.wait(60).await;
    send(&night, "release", "run-1", &volume_id).await;
    night.wait(60).await;
    assert_eq!(command(&night, &test).exit_code, Some(75));
    assert!(night.host.leftovers().is_empty());
    assert_eq!(
        run(&night, "mount", "run-1", &volume_id).await.exit_code,
        Some(75)
    );
    assert_eq!(night.host.mounted(), None);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_goes_away_during_the_test_gives_no_verdict() {
    let (night, volume_id) = night(Backup::Good).await;
    run(&night, "mount", "run-1", &volume_id).await;
    let test = send(&night, "test", "run-1", &volume_id).await;
    night.wait(60).await;
    night.aws.delete_by_hand(&volume_id);
    night.wait(600).await;
    assert_eq!(command(&night, &test).exit_code, Some(75));
}

#[tokio::test(start_paused = true)]
async fn a_reboot_ends_everything_but_the_files() {
    let (night, volume_id) = night(Backup::Good).await;
    run(&night, "mount", "run-1", &volume_id).await;
    let test = send(&night, "test", "run-1", &volume_id).await;
    night.wait(60).await;
    night.aws.reboot_instance(&night.fixture.test_instance_id);
    assert!(night.host.leftovers().is_empty());
    night.wait(600).await;
    assert_eq!(command(&night, &test).status, CommandStatus::InProgress);
    assert_eq!(
        run(&night, "test", "run-1", &volume_id).await.exit_code,
        Some(75)
    );
}

/// <https://github.com/kubernetes/kubernetes/issues/37854>
#[tokio::test(start_paused = true)]
async fn a_mount_that_was_taken_along_keeps_the_volume_busy_seen_or_unseen() {
    for (along, exit_code) in [(Along::Seen, 75), (Along::Unseen, 0)] {
        let (night, volume_id) = night(Backup::Good).await;
        run(&night, "mount", "run-1", &volume_id).await;
        night.host.set_along(Some(along));
        let release = run(&night, "release", "run-1", &volume_id).await;
        assert_eq!(release.exit_code, Some(exit_code), "{along:?}");
        assert_eq!(night.host.mounted(), None);
        assert!(night.host.in_use(&volume_id));
        night.host.set_along(None);
        assert!(!night.host.in_use(&volume_id));
        let release = run(&night, "release", "run-1", &volume_id).await;
        assert_eq!(release.exit_code, Some(0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_mounted_later_is_taken_along_too_until_the_machine_restarts() {
    let (night, volume_id) = night(Backup::Good).await;
    night.host.set_along(Some(Along::Unseen));
    assert!(!night.host.in_use(&volume_id));
    run(&night, "mount", "run-1", &volume_id).await;
    run(&night, "release", "run-1", &volume_id).await;
    assert!(night.host.in_use(&volume_id));
    night.aws.reboot_instance(&night.fixture.test_instance_id);
    assert!(!night.host.in_use(&volume_id));
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_ec2_shows_as_attached_may_show_no_device() {
    let (night, volume_id) = night(Backup::Good).await;
    night.host.hide_devices(true);
    let mount = run(&night, "mount", "run-1", &volume_id).await;
    assert_eq!(mount.exit_code, Some(75));
    night.host.hide_devices(false);
    let mount = run(&night, "mount", "run-1", &volume_id).await;
    assert_eq!(mount.exit_code, Some(0));
}
