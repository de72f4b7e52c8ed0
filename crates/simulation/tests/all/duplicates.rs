//! Lambda delivers at least once: here it delivers every event of a night again.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_stand_in::lambda::{Accepted, Delivery};
use serde_json::json;
use simulation::environment::Environment;

/// A night with a short test, so that there are not too many polls.
fn night() -> Environment {
    Environment::new().testing_for(Duration::from_secs(150))
}

/// A night whose event `number` is delivered a second time, so long after the first.
fn night_with_again(number: u64, after: Duration) -> Environment {
    let night = night();
    let lambda = &night.stack.lambda;
    lambda.set_copies(Box::new(move |accepted: &mut Accepted| {
        if accepted.number == number {
            vec![Duration::ZERO, after]
        } else {
            vec![Duration::ZERO]
        }
    }));
    night
}

async fn clean_night() -> Vec<Delivery> {
    night().play().await.deliveries
}

/// Asserts one volume, one test, one verdict, and nothing left.
async fn assert_same_night(night: &Environment, what: &str) {
    let ending = night.play().await;
    assert_eq!(ending.tag(), Some("True"), "{what}");
    assert_eq!(ending.valid(), [1.0], "{what}");
    assert_eq!(ending.made, 1, "{what}");
    assert_eq!(
        night.host.tests_executed().values().sum::<u32>(),
        1,
        "{what}"
    );
    assert_eq!(night.host.most_tests_at_once(), 1, "{what}");
    assert_eq!(ending.events, Vec::new(), "{what}");
    assert_eq!(ending.left, Vec::<String>::new(), "{what}");
}

#[tokio::test(start_paused = true)]
async fn at_once() {
    for number in 0..clean_night().await.len() as u64 {
        let night = night_with_again(number, Duration::ZERO);
        assert_same_night(&night, &format!("event {number} twice at once")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_next_step_began() {
    let clean = clean_night().await;
    for (number, pair) in (0..).zip(clean.windows(2)) {
        let next = pair[1]
            .time
            .duration_since(pair[0].time)
            .expect("time goes on");
        let night = night_with_again(number, next + Duration::from_millis(1));
        assert_same_night(
            &night,
            &format!("event {number} again after the next began"),
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_run_has_ended() {
    for number in 0..clean_night().await.len() as u64 {
        let night = night_with_again(number, Duration::from_hours(1));
        assert_same_night(&night, &format!("event {number} again after the end")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_them_at_once() {
    let night = night();
    let mut seen = BTreeSet::new();
    night
        .stack
        .lambda
        .set_copies(Box::new(move |accepted: &mut Accepted| {
            let count = &accepted.event["iteration_count"];
            let key = format!(
                "{} {count} {}",
                accepted.function,
                accepted.event.get("because").is_some()
            );
            vec![Duration::ZERO; if seen.insert(key) { 2 } else { 1 }]
        }));
    assert_same_night(&night, "every event twice").await;
}

/// A canary night writes no tag that would show a late delivery that the run has ended.
#[tokio::test(start_paused = true)]
async fn of_a_canary_hours_and_a_day_after_its_end() {
    let canary = json!({"canary": true});
    let count = night().start(canary.clone()).await.deliveries.len() as u64;
    for hours in [3, 25] {
        for number in 0..count {
            let night = night_with_again(number, Duration::from_hours(hours));
            let ending = night.start(canary.clone()).await;
            let what = format!("event {number} again after {hours} h");
            let caught = ending.metric("infobright_backup_check.canary_caught");
            assert_eq!(caught, [1.0], "{what}");
            assert_eq!(ending.tag(), None, "{what}");
            assert_eq!(ending.made, 1, "{what}");
            assert_eq!(ending.events, Vec::new(), "{what}");
            assert_eq!(ending.left, Vec::<String>::new(), "{what}");
        }
    }
}
