//! An error answer, before it has the shape of its service.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

/// The code of everything that AWS has and the stand-in does not.
pub(super) const NOT_MODELLED: &str = "NotModelled";

/// An error as a service answers it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ErrorResponse {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl ErrorResponse {
    /// An error of the caller's doing.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// EC2's answer to what it was only asked about, and would have done.
    pub fn dry_run() -> Self {
        Self {
            status: 412,
            code: "DryRunOperation".to_owned(),
            message: "Request would have succeeded, but DryRun flag is set.".to_owned(),
        }
    }

    /// AWS may well answer this; the stand-in cannot, and says so.
    pub fn not_modelled(what: impl Into<String>) -> Self {
        Self {
            status: 501,
            code: NOT_MODELLED.to_owned(),
            message: what.into(),
        }
    }

    /// The answer in the shape of that service.
    pub fn into_response(self, service: &str, request_id: &str) -> Response<Bytes> {
        match service {
            "ec2" => self.into_xml(request_id),
            "datadog" => {
                let body = serde_json::json!({ "errors": [self.message] });
                json_response(self.status, "application/json", request_id, &body)
            }
            "lambda" => self.into_rest_json(request_id),
            _ => {
                let body = serde_json::json!({ "__type": self.code, "message": self.message });
                json_response(self.status, "application/x-amz-json-1.1", request_id, &body)
            }
        }
    }

    fn into_xml(self, request_id: &str) -> Response<Bytes> {
        let code = quick_xml::escape::escape(self.code.as_str());
        let message = quick_xml::escape::escape(self.message.as_str());
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>\
             <Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>{request_id}</RequestID></Response>"
        );
        response(self.status, "text/xml;charset=UTF-8", request_id, body)
    }

    fn into_rest_json(self, request_id: &str) -> Response<Bytes> {
        let body = serde_json::json!({ "Type": "User", "Message": self.message });
        let mut answer = json_response(self.status, "application/json", request_id, &body);
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            answer.headers_mut().insert("x-amzn-errortype", code);
        }
        answer
    }
}

/// An answer whose body is JSON.
pub(super) fn json_response(
    status: u16,
    content_type: &'static str,
    request_id: &str,
    body: &serde_json::Value,
) -> Response<Bytes> {
    response(status, content_type, request_id, body.to_string())
}

/// An answer with AWS's header for the request id.
pub(super) fn response(
    status: u16,
    content_type: &'static str,
    request_id: &str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = answer.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static(content_type),
    );
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    answer
}
