use std::time::Duration;

use serde_json::{Value, json};

use super::DatadogReply;
use crate::clock::unix_seconds;
use crate::testing::Night;

async fn post(night: &Night, path: &str, key: &str, body: &Value) -> (u16, Value) {
    let request = http::Request::post(format!("https://api.datadoghq.com{path}"))
        .header("DD-API-KEY", key)
        .header("Content-Type", "application/json")
        .body(body.to_string());
    let request = request.unwrap().try_into().unwrap();
    let reply = night.aws.datadog_service()(request).await.unwrap();
    let status = reply.status().as_u16();
    let reply = reply.bytes().await.unwrap();
    (status, serde_json::from_slice(&reply).unwrap())
}

async fn series(night: &Night, body: &Value) -> (u16, Value) {
    post(night, "/api/v2/series", "rehearsal-datadog-api-key", body).await
}

fn gauge(timestamp: i64, value: f64) -> Value {
    json!({ "series": [{
        "metric": "infobright_backup_valid",
        "type": 3,
        "points": [{ "timestamp": timestamp, "value": value }],
        "tags": ["source:ib-backup.us-east-1.code418.net", "env:dev"],
    }]})
}

#[tokio::test(start_paused = true)]
async fn the_same_metric_tags_and_time_hold_one_value() {
    let night = Night::new();
    let now = unix_seconds(night.aws.clock().now());
    assert_eq!(
        series(&night, &gauge(now, 1.0)).await,
        (202, json!({ "errors": [] }))
    );
    series(&night, &gauge(now, 0.0)).await;
    let points = night.aws.points();
    assert_eq!(points.len(), 1);
    assert!(points[0].value.abs() < f64::EPSILON);
    assert_eq!(
        points[0].tags,
        ["env:dev", "source:ib-backup.us-east-1.code418.net"]
    );
    series(&night, &gauge(now + 1, 1.0)).await;
    assert_eq!(night.aws.points().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_an_hour_old_is_accepted_and_thrown_away() {
    let night = Night::new();
    let now = unix_seconds(night.aws.clock().now());
    assert_eq!(series(&night, &gauge(now - 3601, 1.0)).await.0, 202);
    assert!(night.aws.points().is_empty());
    assert_eq!(night.aws.dropped_points().len(), 1);
    series(&night, &gauge(now - 3600, 1.0)).await;
    assert_eq!(night.aws.points().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_or_shape_is_refused() {
    let night = Night::new();
    let now = unix_seconds(night.aws.clock().now());
    let wrong = post(&night, "/api/v2/series", "wrong", &gauge(now, 1.0)).await;
    assert_eq!(wrong, (403, json!({ "errors": ["Forbidden"] })));
    for (pointer, value) in [
        ("/series/0/type", json!(2)),
        // A count lacks its interval.
        ("/series/0/type", json!(1)),
        ("/series/0/tags/0", json!("Snapshot Id")),
        ("/series/0/points", json!([])),
        ("/series/0/metric", json!("9lives")),
        ("/series/0/points/0", json!([now, 1])),
    ] {
        let mut body = gauge(now, 1.0);
        *body.pointer_mut(pointer).unwrap() = value;
        assert_eq!(series(&night, &body).await.0, 400, "{pointer}");
    }
    assert!(night.aws.points().is_empty());
}

#[tokio::test(start_paused = true)]
async fn events_are_kept_and_answered() {
    let night = Night::new();
    let key = "rehearsal-datadog-api-key";
    let mut event = json!({ "title": "undetermined", "text": "why", "alert_type": "error", "aggregation_key": "run-1", "tags": ["env:dev"] });
    let (status, reply) = post(&night, "/api/v1/events", key, &event).await;
    assert_eq!((status, &reply["status"]), (202, &json!("ok")));
    assert_eq!(
        night.aws.events()[0].aggregation_key.as_deref(),
        Some("run-1")
    );
    event["text"] = json!("x".repeat(4001));
    assert_eq!(post(&night, "/api/v1/events", key, &event).await.0, 400);
    assert_eq!(night.aws.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_answers_as_it_is_told_or_never() {
    let night = Night::new();
    let now = unix_seconds(night.aws.clock().now());
    night.aws.set_datadog_reply(DatadogReply::Answer {
        status: 202,
        body: r#"{"errors":["quota"]}"#.to_owned(),
    });
    assert_eq!(
        series(&night, &gauge(now, 1.0)).await.1,
        json!({ "errors": ["quota"] })
    );
    night.aws.set_datadog_reply(DatadogReply::Never);
    let body = gauge(now, 1.0);
    let late = tokio::time::timeout(Duration::from_mins(1), series(&night, &body)).await;
    assert!(late.is_err());
    assert!(night.aws.points().is_empty());
}
