//! Each payload as it travels, byte for byte: functions of an older release read it while a stack
//! is being updated, and people copy it out of the log.

use std::fmt::Debug;

use super::super::{
    Attached, Chosen, Envelope, Mounted, Payload, Release, Start, Testing, VolumeCreated,
};

const RUN: &str = r#""run_id":"run-1","started_at":"2026-03-01T02:00:00Z","iteration_count":2,"ready_at":{"snapshot":"2026-03-01T02:01:00Z","volume":"2026-03-01T02:02:00Z"},"waited_seconds":120,"busy":1,"canary":true,"older_backup":true,"production_instance_name":"ib","production_device":"/dev/sdb","test_instance_name":"dev-ib","test_device":"/dev/sdg","#;
const RUN_AT_LEAST: &str =
    r#""run_id":"run-1","started_at":"2026-03-01T02:00:00Z","iteration_count":0,"ready_at":{},"#;

fn stays<P: Payload + Debug>(fields: &str) {
    for run in [RUN, RUN_AT_LEAST] {
        let text = format!("{{{run}{fields}}}");
        let event = serde_json::from_str(&text).expect("JSON");
        let envelope = Envelope::<P>::read(&event).expect("a payload");
        assert_eq!(serde_json::to_string(&envelope).expect("JSON"), text);
    }
}

#[test]
fn a_start() {
    stays::<Start>(
        r#""snapshot_id":"snap-1","pick":"untested","older_than_days":3,"younger_than_days":30,"snapshot_filters":"tag:Name=ib","source_volume_id":"vol-9""#,
    );
    stays::<Start>(r#""source_volume_id":"vol-9""#);
}

#[test]
fn the_payloads_from_step_to_step() {
    stays::<Chosen>(
        r#""snapshot_id":"snap-1","snapshot_started_at":"2026-03-01T01:00:00Z","dev_ib_backup_instance_id":"i-1""#,
    );
    stays::<Chosen>(r#""snapshot_id":"snap-1","dev_ib_backup_instance_id":"i-1""#);
    stays::<VolumeCreated>(
        r#""snapshot_id":"snap-1","snapshot_started_at":"2026-03-01T01:00:00Z","dev_ib_backup_instance_id":"i-1","volume_id":"vol-1","volume_performance":"gp3""#,
    );
    stays::<VolumeCreated>(
        r#""snapshot_id":"snap-1","dev_ib_backup_instance_id":"i-1","volume_id":"vol-1""#,
    );
    stays::<Attached>(
        r#""snapshot_id":"snap-1","snapshot_started_at":"2026-03-01T01:00:00Z","dev_ib_backup_instance_id":"i-1","volume_id":"vol-1","device":"/dev/sdg","mount_command_id":"c-1""#,
    );
    stays::<Attached>(
        r#""snapshot_id":"snap-1","dev_ib_backup_instance_id":"i-1","volume_id":"vol-1","device":"/dev/sdg""#,
    );
    stays::<Mounted>(
        r#""snapshot_id":"snap-1","snapshot_started_at":"2026-03-01T01:00:00Z","dev_ib_backup_instance_id":"i-1","volume_id":"vol-1","device":"/dev/sdg","mount_command_id":"c-1","mount_found_fault":false"#,
    );
    stays::<Mounted>(
        r#""snapshot_id":"snap-1","dev_ib_backup_instance_id":"i-1","volume_id":"vol-1","device":"/dev/sdg","mount_command_id":"c-1","mount_found_fault":true"#,
    );
    stays::<Testing>(
        r#""snapshot_id":"snap-1","dev_ib_backup_instance_id":"i-1","volume_id":"vol-1","device":"/dev/sdg","test_command_id":"c-2""#,
    );
}

#[test]
fn what_step_6_hands_to_itself() {
    stays::<Release>(
        r#""because":{"verdict":{"valid":true,"checked_at":"2026-03-01T03:00:00Z","coverage":99.5,"paused_seconds":0.25,"manifest":true}},"snapshot_id":"snap-1","dev_ib_backup_instance_id":"i-1","volume_id":"vol-1","device":"/dev/sdg","test_command_id":"c-2","release_command_id":"c-3","unmounted":true,"by_force":true,"held_by":"pid 7","gave_back":true,"reported":true,"found":false,"lost":"vol-1""#,
    );
    stays::<Release>(
        r#""because":{"verdict":{"valid":false,"checked_at":"2026-03-01T03:00:00Z"}},"unmounted":false,"gave_back":false,"reported":false"#,
    );
    stays::<Release>(
        r#""because":{"canary":{"caught":true,"checked_at":"2026-03-01T03:00:00Z"}},"unmounted":false,"gave_back":false,"reported":false"#,
    );
    stays::<Release>(
        r#""because":{"failure":{"function":"step-2-volume","error":"Dead: gone"}},"unmounted":false,"gave_back":false,"reported":false"#,
    );
    for because in ["leftover", "superseded"] {
        stays::<Release>(&format!(
            r#""because":"{because}","unmounted":false,"gave_back":false,"reported":false"#
        ));
    }
}
