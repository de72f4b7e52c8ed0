use bytes::Bytes;
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::once;
use crate::instance_host::BoxFuture;
use crate::testing::Night;
use crate::{Aws, Fault, Service};

/// Answers every call with the name of its caller.
struct Echo;

impl Service for Echo {
    fn call(&self, caller: &str, request: &Request<Bytes>) -> BoxFuture<Response<Bytes>> {
        let mut answer = Response::new(Bytes::from(format!("{caller} {}", request.uri().path())));
        *answer.status_mut() = http::StatusCode::ACCEPTED;
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test(start_paused = true)]
#[expect(
    clippy::disallowed_methods,
    reason = "a plain client of the stand-in itself"
)]
async fn lambda_is_plugged_in() {
    let night = Night::new();
    let lambda = aws_sdk_lambda::Client::new(&night.aws.sdk_config("AKIDSTEP1"));
    let invoke = || {
        lambda
            .invoke()
            .function_name("dev-ib-backup-step-1-snapshot")
            .send()
    };
    assert!(invoke().await.is_err());
    assert_eq!(night.aws.unmodelled().len(), 1);
    night.aws.register("lambda", std::sync::Arc::new(Echo));
    let answer = invoke().await.unwrap();
    assert_eq!(answer.status_code, 202);
    let said = String::from_utf8(answer.payload.unwrap().into_inner()).unwrap();
    assert_eq!(
        said,
        "AKIDSTEP1 /2015-03-31/functions/dev-ib-backup-step-1-snapshot/invocations"
    );
    assert_eq!(night.aws.calls()[1].call.action, "Invoke");
}

/// What comes back over a real socket.
async fn over_a_socket(aws: &Aws, path: &str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = aws.clone();
    let server = tokio::spawn(async move { server.serve(listener).await });
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    server.abort();
    answer
}

#[tokio::test]
async fn a_socket_carries_answers_and_losses() {
    let night = Night::new();
    let answer = over_a_socket(&night.aws, "/api/v2/series").await;
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden"), "{answer}");
    assert!(answer.ends_with(r#"{"errors":["Forbidden"]}"#), "{answer}");
    once(&night.aws, "SubmitMetrics", Fault::LoseAnswer);
    assert_eq!(
        over_a_socket(&night.aws, "/api/v2/series").await,
        "",
        "closed without a byte"
    );
}
