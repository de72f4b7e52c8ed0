//! The tables of README.md and of docs/.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_stand_in::simulated_host::Backup;
use aws_stand_in::template::{TEMPLATE, Template};
use aws_stand_in::{Fault, Snapshot};
use common::event::Phase;
use regex::Regex;
use serde_json::{Value, json};
use simulation::environment::{Ending, Environment};

use super::page::{Page, Row, code, hold, sources};

// ---- The outcome of a night ----

#[tokio::test(start_paused = true)]
async fn the_outcomes() {
    let mut rows: Vec<Row> = Vec::new();
    for (outcome, backup) in [
        ("valid", Backup::Good),
        ("invalid", Backup::Damaged),
        ("undetermined", Backup::CannotBeTested),
    ] {
        let ending = Environment::new().backup(backup).play().await;
        let tag = ending.tag().map(|tag| format!("`{tag}`"));
        let metric = ending.valid().first().map(f64::to_string);
        let run = match (ending.errors().is_empty(), ending.events.len()) {
            (true, 0) => "succeeds",
            (false, 1) => "fails, with a Datadog event",
            other => panic!("{outcome}: {other:?}"),
        };
        rows.push(vec![
            Some(outcome.to_owned()),
            None,
            tag.or(Some("left as it was".to_owned())),
            metric.or(Some("not sent".to_owned())),
            Some(run.to_owned()),
        ]);
        assert_eq!(ending.left, Vec::<String>::new(), "everything given back");
    }
    hold("README.md", "outcomes", &rows);
}

#[tokio::test(start_paused = true)]
async fn the_tags() {
    let night = Environment::new();
    let ending = night.play().await;
    let written = ending.tags.keys().map(|tag| vec![Some(code(tag)), None]);
    let written: Vec<Row> = written.collect();
    hold("docs/results.md", "tags of the snapshot", &written);

    let volumes = night.stack.aws.volumes();
    let made = volumes
        .iter()
        .find(|volume| volume.tags.contains_key("IBBackupTest"))
        .expect("a test volume");
    let snapshot = &night.stack.fixture.snapshot_id;
    let given = made.tags.iter().map(|(tag, value)| {
        // The others are of the run or of the settings.
        let fixed = value == "True" || value.contains(snapshot);
        let value = fixed.then(|| format!("`{}`", value.replace(snapshot, "<snapshot id>")));
        vec![Some(code(tag)), value]
    });
    let given: Vec<Row> = given.collect();
    hold("docs/results.md", "tags of the test volume", &given);
}

async fn night_without_room_for_tags() -> Ending {
    let night = Environment::new();
    night.stack.aws.set_faults(Box::new(|call| {
        (call.action == "CreateTags").then(|| Fault::Refuse {
            status: 400,
            code: "TagLimitExceeded".to_owned(),
            message: "too many".to_owned(),
        })
    }));
    night.play().await
}

async fn night_of_lost_tags() -> Ending {
    let night = Environment::new();
    let aws = &night.stack.aws;
    night.start_run();
    let volume = loop {
        aws.clock().sleep(Duration::from_secs(1)).await;
        let mut volumes = aws.volumes().into_iter();
        if let Some(volume) = volumes.find(|volume| volume.tags.contains_key("IBBackupTest")) {
            break volume.id;
        }
    };
    // By then the volume is attached and mounted, and the test runs.
    aws.clock().sleep(Duration::from_secs(30)).await;
    aws.tag_by_hand(&volume, "IBBackupRun", "somebody-else");
    night.stack.lambda.idle().await;
    night.ending()
}

/// A night on which a backup of the day before yesterday is tested by its id.
async fn night_of_an_older_backup() -> Ending {
    let night = Environment::new();
    let (aws, ids) = (&night.stack.aws, &night.stack.fixture);
    let begun = aws.clock().now() - Duration::from_hours(48);
    let older = Snapshot::completed("snap-rehearsalolder", &ids.production_volume_id, begun);
    aws.add_snapshot(older);
    let event = json!({"snapshot_id": "snap-rehearsalolder"});
    night.start(event).await
}

// ---- The payload ----

#[tokio::test(start_paused = true)]
async fn the_fields_of_the_payload_and_the_step_that_adds_each() {
    let mut added: BTreeMap<String, String> = BTreeMap::new();
    let handed_on =
        Regex::new(r"^dev-ib-backup-step-(\d).*Invoked lambda, name=.*, event=(.*)$").expect("it");
    let mut log = a_night_with_every_field().await.log;
    log.extend(Environment::new().start(json!({"canary": true})).await.log);
    log.extend(night_of_an_older_backup().await.log);
    log.extend(night_without_room_for_tags().await.log);
    log.extend(night_of_lost_tags().await.log);
    for line in log {
        let Some(found) = handed_on.captures(&line) else {
            continue;
        };
        let event: Value = serde_json::from_str(&found[2]).expect("one-line JSON");
        for field in event.as_object().expect("an object").keys() {
            let step = added
                .entry(field.clone())
                .or_insert_with(|| found[1].to_owned());
            *step = step.clone().min(found[1].to_owned());
        }
    }
    for counted in ["iteration_count", "waited_seconds", "busy"] {
        let step = added.get_mut(counted).expect(counted);
        "each".clone_into(step);
    }
    let rows = added.into_iter();
    let rows = rows.map(|(field, step)| vec![Some(code(&field)), Some(step), None]);
    hold("docs/events.md", "payload", &rows.collect::<Vec<Row>>());
}

#[tokio::test(start_paused = true)]
async fn the_start_event_of_another_database_starts_its_run() {
    let night = Environment::new();
    let another = night.add_another(1);
    let event = Page::doc("events").blocks("json").remove(0);
    let event: Value = serde_json::from_str(&event).expect("JSON");
    let ending = night.start(event).await;
    assert_eq!(ending.errors(), Vec::<String>::new());
    let tags = night.stack.aws.snapshot_tags(&another.fixture.snapshot_id);
    assert_eq!(tags["DBBackupValid"], "True");
    assert_eq!(
        ending.tag(),
        None,
        "the database of the settings is left alone"
    );
}

/// A night whose start event has all fields, and in which AWS throttles one poll.
async fn a_night_with_every_field() -> Ending {
    let night = Environment::new();
    let another = night.add_another(1);
    let mut event = another.start_event();
    event["production_device"] = json!("/dev/sdg");
    event["test_device"] = json!("/dev/sdh");
    let mut attempts = 0;
    night.stack.aws.set_faults(Box::new(move |call| {
        let makes = call.action == "CreateVolume";
        attempts += u32::from(makes);
        (makes && attempts <= 3).then(|| Fault::Refuse {
            status: 503,
            code: "RequestLimitExceeded".to_owned(),
            message: "Request limit exceeded.".to_owned(),
        })
    }));
    let ending = night.start(event).await;
    assert_eq!(ending.errors(), Vec::<String>::new());
    ending
}

// ---- The record of a run ----

#[tokio::test(start_paused = true)]
async fn the_fields_of_the_record() {
    let ending = Environment::new().start(json!({})).await;
    let record = &ending.kept[0]["detail"]["responsePayload"];
    let fields = record.as_object().expect("a record").keys();
    let rows = fields.map(|field| vec![Some(code(field)), None]);
    hold("docs/evidence.md", "record", &rows.collect::<Vec<Row>>());
}

// ---- Metrics and the event ----

#[tokio::test(start_paused = true)]
async fn the_metrics_and_their_tags() {
    let night = Environment::new();
    night.play().await;
    // Only the second night finds an earlier valid backup.
    let mut points = night.play().await.points;
    points.extend(
        Environment::new()
            .start(json!({"canary": true}))
            .await
            .points,
    );
    points.extend(night_of_an_older_backup().await.points);
    let sent: BTreeSet<&String> = points.iter().map(|point| &point.metric).collect();
    let phases = Phase::ALL.map(|phase| format!("`phase:{}`", phase.name()));
    let rows = sent.into_iter().map(|metric| {
        let of_phases = metric.ends_with(".duration_seconds");
        let value = of_phases.then(|| format!("with {}", phases.join(", ")));
        vec![Some(code(metric)), value]
    });
    hold("docs/results.md", "metrics", &rows.collect::<Vec<Row>>());

    let text = Page::doc("results").text;
    for tag in points.iter().flat_map(|point| &point.tags) {
        let (key, _) = tag.split_once(':').expect("key:value");
        let shown = text.contains(&format!("`{key}:<")) || phases.contains(&format!("`{tag}`"));
        assert!(shown, "{tag}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_event() {
    let ending = Environment::new()
        .backup(Backup::CannotBeTested)
        .play()
        .await;
    let title = format!("sends the event `{}`", ending.events[0].title);
    assert!(Page::doc("results").text.contains(&title), "{title}");
}

#[test]
fn the_figures_in_the_text() {
    let delivery = sources(&["crates/common/src/aws/ssm.rs"], ".rs").remove(0);
    assert!(delivery.contains("DELIVERY_SECONDS: i32 = 600;"));
    let text = Page::doc("documents").text;
    assert!(text.contains("not delivered within 10 minutes"));
    let text = Page::readme().text;
    let template = Template::read(TEMPLATE, &BTreeMap::new()).expect("the template");
    assert_eq!(
        template.schedule.expect("one").expression,
        "cron(0 2 * * ? *)"
    );
    assert!(text.contains("by default daily at 02:00 UTC"));
    for function in template.functions {
        assert_eq!(function.maximum_retry_attempts, 2, "tried twice more");
    }
}
