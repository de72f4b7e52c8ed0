//! README.md and docs/: the rehearsal's menu, the printed run, and the example of a test.

use std::fs;
use std::path::Path;
use std::process::Command;

use common::event::Phase;
use common::ssm::Report;
use common::verdict::Verdict;
use regex::Regex;
use simulation::environment::Environment;

use super::page::{Page, Row, code, hold, is_among, sources};

// ---- Try it ----

#[test]
fn what_can_be_rehearsed() {
    let menu = Command::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../rehearsal/host/damage.sh"
    ))
    .arg("help")
    .output();
    let menu = String::from_utf8(menu.expect("it runs").stdout).expect("text");
    let menu: Vec<(String, String)> = menu
        .lines()
        .map(|line| {
            let (name, what) = line.split_once("  ").expect("a name and what it is");
            (name.to_owned(), what.trim().to_owned())
        })
        .collect();
    assert!(menu.len() > 10, "{menu:?}");
    let told = menu
        .iter()
        .map(|(name, what)| vec![Some(code(name)), Some(what.clone())]);
    hold("docs/rehearsal.md", "backups", &told.collect::<Vec<Row>>());
    let tried = menu
        .iter()
        .map(|(name, _)| vec![Some(code(name)), None, None]);
    hold(
        "docs/integrity-test.md",
        "backups",
        &tried.collect::<Vec<Row>>(),
    );
}

// ---- The printed run ----

/// Times, sizes and counts differ from run to run.
fn without_numbers(text: &str) -> String {
    let number = Regex::new(r"\d[\d:.TZ-]*").expect("a pattern");
    number.replace_all(text, "0").into_owned()
}

#[tokio::test(start_paused = true)]
async fn the_printed_trail_is_one_of_a_night() {
    let log = Environment::new().play().await.log;
    let log: Vec<String> = log.iter().map(|line| without_numbers(line)).collect();
    let trail = &Page::readme().blocks("text")[0];
    let printed = Regex::new(r"^\d\d:\d\d:\d\d  (step-\S+) +(.*)$").expect("a pattern");
    for line in trail.lines() {
        let found = printed.captures(line).expect(line);
        let line = format!("dev-ib-backup-{}:  {}", &found[1], &found[2]);
        let shown = without_numbers(&line);
        assert!(is_among(&shown, &log), "no line of a night is {shown}");
    }
}

#[test]
fn the_printed_summary_has_the_lines_of_the_program() {
    let program = &sources(&["crates/rehearsal/src/summary.rs"], ".rs")[0];
    let mut printed = Page::doc("rehearsal").blocks("text");
    printed.extend_from_slice(&Page::readme().blocks("text")[1..]);
    for line in printed.join("\n").lines() {
        let label = line.split("  ").next().unwrap_or_default();
        let printed = program.contains(label) || Phase::ALL.iter().any(|p| p.name() == label);
        assert!(printed, "{label}");
    }
}

// ---- A test of your own ----

#[tokio::test(start_paused = true)]
async fn the_parameters_that_the_scripts_get() {
    let night = Environment::new();
    night.play().await;
    let commands = night.stack.aws.commands();
    let rows = ["mount", "test", "release"].map(|script| {
        let about = format!("ib-backup {script} ");
        let mut sent = commands.iter();
        let sent = sent.find(|command| command.comment.starts_with(&about));
        let sent = sent.expect("a command");
        let document = night.stack.template.document(&sent.document);
        // For parameters that were not sent, the stand-in has inserted the default.
        let declared = document.expect("a document").parameters.iter();
        let given = declared.filter(|of| of.default.as_ref() != sent.parameters.get(&of.name));
        let given: Vec<String> = given.map(|of| code(&of.name)).collect();
        vec![Some(script.to_owned()), Some(given.join(", "))]
    });
    hold("docs/documents.md", "parameters", &rows);
}

/// What Systems Manager would report about the page's own script on this volume.
fn run_example(volume: &Path) -> Report {
    let script = &Page::doc("documents").blocks("bash")[0];
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).env("SSM_mountPoint", volume);
    let output = bash.output().expect("bash");
    Report {
        command_id: "c".to_owned(),
        status: String::new(),
        status_details: String::new(),
        response_code: output.status.code().expect("an exit code"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        ended_at: None,
    }
}

#[test]
fn the_example_of_a_test_keeps_the_contract() {
    let volume = tempfile::tempdir().expect("a folder");
    let data = volume.path().join("shop");
    let report = run_example(volume.path());
    assert_eq!(report.response_code, 75, "nothing to compare with");
    assert!(Verdict::judge(&report).is_err());

    fs::create_dir(&data).expect("a folder");
    for file in ["orders.frm", "orders.MYD"] {
        fs::write(data.join(file), file).expect("a file");
    }
    let mut sums = Command::new("sha256sum");
    sums.args(["shop/orders.frm", "shop/orders.MYD"]);
    let sums = sums.current_dir(volume.path()).output().expect("sha256sum");
    fs::write(volume.path().join("SHA256SUMS"), sums.stdout).expect("a file");
    let verdict = Verdict::judge(&run_example(volume.path())).expect("a verdict");
    assert!(verdict.valid, "{verdict:?}");
    assert!(
        verdict.detail.starts_with("1 tables, 0 rows, 2 checks in "),
        "{verdict:?}"
    );

    fs::write(data.join("orders.MYD"), "damaged").expect("a file");
    let report = run_example(volume.path());
    assert!(
        report.stdout.contains("shop/orders.MYD: FAILED"),
        "{report:?}"
    );
    let verdict = Verdict::judge(&report).expect("a verdict");
    assert!(!verdict.valid);
    assert!(
        verdict.detail.starts_with("files are not as"),
        "{verdict:?}"
    );
}

#[test]
fn the_exit_codes() {
    let rows = Page::doc("documents").table(&["exit code", "last line", "means"]);
    let codes: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(codes, ["0", "1", "75", "any other"]);
    let judged = |response_code, valid: &str| {
        let report = Report {
            command_id: "c".to_owned(),
            status: String::new(),
            status_details: String::new(),
            response_code,
            stdout: format!(
                r#"{{{valid},"checks":1,"tables":1,"rows":0,"seconds":0,"reason":"a.b: Corrupt"}}"#
            ),
            stderr: String::new(),
            ended_at: None,
        };
        match Verdict::judge(&report) {
            Ok(verdict) if verdict.valid => "good",
            Ok(_) => "invalid",
            Err(_) => "undetermined",
        }
    };
    for row in &rows {
        let code = row[0].parse().unwrap_or(2);
        for line in [r#""valid":true"#, r#""valid":false"#, r#""valid":null"#] {
            let means = judged(code, line);
            let listed = row[1].starts_with("any") || row[1].contains(line);
            assert_eq!(row[2].contains(means), listed, "{row:?}: {line}: {means}");
        }
    }
}
