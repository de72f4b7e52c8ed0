//! Whole nights in memory: what the contract says of each outcome.

use rehearsal::aws::model_host::Backup;
use rehearsal::night::Night;

#[tokio::test(start_paused = true)]
async fn a_good_backup_is_valid_and_nothing_is_left() {
    let night = Night::new();
    let ending = night.play().await;
    for line in &ending.log {
        println!("{line}");
    }
    println!(
        "{:#?} {:#?} {:?}",
        ending.tags, ending.points, ending.events
    );
    assert_eq!(ending.errors(), Vec::<String>::new());
    assert_eq!(ending.tag(), Some("True"));
    assert_eq!(ending.valid(), [1.0]);
    assert_eq!(ending.left, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_bad_backup_is_invalid_and_nothing_is_left() {
    for backup in [
        Backup::Damaged,
        Backup::ServerDoesNotStart,
        Backup::BrokenFilesystem,
    ] {
        let night = Night::new().backup(backup);
        let ending = night.play().await;
        assert_eq!(ending.errors(), Vec::<String>::new(), "{backup:?}");
        assert_eq!(ending.tag(), Some("False"), "{backup:?}");
        assert_eq!(ending.valid(), [0.0], "{backup:?}");
        assert_eq!(ending.left, Vec::<String>::new(), "{backup:?}");
    }
}
