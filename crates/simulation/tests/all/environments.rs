//! Two environments of one account run at the same time, each with its own stack.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_stand_in::in_memory::machine_in;
use aws_stand_in::simulated_host::SimulatedHost;
use aws_stand_in::template::{TEMPLATE, Template};
use aws_stand_in::{AllowAll, Fixture, TEST_INSTANCE, Tags};
use serde_json::json;
use simulation::environment::Environment;

const ENVIRONMENTS: [&str; 2] = ["dev", "prod"];

/// Both stacks; the second has its own database. Returned are also its ids and test instance.
fn account(change: impl FnOnce(&mut Template)) -> (Environment, Fixture, SimulatedHost) {
    let night = Environment::with(|template| {
        let set = [("Environment".to_owned(), "prod".to_owned())];
        let prod = Template::read(TEMPLATE, &BTreeMap::from(set)).expect("template.yaml is read");
        template.functions.extend(prod.functions);
        template.documents.extend(prod.documents);
        change(template);
    });
    let fixture = night.stack.aws.another_fixture(1);
    let host = machine_in(&night.stack, &fixture, "prod");
    (night, fixture, host)
}

/// Adds a volume that a run of this environment left, for that test instance.
fn leave(night: &Environment, id: &str, environment: &str, test_instance: &str) {
    let tags = [
        ("IBBackupTest", "True"),
        ("IBBackupRun", "an-earlier-run"),
        ("IBBackupEnvironment", environment),
        ("IBBackupTestInstance", test_instance),
    ];
    let tags: Tags = tags
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    night.stack.aws.add_volume(id, "us-east-1a", tags, None);
}

async fn play(night: &Environment, prod: &Fixture) {
    night.start_run();
    let event = json!({
        "production_instance_name": prod.production_instance,
        "test_instance_name": prod.test_instance,
    });
    night
        .stack
        .lambda
        .start("prod-ib-backup-step-1-snapshot", event);
    night.stack.lambda.idle().await;
}

/// Changes of volumes by a function of another environment.
fn trespasses(night: &Environment) -> Vec<String> {
    let aws = &night.stack.aws;
    let volumes = aws.volumes();
    let calls = aws.calls().into_iter();
    let changes = calls.filter(|record| {
        let changes = ["AttachVolume", "DetachVolume", "DeleteVolume"];
        changes.contains(&record.call.action.as_str()) && record.outcome.starts_with("200")
    });
    let foreign = changes.filter(|record| {
        let mut volumes = volumes.iter();
        let volume = volumes.find(|volume| record.parameters.contains(&volume.id));
        let environment = volume.and_then(|volume| volume.tags.get("IBBackupEnvironment"));
        environment.is_none_or(|name| !record.call.caller.starts_with(name.as_str()))
    });
    foreign
        .map(|record| {
            format!(
                "{}: {} {}",
                record.call.caller, record.call.action, record.parameters
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn nights_at_once_touch_nothing_of_each_other() {
    let (night, prod, host) = account(|_| ());
    let aws = &night.stack.aws;
    // Runs with the same id. Each has left a volume for its own and for the other's test instance.
    for (environment, own, other) in [
        ("dev", TEST_INSTANCE, prod.test_instance.as_str()),
        ("prod", prod.test_instance.as_str(), TEST_INSTANCE),
    ] {
        leave(&night, &format!("vol-{environment}own"), environment, own);
        leave(
            &night,
            &format!("vol-{environment}other"),
            environment,
            other,
        );
    }
    aws.clock().sleep(Duration::from_hours(8)).await;
    play(&night, &prod).await;
    assert_eq!(trespasses(&night), [""; 0]);
    let ending = night.ending();
    assert_eq!(ending.errors(), [""; 0]);
    assert_eq!(ending.left, [""; 0]);
    assert_eq!(host.leftovers(), [""; 0]);
    for snapshot in [&night.stack.fixture.snapshot_id, &prod.snapshot_id] {
        let tags = aws.snapshot_tags(snapshot);
        assert_eq!(
            tags.get("DBBackupValid").map(String::as_str),
            Some("True"),
            "{snapshot}"
        );
    }
    let made = aws
        .volumes()
        .into_iter()
        .filter(|volume| volume.tags.contains_key("Name"));
    let of = |name: &str| {
        let mut volumes = made.clone();
        volumes.any(|volume| {
            volume
                .tags
                .get("IBBackupEnvironment")
                .is_some_and(|of| of == name)
        })
    };
    assert!(ENVIRONMENTS.iter().all(|name| of(name)));
}

/// Step 6 of dev is told that it belongs to prod. Its role denies what its code would then do.
#[tokio::test(start_paused = true)]
async fn the_policy_alone_keeps_the_environments_apart() {
    for without in [false, true] {
        let (night, ..) = account(|template| {
            for function in &mut template.functions {
                if function.name == "dev-ib-backup-step-6-await-result" {
                    let environment = &mut function.environment;
                    environment.insert("ENVIRONMENT".to_owned(), "prod".to_owned());
                }
            }
        });
        if without {
            night.stack.aws.set_authorizer(Arc::new(AllowAll));
        }
        leave(&night, "vol-prodown", "prod", TEST_INSTANCE);
        let event = json!({
            "run_id": "an-earlier-run", "started_at": "2026-03-01T02:00:00Z",
            "iteration_count": 0, "because": "leftover",
        });
        night
            .stack
            .lambda
            .start("dev-ib-backup-step-6-await-result", event);
        night.stack.lambda.idle().await;
        assert_eq!(
            !trespasses(&night).is_empty(),
            without,
            "{:?}",
            trespasses(&night)
        );
    }
}
