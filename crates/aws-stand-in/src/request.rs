//! Service, operation and caller, read from the request alone, as AWS does before it authenticates it.

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;

use super::REGION;

/// How much of a request the log keeps.
const BRIEF: usize = 600;

/// Service, operation and caller of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ParsedRequest {
    pub service: String,
    pub action: String,
    pub caller: String,
    pub parameters: String,
}

impl ParsedRequest {
    pub fn of(request: &Request<Bytes>) -> Self {
        let body = String::from_utf8_lossy(request.body());
        let Some((caller, service)) = signer(request) else {
            return Self::unsigned(request, &body);
        };
        let (action, parameters) = match service.as_str() {
            "ec2" => query(request.body()),
            "lambda" => (
                lambda_action(request),
                format!("{} {body}", request.uri().path()),
            ),
            _ => (target(request), sorted(&body)),
        };
        Self {
            service,
            action,
            caller,
            parameters: brief(&parameters),
        }
    }

    fn unsigned(request: &Request<Bytes>, body: &str) -> Self {
        let path = request.uri().path();
        let action = match path {
            "/api/v2/series" => "SubmitMetrics",
            "/api/v1/events" => "CreateEvent",
            "/api/v1/validate" => "Validate",
            _ => path,
        };
        let datadog = path.starts_with("/api/");
        Self {
            service: if datadog { "datadog" } else { "unsigned" }.to_owned(),
            action: action.to_owned(),
            caller: if datadog { "datadog" } else { "nobody" }.to_owned(),
            parameters: brief(body),
        }
    }
}

/// Access key id and service of an AWS signature, version 4.
fn signer(request: &Request<Bytes>) -> Option<(String, String)> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let mut fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',');
    let scope = fields.find_map(|field| field.trim().strip_prefix("Credential="))?;
    let mut parts = scope.split('/');
    let key = parts.next()?;
    let (region, service) = (parts.nth(1)?, parts.next()?);
    if region != REGION {
        // No service of that name: a loud error.
        return Some((key.to_owned(), format!("{service} in {region}")));
    }
    Some((key.to_owned(), service.to_owned()))
}

fn query(body: &[u8]) -> (String, String) {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body).unwrap_or_default();
    let action = pairs.iter().find(|(name, _)| name == "Action");
    let action = action.map(|(_, action)| action.clone()).unwrap_or_default();
    let shown = pairs
        .iter()
        .filter(|(name, _)| name != "Action" && name != "Version");
    let shown: Vec<_> = shown
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    (action, shown.join(" "))
}

fn target(request: &Request<Bytes>) -> String {
    let target = request.headers().get("x-amz-target");
    let target = target
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

fn lambda_action(request: &Request<Bytes>) -> String {
    let path = request.uri().path();
    if path.ends_with("/invocations") {
        return "Invoke".to_owned();
    }
    if path.ends_with("/recursion-config") && request.method() == http::Method::GET {
        return "GetFunctionRecursionConfig".to_owned();
    }
    format!("{} {}", request.method(), request.uri().path())
}

/// The SDK writes maps in an order of chance; the log does not.
fn sorted(body: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(body) {
        Ok(value) => value.to_string(),
        Err(_) => body.to_owned(),
    }
}

fn brief(text: &str) -> String {
    text.chars().take(BRIEF).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(service: &str, body: &'static str) -> Request<Bytes> {
        signed_for("us-east-1", service, body)
    }

    fn signed_for(region: &str, service: &str, body: &'static str) -> Request<Bytes> {
        let scope = format!("AKIDSTEP2/20261122/{region}/{service}/aws4_request");
        let header =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let request = Request::post("/").header(AUTHORIZATION, header);
        request
            .header("x-amz-target", "AmazonSSM.SendCommand")
            .body(Bytes::from_static(body.as_bytes()))
            .expect("a request of fixed parts")
    }

    #[test]
    fn the_signature_names_caller_and_service() {
        let route = ParsedRequest::of(&signed(
            "ec2",
            "Action=DeleteVolume&Version=2016-11-15&VolumeId=vol-1",
        ));
        assert_eq!(
            (route.service.as_str(), route.caller.as_str()),
            ("ec2", "AKIDSTEP2")
        );
        assert_eq!(route.action, "DeleteVolume");
        assert_eq!(route.parameters, "VolumeId=vol-1");
        assert_eq!(
            ParsedRequest::of(&signed("ssm", "{}")).action,
            "SendCommand"
        );
    }

    #[test]
    fn another_region_is_another_service() {
        let route = ParsedRequest::of(&signed_for("eu-west-1", "ec2", ""));
        assert_eq!(route.service, "ec2 in eu-west-1");
    }

    #[test]
    fn without_a_signature_it_is_datadog_or_nobody() {
        let get = |path: &str| Request::get(path).body(Bytes::new()).expect("a fixed path");
        assert_eq!(ParsedRequest::of(&get("/api/v2/series")).service, "datadog");
        assert_eq!(
            ParsedRequest::of(&get("/latest/meta-data")).service,
            "unsigned"
        );
    }
}
