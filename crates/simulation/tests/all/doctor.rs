//! Doctor runs through all six steps with the template's policies: with nothing missing, and with
//! each need removed once.

#![expect(
    clippy::print_stdout,
    reason = "the tables, for who runs this with --nocapture"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use aws_stand_in::template::Template;
use aws_stand_in::{Aws, Snapshot};
use serde_json::json;
use simulation::environment::{Ending, Environment};

mod needs;

use needs::Away::{self, Account, Grant, Host};

/// The rows of the table: step, whether the need is met, its name, and the rest.
fn rows(ending: &Ending) -> Vec<(usize, String, String, String)> {
    let of_last = "step-6-await-result: ";
    let lines = ending.log.iter().filter(|line| line.contains(of_last));
    let rows = lines.filter_map(|line| line.split_once("doctor: step "));
    rows.map(|(_, row)| {
        let mut cells = row.splitn(4, "  ").map(str::trim);
        let mut cell = || cells.next().unwrap_or_default().to_owned();
        let step = cell().parse().expect("a step");
        let (stands, rest) = (cell(), cell() + "  " + &cell());
        let rest = rest.trim();
        let (need, saw) = rest.split_once("  ").unwrap_or((rest, ""));
        (step, stands, need.to_owned(), saw.trim().to_owned())
    })
    .collect()
}

const RUN_BOOK: &str = include_str!("../../../../RUNBOOK.md");

/// The needs in the table of the run book's section.
fn needs_of_the_run_book() -> BTreeSet<&'static str> {
    let (_, table) = RUN_BOOK.split_once("\n| need | do |\n").expect("its table");
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells
        .flat_map(|cell| cell.trim_start_matches("| ").split(", "))
        .collect()
}

/// The state of everything in the account that a run could change.
fn account(aws: &Aws) -> String {
    format!(
        "{:#?}",
        (
            aws.volumes(),
            aws.snapshots(),
            aws.instances(),
            aws.points(),
            aws.events()
        )
    )
}

/// A dead run has left a volume, so that `DryRun` has one to name; step 6 of tonight's run would
/// release it.
async fn environment(change: impl FnOnce(&mut Template)) -> Environment {
    let environment = Environment::with(change);
    environment.leave_a_volume(None);
    environment.stack.aws.clock().sleep(8 * HOUR).await;
    environment
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn on_a_good_night_all_is_met_and_nothing_has_changed() {
    let environment = environment(|_| ()).await;
    let aws = &environment.stack.aws;
    let before = account(aws);
    let ending = environment.start(json!({"doctor": true})).await;
    assert_eq!(account(aws), before);
    assert_eq!(ending.errors(), Vec::<String>::new());
    let rows = rows(&ending);
    for (step, stands, need, saw) in &rows {
        println!("step {step}  {stands:<9}  {need:<24}  {saw}");
        assert_eq!(stands, "met", "step {step}: {need}: {saw}");
    }
    assert_eq!(rows.len(), 45);
    let needs: BTreeSet<&str> = rows.iter().map(|row| row.2.as_str()).collect();
    assert_eq!(needs, needs_of_the_run_book());
    let steps: BTreeSet<usize> = rows.iter().map(|row| row.0).collect();
    assert_eq!(steps, (1..=6).collect());
    for command in aws.commands() {
        assert_eq!(command.parameters["doctor"], "true", "{command:?}");
    }
    assert_eq!(environment.host.leftovers(), Vec::<String>::new());
    assert_eq!(aws.unmodelled(), Vec::<String>::new());
    let tables = ending.log.iter();
    let tables = tables.filter(|line| line.contains("doctor: what a night needs"));
    assert_eq!(tables.count(), 1);
}

/// The end of a doctor run without this need.
async fn table_without(away: &Away) -> Ending {
    let environment = environment(|template| match away {
        Grant(step, action) => {
            let role = &mut template.functions[step - 1].role;
            let of_action = |(granted, _): &(String, String)| granted == action;
            while let Some(place) = role.grants().iter().position(of_action) {
                *role = role.without(place);
            }
        }
        Away::Template(change) => change(template),
        Account(_) | Host(_) => {}
    })
    .await;
    match away {
        Account(change) => {
            let aws = &environment.stack.aws;
            change(aws, &environment.stack.fixture);
            // Then what was added belongs to no run in progress.
            aws.clock().sleep(8 * HOUR).await;
        }
        Host(need) => environment.host.lack(need),
        Grant(..) | Away::Template(_) => {}
    }
    environment.start(json!({"doctor": true})).await
}

#[tokio::test(start_paused = true)]
async fn each_need_that_is_taken_away_is_named_and_no_other() {
    for (away, need, words) in needs::all() {
        let ending = table_without(&away).await;
        let rows = rows(&ending);
        let not_met = rows.iter().filter(|(_, stands, ..)| stands == "NOT MET");
        let named: BTreeSet<&str> = not_met.clone().map(|row| row.2.as_str()).collect();
        assert_eq!(named, BTreeSet::from([need]), "{words}: {rows:#?}");
        for (step, _, need, saw) in not_met {
            println!("{words:<36} step {step}  {need:<24}  {saw}");
            assert!(saw.contains(words), "{need}: {saw}");
            assert!(saw.contains("; to do: "), "{need}: {saw}");
        }
        // Lambda tries it again, with the same error.
        let errors: BTreeSet<String> = ending.errors().into_iter().collect();
        assert_eq!(errors.len(), 1, "the run fails: {errors:#?}");
        let error = errors.first().expect("there is one");
        let named = format!("a night would fail: {need}");
        assert!(error.contains(&named), "{error}");
        let tables = ending.log.iter();
        let tables = tables.filter(|line| line.contains("doctor: what a night needs"));
        assert_eq!(tables.count(), 1, "{words}");
        assert_eq!(ending.events, [], "{words}");
    }
}

/// Only a new volume shows whether the key works, and only an alarm whether the topic works.
#[tokio::test(start_paused = true)]
async fn what_is_only_shown_by_a_run_is_not_known_and_the_run_succeeds() {
    for (set, words) in [
        ("", "KmsKeyArn is empty: a run works only if"),
        (
            OTHER_KEY,
            "KmsKeyArn is arn:aws:kms:us-east-1:000000000000:key/other: a run",
        ),
        (KEY, "is encrypted under KmsKeyArn, arn:"),
    ] {
        let rows = not_met_with(set).await;
        assert_eq!(rows.len(), 2, "{rows:#?}");
        assert_eq!((rows[0].0, rows[0].2.as_str()), (2, "KMS key"));
        let saw = &rows[0].3;
        assert!(saw.contains(words), "{saw}");
        assert!(saw.contains("; to do: set KmsKeyArn"), "{saw}");
        assert_eq!((rows[1].0, rows[1].2.as_str()), (6, "SNS topic"));
        let saw = &rows[1].3;
        assert!(
            saw.starts_with(&format!("alarms notify {TOPIC}; to do: see an alarm")),
            "{saw}"
        );
    }
}

const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/rehearsal";
const OTHER_KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/other";
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:databases";

/// The needs that are not met with an encrypted snapshot, this `KmsKeyArn` and a topic.
async fn not_met_with(set: &str) -> Vec<(usize, String, String, String)> {
    let parameters = [("KmsKeyArn", set), ("AlarmTopicArn", TOPIC)];
    let environment = Environment::parameters(&parameters, |_| ());
    environment.leave_a_volume(None);
    environment.stack.aws.clock().sleep(8 * HOUR).await;
    let (aws, fixture) = (&environment.stack.aws, &environment.stack.fixture);
    let begun = aws.clock().now() - HOUR;
    aws.add_snapshot(Snapshot {
        kms_key_arn: Some(KEY.to_owned()),
        ..Snapshot::completed(&fixture.snapshot_id, &fixture.production_volume_id, begun)
    });
    let ending = environment.start(json!({"doctor": true})).await;
    assert_eq!(ending.errors(), Vec::<String>::new());
    let rows = rows(&ending).into_iter();
    let rows = rows.filter(|row| row.1 != "met");
    rows.inspect(|row| assert_eq!(row.1, "not known")).collect()
}

#[tokio::test(start_paused = true)]
async fn the_rows_of_the_run_book_are_those_of_such_a_run() {
    let environment = Environment::new();
    let aws = &environment.stack.aws;
    aws.set_agent(&environment.stack.fixture.test_instance_id, false);
    let ending = environment.start(json!({"doctor": true})).await;
    let (_, shown) = RUN_BOOK.split_once("\n```table\n").expect("a table");
    let (shown, _) = shown.split_once("\n```").expect("its end");
    assert_eq!(shown.lines().count(), 3);
    for line in shown.lines() {
        let found = ending.log.iter().any(|logged| logged.ends_with(line));
        assert!(found, "{line}: {:#?}", ending.log);
    }
}

/// Two documents of one step are two needs.
#[tokio::test(start_paused = true)]
async fn step_5_names_both_its_documents() {
    let ending = table_without(&Grant(5, "ssm:SendCommand")).await;
    let rows = rows(&ending).into_iter();
    let not_met = rows.filter(|(_, stands, ..)| stands == "NOT MET");
    let named: Vec<String> = not_met.map(|row| row.2).collect();
    assert_eq!(named, ["programs document", "test document"]);
}

#[tokio::test(start_paused = true)]
async fn where_the_chain_breaks_step_6_still_tells_and_names_what_was_not_reached() {
    let environment = environment(|template| {
        let role = &mut template.functions[1].role;
        let to_next = |(_, on): &(String, String)| on.ends_with("step-3-attach");
        let place = role.grants().iter().position(to_next);
        *role = role.without(place.expect("step 2 invokes step 3"));
    })
    .await;
    let ending = environment.start(json!({"doctor": true})).await;
    let rows = rows(&ending);
    let of = |stands: &str| -> Vec<(usize, &str)> {
        let rows = rows.iter().filter(|row| row.1 == stands);
        rows.map(|row| (row.0, row.2.as_str())).collect()
    };
    assert_eq!(of("NOT MET"), [(2, "lambda:InvokeFunction")]);
    let unknown = of("not known");
    for step in [3, 4, 5] {
        assert!(unknown.contains(&(step, "function")), "{unknown:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_at_work_is_not_disturbed_and_what_it_holds_is_no_fault() {
    let environment = Environment::new();
    environment.start_run();
    let aws = environment.stack.aws.clone();
    aws.clock().sleep(Duration::from_mins(20)).await;
    assert!(environment.host.mounted().is_some(), "the test is at work");
    environment.host.lack("memory");
    let ending = environment.start(json!({"doctor": true})).await;
    let rows = rows(&ending);
    let stands = |need: &str| {
        let row = rows.iter().find(|row| row.2 == need);
        row.map(|row| row.1.as_str())
    };
    assert_eq!(stands("test instance is free"), Some("met"));
    assert_eq!(stands("device name"), Some("met"));
    assert_eq!(stands("ec2:AttachVolume"), Some("met"));
    assert_eq!(stands("memory"), Some("not known"));
    assert!(rows.iter().all(|row| row.1 != "NOT MET"), "{rows:#?}");
    ending.assert_verdict(true);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_asks_in_the_wrong_words_starts_nothing() {
    for event in [
        json!({"doctor": "yes"}),
        json!({"doctor": true, "test_instance_name": 7}),
        json!({"doctor": true, "snapshot_id": "snap-*"}),
    ] {
        let environment = Environment::new();
        let before = account(&environment.stack.aws);
        let ending = environment.start(event.clone()).await;
        assert_eq!(account(&environment.stack.aws), before, "{event}");
        let rows = rows(&ending);
        let named = rows.iter().find(|row| row.1 == "NOT MET");
        let named = named.expect("the table says it");
        assert_eq!((named.0, named.2.as_str()), (1, "function"));
        assert!(named.3.contains("BadEvent"), "{}", named.3);
    }
    let ordinary = Environment::new().start(json!({"doctor": false})).await;
    ordinary.assert_verdict(true);
}

#[tokio::test(start_paused = true)]
async fn a_forged_or_endless_payload_is_refused() {
    let environment = Environment::new();
    let long = "x".repeat(600);
    let found = json!([{"step": 1, "need": "look", "stands": "met", "saw": long}]);
    let event = json!({
        "doctor": true,
        "run_id": "run-1",
        "started_at": "2026-03-01T02:00:00Z",
        "iteration_count": 0,
        "findings": found,
    });
    let lambda = &environment.stack.lambda;
    lambda.start("dev-ib-backup-step-2-volume", event);
    lambda.idle().await;
    let ending = environment.ending();
    assert!(
        ending.errors()[0].contains("findings.saw"),
        "{:?}",
        ending.errors()
    );
}
