use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_stand_in::Aws;
use aws_stand_in::clock::parse_rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{build, handle};
use crate::clients::Clients;
use crate::doctor::Examination;
use crate::error::{Error, Kind, Result};
use crate::event::{Phase, Run};
use crate::reply::Reply;
use crate::settings::Settings;
use crate::step::{NeverEnds, Outcome, Step};

/// What a look of [`Toy`] comes to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Look {
    NotReady,
    Ready,
    Late,
    Broken,
    /// AWS was too busy, and the look ends with the error.
    Busy,
    /// The same, after the look has learned that it is late.
    BusyAfterAll,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Payload {
    look: Look,
}

impl crate::event::Payload for Payload {
    fn read(event: &Value) -> Result<Self> {
        crate::event::read(event)
    }
}

/// A step that does as its payload says, looks every 20 s at most, and for a minute.
struct Toy {
    looks: Mutex<Vec<u64>>,
}

impl Step for Toy {
    const NAME: &'static str = "step-toy";
    const GIVE_UP_AFTER: Duration = Duration::from_mins(1);
    const PHASE: Option<Phase> = Some(Phase::Attach);
    type Input = Payload;
    type Next = Payload;
    type End = NeverEnds;

    fn build(_: &Clients, _: &mut Settings<'_>) -> Self {
        let looks = Mutex::default();
        Self { looks }
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(20)
    }

    async fn examine(&self, _: &Clients, _: &mut Examination) {}

    async fn poll(&self, run: &Run, payload: Payload) -> Result<Outcome<Self>> {
        self.looks.lock().unwrap().push(run.iteration_count);
        match payload.look {
            Look::NotReady => Ok(Outcome::PollAgain {
                why: "it rains".to_owned(),
                payload,
            }),
            Look::Ready => Ok(Outcome::GoOn(payload)),
            Look::Late => Ok(Outcome::AlreadyEnded),
            Look::Broken => Err(Error::new(Kind::HostFailed, "it broke")),
            Look::Busy => Err(Error::new(Kind::AwsUnavailable, "a crowd")),
            Look::BusyAfterAll => Ok(Outcome::Busy {
                error: Error::new(Kind::AwsUnavailable, "a crowd"),
                payload: Payload { look: Look::Late },
            }),
        }
    }
}

/// The toy beside the account that it calls.
struct Bench {
    aws: Aws,
    clients: Clients,
    step: Toy,
}

/// Takes every event and answers with this status.
struct Lambda(u16);

impl aws_stand_in::Service for Lambda {
    fn call(
        &self,
        _: &str,
        _: &http::Request<bytes::Bytes>,
    ) -> aws_stand_in::instance_host::BoxFuture<http::Response<bytes::Bytes>> {
        let mut answer = http::Response::new(bytes::Bytes::from_static(b"{}"));
        *answer.status_mut() = http::StatusCode::from_u16(self.0).expect("a status");
        Box::pin(async move { answer })
    }
}

impl Bench {
    fn new(status: u16) -> Self {
        let clock =
            aws_stand_in::Clock::starting_at(parse_rfc3339("2026-03-01T02:00:00Z").unwrap());
        let aws = Aws::new(clock);
        aws.register("lambda", Arc::new(Lambda(status)));
        let sdk = aws.sdk_config("anybody");
        let variables = [("NEXT_LAMBDA_NAME".to_owned(), "the-next".to_owned())];
        let clients = Clients::new(&sdk, aws.datadog_service(), "the-toy", variables.into());
        let step = build(&clients).expect("a toy");
        Self { aws, clients, step }
    }

    /// The third look, after so many seconds of waiting.
    async fn handle(&self, look: Look, waited_seconds: u64) -> Result<Reply> {
        let event = json!({
            "run_id": "run-1",
            "started_at": "2026-03-01T02:00:00Z",
            "iteration_count": 2,
            "waited_seconds": waited_seconds,
            "ready_at": {"volume": "2026-03-01T02:00:00Z"},
            "look": look,
        });
        handle(&self.step, &self.clients, "request-1", event).await
    }

    fn looks(&self) -> Vec<u64> {
        self.step.looks.lock().unwrap().clone()
    }

    /// The functions that were invoked, with their events.
    fn invoked(&self) -> Vec<(String, Value)> {
        let calls = self.aws.calls().into_iter();
        let events = calls.map(|record| {
            assert_eq!(record.call.action, "Invoke");
            let (path, event) = record.parameters.split_once(' ').expect("two parts");
            let name = path.split('/').nth(3).expect("a name");
            (name.to_owned(), serde_json::from_str(event).expect("JSON"))
        });
        events.collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_a_minute_is_a_minute_of_waiting() {
    let bench = Bench::new(202);
    let began = bench.aws.clock().now();
    let mut event = json!({
        "run_id": "run-1",
        "started_at": "2026-03-01T02:00:00Z",
        "iteration_count": 0,
        "look": "NotReady",
    });
    let error = loop {
        let handled = handle(&bench.step, &bench.clients, "request-1", event).await;
        if let Err(error) = handled {
            break error;
        }
        let (function, next) = bench.invoked().pop().expect("it looks again");
        assert_eq!(function, "the-toy");
        event = next;
    };
    let waited = bench.aws.clock().now().duration_since(began);
    assert_eq!(waited.expect("time goes on"), Duration::from_mins(1));
    let events = bench.invoked().into_iter().map(|(_, event)| event);
    let told: Vec<Value> = events
        .map(|event| event["waited_seconds"].clone())
        .collect();
    assert_eq!(told, [2, 4, 8, 16, 32, 52, 60]);
    assert_eq!(bench.looks(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(error.kind(), Kind::TimeRanOut);
    assert_eq!(error.to_string(), "step-toy gave up after 1 min: it rains");
}

#[tokio::test(start_paused = true)]
async fn an_event_beyond_the_limit_is_not_looked_at() {
    for waited in [61, u64::MAX] {
        let bench = Bench::new(202);
        let error = bench
            .handle(Look::Ready, waited)
            .await
            .expect_err("no look");
        assert_eq!(error.kind(), Kind::TimeRanOut);
        assert_eq!(bench.looks(), [0_u64; 0]);
        assert_eq!(bench.invoked(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_look_may_still_find_it_ready() {
    let bench = Bench::new(202);
    bench.handle(Look::Ready, 60).await.expect("ready");
    assert_eq!(bench.invoked()[0].0, "the-next");
}

#[tokio::test(start_paused = true)]
async fn looking_again_waits_first_and_counts() {
    let bench = Bench::new(202);
    let began = bench.aws.clock().now();
    bench.handle(Look::NotReady, 30).await.expect("handed on");
    let handed_on = &bench.aws.calls()[0].call;
    let waited = handed_on.time.duration_since(began).expect("time goes on");
    assert_eq!(waited, Duration::from_secs(20));
    assert_eq!(bench.aws.clock().now(), handed_on.time, "its last act");
    let expected = json!({
        "run_id": "run-1",
        "started_at": "2026-03-01T02:00:00Z",
        "iteration_count": 3,
        "waited_seconds": 50,
        "ready_at": {"volume": "2026-03-01T02:00:00Z"},
        "look": "NotReady",
    });
    assert_eq!(bench.invoked(), [("the-toy".to_owned(), expected)]);
}

#[tokio::test(start_paused = true)]
async fn while_aws_is_busy_it_looks_again_with_what_it_learned() {
    for (look, then) in [(Look::Busy, "Busy"), (Look::BusyAfterAll, "Late")] {
        let bench = Bench::new(202);
        bench.handle(look, 0).await.expect("handed on");
        let (function, event) = bench.invoked().remove(0);
        assert_eq!(function, "the-toy");
        assert_eq!((&event["look"], &event["busy"]), (&json!(then), &json!(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_look_of_a_busy_aws_is_its_error() {
    let bench = Bench::new(202);
    for look in [Look::Busy, Look::BusyAfterAll] {
        let error = bench.handle(look, 60).await.expect_err("no look is left");
        assert_eq!(error.kind(), Kind::AwsUnavailable);
        let told = "step-toy gave up after 1 min: a crowd";
        assert_eq!(error.chain(), told);
    }
    assert_eq!(bench.invoked(), []);
}

#[tokio::test(start_paused = true)]
async fn a_wait_while_busy_is_longer_and_counts_as_long_as_it_is() {
    fastrand::seed(1);
    let bench = Bench::new(202);
    let began = bench.aws.clock().now();
    bench.handle(Look::Busy, 0).await.expect("handed on");
    let waited = bench.aws.clock().now().duration_since(began);
    let seconds = waited.expect("time goes on").as_secs();
    assert!((21..=40).contains(&seconds), "{seconds}");
    let event = &bench.invoked()[0].1;
    assert_eq!(event["waited_seconds"], json!(seconds));
    assert_eq!(event["iteration_count"], json!(3));
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_the_longer_waits() {
    let bench = Bench::new(202);
    for (look, function) in [(Look::NotReady, "the-toy"), (Look::Ready, "the-next")] {
        let event = json!({
            "run_id": "run-1",
            "started_at": "2026-03-01T02:00:00Z",
            "iteration_count": 0,
            "busy": 5,
            "look": look,
        });
        let handled = handle(&bench.step, &bench.clients, "request-1", event).await;
        handled.expect("handed on");
        let (invoked, event) = bench.invoked().pop().expect("an event");
        assert_eq!(invoked, function);
        assert_eq!(event.get("busy"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn going_on_waits_for_nothing_and_notes_the_phase() {
    let bench = Bench::new(202);
    let began = bench.aws.clock().now();
    bench.handle(Look::Ready, 1).await.expect("handed on");
    assert_eq!(bench.aws.clock().now(), began);
    let expected = json!({
        "run_id": "run-1",
        "started_at": "2026-03-01T02:00:00Z",
        "iteration_count": 0,
        "ready_at": {"volume": "2026-03-01T02:00:00Z", "attach": "2026-03-01T02:00:00Z"},
        "look": "Ready",
    });
    assert_eq!(bench.invoked(), [("the-next".to_owned(), expected)]);
}

#[tokio::test(start_paused = true)]
async fn a_late_delivery_and_an_error_hand_nothing_on() {
    let bench = Bench::new(202);
    bench.handle(Look::Late, 0).await.expect("nothing to do");
    let error = bench.handle(Look::Broken, 0).await.expect_err("an error");
    assert_eq!(error.to_string(), "it broke");
    let event = json!({"run_id": "run-1", "look": "Ready"});
    let handled = handle(&bench.step, &bench.clients, "request-1", event).await;
    let error = handled.expect_err("no event");
    assert_eq!(error.kind(), Kind::BadEvent);
    assert!(error.to_string().contains("started_at"), "{error}");
    assert_eq!(bench.invoked(), []);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_lambda_does_not_accept_is_an_error() {
    for (status, kind) in [
        (200, Kind::AwsUnavailable),
        (404, Kind::AwsUnavailable),
        (429, Kind::AwsUnavailable),
        (500, Kind::AwsUnavailable),
    ] {
        for look in [Look::Ready, Look::NotReady] {
            let bench = Bench::new(status);
            let error = bench.handle(look, 0).await.expect_err("not accepted");
            assert_eq!(error.kind(), kind, "{status}");
            assert!(error.to_string().contains("invoke the-"), "{error}");
        }
    }
}
