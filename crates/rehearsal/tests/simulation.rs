//! Bad nights, all single ones: what must hold, holds.

use rehearsal::aws::model_host::Backup;
use rehearsal::simulation::{Plan, exhaustive, play};

async fn every_single_trouble(backup: Backup) {
    let troubles = exhaustive::single_troubles(backup).await;
    let mut bad = Vec::new();
    for trouble in &troubles {
        let plan = Plan {
            backup,
            troubles: vec![*trouble],
            seed: 0,
        };
        let played = play(&plan).await;
        if !played.violations.is_empty() {
            bad.push(format!("{trouble:?}: {:?}", played.violations));
        }
    }
    assert!(
        bad.is_empty(),
        "{} of {} nights:\n{}",
        bad.len(),
        troubles.len(),
        bad.join("\n")
    );
}

#[tokio::test(start_paused = true)]
async fn every_single_trouble_of_a_good_night() {
    every_single_trouble(Backup::Good).await;
}

#[tokio::test(start_paused = true)]
async fn every_single_trouble_of_a_bad_night() {
    every_single_trouble(Backup::Damaged).await;
}

#[tokio::test(start_paused = true)]
async fn every_single_trouble_of_a_failing_night() {
    every_single_trouble(Backup::CannotBeTested).await;
}
