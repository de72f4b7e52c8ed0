//! Lambda at the wire: `Invoke`, asynchronous.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::{Lambda, caller};
use crate::Service;
use crate::instance_host::BoxFuture;

const PREFIX: &str = "/2015-03-31/functions/";
const SUFFIX: &str = "/invocations";
/// The largest event that an asynchronous invocation takes, in bytes.
const LARGEST_EVENT: usize = 1024 * 1024;

impl Service for Lambda {
    fn call(&self, access_key: &str, request: &Request<Bytes>) -> BoxFuture<Response<Bytes>> {
        let response = self.invoke(access_key, request);
        Box::pin(async move { response })
    }
}

impl Lambda {
    fn invoke(&self, access_key: &str, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        let name = path
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.strip_suffix(SUFFIX));
        let header = |name| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let Some(name) = name.filter(|_| request.method() == Method::POST) else {
            return refusal(501, "NotModelled", &format!("{} {path}", request.method()));
        };
        if header("x-amz-invocation-type") != Some("Event") {
            return refusal(
                501,
                "NotModelled",
                "an invocation that waits for its answer",
            );
        }
        let (source, depth, _) = caller(access_key);
        let arn = format!(
            "arn:aws:lambda:{}:{}:function:{name}",
            crate::REGION,
            crate::ACCOUNT_ID
        );
        let allowed = self
            .inner
            .aws
            .authorize(source, "lambda:InvokeFunction", &arn);
        if let Err(text) = allowed {
            return refusal(403, "AccessDeniedException", &text);
        }
        if !self.inner.functions.contains_key(name) {
            let text = format!("Function not found: {arn}");
            return refusal(404, "ResourceNotFoundException", &text);
        }
        if request.body().len() > LARGEST_EVENT {
            return refusal(413, "RequestTooLargeException", "the event is too large");
        }
        let Ok(event) = serde_json::from_slice::<Value>(request.body()) else {
            return refusal(
                400,
                "InvalidRequestContentException",
                "the event is no JSON",
            );
        };
        // Real processes share one key a function, and tell their depth by the trace.
        let traced = header("x-amzn-trace-id").and_then(depth_of_trace);
        self.accept(name, event, traced.unwrap_or(depth) + 1);
        reply(202, None, Bytes::new())
    }
}

/// The trace header that a function gets, and sends along with its calls.
pub(super) fn trace_of_depth(depth: u32) -> String {
    format!("Root=1-00000000-000000000000000000000000;Lineage={depth}")
}

fn depth_of_trace(header: &str) -> Option<u32> {
    let field = header
        .split(';')
        .find_map(|field| field.strip_prefix("Lineage="))?;
    field.parse().ok()
}

fn refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let body = json!({ "Type": "User", "Message": message }).to_string();
    reply(status, Some(code), body.into())
}

fn reply(status: u16, code: Option<&str>, body: Bytes) -> Response<Bytes> {
    let mut builder = Response::builder().status(status);
    if let Some(code) = code {
        builder = builder
            .header("content-type", "application/json")
            .header("x-amzn-errortype", code);
    }
    builder
        .body(body)
        .expect("a status and plain headers make a response")
}
