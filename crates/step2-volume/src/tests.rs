use aws_stand_in::step_harness::{self, fails, goes_on, has_ended_already, later, polls_again};
use aws_stand_in::{Fault, Instance, Snapshot, Speed, TEST_INSTANCE, VolumeState};
use common::Kind;
use common::event::{Chosen, Subject};

use crate::MakeVolume;

type Harness = step_harness::StepHarness<MakeVolume>;

fn chosen(harness: &Harness) -> Chosen {
    Chosen {
        subject: Subject {
            snapshot_id: harness.ids.snapshot_id.clone(),
            snapshot_started_at: Some(harness.run().started_at),
            dev_ib_backup_instance_id: harness.ids.test_instance_id.clone(),
        },
        older_backup: false,
    }
}

#[tokio::test(start_paused = true)]
async fn makes_the_volume_with_its_tags_in_the_one_call() {
    let harness = Harness::new();
    let (why, payload) = polls_again(harness.poll(&harness.run(), chosen(&harness)).await);
    assert_eq!(payload, chosen(&harness));
    assert_eq!(harness.done(), ["CreateVolume"]);
    let volumes = harness.aws.volumes().into_iter();
    let made: Vec<_> = volumes
        .filter(|volume| volume.tags.contains_key("IBBackupTest"))
        .collect();
    let [made] = made.as_slice() else {
        panic!("{made:#?}")
    };
    let tags: Vec<_> = made
        .tags
        .iter()
        .map(|(key, value)| (&key[..], &value[..]))
        .collect();
    assert_eq!(
        tags,
        [
            ("IBBackupEnvironment", "dev"),
            ("IBBackupRun", "run-1"),
            ("IBBackupTest", "True"),
            ("IBBackupTestInstance", TEST_INSTANCE),
            ("Name", "test-ib-snapshot-snap-rehearsal0001"),
        ]
    );
    assert_eq!(made.snapshot_id.as_ref(), Some(&harness.ids.snapshot_id));
    assert!(why.contains(&made.id), "{why}");
}

#[tokio::test(start_paused = true)]
async fn makes_it_where_the_test_instance_is() {
    let harness = Harness::new();
    let now = harness.aws.clock().now();
    let test = &harness.ids.test_instance_id;
    harness
        .aws
        .add_instance(Instance::running(test, TEST_INSTANCE, "us-east-1c", now));
    polls_again(harness.poll(&harness.run(), chosen(&harness)).await);
    let made = harness.made().into_iter().next().expect("a volume");
    let zone = harness.aws.volume(&made).expect("it is there");
    assert_eq!(zone.availability_zone, "us-east-1c");
}

#[tokio::test(start_paused = true)]
async fn waits_while_it_is_made_and_goes_on_with_it() {
    let harness = Harness::new();
    let run = harness.run();
    polls_again(harness.poll(&run, chosen(&harness)).await);
    let (why, payload) = polls_again(harness.poll(&later(&run, 1), chosen(&harness)).await);
    let id = harness.made().into_iter().next().expect("a volume");
    assert_eq!(why, format!("volume {id} is being made"));
    harness.wait(15).await;
    let made = goes_on(harness.poll(&later(&run, 2), payload).await);
    assert_eq!(made.volume_id, id);
    assert_eq!(made.subject.snapshot_id, harness.ids.snapshot_id);
    assert_eq!(
        made.subject.dev_ib_backup_instance_id,
        harness.ids.test_instance_id
    );
    assert_eq!(harness.done(), ["CreateVolume"]);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_reads_do_not_show_yet_is_not_made_twice() {
    let harness = Harness::new();
    let minute = std::time::Duration::from_mins(1);
    harness.aws.set_timing(|timing| timing.read_lag = minute);
    let run = harness.run();
    let (first, _) = polls_again(harness.poll(&run, chosen(&harness)).await);
    harness.wait(15).await;
    let (second, _) = polls_again(harness.poll(&later(&run, 1), chosen(&harness)).await);
    assert_eq!(first, second, "the same volume");
    assert_eq!(harness.asked("CreateVolume").len(), 2);
    assert_eq!(harness.made().len(), 1);
    harness.wait(60).await;
    goes_on(harness.poll(&later(&run, 2), chosen(&harness)).await);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_costs_no_second_volume() {
    let harness = Harness::new();
    harness.aws.set_faults(Box::new(|call| {
        (call.action == "CreateVolume").then_some(Fault::LoseAnswer)
    }));
    let error = fails(harness.poll(&harness.run(), chosen(&harness)).await);
    assert_eq!(error.kind(), Kind::AwsUnavailable);
    harness.aws.clear_faults();
    polls_again(harness.poll(&harness.run(), chosen(&harness)).await);
    assert_eq!(harness.made().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_twin_that_is_ahead_has_attached_it() {
    let harness = Harness::new();
    let id = harness.attached_volume("run-1").await;
    let made = goes_on(harness.poll(&harness.run(), chosen(&harness)).await);
    assert_eq!(made.volume_id, id);
    assert_eq!(harness.done(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_volume_of_another_run_is_none_of_ours() {
    let harness = Harness::new();
    harness.volume("run-2").await;
    polls_again(harness.poll(&harness.run(), chosen(&harness)).await);
    assert_eq!(harness.made().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_failed_is_an_error_at_once() {
    let harness = Harness::new();
    let id = harness.volume("run-1").await;
    harness.shows(&id, "error", None);
    let error = fails(harness.poll(&harness.run(), chosen(&harness)).await);
    assert_eq!(error.kind(), Kind::Dead);
    let text = error.to_string();
    assert!(text.contains(&id) && text.contains("KmsKeyArn"), "{text}");
    assert_eq!(harness.done(), [""; 0]);
}

/// Last night's snapshot, encrypted under a key that nobody may use: the key's id.
fn encrypt(harness: &Harness) -> String {
    let begun = harness.aws.clock().now() - std::time::Duration::from_hours(1);
    let (id, volume) = (&harness.ids.snapshot_id, &harness.ids.production_volume_id);
    let encrypted = Snapshot {
        kms_denied: true,
        ..Snapshot::completed(id, volume, begun)
    };
    let key = encrypted.key_arn().expect("it is encrypted");
    harness.aws.add_snapshot(encrypted);
    key
}

/// Case 67 of the field and finding 2 of AWS: the volume vanishes, and its token is burnt.
#[tokio::test(start_paused = true)]
async fn field_case_67_a_vanished_volume_names_the_key_of_its_snapshot() {
    let harness = Harness::new();
    let key = encrypt(&harness);
    let run = harness.run();
    let (_, payload) = polls_again(harness.poll(&run, chosen(&harness)).await);
    harness.wait(15).await;
    let error = fails(harness.poll(&later(&run, 1), payload).await);
    assert_eq!(error.kind(), Kind::AwsRefused);
    let text = error.to_string();
    let snapshot = format!(
        "snapshot {} is encrypted under {key}",
        harness.ids.snapshot_id
    );
    for named in [
        "IdempotentParameterMismatch",
        &snapshot,
        "KmsKeyArn",
        "kms:CreateGrant",
    ] {
        assert!(text.contains(named), "{named}: {text}");
    }
    assert_eq!(harness.made().len(), 1);
}

/// Case 68 of the field: EC2 answers the id of the one that vanished.
#[tokio::test(start_paused = true)]
async fn field_case_68_a_volume_that_stays_out_of_sight_names_the_key() {
    let harness = Harness::new();
    let key = encrypt(&harness);
    harness.answer(
        "CreateVolume",
        "<CreateVolumeResponse><volumeId>vol-vanished</volumeId></CreateVolumeResponse>".to_owned(),
    );
    let run = harness.run();
    let (why, payload) = polls_again(harness.poll(&run, chosen(&harness)).await);
    assert!(!why.contains(&key), "{why}");
    let (why, _) = polls_again(harness.poll(&later(&run, 4), payload).await);
    assert!(
        why.contains("vol-vanished was made of") && why.contains(&key),
        "{why}"
    );
}

/// The run looks for its volume by a tag, which somebody may have changed.
#[tokio::test(start_paused = true)]
async fn a_volume_that_lost_its_tag_while_it_is_made_is_named_with_that_tag() {
    let harness = Harness::new();
    let run = harness.run();
    let (_, payload) = polls_again(harness.poll(&run, chosen(&harness)).await);
    let id = harness.made().into_iter().next().expect("a volume");
    harness.aws.tag_by_hand(&id, "IBBackupRun", "somebody-else");
    harness.wait(15).await;
    let (why, _) = polls_again(harness.poll(&later(&run, 4), payload).await);
    let named = format!("volume {id} was made of");
    assert!(why.starts_with(&named), "{why}");
    assert!(
        why.contains("not in sight with its tag IBBackupRun=run-1"),
        "{why}"
    );
}

/// Without a key of its own it may be the account's.
#[tokio::test(start_paused = true)]
async fn a_vanished_volume_of_a_plain_snapshot_is_told_as_what_it_may_be() {
    let harness = Harness::new();
    let run = harness.run();
    let (_, payload) = polls_again(harness.poll(&run, chosen(&harness)).await);
    let id = harness.made().into_iter().next().expect("a volume");
    harness.aws.delete_by_hand(&id);
    harness.wait(15).await;
    let text = fails(harness.poll(&later(&run, 1), payload).await).to_string();
    for named in [
        "is not encrypted",
        "get-ebs-default-kms-key-id",
        "somebody deleted the volume",
    ] {
        assert!(text.contains(named), "{named}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_is_being_deleted_is_an_error_and_not_replaced() {
    let harness = Harness::new();
    let id = harness.volume("run-1").await;
    let deleted = common::ec2::delete(&harness.person.ec2, &id).await;
    deleted.expect("it can be deleted");
    let error = fails(harness.poll(&harness.run(), chosen(&harness)).await);
    assert_eq!(error.kind(), Kind::Dead);
    assert!(error.to_string().contains(&id), "{error}");
    assert_eq!(harness.done(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_is_gone_is_not_replaced() {
    let harness = Harness::new();
    let run = harness.run();
    polls_again(harness.poll(&run, chosen(&harness)).await);
    let id = harness.made().into_iter().next().expect("a volume");
    harness.aws.delete_by_hand(&id);
    harness.wait(15).await;
    fails(harness.poll(&later(&run, 1), chosen(&harness)).await);
    assert_eq!(harness.made().len(), 1);
    let volume = harness.aws.volume(&id).expect("its trace");
    assert_eq!(volume.state, VolumeState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_late_delivery_of_a_run_with_a_verdict_makes_nothing() {
    let harness = Harness::new();
    harness.verdict_is_written_by("run-1");
    has_ended_already(harness.poll(&harness.run(), chosen(&harness)).await);
    assert_eq!(harness.done(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_verdict_of_another_run_does_not_end_this_one() {
    let harness = Harness::new();
    harness.verdict_is_written_by("run-0");
    polls_again(harness.poll(&harness.run(), chosen(&harness)).await);
    assert_eq!(harness.done(), ["CreateVolume"]);
}

#[tokio::test(start_paused = true)]
async fn the_stacks_parameters_say_how_fast_the_volume_is() {
    let harness = Harness::with(&[
        ("VolumeType", "gp3"),
        ("VolumeIops", "4000"),
        ("VolumeThroughput", "1000"),
        ("VolumeInitializationRate", "300"),
    ]);
    let run = harness.run();
    let (why, payload) = polls_again(harness.poll(&run, chosen(&harness)).await);
    let said = "gp3, 4000 IOPS, 1000 MiB/s, initialized at 300 MiB/s";
    assert!(why.contains(said), "{why}");
    let id = harness.made().into_iter().next().expect("a volume");
    let made = harness.aws.volume(&id).expect("it is there");
    let asked = Speed {
        iops: Some(4000),
        throughput: Some(1000),
        initialization_rate: Some(300),
    };
    assert_eq!((made.volume_type.as_str(), made.speed), ("gp3", asked));
    harness.wait(15).await;
    let made = goes_on(harness.poll(&later(&run, 1), payload).await);
    assert_eq!(made.volume_performance.as_deref(), Some(said));
}

#[tokio::test(start_paused = true)]
async fn what_the_parameters_leave_empty_is_not_asked_for() {
    for (parameters, kind) in [(&[][..], "gp3"), (&[("VolumeType", "")], "gp2")] {
        let harness = Harness::with(parameters);
        polls_again(harness.poll(&harness.run(), chosen(&harness)).await);
        let id = harness.made().into_iter().next().expect("a volume");
        let made = harness.aws.volume(&id).expect("it is there");
        assert_eq!(
            (made.volume_type.as_str(), made.speed),
            (kind, Speed::default())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_ec2_does_not_take_together_is_told_with_the_names_of_the_parameters() {
    let harness = Harness::with(&[("VolumeType", "gp2"), ("VolumeThroughput", "500")]);
    let error = fails(harness.poll(&harness.run(), chosen(&harness)).await);
    let text = error.chain();
    for word in [
        "gp2, 500 MiB/s",
        "VolumeThroughput",
        "InvalidParameterCombination",
        "only be specified",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(harness.made().len(), 0);
}

/// Row E5 of the audit: its client token would say that there is a volume, for half an hour.
#[tokio::test(start_paused = true)]
async fn audit_e5_no_volume_is_made_for_a_run_that_has_given_back() {
    let harness = Harness::new();
    let run = harness.run();
    harness.release_was_sent_by("run-0").await;
    harness.wait(3 * 3600).await;
    polls_again(harness.poll(&run, chosen(&harness)).await);
    let id = harness.made().into_iter().next().expect("a volume");
    harness.release_was_sent_by("run-1").await;
    harness.aws.delete_by_hand(&id);
    harness.wait(3 * 3600).await;
    has_ended_already(harness.poll(&run, chosen(&harness)).await);
    assert_eq!(harness.done(), ["CreateVolume"]);
}
