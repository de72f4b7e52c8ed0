use aws_stand_in::Snapshot;
use aws_stand_in::step_harness::{fails, goes_on, polls_again};
use common::Kind;
use common::event::{Start, Target};
use serde_json::json;

use super::{HOUR, Harness, newest};

const FORMER: &str = "vol-rehearsalformer";

/// A backup of the volume that production had before.
fn add_former(harness: &Harness) {
    let begun = harness.aws.clock().now() - HOUR;
    harness
        .aws
        .add_snapshot(Snapshot::completed("snap-rehearsal0002", FORMER, begun));
}

fn of_former() -> Start {
    Start {
        source_volume_id: Some(FORMER.to_owned()),
        ..newest()
    }
}

/// Case 73 of the field: production's volume was replaced, and tonight's snapshot is of the former.
#[tokio::test(start_paused = true)]
async fn field_case_73_the_backup_may_be_of_a_volume_that_was_replaced() {
    for harness in [
        Harness::with(&[("SourceVolumeId", FORMER)]),
        Harness::with(&[]),
    ] {
        add_former(&harness);
        let by_event =
            harness.stack.template.functions[0].environment["SOURCE_VOLUME_ID"].is_empty();
        let start = if by_event { of_former() } else { newest() };
        let chosen = goes_on(harness.poll(&harness.run(), start).await);
        assert_eq!(chosen.subject.snapshot_id, "snap-rehearsal0002");
        assert!(!chosen.older_backup, "of that volume it is the newest");
    }
}

#[tokio::test(start_paused = true)]
async fn field_case_73_its_instance_may_be_gone() {
    let harness = Harness::new();
    add_former(&harness);
    let gone = common::event::Run {
        target: Target {
            production_instance_name: Some("ib-gone".to_owned()),
            ..Target::default()
        },
        ..harness.run()
    };
    let error = fails(harness.poll(&gone, newest()).await).to_string();
    assert!(
        error.contains("ib-gone") && error.contains("SourceVolumeId"),
        "{error}"
    );
    let chosen = goes_on(harness.poll(&gone, of_former()).await);
    assert_eq!(chosen.subject.snapshot_id, "snap-rehearsal0002");
    assert_eq!(
        harness.asked("DescribeInstances").len(),
        2,
        "production's at the first look alone"
    );
}

/// An event that names an instance means that one's volume.
#[tokio::test(start_paused = true)]
async fn an_instance_in_the_event_goes_before_the_volume_in_the_settings() {
    let harness = Harness::with(&[("SourceVolumeId", FORMER)]);
    add_former(&harness);
    for target in [
        Target {
            production_instance_name: Some("ib-backup.us-east-1.code418.net".to_owned()),
            ..Target::default()
        },
        Target {
            production_device: Some("/dev/sdg".to_owned()),
            ..Target::default()
        },
    ] {
        let run = common::event::Run {
            target,
            ..harness.run()
        };
        let chosen = goes_on(harness.poll(&run, newest()).await);
        assert_eq!(chosen.subject.snapshot_id, harness.ids.snapshot_id);
    }
}

#[tokio::test(start_paused = true)]
async fn it_travels_with_the_looks_of_step_1() {
    let harness = Harness::new();
    let now = harness.aws.clock().now();
    harness.aws.add_snapshot(Snapshot {
        completes_at: now + HOUR,
        ..Snapshot::completed("snap-rehearsal0002", FORMER, now)
    });
    let (_, payload) = polls_again(harness.poll(&harness.run(), of_former()).await);
    let event = serde_json::to_value(&payload).expect("JSON");
    assert_eq!(event["source_volume_id"], FORMER);
}

#[tokio::test(start_paused = true)]
async fn a_volume_without_a_backup_is_named_by_its_id() {
    let harness = Harness::new();
    let error = fails(harness.poll(&harness.run(), of_former()).await).to_string();
    assert!(
        error.starts_with("no snapshot of volume vol-rehearsalformer can be"),
        "{error}"
    );
    assert!(error.contains("SourceVolumeId"), "{error}");
    let named = Start {
        snapshot_id: Some(harness.ids.snapshot_id.clone()),
        ..of_former()
    };
    let error = fails(harness.poll(&harness.run(), named).await).to_string();
    assert!(
        error.contains("not of vol-rehearsalformer; testing"),
        "{error}"
    );
}

/// Case 72 of the field: every copy has this volume, and what it is a copy of is not known.
#[tokio::test(start_paused = true)]
async fn field_case_72_copies_are_the_backup_only_with_filters() {
    let harness = Harness::new();
    let begun = harness.aws.clock().now() - HOUR;
    for (id, description) in [
        ("snap-rehearsal0002", "nightly"),
        ("snap-rehearsal0003", "other"),
    ] {
        harness.aws.add_snapshot(Snapshot {
            description: description.to_owned(),
            ..Snapshot::completed(id, "vol-ffffffff", begun)
        });
    }
    let copies = |filters: Option<&str>| Start {
        source_volume_id: Some("vol-ffffffff".to_owned()),
        snapshot_filters: filters.map(str::to_owned),
        ..newest()
    };
    let error = fails(harness.poll(&harness.run(), copies(None)).await);
    assert_eq!(error.kind(), Kind::BadEvent);
    let chosen = goes_on(
        harness
            .poll(&harness.run(), copies(Some("description=nightly")))
            .await,
    );
    assert_eq!(chosen.subject.snapshot_id, "snap-rehearsal0002");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_volume_is_refused() {
    let harness = Harness::new();
    for event in [
        json!({"source_volume_id": "vol-*"}),
        json!({"source_volume_id": 7}),
    ] {
        let error = harness.read(&event).expect_err("no volume");
        assert!(error.to_string().contains("`source_volume_id`"), "{error}");
    }
}

/// Cases 70 and 74 of the field: to a Xen guest they are one name.
#[tokio::test(start_paused = true)]
async fn field_cases_70_74_sdx_and_xvdx_are_one_name() {
    let harness = Harness::with(&[("ProductionDevice", "/dev/xvdg")]);
    goes_on(harness.poll(&harness.run(), newest()).await);
    harness.add_volume("vol-rehearsalscratch", &[]);
    let test = &harness.ids.test_instance_id;
    harness
        .attach("vol-rehearsalscratch", test, "/dev/xvdg")
        .await;
    let error = fails(harness.poll(&harness.run(), newest()).await);
    assert_eq!(error.kind(), Kind::Occupied);
    assert!(
        error.to_string().contains("vol-rehearsalscratch"),
        "{error}"
    );
}

#[test]
fn a_setting_that_is_no_volume_stops_the_function_and_is_named() {
    for (id, is_volume) in [
        ("", true),
        ("vol-0123456789abcdef0", true),
        ("vol-", false),
        ("vol-*", false),
        ("snap-1", false),
    ] {
        let variables = [("SOURCE_VOLUME_ID".to_owned(), id.to_owned())].into();
        let mut settings = common::settings::Settings::new(&variables);
        crate::source::read(&mut settings);
        let checked = settings.check().map_err(|error| error.to_string());
        assert_eq!(checked.is_ok(), is_volume, "{id}");
        let said = checked.err().unwrap_or_else(|| format!("`{id}`"));
        assert!(said.contains(&format!("`{id}`")), "{said}");
    }
}
