//! Canary nights: the copy is damaged on purpose, and the test has to find that.

use aws_stand_in::simulated_host::Backup;
use serde_json::json;
use simulation::environment::{Ending, Environment};

async fn canary_night(night: Environment) -> Ending {
    let ending = night.start(json!({"canary": true})).await;
    // A damaged copy proves nothing about the backup.
    assert_eq!(ending.tag(), None, "tag");
    assert_eq!(ending.valid(), Vec::<f64>::new(), "metric");
    assert_eq!(ending.left, Vec::<String>::new(), "left");
    ending
}

fn caught(ending: &Ending) -> Vec<f64> {
    ending.metric("infobright_backup_check.canary_caught")
}

#[tokio::test(start_paused = true)]
async fn a_test_that_finds_the_damage_has_the_run_succeed() {
    let ending = canary_night(Environment::new()).await;
    assert_eq!(caught(&ending), [1.0]);
    assert_eq!(ending.errors(), Vec::<String>::new());
    assert_eq!(ending.events, Vec::new());
}

#[tokio::test(start_paused = true)]
async fn a_test_that_does_not_find_it_fails_the_run() {
    let night = Environment::new();
    night.host.be_blind();
    let ending = canary_night(night).await;
    assert_eq!(caught(&ending), [0.0]);
    ending.assert_undetermined("CanaryMissed");
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_bad_anyway_or_cannot_be_damaged_proves_nothing() {
    for backup in [
        Backup::Damaged,
        Backup::ServerDoesNotStart,
        Backup::BrokenFilesystem,
        Backup::CannotBeTested,
    ] {
        let ending = canary_night(Environment::new().backup(backup)).await;
        assert_eq!(caught(&ending), Vec::<f64>::new(), "{backup:?}");
        ending.assert_undetermined("HostFailed");
    }
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_night_damages_nothing() {
    let night = Environment::new();
    let ending = night.play().await;
    ending.assert_verdict(true);
    assert_eq!(caught(&ending), Vec::<f64>::new());
    let commands = night.stack.aws.commands().into_iter();
    let canaries: Vec<_> = commands
        .filter_map(|mut command| command.parameters.remove("canary"))
        .collect();
    assert_eq!(canaries, ["false"], "the document's own default");
}
