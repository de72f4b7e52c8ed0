use std::time::Duration;

use aws_stand_in::Snapshot;
use aws_stand_in::step_harness::{self, busy_until_now, fails, goes_on, later, polls_again};
use common::Kind;
use common::event::{Subject, VolumeCreated};

use crate::AttachVolume;

type Harness = step_harness::StepHarness<AttachVolume>;

const NOTHING: [&str; 0] = [];

fn made(harness: &Harness, volume_id: &str) -> VolumeCreated {
    VolumeCreated {
        subject: Subject {
            snapshot_id: harness.ids.snapshot_id.clone(),
            snapshot_started_at: Some(harness.run().started_at),
            dev_ib_backup_instance_id: harness.ids.test_instance_id.clone(),
        },
        volume_id: volume_id.to_owned(),
        volume_performance: None,
    }
}

#[tokio::test(start_paused = true)]
async fn attaches_once_waits_and_goes_on_with_the_device() {
    let harness = Harness::new();
    let id = harness.volume("run-1").await;
    let run = harness.run();
    let (why, payload) = polls_again(harness.poll(&run, made(&harness, &id)).await);
    assert!(why.contains("is being attached"), "{why}");
    assert_eq!(payload, made(&harness, &id));
    let (_, payload) = polls_again(harness.poll(&later(&run, 1), payload).await);
    harness.wait(3).await;
    let attached = goes_on(harness.poll(&later(&run, 2), payload).await);
    assert_eq!(harness.done(), ["AttachVolume"]);
    assert_eq!(
        (
            attached.volume.volume_id.as_str(),
            attached.volume.device.as_str()
        ),
        (id.as_str(), "/dev/sdg")
    );
    assert_eq!(
        attached.subject.dev_ib_backup_instance_id,
        harness.ids.test_instance_id
    );
    assert_eq!(attached.subject.snapshot_id, harness.ids.snapshot_id);
    let volume = harness.aws.volume(&id).expect("it is there");
    let attachment = volume.attachment.expect("it is attached");
    assert_eq!(attachment.instance_id, harness.ids.test_instance_id);
}

#[tokio::test(start_paused = true)]
async fn a_twin_has_attached_it_already() {
    let harness = Harness::new();
    let id = harness.attached_volume("run-1").await;
    let attached = goes_on(harness.poll(&harness.run(), made(&harness, &id)).await);
    assert_eq!(attached.volume.device, "/dev/sdg");
    assert_eq!(harness.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_twin_is_attaching_it() {
    let harness = Harness::new();
    let id = harness.volume("run-1").await;
    harness
        .attach(&id, &harness.ids.test_instance_id, "/dev/sdg")
        .await;
    let (why, _) = polls_again(harness.poll(&harness.run(), made(&harness, &id)).await);
    assert!(why.contains("is being attached"), "{why}");
    assert_eq!(harness.done(), NOTHING);
}

/// The read says `available` while EC2 knows better: its refusal is no error.
#[tokio::test(start_paused = true)]
async fn an_attachment_that_reads_do_not_show_yet_is_waited_for() {
    let harness = Harness::new();
    let id = harness.volume("run-1").await;
    let lag = Duration::from_secs(20);
    harness.aws.set_timing(|timing| timing.read_lag = lag);
    let run = harness.run();
    let (_, payload) = polls_again(harness.poll(&run, made(&harness, &id)).await);
    harness.wait(15).await;
    let (why, payload) = polls_again(harness.poll(&later(&run, 1), payload).await);
    assert!(why.contains("was attached"), "{why}");
    assert!(
        harness.asked("AttachVolume")[1]
            .outcome
            .contains("VolumeInUse")
    );
    harness.wait(15).await;
    goes_on(harness.poll(&later(&run, 2), payload).await);
}

#[tokio::test(start_paused = true)]
async fn in_use_with_an_empty_list_of_attachments_is_waited_for() {
    let harness = Harness::new();
    harness.shows("vol-rehearsal0001", "in-use", None);
    polls_again(
        harness
            .poll(&harness.run(), made(&harness, "vol-rehearsal0001"))
            .await,
    );
    assert_eq!(harness.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_volume_still_creating_is_waited_for() {
    let harness = Harness::new();
    let id = harness.new_volume("run-1").await;
    polls_again(harness.poll(&harness.run(), made(&harness, &id)).await);
    assert_eq!(harness.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn an_attachment_on_its_way_back_is_an_error() {
    for state in ["detaching", "busy"] {
        let harness = Harness::new();
        harness.shows("vol-rehearsal0001", "in-use", Some(state));
        let error = fails(
            harness
                .poll(&harness.run(), made(&harness, "vol-rehearsal0001"))
                .await,
        );
        assert_eq!(error.kind(), Kind::Dead);
        let named = format!("vol-rehearsal0001 is {state}");
        assert!(error.to_string().contains(&named), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attachment_that_is_over_counts_as_none() {
    let harness = Harness::new();
    let id = harness.volume("run-1").await;
    harness.shows(&id, "available", Some("detached"));
    polls_again(harness.poll(&harness.run(), made(&harness, &id)).await);
    assert_eq!(harness.done(), ["AttachVolume"]);
}

#[tokio::test(start_paused = true)]
async fn a_volume_attached_elsewhere_is_an_error_that_says_where() {
    let harness = Harness::new();
    let id = harness.volume("run-1").await;
    let elsewhere = &harness.ids.production_instance_id;
    harness.attach(&id, elsewhere, "/dev/sdh").await;
    let error = fails(harness.poll(&harness.run(), made(&harness, &id)).await);
    assert_eq!(error.kind(), Kind::Occupied);
    let text = error.to_string();
    assert!(text.contains(&id) && text.contains(elsewhere), "{text}");
    assert_eq!(harness.done(), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_rival_holds_the_device() {
    let harness = Harness::new();
    harness.attached_volume("run-2").await;
    let id = harness.volume("run-1").await;
    let error = fails(harness.poll(&harness.run(), made(&harness, &id)).await);
    assert_eq!(error.kind(), Kind::AwsRefused);
    let text = error.to_string();
    assert!(
        text.contains(&id) && text.contains("/dev/sdg is already in use"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_volume_out_of_sight_is_looked_for_a_minute_long() {
    let harness = Harness::new();
    let run = harness.run();
    let payload = made(&harness, "vol-rehearsal0001");
    let while_busy = busy_until_now(&run, 40);
    for run in [&run, &later(&run, 3), &while_busy] {
        let (why, _) = polls_again(harness.poll(run, payload.clone()).await);
        assert_eq!(why, "volume vol-rehearsal0001 is not in sight");
    }
    let error = fails(harness.poll(&later(&run, 4), payload).await);
    assert_eq!(error.kind(), Kind::Dead);
    assert!(error.to_string().contains("vol-rehearsal0001"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_is_being_deleted_or_failed_is_an_error_at_once() {
    let harness = Harness::new();
    let deleting = harness.volume("run-1").await;
    let deleted = common::ec2::delete(&harness.person.ec2, &deleting).await;
    deleted.expect("it can be deleted");
    let error = fails(
        harness
            .poll(&harness.run(), made(&harness, &deleting))
            .await,
    );
    assert_eq!(error.kind(), Kind::Dead);
    let failed = harness.volume("run-2").await;
    harness.shows(&failed, "error", None);
    let error = fails(harness.poll(&harness.run(), made(&harness, &failed)).await);
    assert_eq!(error.kind(), Kind::Dead);
    assert_eq!(harness.done(), NOTHING);
}

/// Case 69 of the field and finding 3 of AWS: what EC2 says, and not that it was attached.
#[tokio::test(start_paused = true)]
async fn field_case_69_a_state_that_does_not_allow_it_is_told_in_ec2s_words() {
    let harness = Harness::new();
    let volume_id = harness.volume("run-1").await;
    let payload = made(&harness, &volume_id);
    harness.refuse("AttachVolume", 400, "IncorrectState");
    let (why, _) = polls_again(harness.poll(&harness.run(), payload).await);
    assert!(
        why.contains("IncorrectState: as this test wants it"),
        "{why}"
    );
    assert!(!why.contains("was attached"), "{why}");
}

/// Case 70 of the field: it may never end.
#[tokio::test(start_paused = true)]
async fn field_case_70_an_attachment_without_end_says_what_may_hold_it() {
    let harness = Harness::new();
    let volume_id = harness.volume("run-1").await;
    let payload = made(&harness, &volume_id);
    harness.shows(&payload.volume_id, "in-use", Some("attaching"));
    let run = harness.run();
    let (why, payload) = polls_again(harness.poll(&run, payload).await);
    assert!(!why.contains("reboot"), "{why}");
    let late = common::event::Run {
        waited_seconds: 300,
        ..run
    };
    let (why, _) = polls_again(harness.poll(&late, payload).await);
    for named in ["/dev/sdg", "/dev/xvdX", "TestDevice", "reboot"] {
        assert!(why.contains(named), "{named}: {why}");
    }
}

/// Finding 2 of AWS, at its other end: the key was taken away since the volume was made.
#[tokio::test(start_paused = true)]
async fn aws_finding_2_a_revoked_key_is_named() {
    let harness = Harness::new();
    let begun = harness.aws.clock().now() - Duration::from_hours(1);
    let key = "arn:aws:kms:us-east-1:000000000000:key/rehearsal";
    harness.aws.add_snapshot(Snapshot {
        kms_key_arn: Some(key.to_owned()),
        ..Snapshot::completed(
            &harness.ids.snapshot_id,
            &harness.ids.production_volume_id,
            begun,
        )
    });
    let id = harness.volume("run-1").await;
    harness.refuse("AttachVolume", 400, "CustomerKeyHasBeenRevoked");
    let text = fails(harness.poll(&harness.run(), made(&harness, &id)).await).to_string();
    let volume = format!("volume {id} is encrypted under {key}");
    for named in ["CustomerKeyHasBeenRevoked", &volume, "kms:CreateGrant"] {
        assert!(text.contains(named), "{named}: {text}");
    }
}

/// Cases 70 and 75 of the field: each has its own advice.
#[tokio::test(start_paused = true)]
async fn field_cases_70_75_a_taken_device_and_too_many_volumes_have_their_advice() {
    let harness = Harness::new();
    harness.attached_volume("run-2").await;
    let id = harness.volume("run-1").await;
    let text = fails(harness.poll(&harness.run(), made(&harness, &id)).await).to_string();
    assert!(
        text.contains("/dev/xvdX are one name") && text.contains("TestDevice"),
        "{text}"
    );
    harness.refuse("AttachVolume", 400, "AttachmentLimitExceeded");
    let text = fails(harness.poll(&harness.run(), made(&harness, &id)).await).to_string();
    assert!(
        text.contains("detach volumes that the test instance does not need"),
        "{text}"
    );
    harness.refuse("AttachVolume", 400, "InvalidVolume.ZoneMismatch");
    let text = fails(harness.poll(&harness.run(), made(&harness, &id)).await).to_string();
    assert!(!text.contains("detach"), "{text}");
}
