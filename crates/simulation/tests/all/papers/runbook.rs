//! RUNBOOK.md: its errors, its log lines, and the events that it tells people to send.

use std::time::Duration;

use aws_stand_in::simulated_host::Backup;
use aws_stand_in::{Fault, Snapshot};
use common::polling::limits;
use common::ssm::Report;
use common::verdict::Verdict;
use regex::Regex;
use serde_json::{Value, json};
use simulation::environment::Environment;

use super::page::{Page, Row, code, hold, is_among, name, pattern, sources};

const HOUR: Duration = Duration::from_hours(1);
const STEP_1: &str = "dev-ib-backup-step-1-snapshot";
const STEP_6: &str = "dev-ib-backup-step-6-await-result";

/// A night on which production has no snapshot.
fn without_snapshot() -> Environment {
    let night = Environment::new();
    night
        .stack
        .aws
        .delete_snapshot(&night.stack.fixture.snapshot_id);
    night
}

// ---- Errors ----

#[test]
fn the_table_of_errors_has_every_kind() {
    let source = &sources(&["crates/common/src/error.rs"], ".rs")[0];
    let kinds = source.split("pub enum Kind {").nth(1).expect("Kind");
    let kinds = kinds.split('}').next().expect("its end");
    let variant = Regex::new(r"(?m)^    ([A-Z]\w+),$").expect("a pattern");
    let kinds: Vec<&str> = variant
        .captures_iter(kinds)
        .filter_map(|found| Some(found.get(1)?.as_str()))
        .collect();
    assert!(kinds.len() >= 13, "{kinds:?}");
    let rows = kinds
        .into_iter()
        .map(|kind| vec![Some(code(kind)), None, None]);
    hold("RUNBOOK.md", "errors", &rows.collect::<Vec<Row>>());
}

#[tokio::test(start_paused = true)]
async fn the_event_of_a_failed_run() {
    let ending = without_snapshot().play().await;
    let shown = &Page::runbook().blocks("event")[0];
    let event = &ending.events[0];
    assert!(event.text.starts_with(shown), "{}", event.text);
    let quoted = format!("\"{}\"", event.title);
    assert!(Page::runbook().text.contains(&quoted), "{quoted}");
}

// ---- Log lines ----

#[tokio::test(start_paused = true)]
async fn the_log_lines_are_lines_of_nights() {
    let mut seen: Vec<String> = Vec::new();
    for night in [
        Environment::new(),
        Environment::new().backup(Backup::Damaged),
        without_snapshot(),
    ] {
        let log = night.play().await.log;
        let lines = log.iter().filter_map(|line| line.split_once(": "));
        seen.extend(lines.map(|(_, text)| text.trim().to_owned()));
    }
    for shown in Page::runbook().blocks("log").join("\n").lines() {
        assert!(is_among(shown, &seen), "no line of a night is {shown}");
    }
}

/// Compares with the literals in the sources, whose line breaks are removed first.
#[test]
fn the_table_of_lines_has_lines_that_the_code_writes() {
    let crates = [
        "crates/common/src",
        "crates/step1-snapshot/src",
        "crates/step4-mount/src",
        "crates/step5-run-test/src",
        "crates/step6-await-result/src",
    ];
    let sources = sources(&crates, ".rs").join("\n");
    let joined = Regex::new(r"\\\n\s*").expect("a pattern");
    let sources = joined.replace_all(&sources, "");
    let rows = Page::runbook().table(&["line", "means"]);
    assert!(rows.len() > 10);
    for row in rows {
        let line = name(&row[0]);
        let literal = format!("\"{}\"", pattern(&line, "[^\"]*"));
        let literal = Regex::new(&literal).expect("a pattern");
        assert!(literal.is_match(&sources), "{line}");
    }
}

#[test]
fn the_report_of_a_script_is_a_verdict() {
    let runbook = Page::runbook();
    let stdout = runbook.blocks("report").remove(0);
    let first = stdout.lines().next().expect("a line").to_owned();
    let report = Report {
        command_id: "c".to_owned(),
        status: String::new(),
        status_details: String::new(),
        response_code: 1,
        stdout,
        stderr: String::new(),
        ended_at: None,
    };
    let verdict = Verdict::judge(&report).expect("a verdict");
    assert_eq!(
        (verdict.valid, verdict.detail.as_str()),
        (false, "shop.orders: check table: Corrupt")
    );
    assert!(first.starts_with("FAIL"), "{first}");
}

#[tokio::test(start_paused = true)]
async fn the_log_groups() {
    let template = Environment::new().stack.template;
    let groups = template.log_groups.keys();
    let groups: Vec<&String> = groups
        .filter(|group| group.starts_with("/aws/lambda/"))
        .collect();
    let text = Page::runbook().text;
    let listed = text.lines().map(str::trim);
    let listed: Vec<&str> = listed
        .filter(|line| line.starts_with("/aws/lambda/"))
        .collect();
    assert_eq!(listed, groups);
}

// ---- Events that people are told to send ----

/// Function and payload of each `aws lambda invoke` in the run book.
fn invocations() -> Vec<(String, Value)> {
    let text = Page::runbook().text;
    let command = Regex::new(
        r"aws lambda invoke --function-name (\S+) --invocation-type Event \\\n +--cli-binary-format raw-in-base64-out [^']*'([^']*)'",
    );
    let command = command.expect("a pattern");
    let found = command.captures_iter(&text).map(|found| {
        assert!(found[0].contains("--payload"), "{}", &found[0]);
        let payload = serde_json::from_str(&found[2]).expect("JSON");
        (found[1].to_owned(), payload)
    });
    let found: Vec<(String, Value)> = found.collect();
    // The status event starts no run and is answered at once.
    let asked = text.matches(r#"--payload '{"status": true}'"#).count();
    let all = text.matches("aws lambda invoke").count();
    assert_eq!((found.len() + asked, asked), (all, 3));
    found
}

#[tokio::test(start_paused = true)]
async fn the_start_events_start_a_run() {
    let commands = invocations();
    let mut events: Vec<&Value> = commands
        .iter()
        .filter(|(function, _)| function == STEP_1)
        .map(|(_, event)| event)
        .collect();
    // The newest snapshot is also tested after a bad backup.
    events.dedup();
    let pasted = Page::runbook().blocks("json");
    let pasted: Vec<Value> = pasted
        .iter()
        .map(|event| serde_json::from_str(event).expect("JSON"))
        .collect();
    assert_eq!(events, pasted.iter().collect::<Vec<_>>());
    assert_eq!(pasted[0], json!({}));

    Environment::new()
        .start(pasted[0].clone())
        .await
        .assert_verdict(true);

    let night = Environment::new();
    let (aws, fixture) = (&night.stack.aws, &night.stack.fixture);
    let id = pasted[1]["snapshot_id"].as_str().expect("an id");
    let long_ago = aws.clock().now() - 40 * 24 * HOUR;
    aws.add_snapshot(Snapshot::completed(
        id,
        &fixture.production_volume_id,
        long_ago,
    ));
    let ending = night.start(pasted[1].clone()).await;
    assert_eq!(ending.errors(), Vec::<String>::new());
    let tags = aws.snapshot_tags(id);
    assert_eq!(tags.get("DBBackupValid").map(String::as_str), Some("True"));
}

#[tokio::test(start_paused = true)]
async fn the_event_for_step_6_gives_back() {
    let night = Environment::new();
    let aws = &night.stack.aws;
    aws.set_faults(Box::new(|call| {
        let giving_back = ["DetachVolume", "DeleteVolume"].contains(&call.action.as_str());
        giving_back.then(|| Fault::Refuse {
            status: 503,
            code: "Unavailable".to_owned(),
            message: "not now".to_owned(),
        })
    }));
    let ending = night.play().await;
    assert_eq!(
        night.stack.left_volumes().len(),
        1,
        "something to give back"
    );
    let error = &ending.errors()[0];
    assert!(error.contains("gave up after 1 h"), "{error}");
    assert!(error.contains("still held: vol-"), "{error}");
    let tags = ending.tags;

    aws.clear_faults();
    let of_step_6 = |(function, _): &(String, Value)| function == STEP_6;
    let (function, event) = invocations().into_iter().find(of_step_6).expect("one");
    night.stack.lambda.start(&function, event);
    night.stack.lambda.idle().await;
    assert_eq!(night.stack.left_volumes(), Vec::<String>::new());
    assert_eq!(night.host.leftovers(), Vec::<String>::new());
    let ending = night.ending();
    assert_eq!(ending.tags, tags, "no verdict is written");
    let last = ending.log.last().map(String::as_str).unwrap_or_default();
    let shown = Page::runbook().blocks("log").pop().expect("a line");
    assert!(last.ends_with(shown.as_str()), "{last}");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_test_stops_the_run() {
    let night = Environment::new();
    night.stack.lambda.start(STEP_1, json!({}));
    night.stack.aws.clock().sleep(HOUR / 2).await;
    let log = night.ending().log;
    let mut lines = log.iter().rev();
    let line = lines.find(|line| line.contains("Invoked lambda"));
    let (_, event) = line.and_then(|line| line.split_once("event=")).expect("it");
    let event: Value = serde_json::from_str(event).expect("JSON");
    let text = Page::runbook().text;
    let field = text.split("The command's id is `").nth(1).expect("a field");
    let field = field.split('`').next().expect("a field");
    night
        .stack
        .aws
        .cancel_by_hand(event[field].as_str().expect(field));
    night.stack.lambda.idle().await;
    let ending = night.ending();
    ending.assert_undetermined("HostFailed: the test has no result");
    ending.assert_undetermined("is Cancelled");
}

#[test]
fn the_times_in_the_text() {
    let text = Page::runbook().text;
    assert_eq!(limits::LONGEST_RUN, 27 * HOUR / 4);
    assert!(text.contains("once it is 6 h 45 min old"));
    let longest = limits::SNAPSHOT
        + limits::VOLUME
        + limits::ATTACH
        + limits::MOUNT
        + limits::START
        + limits::TEST
        + limits::RELEASE;
    assert!(longest < 10 * HOUR, "{longest:?}");
    assert!(text.contains("it ends within ten hours"));
    assert_eq!(limits::RELEASE, HOUR);
    assert!(text.contains("an hour later it gives up with `TimeRanOut`"));
}
