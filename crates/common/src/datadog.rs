//! Datadog: gauges and events, sent over HTTPS and checked for acceptance.

mod gauge;
mod key;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tracing::info;

use crate::clients::Clients;
use crate::error::{Error, Kind, Result};
use crate::event::Run;
use crate::settings::Settings;
use crate::text::one_line;
use crate::time::Timestamp;

pub use gauge::Gauge;
use key::Key;
pub use transport::{BoxError, Sending, Transport};

/// How long Datadog may take to answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Datadog drops points older than an hour; younger than this they are sure to be taken.
pub const OLDEST_POINT: Duration = Duration::from_mins(55);
/// The longest event text: <https://docs.datadoghq.com/api/latest/events/>.
const LONGEST_TEXT: usize = 4000;
/// How much of a reply is read. Datadog never sends more, and a longer reply must not fill the
/// memory.
const LONGEST_REPLY: usize = 64 * 1024;

/// The result of sending.
#[derive(PartialEq)]
enum Sent {
    /// Datadog has it.
    Accepted,
    /// Datadog is left off.
    Off,
}

/// A client for one environment and one database.
#[derive(Clone, Debug)]
pub struct Datadog {
    base_url: String,
    key: Key,
    environment: String,
    source: String,
    transport: Arc<dyn Transport>,
}

impl Datadog {
    /// Reads the settings: `DD_URL`, `DD_SITE`, `DD_API_KEY_SSM_NAME`, `DD_API_KEY`,
    /// `ENVIRONMENT` and `PRODUCTION_INSTANCE_NAME`.
    pub fn read(settings: &mut Settings, clients: &Clients) -> Self {
        let site = settings.optional("DD_SITE");
        let site = site.unwrap_or_else(|| "datadoghq.com".to_owned());
        let base_url = settings.optional("DD_URL");
        let key = Key::of(settings, &clients.ssm);
        if matches!(key, Key::Parameter(_)) {
            for name in ["DD_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"] {
                check_encrypted(settings, name);
            }
        }
        Self {
            base_url: base_url.unwrap_or_else(|| format!("https://api.{site}")),
            key,
            environment: settings.text("ENVIRONMENT"),
            source: settings.text("PRODUCTION_INSTANCE_NAME"),
            transport: Arc::clone(&clients.datadog),
        }
    }

    /// The same for the database of this run.
    #[must_use]
    pub fn of(&self, run: &Run) -> Self {
        let source = run.target.production_instance_name.as_ref();
        Self {
            source: source.unwrap_or(&self.source).clone(),
            ..self.clone()
        }
    }

    /// The `Name` of the production instance of this database.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    fn tags(&self) -> Vec<String> {
        vec![
            format!("env:{}", self.environment),
            format!("source:{}", self.source),
        ]
    }

    /// Sends gauges, all for the instant `at`. Points that Datadog would drop for their age are
    /// sent for the oldest instant that it takes.
    pub async fn gauges(&self, gauges: &[Gauge], at: Timestamp, now: Timestamp) -> Result<()> {
        let mut seconds = at.unix_seconds();
        if now.since(at) > OLDEST_POINT {
            seconds = now.unix_seconds() - OLDEST_POINT.as_secs().cast_signed();
        }
        let series: Vec<Value> = gauges
            .iter()
            .map(|gauge| {
                let mut tags = self.tags();
                tags.extend(gauge.tag.clone());
                let mut series = json!({
                    "metric": gauge.metric,
                    "type": gauge.kind,
                    "points": [{"timestamp": seconds, "value": gauge.value}],
                    "tags": tags,
                });
                if let Some(interval) = gauge.interval() {
                    series["interval"] = json!(interval);
                }
                series
            })
            .collect();
        let series = json!({ "series": series });
        if self.post("/api/v2/series", &series).await? == Sent::Off {
            return Ok(());
        }
        for Gauge {
            metric, value, tag, ..
        } in gauges
        {
            let line = format!("{metric} {value} {}", tag.as_deref().unwrap_or_default());
            info!("sent to Datadog: {}", line.trim_end());
        }
        Ok(())
    }

    /// Sends an error event. Events of one run have its id as their aggregation key, so Datadog
    /// shows them as one.
    pub async fn error_event(
        &self,
        title: &str,
        text: &str,
        run_id: &str,
        now: Timestamp,
    ) -> Result<()> {
        let text: String = text.chars().take(LONGEST_TEXT).collect();
        let event = json!({
            "title": title,
            "text": text,
            "alert_type": "error",
            "aggregation_key": run_id,
            "date_happened": now.unix_seconds(),
            "tags": self.tags(),
        });
        self.post("/api/v1/events", &event).await.map(|_| ())
    }

    /// Whether Datadog takes the API key as it is now; `None` where it is left off.
    /// <https://docs.datadoghq.com/api/latest/authentication/>
    pub async fn takes_key(&self) -> Result<Option<String>> {
        self.key.forget();
        let url = format!("{}/api/v1/validate", self.base_url);
        let sent = self.ask(Method::GET, &url, None).await?;
        Ok((sent == Sent::Accepted).then_some(url))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Sent> {
        let url = format!("{}{path}", self.base_url);
        self.ask(Method::POST, &url, Some(body)).await
    }

    /// Sends a request, and checks that Datadog accepted all of it. A key that was replaced in
    /// Parameter Store since this process read it is read once more.
    async fn ask(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Sent> {
        let Some(key) = self.key.get().await? else {
            return Ok(Sent::Off);
        };
        let request_with = |key| request(method.clone(), url, key, body);
        let mut answer = self.answer(url, request_with(&key.secret)?).await?;
        if matches!(answer.0, 401 | 403) {
            self.key.forget();
            if key.kept
                && let Some(newer) = self.key.get().await?
            {
                answer = self.answer(url, request_with(&newer.secret)?).await?;
            }
        }
        accepted(url, answer.0, &answer.1).map(|()| Sent::Accepted)
    }

    /// Its status and its text.
    async fn answer(&self, url: &str, request: Request) -> Result<(u16, String)> {
        let failed = |error| {
            let message = format!("tried to send to {url}");
            Error::caused(Kind::DatadogFailed, message, error)
        };
        let exchange = tokio::time::timeout(TIMEOUT, self.exchange(request)).await;
        let in_time = exchange.map_err(|_| {
            let seconds = TIMEOUT.as_secs();
            let message = format!("tried to send to {url}: no answer in {seconds} s");
            Error::new(Kind::DatadogFailed, message)
        });
        in_time?.map_err(failed)
    }

    async fn exchange(&self, request: Request) -> std::result::Result<(u16, String), BoxError> {
        let mut response = self.transport.send(request).await?;
        let status = response.status().as_u16();
        let mut reply = Vec::new();
        while reply.len() < LONGEST_REPLY
            && let Some(bytes) = response.chunk().await?
        {
            reply.extend_from_slice(&bytes);
        }
        reply.truncate(LONGEST_REPLY);
        Ok((status, String::from_utf8_lossy(&reply).into_owned()))
    }
}

/// The key must not go over a network in clear text, from Parameter Store or to Datadog.
fn check_encrypted(settings: &mut Settings, name: &str) {
    let Some(address) = settings.optional(name) else {
        return;
    };
    let url = Url::parse(&address)
        .ok()
        .filter(|url| url.scheme() == "http");
    let host = url.as_ref().and_then(Url::host_str);
    let this_machine = ["localhost", "127.0.0.1", "[::1]"];
    if host.is_some_and(|host| !this_machine.contains(&host)) {
        settings.fault(format!(
            "{name} is {address}, and the Datadog key of DD_API_KEY_SSM_NAME would go there in \
             clear text; use https"
        ));
    }
}

fn request(method: Method, url: &str, key: &SecretString, body: Option<&Value>) -> Result<Request> {
    let failed = |message: String| Error::new(Kind::DatadogFailed, message);
    let parsed = Url::parse(url).ok().filter(Url::has_host);
    let parsed = parsed.ok_or_else(|| {
        failed(format!(
            "cannot send to Datadog at {url}: that is no URL; check DD_URL and DD_SITE"
        ))
    })?;
    let mut key = HeaderValue::from_str(key.expose_secret()).map_err(|_| {
        failed("the Datadog API key has characters that no key has; set it anew".to_owned())
    })?;
    key.set_sensitive(true);
    let mut request = Request::new(method, parsed);
    request.headers_mut().insert("DD-API-KEY", key);
    if let Some(body) = body {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        *request.body_mut() = Some(body.to_string().into());
    }
    Ok(request)
}

/// Datadog accepts what it can and lists the rest, so the status alone is not enough.
fn accepted(url: &str, status: u16, reply: &str) -> Result<()> {
    let errors = serde_json::from_str::<Value>(reply)
        .map(|reply| reply.get("errors").cloned().unwrap_or_default());
    let all_taken = match &errors {
        Ok(Value::Null) => true,
        Ok(Value::Array(errors)) => errors.is_empty(),
        _ => false,
    };
    if (200..300).contains(&status) && all_taken {
        return Ok(());
    }
    let shown = one_line(reply, 200);
    let advice = match status {
        401 | 403 => "; the API key is wrong, or not one of this DD_SITE",
        429 => "; too many requests, it may work later",
        _ => "",
    };
    Err(Error::new(
        Kind::DatadogFailed,
        format!("tried to send to {url}: Datadog answered {status} `{shown}`{advice}"),
    ))
}

#[cfg(test)]
mod tests;
