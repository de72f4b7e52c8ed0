mod occupancy;
mod pick;
mod select;
mod source;
mod status;

use std::time::Duration;

use aws_stand_in::Snapshot;
use aws_stand_in::step_harness::{self, fails, goes_on, has_ended_already};
use common::Kind;
use common::event::Start;
use serde_json::json;

use crate::ChooseSnapshot;

type Harness = step_harness::StepHarness<ChooseSnapshot>;

const HOUR: Duration = Duration::from_hours(1);
const NOTHING: [&str; 0] = [];

/// Adds a snapshot of production's data that was begun so long ago.
fn add_snapshot(harness: &Harness, id: &str, age: Duration) {
    let begun = harness.aws.clock().now() - age;
    let volume = &harness.ids.production_volume_id;
    harness
        .aws
        .add_snapshot(Snapshot::completed(id, volume, begun));
}

/// The newest, whichever it is.
fn newest() -> Start {
    Start::default()
}

#[tokio::test(start_paused = true)]
async fn any_object_starts_a_run_of_its_own() {
    let harness = Harness::new();
    for event in [
        json!({}),
        json!({"key1": "value1"}),
        json!({"run_id": "run-0"}),
    ] {
        let read = harness.read(&event).expect("a start event");
        assert_eq!(read.run.run_id, "request-1", "{event}");
        assert_eq!(read.run.iteration_count, 0);
        assert_eq!(read.run.started_at, harness.run().started_at);
        assert_eq!(read.run.started_by.as_deref(), Some("event by hand"));
        assert_eq!(read.payload, newest());
    }
}

/// Row E7 of the audit: all that comes later goes by the run.
#[tokio::test(start_paused = true)]
async fn audit_e7_a_start_event_makes_its_run_a_canary() {
    let harness = Harness::new();
    for canary in [true, false] {
        let read = harness.read(&json!({"canary": canary}));
        assert_eq!(read.expect("a start event").run.canary, canary);
    }
}

#[tokio::test(start_paused = true)]
async fn its_own_payload_goes_on_with_its_run() {
    let harness = Harness::new();
    let event = json!({
        "run_id": "run-0",
        "started_at": "2026-02-28T02:00:00Z",
        "iteration_count": 3,
        "snapshot_id": "snap-rehearsal0001",
    });
    let read = harness.read(&event).expect("a payload");
    assert_eq!(
        (read.run.run_id.as_str(), read.run.iteration_count),
        ("run-0", 3)
    );
    assert_eq!(read.run.started_at.to_string(), "2026-02-28T02:00:00Z");
    assert_eq!(
        read.payload.snapshot_id.as_ref(),
        Some(&harness.ids.snapshot_id)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_object_or_names_no_snapshot_is_refused() {
    let harness = Harness::new();
    for (event, named) in [
        (json!(null), "it must be a JSON object"),
        (json!([1]), "it must be a JSON object"),
        (json!({"snapshot_id": 7}), "`snapshot_id`"),
        (json!({"test_device": ["/dev/sdh"]}), "`test_device`"),
        (
            json!({"production_instance_name": 7}),
            "`production_instance_name`",
        ),
    ] {
        let error = harness.read(&event).expect_err("no start event");
        assert_eq!(error.kind(), Kind::BadEvent);
        assert!(error.to_string().contains(named), "{error}");
    }
}

/// To begin another run would hide that this one is lost.
#[tokio::test(start_paused = true)]
async fn a_broken_event_of_a_run_begins_no_other() {
    let harness = Harness::new();
    let whole = json!({
        "run_id": "run-0",
        "started_at": "2026-02-28T02:00:00Z",
        "iteration_count": 3,
    });
    harness.read(&whole).expect("an event of a run");
    for field in ["run_id", "started_at", "iteration_count"] {
        for value in [json!({}), json!(null)] {
            let mut event = whole.clone();
            event[field] = value;
            let error = harness.read(&event).expect_err(field);
            assert_eq!(error.kind(), Kind::BadEvent);
            assert!(error.to_string().contains(field), "{error}");
            event.as_object_mut().expect("an object").remove(field);
            let error = harness.read(&event).expect_err(field);
            assert!(error.to_string().contains(field), "{error}");
        }
    }
}

/// A start event that names another database, and all of its run.
fn named(other: &aws_stand_in::Fixture) -> serde_json::Value {
    json!({
        "production_instance_name": other.production_instance,
        "production_device": "/dev/sdg",
        "test_instance_name": other.test_instance,
        "test_device": "/dev/sdh",
    })
}

#[tokio::test(start_paused = true)]
async fn a_start_event_may_name_the_database_and_where_it_is_tested() {
    let harness = Harness::new();
    let other = harness.aws.another_fixture(1);
    let read = harness.read(&named(&other)).expect("a start event");
    let chosen = goes_on(harness.poll(&read.run, read.payload).await);
    assert_eq!(chosen.subject.snapshot_id, other.snapshot_id);
    assert_eq!(
        chosen.subject.dev_ib_backup_instance_id,
        other.test_instance_id
    );
    let source = format!("source:{}", other.production_instance);
    let points = harness.aws.points();
    assert!(points[0].tags.contains(&source), "{:?}", points[0].tags);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_not_meant_for_tests_is_refused() {
    let harness = Harness::new();
    let other = harness.aws.another_fixture(1);
    let event = json!({"test_instance_name": other.production_instance});
    let read = harness.read(&event).expect("a start event");
    let error = fails(harness.poll(&read.run, read.payload).await);
    assert_eq!(error.kind(), Kind::BadEvent);
    let said = format!(
        "test_instance_name {} ({}) is not meant for tests",
        other.production_instance, other.production_instance_id
    );
    assert!(error.to_string().starts_with(&said), "{error}");
    assert_eq!(harness.done(), NOTHING);
}

/// Row E6 of the audit: a wildcard names the instance of a run that is at work there.
#[tokio::test(start_paused = true)]
async fn audit_e6_a_wildcard_for_an_instance_is_refused() {
    for (field, name) in [
        ("test_instance_name", "ib0?.dev.code418.net"),
        ("test_instance_name", "ib0*"),
        ("production_instance_name", "*"),
        ("test_device", "/dev/sd?"),
    ] {
        let harness = Harness::new();
        let test = &harness.ids.test_instance_id;
        harness.aws.tag_by_hand(test, "IBBackupTestHost", "True");
        let error = harness.handle(json!({field: name})).await.expect_err(name);
        assert_eq!(error.kind(), Kind::BadEvent);
        assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
        assert_eq!(harness.done(), NOTHING);
    }
}

/// Finding 10 of AWS: a name among the settings is that name, on the wire and in what comes back,
/// whatever EC2's filters take for a wildcard.
#[tokio::test(start_paused = true)]
async fn aws_finding_10_a_wildcard_among_the_settings_names_no_other_instance() {
    let harness = Harness::new();
    let person = &harness.person.ec2;
    for (name, asked) in [
        ("ib0?.dev.code418.net", r"ib0\?.dev.code418.net"),
        ("*", r"\*"),
        (r"ib02\.dev.code418.net", r"ib02\\.dev.code418.net"),
    ] {
        let error = common::ec2::running_instance(person, name).await;
        let error = error.expect_err(name);
        assert_eq!(error.kind(), Kind::NotFound);
        assert!(error.to_string().contains("no running instance"), "{error}");
        let call = harness.aws.calls().pop().expect("a call");
        let filter = format!("Filter.1.Name=tag:Name Filter.1.Value.1={asked}");
        assert!(call.parameters.contains(&filter), "{}", call.parameters);
    }
}

/// An instance whose name has such letters in it is found by it.
#[tokio::test(start_paused = true)]
async fn aws_finding_10_an_instance_with_a_wildcard_in_its_name_is_found() {
    for name in ["ib0*", "ib?02", r"ib\02"] {
        let harness = Harness::new();
        let id = &harness.ids.test_instance_id;
        harness.aws.tag_by_hand(id, "Name", name);
        let found = common::ec2::running_instance(&harness.person.ec2, name).await;
        assert_eq!(&found.expect(name).id, id);
    }
}

/// Row E5 of the audit: a canary leaves no tag, and its start event comes once more.
#[tokio::test(start_paused = true)]
async fn audit_e5_a_late_delivery_of_a_run_that_has_given_back_ends_at_once() {
    for (run_id, hours, ended) in [
        ("request-1", 3, true),
        ("request-1", 30, true),
        ("request-10", 3, false),
        ("request", 3, false),
    ] {
        let harness = Harness::new();
        harness.release_was_sent_by(run_id).await;
        harness.wait(hours * 3600).await;
        add_snapshot(&harness, "snap-rehearsal0002", HOUR / 2);
        let read = harness
            .read(&json!({"canary": true}))
            .expect("a start event");
        let looked = harness.poll(&read.run, read.payload).await;
        if ended {
            has_ended_already(looked);
        } else {
            goes_on(looked);
        }
    }
}
