//! Datadog's intake: series and events.

mod state;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::account::Context;
use super::clock::unix_seconds;
use super::error_response::{ErrorResponse, json_response};

pub(super) use state::Datadog;
pub use state::{DatadogReply, Event, Point};

/// Answers one call.
pub(super) fn answer(
    context: &mut Context<'_>,
    request: &Request<Bytes>,
    request_id: &str,
) -> Result<Response<Bytes>, ErrorResponse> {
    let datadog = &mut context.account.datadog;
    let key = request
        .headers()
        .get("dd-api-key")
        .map(http::HeaderValue::as_bytes);
    if key != Some(datadog.api_key.as_bytes()) {
        return Err(ErrorResponse {
            status: 403,
            ..ErrorResponse::new("Forbidden", "Forbidden")
        });
    }
    // A key that is not valid has been answered 403 by now.
    if request.method() == Method::GET && request.uri().path() == "/api/v1/validate" {
        let body = json!({ "valid": true });
        return Ok(json_response(200, "application/json", request_id, &body));
    }
    if request.method() != Method::POST {
        return Err(ErrorResponse::not_modelled(request.method().as_str()));
    }
    let media_type = request.headers().get(http::header::CONTENT_TYPE);
    if !media_type.is_some_and(|given| given.as_bytes().starts_with(b"application/json")) {
        return Err(ErrorResponse {
            status: 415,
            ..ErrorResponse::new(
                "UnsupportedMediaType",
                "Content-Type must be application/json",
            )
        });
    }
    let body = match request.uri().path() {
        "/api/v2/series" => series(datadog, request.body(), context.now),
        "/api/v1/events" => event(datadog, request.body()),
        path => Err(ErrorResponse::not_modelled(path)),
    }?;
    Ok(json_response(202, "application/json", request_id, &body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesBody {
    series: Vec<Series>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    metric: String,
    #[serde(rename = "type")]
    kind: u8,
    points: Vec<Map<String, Value>>,
    tags: Vec<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "known to Datadog, of no matter here")]
    unit: Option<String>,
    /// Seconds. A count has one.
    #[serde(default)]
    interval: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PointBody {
    timestamp: i64,
    value: f64,
}

const COUNT: u8 = 1;
const GAUGE: u8 = 3;
const HOUR: i64 = 3600;
const TEN_MINUTES: i64 = 600;

fn series(datadog: &mut Datadog, body: &Bytes, now: SystemTime) -> Result<Value, ErrorResponse> {
    let body: SeriesBody = read(body)?;
    let mut points = Vec::new();
    for series in body.series {
        check_series(&series)?;
        let mut tags = series.tags;
        tags.sort();
        for point in series.points {
            // An object: serde would take an array for it too.
            let point: PointBody = serde_json::from_value(Value::Object(point))
                .map_err(|error| invalid(format!("{}: {error}", series.metric)))?;
            points.push(Point {
                metric: series.metric.clone(),
                tags: tags.clone(),
                timestamp: point.timestamp,
                value: point.value,
            });
        }
    }
    let now = unix_seconds(now);
    for point in points {
        if (now - HOUR..=now + TEN_MINUTES).contains(&point.timestamp) {
            let place = (point.metric, point.tags, point.timestamp);
            datadog.points.insert(place, point.value);
        } else {
            datadog.dropped.push(point);
        }
    }
    Ok(json!({ "errors": [] }))
}

fn check_series(series: &Series) -> Result<(), ErrorResponse> {
    if series.kind != GAUGE && series.kind != COUNT {
        return Err(invalid(format!(
            "{}: type {} is neither a gauge (3) nor a count (1)",
            series.metric, series.kind
        )));
    }
    if (series.kind == COUNT) != series.interval.is_some_and(|seconds| seconds > 0) {
        return Err(invalid(format!(
            "{}: a count has an interval, and a gauge has none",
            series.metric
        )));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let letter = series.metric.starts_with(|c: char| c.is_ascii_alphabetic());
    if !letter || series.metric.len() > 200 || !series.metric.chars().all(allowed) {
        return Err(invalid(format!("{:?} is no metric name", series.metric)));
    }
    if series.points.is_empty() {
        return Err(invalid(format!("{}: no points", series.metric)));
    }
    if let Some(tag) = series.tags.iter().find(|tag| !is_tag(tag)) {
        return Err(invalid(format!("{}: {tag:?} is no tag", series.metric)));
    }
    Ok(())
}

/// `key:value` in what Datadog leaves as it is; anything else it would change without a word.
fn is_tag(tag: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-:./".contains(c);
    let whole = tag
        .split_once(':')
        .is_some_and(|(key, value)| !key.is_empty() && !value.is_empty());
    let letter = tag.starts_with(|c: char| c.is_ascii_lowercase());
    whole && letter && tag.len() <= 200 && tag.chars().all(allowed)
}

const ALERT_TYPES: [&str; 7] = [
    "error",
    "warning",
    "info",
    "success",
    "user_update",
    "recommendation",
    "snapshot",
];

fn event(datadog: &mut Datadog, body: &Bytes) -> Result<Value, ErrorResponse> {
    let event: Event = read(body)?;
    if event.text.chars().count() > 4000 {
        return Err(invalid("text is longer than 4000 characters".to_owned()));
    }
    if event
        .aggregation_key
        .as_ref()
        .is_some_and(|key| key.chars().count() > 100)
    {
        return Err(invalid(
            "aggregation_key is longer than 100 characters".to_owned(),
        ));
    }
    if event
        .alert_type
        .as_ref()
        .is_some_and(|kind| !ALERT_TYPES.contains(&kind.as_str()))
    {
        return Err(invalid("alert_type is none of Datadog's".to_owned()));
    }
    let id = datadog.events.len() + 1;
    let answer = json!({
        "status": "ok",
        "event": {
            "id": id,
            "id_str": id.to_string(),
            "title": event.title,
            "text": event.text,
            "date_happened": event.date_happened,
            "handle": null,
            "priority": null,
            "related_event_id": null,
            "tags": event.tags,
            "url": format!("https://app.datadoghq.com/event/event?id={id}"),
        },
    });
    datadog.events.push(event);
    Ok(answer)
}

fn read<T: serde::de::DeserializeOwned>(body: &Bytes) -> Result<T, ErrorResponse> {
    serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))
}

fn invalid(message: String) -> ErrorResponse {
    ErrorResponse::new("BadRequest", message)
}
