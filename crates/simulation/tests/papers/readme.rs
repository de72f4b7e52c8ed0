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

use crate::page::{Page, name, quoted, sources};

/// The environment variables that docs/settings.md lists without a parameter.
const WITHOUT_PARAMETER: [&str; 4] = [
    "COMMIT",
    "NEXT_LAMBDA_NAME",
    "RELEASE_LAMBDA_NAME",
    "PROGRAMS_DOCUMENT",
];

// ---- The outcome of a night ----

#[tokio::test(start_paused = true)]
async fn the_outcomes() {
    let rows = Page::readme().table(&["outcome", "means"]);
    let nights = [
        ("valid", Backup::Good),
        ("invalid", Backup::Damaged),
        ("undetermined", Backup::CannotBeTested),
    ];
    assert_eq!(rows.len(), nights.len());
    for (row, (outcome, backup)) in rows.iter().zip(nights) {
        let ending = Environment::new().backup(backup).play().await;
        assert_eq!(row[0], outcome);
        let tag = ending.tag().map(|tag| format!("`{tag}`"));
        assert_eq!(row[2], tag.unwrap_or("left as it was".to_owned()));
        let metric = ending.valid().first().map(f64::to_string);
        assert_eq!(row[3], metric.unwrap_or("not sent".to_owned()));
        let failed = !ending.errors().is_empty();
        let run = if failed { "fails" } else { "succeeds" };
        assert!(row[4].starts_with(run), "{outcome}: {run}");
        assert_eq!(
            row[4].contains("a Datadog event"),
            ending.events.len() == 1,
            "{outcome}"
        );
        assert_eq!(ending.left, Vec::<String>::new(), "everything given back");
    }
}

#[tokio::test(start_paused = true)]
async fn the_tags() {
    let night = Environment::new();
    let ending = night.play().await;
    let results = Page::doc("results");
    let named = |head| {
        let rows: Vec<Vec<String>> = results.table(&[head]);
        rows.iter().map(|row| name(&row[0])).collect::<Vec<_>>()
    };
    let written: BTreeSet<&String> = ending.tags.keys().collect();
    let tags = named("tag on the snapshot");
    assert_eq!(tags.iter().collect::<BTreeSet<_>>(), written);

    let rows = results.table(&["tag on the test volume"]);
    let volumes = night.stack.aws.volumes();
    let made = volumes
        .iter()
        .find(|volume| volume.tags.contains_key("IBBackupTest"))
        .expect("a test volume");
    let tags = named("tag on the test volume");
    let given: BTreeSet<&String> = made.tags.keys().collect();
    assert_eq!(tags.iter().collect::<BTreeSet<_>>(), given);
    for row in rows {
        if let [value] = quoted(&row[1]).as_slice()
            && row[1] == format!("`{value}`")
        {
            let value = value.replace("<snapshot id>", &night.stack.fixture.snapshot_id);
            assert_eq!(made.tags[&name(&row[0])], value);
        }
    }
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
    let rows = Page::doc("events").table(&["field", "from step"]);
    let listed: BTreeMap<String, String> = rows
        .iter()
        .map(|row| (name(&row[0]), row[1].clone()))
        .collect();
    assert_eq!(listed, added);
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

// ---- Settings ----

/// The template's own parameters and their defaults.
fn parameters() -> BTreeMap<String, String> {
    let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(TEMPLATE).expect("YAML");
    let parameters = template["Parameters"].as_mapping().expect("parameters");
    let parameters = parameters.iter().map(|(name, parameter)| {
        let default = match &parameter["Default"] {
            serde_yaml_ng::Value::Number(number) => number.to_string(),
            other => other.as_str().expect("a default").to_owned(),
        };
        (name.as_str().expect("a name").to_owned(), default)
    });
    parameters.collect()
}

/// The default that a row shows.
fn default(cell: &str) -> String {
    if cell.starts_with("empty: ") {
        return String::new();
    }
    name(cell)
}

#[test]
fn every_parameter_is_listed_once_with_its_default() {
    let settings = Page::doc("settings");
    let mut listed = Vec::new();
    for row in settings.table(&["variable", "stack parameter"]) {
        match name(&row[0]).as_str() {
            variable if WITHOUT_PARAMETER.contains(&variable) => {
                assert_eq!([&row[1], &row[2]], ["–", "–"]);
            }
            _ => listed.push((name(&row[1]), default(&row[2]))),
        }
    }
    for row in settings.table(&["stack parameter", "default"]) {
        listed.push((name(&row[0]), default(&row[1])));
    }
    let template: Vec<_> = parameters().into_iter().collect();
    listed.sort();
    assert_eq!(listed, template);
}

#[test]
fn every_variable_is_listed_with_its_parameter_and_its_steps() {
    let functions = |set: &[(String, String)]| {
        let set = set.iter().cloned().collect();
        Template::read(TEMPLATE, &set).map(|template| template.functions)
    };
    let usual = functions(&[]).expect("the template");
    let mut listed = BTreeSet::new();
    for row in Page::doc("settings").table(&["variable", "stack parameter"]) {
        let variable = name(&row[0]);
        let mut with = usual.iter().enumerate();
        let steps: Vec<String> = with
            .by_ref()
            .filter(|(_, function)| function.environment.contains_key(&variable))
            .map(|(index, _)| (index + 1).to_string())
            .collect();
        assert_eq!(row[3], steps.join(", "), "{variable}");
        if !WITHOUT_PARAMETER.contains(&variable.as_str()) {
            let parameter = name(&row[1]);
            let other = [
                "prod",
                "/dev/sdz",
                "37",
                "200",
                "gp2",
                "other.example",
                "/other/name",
                "description=nightly*",
                "vol-0123456789abcdef0",
                "rate(2 days)",
                "DISABLED",
                "https://wiki.example.com/ib",
                "arn:aws:sns:us-east-1:000000000000:other",
                "arn:aws:kms:us-east-1:000000000000:key/other",
            ]
            .into_iter()
            .map(|value| vec![(parameter.clone(), value.to_owned())])
            .find_map(|set| Some((set[0].1.clone(), functions(&set).ok()?)));
            let (value, changed) = other.expect("a value that the template takes");
            for function in changed {
                if let Some(given) = function.environment.get(&variable) {
                    assert_eq!(given, &value, "{variable} from {parameter}");
                }
            }
        }
        listed.insert(variable);
    }
    let set: BTreeSet<String> = usual
        .iter()
        .flat_map(|function| function.environment.keys().cloned())
        .collect();
    assert_eq!(listed, set);
}

// ---- Metrics and the event ----

#[tokio::test(start_paused = true)]
async fn the_metrics_and_their_tags() {
    let results = Page::doc("results");
    let rows = results.table(&["metric", "value"]);
    let listed: BTreeSet<String> = rows.iter().map(|row| name(&row[0])).collect();
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
    let sent: BTreeSet<String> = points.iter().map(|point| point.metric.clone()).collect();
    assert_eq!(listed, sent);
    let tags: BTreeSet<&String> = points.iter().flat_map(|point| &point.tags).collect();
    let phases = rows.iter().flat_map(|row| quoted(&row[1]));
    let phases: Vec<String> = phases.collect();
    assert_eq!(
        phases,
        Phase::ALL.map(|phase| format!("phase:{}", phase.name()))
    );
    for tag in tags {
        let (key, _) = tag.split_once(':').expect("key:value");
        let shown = results.text.contains(&format!("`{key}:<")) || phases.contains(tag);
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
