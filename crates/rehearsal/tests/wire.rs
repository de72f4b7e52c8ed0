//! Nights on a wire on which something answers in AWS's or Datadog's place, or half of an answer
//! comes: the real programs, each a process, at each call that they make.
//!
//! Needs the six binaries beside it: `cargo build --workspace --bins`.

#[path = "wire/faults.rs"]
mod faults;
#[path = "wire/process.rs"]
mod process;
#[path = "wire/scenes.rs"]
mod scenes;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use faults::{ELSEWHERE, Fault};
use process::{Case, Seen, play};
use scenes::Scene;

/// Cases that are played at once: most of their time they wait.
const AT_ONCE: usize = 24;
/// What a function has.
const MEMORY_KIB: u64 = 128 * 1024;
/// As the processes have them; the last is what the stand-in's parameter holds.
const SECRETS: [&str; 3] = [
    "the-secret-of-the-role",
    "the-token-of-the-role",
    "rehearsal-datadog-api-key",
];

/// What must hold of a case, whatever the fault: the words for what does not.
fn broken(case: &Case, seen: &Seen) -> Option<String> {
    let said = format!(
        "{}\n{}",
        seen.log,
        seen.answer.as_deref().unwrap_or_default()
    );
    let Fault { name, tells, .. } = case.fault;
    if seen.answer.is_none() {
        return Some("it does not end".to_owned());
    }
    if seen.faults == 0 {
        return Some("it does not make that call".to_owned());
    }
    if seen.faults > 3 {
        return Some(format!("it asks {} times in one look", seen.faults));
    }
    if !seen.asks_again {
        return Some("its process is dead".to_owned());
    }
    if let Some(secret) = SECRETS.iter().find(|secret| said.contains(**secret)) {
        return Some(format!("it tells {secret}"));
    }
    if seen.memory_kib > MEMORY_KIB {
        return Some(format!("it took {} KiB", seen.memory_kib));
    }
    let service = case.service();
    if let Some(words) = tells(service).iter().find(|words| !said.contains(**words)) {
        return Some(format!("`{words}` is nowhere said"));
    }
    // It is retried: by the next poll, or by Lambda.
    let again = [
        "AwsUnavailable",
        "DatadogFailed",
        "polling again in",
        "not in Datadog",
    ];
    if !again.iter().any(|words| said.contains(words)) {
        return Some("it is not tried again".to_owned());
    }
    let ended = [
        "the run has ended",
        "the test has no result",
        "no verdict: ",
    ];
    let taken = ended.iter().find(|words| said.contains(**words));
    taken.map(|words| format!("{name} was taken for an answer: {words}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_not_awss_is_taken_for_an_answer() {
    let elsewhere = faults::elsewhere().await;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut cases = JoinSet::new();
    for scene in Scene::ALL {
        for &action in scene.calls() {
            for fault in faults::ALL {
                let case = Case {
                    scene,
                    action,
                    fault,
                };
                if !case.makes_sense() {
                    continue;
                }
                let room = room.clone();
                cases.spawn(async move {
                    let _place = room.acquire_owned().await.expect("it is never closed");
                    let seen = play(&case).await;
                    broken(&case, &seen).map(|why| format!("{case}: {why}\n{}", seen.trace()))
                });
            }
        }
    }
    let count = cases.len();
    let outcomes = cases.join_all().await;
    let broken: Vec<String> = outcomes.into_iter().flatten().collect();
    assert!(
        broken.is_empty(),
        "{} of {count}:\n{}",
        broken.len(),
        broken.join("\n")
    );
    assert!(count >= 250, "only {count} cases");
    assert_eq!(
        elsewhere.visits(),
        0,
        "a redirect to {ELSEWHERE} was followed"
    );
}

/// Finding 9 of AWS.
#[tokio::test]
async fn aws_finding_9_settings_that_cannot_be_read_are_told_to_lambda() {
    let mut told = 0;
    for scene in Scene::ALL {
        let (headers, body) = process::start_error(scene, "TEST_POLL_SECONDS", "soon").await;
        let Some(body) = body else {
            // Not a setting of that step.
            continue;
        };
        assert!(
            headers.contains("lambda-runtime-function-error-type: BadSettings"),
            "{headers}"
        );
        let error: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(error["errorType"], "BadSettings");
        let message = error["errorMessage"].as_str().expect("a text");
        assert!(message.contains("TEST_POLL_SECONDS is `soon`"), "{message}");
        told += 1;
    }
    assert!(told > 0, "no step told Lambda");
}
