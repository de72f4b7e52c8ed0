use std::sync::Arc;
use std::time::Duration;

use aws_stand_in::clock::parse_rfc3339;
use aws_stand_in::{Aws, Clock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Datadog, Gauge, OLDEST_POINT, accepted};
use crate::clients::Clients;
use crate::event::{Run, Target};
use crate::https::Https;
use crate::settings::Settings;

const KEY: &str = "rehearsal-datadog-api-key";

/// An account, and a client that these settings lead to.
fn client(set: &[(&str, &str)]) -> (Aws, Clients, Datadog) {
    let clock = Clock::starting_at(parse_rfc3339("2026-03-01T02:00:00Z").unwrap());
    let aws = Aws::new(clock);
    let always = [
        ("ENVIRONMENT", "dev"),
        ("PRODUCTION_INSTANCE_NAME", "ib-backup"),
    ];
    let set = set.iter().chain(&always);
    let variables = set.map(|&(name, value)| (name.to_owned(), value.to_owned()));
    let sdk = aws.sdk_config("anybody");
    let clients = Clients::new(&sdk, aws.datadog_service(), "f", variables.collect());
    let mut settings = Settings::new(&clients.variables);
    let datadog = Datadog::read(&mut settings, &clients);
    settings.check().expect("all is set");
    (aws, clients, datadog)
}

#[tokio::test(start_paused = true)]
async fn the_key_cannot_be_printed() {
    let (_, _, datadog) = client(&[("DD_API_KEY", KEY)]);
    let shown = format!("{datadog:?} {datadog:#?}");
    assert!(!shown.contains(KEY), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn the_key_of_the_parameter_goes_before_the_variables() {
    let (aws, clients, datadog) = client(&[
        ("DD_API_KEY", "an-old-key"),
        ("DD_API_KEY_SSM_NAME", "/datadog/key"),
    ]);
    let now = clients.clock.now();
    let gauges = [Gauge::valid(1.0)];
    let error = datadog.gauges(&gauges, now, now).await;
    let error = error.expect_err("no such parameter").to_string();
    assert!(error.contains("/datadog/key"), "{error}");
    aws.put_parameter("/datadog/key", KEY, true);
    let sent = datadog.gauges(&gauges, now, now).await;
    sent.expect("the key is the right one");
    assert_eq!(aws.points()[0].tags, ["env:dev", "source:ib-backup"]);
}

/// As many requests as Parameter Store was asked for the key.
fn key_requests(aws: &Aws) -> usize {
    let calls = aws.calls();
    calls
        .iter()
        .filter(|call| call.call.action == "GetParameter")
        .count()
}

#[tokio::test(start_paused = true)]
async fn the_key_of_the_parameter_is_kept_until_datadog_refuses_it() {
    let (aws, clients, datadog) = client(&[("DD_API_KEY_SSM_NAME", "/datadog/key")]);
    aws.put_parameter("/datadog/key", KEY, true);
    let now = clients.clock.now();
    for _ in 0..3 {
        datadog
            .gauges(&[Gauge::valid(1.0)], now, now)
            .await
            .expect("sent");
    }
    assert_eq!(key_requests(&aws), 1);
    aws.set_datadog_api_key("a-newer-key");
    let refused = datadog.takes_key().await;
    let refused = refused.expect_err("nobody has replaced it in Parameter Store");
    assert!(
        refused.to_string().contains("the API key is wrong"),
        "{refused}"
    );
    datadog
        .gauges(&[Gauge::valid(1.0)], now, now)
        .await
        .expect_err("still the old one");
    aws.put_parameter("/datadog/key", "a-newer-key", true);
    datadog
        .gauges(&[Gauge::valid(1.0)], now, now)
        .await
        .expect("the newer one");
    aws.set_datadog_api_key("the-newest-key");
    aws.put_parameter("/datadog/key", "the-newest-key", true);
    datadog
        .gauges(&[Gauge::valid(1.0)], now, now)
        .await
        .expect("the newest, in the same call");
}

/// Of `DD_URL` and the like, with the key from Parameter Store and with the key itself.
#[tokio::test(start_paused = true)]
async fn the_key_of_the_parameter_goes_nowhere_in_clear_text() {
    let clients = client(&[("DD_API_KEY", KEY)]).1;
    let faults = |source: &str, name: &str, address: &str| {
        let set = [
            ("ENVIRONMENT", "dev"),
            ("PRODUCTION_INSTANCE_NAME", "ib-backup"),
            (source, "/datadog/key"),
            (name, address),
        ];
        let variables = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = variables.into();
        let mut settings = Settings::new(&variables);
        let _ = Datadog::read(&mut settings, &clients);
        settings.check().err().map(|error| error.to_string())
    };
    for name in ["DD_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"] {
        let refused = faults("DD_API_KEY_SSM_NAME", name, "http://proxy.example.com:8080");
        let refused = refused.expect(name);
        assert!(
            refused.contains(name) && refused.contains("clear text"),
            "{refused}"
        );
        for fine in [
            "https://proxy.example.com",
            "http://127.0.0.1:8080",
            "http://[::1]:80",
        ] {
            assert_eq!(faults("DD_API_KEY_SSM_NAME", name, fine), None);
        }
        assert_eq!(faults("DD_API_KEY", name, "http://proxy.example.com"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_none_is_named_with_its_settings() {
    for url in ["datadog", "no url"] {
        let (_, clients, datadog) = client(&[("DD_API_KEY", KEY), ("DD_URL", url)]);
        let now = clients.clock.now();
        let error = datadog.gauges(&[Gauge::valid(1.0)], now, now).await;
        let error = error.expect_err(url).to_string();
        let named = format!("{url}/api/v2/series: that is no URL; check DD_URL");
        assert!(error.contains(&named), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_point_too_old_for_datadog_is_moved_to_the_oldest_instant_that_it_takes() {
    let (aws, clients, datadog) = client(&[("DD_API_KEY", KEY)]);
    let at = clients.clock.now();
    for (wait, moved) in [(OLDEST_POINT, 0), (Duration::from_mins(10), 600)] {
        clients.clock.wait(wait).await;
        let gauges = [Gauge::valid(1.0)];
        let sent = datadog.gauges(&gauges, at, clients.clock.now()).await;
        sent.expect("it is taken");
        let last = aws.points().pop().expect("a point");
        assert_eq!(last.timestamp, at.unix_seconds() + moved);
    }
    assert_eq!(aws.dropped_points(), []);
}

#[tokio::test(start_paused = true)]
async fn the_points_of_a_run_bear_the_name_of_its_database() {
    let (aws, clients, datadog) = client(&[("DD_API_KEY", KEY)]);
    let now = clients.clock.now();
    let named = |name: &str| Target {
        production_instance_name: Some(name.to_owned()),
        ..Target::default()
    };
    for (target, source) in [
        (Target::default(), "ib-backup"),
        (named("ib-other"), "ib-other"),
    ] {
        let of_run = datadog.of(&Run::begin("run-1", now, target));
        assert_eq!(of_run.source(), source);
        let sent = of_run.gauges(&[Gauge::valid(1.0)], now, now).await;
        sent.expect("it is taken");
        let last = aws.points().pop().expect("a point");
        assert_eq!(
            last.tags,
            ["env:dev".to_owned(), format!("source:{source}")]
        );
    }
}

/// The stand-in refuses a count without an interval, and a gauge with one.
#[tokio::test(start_paused = true)]
async fn a_verdict_is_sent_as_a_gauge_and_as_a_count() {
    let (aws, clients, datadog) = client(&[("DD_API_KEY", KEY)]);
    let now = clients.clock.now();
    let gauges = [Gauge::valid(0.0), Gauge::verdict()];
    let sent = datadog.gauges(&gauges, now, now).await;
    sent.expect("it is taken");
    let points = aws.points().into_iter();
    let told: Vec<_> = points.map(|point| (point.metric, point.value)).collect();
    let count = "infobright_backup_check.verdicts".to_owned();
    let gauge = "infobright_backup_valid".to_owned();
    assert_eq!(told, [(count, 1.0), (gauge, 0.0)]);
}

#[tokio::test(start_paused = true)]
async fn a_long_text_is_cut_to_what_datadog_takes() {
    let (aws, clients, datadog) = client(&[("DD_API_KEY", KEY)]);
    let text = "é".repeat(5000);
    let sent = datadog.error_event("title", &text, "run-1", clients.clock.now());
    sent.await.expect("it is taken");
    let event = aws.events().pop().expect("an event");
    assert_eq!(event.text.chars().count(), 4000);
    assert_eq!(event.tags, ["env:dev", "source:ib-backup"]);
}

#[test]
fn only_a_reply_without_errors_counts_as_accepted() {
    let check = |status, reply| accepted("u", status, reply).map_err(|error| error.to_string());
    assert_eq!(check(202, r#"{"errors":[]}"#), Ok(()));
    assert_eq!(check(202, r#"{"status":"ok","event":{"id":1}}"#), Ok(()));
    for (status, reply) in [
        (
            202,
            r#"{"errors":["Payload is not in the expected format"]}"#,
        ),
        (202, "<html>"),
        (202, ""),
        (403, r#"{"errors":["Forbidden"]}"#),
        (429, r#"{"errors":[]}"#),
    ] {
        let error = check(status, reply).expect_err(reply);
        assert!(error.contains(&status.to_string()), "{error}");
    }
}

/// Finding 13 of AWS: a reply without end fills no memory.
#[tokio::test(start_paused = true)]
async fn aws_finding_13_no_more_than_64_kib_of_a_reply_are_read() {
    let (aws, clients, datadog) = client(&[("DD_API_KEY", KEY)]);
    let now = clients.clock.now();
    // The errors would be read as none if all of it were.
    let body = format!("{{\"errors\":[]{}}}", " ".repeat(super::LONGEST_REPLY));
    aws.set_datadog_reply(aws_stand_in::DatadogReply::Answer { status: 202, body });
    let error = datadog.gauges(&[Gauge::valid(1.0)], now, now).await;
    let error = error.expect_err("it is cut").to_string();
    assert!(error.contains("Datadog answered 202"), "{error}");
    assert!(error.len() < 500, "{error}");
}

/// What sending a gauge over a socket comes to, where the server answers with this head and as many
/// blanks, and then neither says more nor closes; and how much the server was rid of.
async fn over_a_socket(head: &str, blanks: usize) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let head = head.to_owned();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a request");
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(head.as_bytes()).await;
        for written in 0..blanks / 4096 {
            if stream.write_all(&[b' '; 4096]).await.is_err() {
                return written * 4096;
            }
        }
        let _ = stream.read_to_end(&mut Vec::new()).await;
        blanks
    });
    let (_, clients, mut datadog) = client(&[("DD_API_KEY", KEY), ("DD_URL", &url)]);
    datadog.transport = Arc::new(Https::default());
    let now = clients.clock.now();
    let sent = datadog.gauges(&[Gauge::valid(1.0)], now, now).await;
    (sent.expect_err("it says no errors").chain(), server)
}

/// Finding 13 of AWS: nor is more taken from the socket.
#[tokio::test]
async fn aws_finding_13_a_server_that_goes_on_is_left() {
    let (error, server) = over_a_socket("HTTP/1.1 202 Accepted\r\n\r\n", 1 << 26).await;
    assert!(error.contains("Datadog answered 202"), "{error}");
    let written = server.await.expect("it sees the end");
    assert!(written < 1 << 26, "{written}");
}

#[tokio::test]
async fn a_redirect_gets_no_request_with_the_key() {
    let head =
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
    let (error, _) = over_a_socket(head, 0).await;
    assert!(error.contains("Datadog answered 307"), "{error}");
}

#[tokio::test]
async fn a_server_that_speaks_no_http_is_named_once() {
    let (error, _) = over_a_socket("no HTTP\r\n\r\n", 0).await;
    assert_eq!(error.matches("/api/v2/series").count(), 1, "{error}");
    assert!(error.contains("invalid HTTP"), "{error}");
}
