//! Lambda at the wire: `Invoke`, asynchronous or only asked about, and
//! `GetFunctionRecursionConfig`.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::{Lambda, caller};
use crate::Service;
use crate::instance_host::BoxFuture;
use crate::template::Function;

const PREFIX: &str = "/2015-03-31/functions/";
const SUFFIX: &str = "/invocations";
const RECURSION_PREFIX: &str = "/2024-08-31/functions/";
const RECURSION_SUFFIX: &str = "/recursion-config";
/// The largest event that an asynchronous invocation takes, in bytes.
const LARGEST_EVENT: usize = 1024 * 1024;

impl Service for Lambda {
    fn call(&self, access_key: &str, request: &Request<Bytes>) -> BoxFuture<Response<Bytes>> {
        let path = request.uri().path();
        let recursion = path
            .strip_prefix(RECURSION_PREFIX)
            .and_then(|rest| rest.strip_suffix(RECURSION_SUFFIX));
        let response = match recursion.filter(|_| request.method() == Method::GET) {
            Some(name) => self.recursion_config(access_key, name),
            None => self.invoke(access_key, request),
        };
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
        let kind = header("x-amz-invocation-type").unwrap_or("RequestResponse");
        if !["Event", "DryRun"].contains(&kind) {
            return refusal(
                501,
                "NotModelled",
                "an invocation that waits for its answer",
            );
        }
        let (_, depth, _) = caller(access_key);
        if let Err(refused) = self.function(access_key, "lambda:InvokeFunction", name) {
            return refused;
        }
        if kind == "DryRun" {
            return reply(204, None, Bytes::new());
        }
        if self.state().pending {
            // https://github.com/remotion-dev/remotion/issues/1186
            let text = "The operation cannot be performed at this time. The function is currently \
                        in the following state: Pending";
            return refusal(409, "ResourceConflictException", text);
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
        // Real processes share one key for each function; the trace header carries their depth.
        let traced = header("x-amzn-trace-id").and_then(depth_of_trace);
        self.accept(name, event, traced.unwrap_or(depth) + 1);
        reply(202, None, Bytes::new())
    }
}

impl Lambda {
    fn recursion_config(&self, access_key: &str, name: &str) -> Response<Bytes> {
        let function = match self.function(access_key, "lambda:GetFunctionRecursionConfig", name) {
            Ok(function) => function,
            Err(refused) => return refused,
        };
        let allowed = function.recursive_loop_allowed;
        let setting = if allowed { "Allow" } else { "Terminate" };
        let body = json!({ "RecursiveLoop": setting }).to_string();
        reply(200, None, body.into())
    }

    /// The function of that name, if the caller may do this to it.
    #[expect(clippy::result_large_err, reason = "it is the answer, and is given on")]
    fn function(
        &self,
        access_key: &str,
        action: &str,
        name: &str,
    ) -> Result<&Function, Response<Bytes>> {
        let (source, _, _) = caller(access_key);
        let arn = format!(
            "arn:aws:lambda:{}:{}:function:{name}",
            crate::REGION,
            crate::ACCOUNT_ID
        );
        if let Err(text) = self.inner.aws.authorize(source, action, &arn) {
            return Err(refusal(403, "AccessDeniedException", &text));
        }
        self.inner.functions.get(name).ok_or_else(|| {
            let text = format!("Function not found: {arn}");
            refusal(404, "ResourceNotFoundException", &text)
        })
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
