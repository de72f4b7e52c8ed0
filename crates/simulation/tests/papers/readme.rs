//! README.md: its tables, its run, its example of a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::event::Phase;
use common::ssm::Report;
use common::step::{Invocation, Pace, Step};
use common::verdict::Verdict;
use common::world::World;
use regex::Regex;
use rehearsal::aws::model_host::Backup;
use rehearsal::aws::{Fault, Snapshot};
use rehearsal::lambda::access_key;
use rehearsal::template::{Function, TEMPLATE, Template};
use serde_json::{Value, json};
use simulation::night::{Ending, Night};

use crate::page::{Page, is_among, name, quoted, sources};

/// The environment variables that the README lists without a parameter of their own.
const WITHOUT_PARAMETER: [&str; 3] = [
    "NEXT_LAMBDA_NAME",
    "RELEASE_LAMBDA_NAME",
    "PROGRAMS_DOCUMENT",
];

// ---- The six steps ----

#[tokio::test(start_paused = true)]
async fn the_table_of_steps() {
    for (poll, test_poll) in [("15", "60"), ("17", "71")] {
        let set = [("PollSeconds", poll), ("TestPollSeconds", test_poll)];
        let night = Night::parameters(&set, |_| ());
        let ending = night.play().await;
        let rows = Page::readme().table(&["function", "crate", "does"]);
        let functions = &night.stack.template.functions;
        assert_eq!(rows.len(), functions.len());
        for (row, function) in rows.iter().zip(functions) {
            assert_eq!(
                name(&row[0]).replace("<environment>", "dev"),
                function.name,
                "function"
            );
            assert_eq!(name(&row[1]), format!("crates/{}", function.binary));
            let every = row[3].replace("15 s", &format!("{poll} s"));
            let every = every.replace("60 s", &format!("{test_poll} s"));
            let (expected, patience) = shown(&paces_of(&night, &ending, function));
            assert_eq!(every, expected, "{}", function.name);
            assert_eq!(row[4], patience, "{}", function.name);
        }
    }
}

/// How a step's paces stand in the table.
fn shown(paces: &[Pace]) -> (String, String) {
    let every = |pace: &Pace| format!("{} s", pace.every.as_secs());
    let at_most = |pace: &Pace| match pace.at_most.as_secs() {
        seconds if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        seconds => format!("{} min", seconds / 60),
    };
    match paces {
        [one] => (every(one), at_most(one)),
        [test, rest] => (
            format!("{} for the test, {} for the rest", every(test), every(rest)),
            format!(
                "{} for the test, {} for the rest",
                at_most(test),
                at_most(rest)
            ),
        ),
        paces => panic!("{paces:?}"),
    }
}

fn paces_of(night: &Night, ending: &Ending, function: &Function) -> Vec<Pace> {
    match function.binary.as_str() {
        "step1-snapshot" => paces::<step1_snapshot::ChooseSnapshot>(night, ending, function),
        "step2-volume" => paces::<step2_volume::MakeVolume>(night, ending, function),
        "step3-attach" => paces::<step3_attach::AttachVolume>(night, ending, function),
        "step4-mount" => paces::<step4_mount::Mount>(night, ending, function),
        "step5-run-test" => paces::<step5_run_test::RunTest>(night, ending, function),
        "step6-await-result" => paces::<step6_await_result::AwaitResult>(night, ending, function),
        other => panic!("no crate {other}"),
    }
}

/// How often and how long the step looks, for each event that it was given.
fn paces<S: Step>(night: &Night, ending: &Ending, function: &Function) -> Vec<Pace> {
    let aws = &night.stack.aws;
    let world = World::new(
        &aws.sdk_config(&access_key(&function.name, 0, 0)),
        aws.datadog_service(),
        &function.name,
        function.environment.clone(),
    );
    let step = S::build(&world).expect("a step");
    let invocation = Invocation {
        request_id: "r".to_owned(),
        now: world.clock.now(),
    };
    let mut paces = Vec::new();
    for delivery in &ending.deliveries {
        if delivery.accepted.function == function.name {
            let read = step.read(&delivery.accepted.event, &invocation);
            paces.push(step.pace(&read.expect("an event").payload));
        }
    }
    paces.dedup();
    paces
}

// ---- What a night comes to ----

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
        let ending = Night::new().backup(backup).play().await;
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
    let night = Night::new();
    let ending = night.play().await;
    let readme = Page::readme();
    let named = |head| {
        let rows: Vec<Vec<String>> = readme.table(&[head]);
        rows.iter().map(|row| name(&row[0])).collect::<Vec<_>>()
    };
    let written: BTreeSet<&String> = ending.tags.keys().collect();
    let tags = named("tag on the snapshot");
    assert_eq!(tags.iter().collect::<BTreeSet<_>>(), written);

    let rows = readme.table(&["tag on the test volume"]);
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
            let value = value.replace("<snapshot id>", &night.stack.world.snapshot_id);
            assert_eq!(made.tags[&name(&row[0])], value);
        }
    }
}

/// A night on which a backup of the day before yesterday is tested by its id.
async fn night_of_an_older_backup() -> Ending {
    let night = Night::new();
    let (aws, ids) = (&night.stack.aws, &night.stack.world);
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
    log.extend(Night::new().start(json!({"canary": true})).await.log);
    log.extend(night_of_an_older_backup().await.log);
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
    let rows = Page::readme().table(&["field", "from step"]);
    let listed: BTreeMap<String, String> = rows
        .iter()
        .map(|row| (name(&row[0]), row[1].clone()))
        .collect();
    assert_eq!(listed, added);
}

#[tokio::test(start_paused = true)]
async fn the_start_event_of_another_database_starts_its_run() {
    let night = Night::new();
    let another = night.add_another(1);
    let event = Page::readme().blocks("json").remove(0);
    let event: Value = serde_json::from_str(&event).expect("JSON");
    let ending = night.start(event).await;
    assert_eq!(ending.errors(), Vec::<String>::new());
    let tags = night.stack.aws.snapshot_tags(&another.world.snapshot_id);
    assert_eq!(tags["DBBackupValid"], "True");
    assert_eq!(
        ending.tag(),
        None,
        "the database of the settings is left alone"
    );
}

/// A night whose start event names all that it may, and in which AWS is busy for one look.
async fn a_night_with_every_field() -> Ending {
    let night = Night::new();
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
    let readme = Page::readme();
    let mut listed = Vec::new();
    for row in readme.table(&["variable", "stack parameter"]) {
        match name(&row[0]).as_str() {
            variable if WITHOUT_PARAMETER.contains(&variable) => {
                assert_eq!([&row[1], &row[2]], ["–", "–"]);
            }
            _ => listed.push((name(&row[1]), default(&row[2]))),
        }
    }
    for row in readme.table(&["stack parameter", "default"]) {
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
    for row in Page::readme().table(&["variable", "stack parameter"]) {
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
    let readme = Page::readme();
    let rows = readme.table(&["metric", "value"]);
    let listed: BTreeSet<String> = rows.iter().map(|row| name(&row[0])).collect();
    let night = Night::new();
    night.play().await;
    // The second night knows of a backup that was found good.
    let mut points = night.play().await.points;
    points.extend(Night::new().start(json!({"canary": true})).await.points);
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
        let shown = readme.text.contains(&format!("`{key}:<")) || phases.contains(tag);
        assert!(shown, "{tag}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_event() {
    let ending = Night::new().backup(Backup::CannotBeTested).play().await;
    let title = format!("sends the event `{}`", ending.events[0].title);
    assert!(Page::readme().text.contains(&title), "{title}");
}

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
    let rows = Page::readme().table(&["`BACKUP`", "last night's backup"]);
    let listed: Vec<(String, String)> = rows
        .iter()
        .map(|row| (name(&row[0]), row[1].clone()))
        .collect();
    assert_eq!(listed, menu);
    let rows = Page::integrity_test().table(&["`BACKUP`", "verdict"]);
    let tried: Vec<String> = rows.iter().map(|row| name(&row[0])).collect();
    let names: Vec<String> = menu.into_iter().map(|(name, _)| name).collect();
    assert_eq!(tried, names, "docs/integrity-test.md");
}

// ---- The printed run ----

/// Times, sizes and counts differ from run to run.
fn without_numbers(text: &str) -> String {
    let number = Regex::new(r"\d[\d:.TZ-]*").expect("a pattern");
    number.replace_all(text, "0").into_owned()
}

#[tokio::test(start_paused = true)]
async fn the_printed_trail_is_one_of_a_night() {
    let log = Night::new().play().await.log;
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
    let program = &sources(&["crates/rehearsal/src/rehearse/summary.rs"], ".rs")[0];
    for line in Page::readme().blocks("text")[1..].join("\n").lines() {
        let label = line.split("  ").next().unwrap_or_default();
        let printed = program.contains(label) || Phase::ALL.iter().any(|p| p.name() == label);
        assert!(printed, "{label}");
    }
}

// ---- A test of your own ----

#[tokio::test(start_paused = true)]
async fn the_parameters_that_the_scripts_get() {
    let night = Night::new();
    night.play().await;
    let commands = night.stack.aws.commands();
    let rows = Page::readme().table(&["document", "parameters"]);
    assert_eq!(rows.len(), 3);
    for row in rows {
        let about = format!("ib-backup {} ", row[0]);
        let mut sent = commands.iter();
        let sent = sent.find(|command| command.comment.starts_with(&about));
        let sent = sent.expect("a command");
        let document = night.stack.template.document(&sent.document);
        // The stand-in has put in the default of what was not sent.
        let declared = document.expect("a document").parameters.iter();
        let given = declared.filter(|of| of.default.as_ref() != sent.parameters.get(&of.name));
        let given: BTreeSet<String> = given.map(|of| of.name.clone()).collect();
        let listed: BTreeSet<String> = quoted(&row[1]).into_iter().collect();
        assert_eq!(listed, given, "{}", row[0]);
    }
}

/// What Systems Manager would tell of the README's own script on this volume.
fn run_example(volume: &Path) -> Report {
    let script = &Page::readme().blocks("bash")[0];
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
    let rows = Page::readme().table(&["exit code", "last line", "means"]);
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

#[test]
fn the_figures_in_the_text() {
    let delivery = sources(&["crates/common/src/ssm.rs"], ".rs").remove(0);
    assert!(delivery.contains("DELIVERY_SECONDS: i32 = 600;"));
    let text = Page::readme().text;
    assert!(text.contains("not delivered within 10 minutes"));
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
