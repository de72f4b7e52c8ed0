//! AWS's responses: each body is read to its end, within a limit, and checked before the SDK parses
//! it. A proxy may answer in AWS's place; and the SDK parses a truncated XML list as a shorter
//! list.

use std::error::Error as StdError;
use std::fmt;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::{ByteStream, error::Error as ByteStreamError};
use aws_smithy_types::retry::ErrorKind;

use crate::text::one_line;

/// A page of 1,000 snapshots with ten tags each has a tenth of it.
const LONGEST: usize = 16 * 1024 * 1024;
/// Characters of an answer that are shown.
const SHOWN: usize = 120;

/// An HTTP client that checks each response.
#[derive(Clone, Debug)]
pub(crate) struct Checked<C>(pub C);

impl HttpClient for Checked<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Checked(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Checked<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let expected = Expected::of(request.headers().get("content-type"));
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { read(answer.await?, expected).await })
    }
}

/// A response that did not come from AWS.
#[derive(Debug)]
pub(crate) struct NotAws(String);

impl fmt::Display for NotAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for NotAws {}

impl NotAws {
    /// What it was, in this status, and how it begins.
    pub(crate) fn new(fault: &str, status: u16, body: &[u8]) -> Self {
        let fault = match fault {
            "" => String::new(),
            fault => format!(" {fault},"),
        };
        Self(format!(
            "the answer is not AWS's: status {status},{fault} `{}`; is a proxy, a VPC endpoint or \
             an AWS_ENDPOINT_URL in between?",
            first_words(status, body)
        ))
    }

    /// The one among the causes of an error, if there is one.
    pub(crate) fn among<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }
}

/// How a response begins. What may be a fragment of AWS's response may contain a secret, and is not
/// shown.
fn first_words(status: u16, body: &[u8]) -> String {
    if body.starts_with(&[0x1f, 0x8b]) {
        return "gzip, which was not asked for".to_owned();
    }
    if (200..300).contains(&status) && begins_with(body, b"{") {
        return format!("JSON of {} bytes", body.len());
    }
    let begins = &body[..body.len().min(1000)];
    one_line(&String::from_utf8_lossy(begins), SHOWN)
}

/// The form of a service's response to a successful call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// EC2: one XML element, with something in it or not.
    Xml,
    /// Systems Manager: a JSON object with something in it. Of an empty body the SDK makes an
    /// answer in which nothing is set.
    Json,
    /// Lambda: anything, such as nothing.
    Anything,
}

impl Expected {
    fn of(request_type: Option<&str>) -> Self {
        match request_type {
            Some("application/x-www-form-urlencoded") => Self::Xml,
            Some("application/x-amz-json-1.1") => Self::Json,
            _ => Self::Anything,
        }
    }

    /// What is wrong with this body.
    fn fault(self, body: &[u8]) -> Option<&'static str> {
        match self {
            Self::Xml if !begins_with(body, b"<") => Some("it is no XML"),
            Self::Xml | Self::Anything if is_html(body) => Some("it is HTML"),
            Self::Xml if !is_closed(body) => Some("it was cut"),
            Self::Json if !begins_with(body, b"{") => Some("it is no JSON object"),
            Self::Json if is_empty_object(body) => Some("nothing is in it"),
            _ => None,
        }
    }
}

async fn read(
    mut answer: HttpResponse,
    expected: Expected,
) -> Result<HttpResponse, ConnectorError> {
    let status = answer.status();
    let not_awss = |fault: &str, body: &[u8]| {
        let said = NotAws::new(fault, status.as_u16(), body);
        Err(ConnectorError::other(
            said.into(),
            Some(ErrorKind::TransientError),
        ))
    };
    let (body, whole) = read_at_most(answer.take_body(), LONGEST)
        .await
        .map_err(|error| ConnectorError::io(error.into()))?;
    if !whole {
        return not_awss("it has more than 16 MiB", &body);
    }
    if status.is_success()
        && let Some(fault) = expected.fault(&body)
    {
        return not_awss(fault, &body);
    }
    *answer.body_mut() = SdkBody::from(body);
    Ok(answer)
}

/// A body up to so many bytes, and whether that is all of it.
pub(crate) async fn read_at_most(
    body: SdkBody,
    most: usize,
) -> Result<(Vec<u8>, bool), ByteStreamError> {
    let mut body = ByteStream::new(body);
    let mut read = Vec::new();
    while let Some(bytes) = body.try_next().await? {
        let room = most - read.len();
        read.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            return Ok((read, false));
        }
    }
    Ok((read, true))
}

fn begins_with(body: &[u8], start: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().starts_with(start)
}

fn is_html(body: &[u8]) -> bool {
    let begins: Vec<u8> = body.iter().copied().take(1000).collect();
    let begins = begins.to_ascii_lowercase();
    begins_with(&begins, b"<!doctype html") || begins_with(&begins, b"<html")
}

fn is_empty_object(body: &[u8]) -> bool {
    let inner = body.trim_ascii().strip_prefix(b"{");
    let inner = inner.and_then(|inner| inner.strip_suffix(b"}"));
    inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

/// Whether an XML document ends with the end of its first element.
fn is_closed(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let mut rest = text.trim_start_matches('\u{feff}').trim();
    // The declaration, and what a proxy may have put before the element.
    while let Some((opened, end)) = [("<?", "?>"), ("<!--", "-->")]
        .into_iter()
        .find(|(start, _)| rest.starts_with(start))
    {
        let Some(closed) = rest[opened.len()..].find(end) else {
            return false;
        };
        rest = rest[opened.len() + closed + end.len()..].trim_start();
    }
    let Some(element) = rest.strip_prefix('<') else {
        return false;
    };
    let name_ends = |c: char| c.is_whitespace() || c == '/' || c == '>';
    let name = element.split(name_ends).next().unwrap_or_default();
    let alone = element
        .strip_suffix("/>")
        .is_some_and(|inside| !inside.contains('>'));
    !name.is_empty() && (alone || element.ends_with(&format!("</{name}>")))
}

#[cfg(test)]
mod tests {
    use super::{Expected, NotAws, first_words, read_at_most};
    use aws_smithy_types::body::SdkBody;

    const LIST: &str = "<?xml version=\"1.0\"?>\n<!-- a --><L xmlns=\"x\"><s><item/></s></L>\n";

    #[test]
    fn aws_finding_8_of_xml_the_end_has_to_be_there() {
        let fault = |body: &str| Expected::Xml.fault(body.as_bytes());
        for whole in [LIST, "<L/>", "\u{feff}<L></L>", "<L a='1'/>"] {
            assert_eq!(fault(whole), None, "{whole}");
        }
        let element = LIST.find("<L").expect("it is there");
        for end in element + 1..LIST.trim_end().len() {
            assert!(fault(&LIST[..end]).is_some(), "{}", &LIST[..end]);
        }
        for not in [
            "",
            "  ",
            "{}",
            "busy",
            "<!DOCTYPE HTML><html></html>",
            "<html/>",
        ] {
            assert!(fault(not).is_some(), "{not}");
        }
    }

    #[test]
    fn of_json_something_has_to_be_in_it() {
        let fault = |body: &str| Expected::Json.fault(body.as_bytes());
        assert_eq!(fault(" {\"Commands\":[]}"), None);
        for not in ["", "{}", "{ }\n", "[]", "<html/>", "null"] {
            assert!(fault(not).is_some(), "{not}");
        }
    }

    #[test]
    fn lambda_answers_with_nothing_but_not_with_html() {
        let fault = |body: &str| Expected::Anything.fault(body.as_bytes());
        assert_eq!(fault(""), None);
        assert!(fault("\n<HTML>maintenance</HTML>").is_some());
    }

    #[test]
    fn services_are_told_apart_by_what_they_are_asked_in() {
        for (asked, expected) in [
            ("application/x-www-form-urlencoded", Expected::Xml),
            ("application/x-amz-json-1.1", Expected::Json),
            ("application/octet-stream", Expected::Anything),
        ] {
            assert_eq!(Expected::of(Some(asked)), expected);
        }
    }

    #[tokio::test]
    async fn aws_finding_13_no_more_is_read_than_the_limit() {
        let read = |most| read_at_most(SdkBody::from("0123456789"), most);
        let (all, whole) = read(10).await.expect("it is in memory");
        assert_eq!((all.len(), whole), (10, true));
        let (cut, whole) = read(9).await.expect("it is in memory");
        assert_eq!((cut.len(), whole), (9, false));
    }

    #[test]
    fn says_what_it_was_in_a_line() {
        let said = NotAws::new("it was cut", 200, b"<L>\x1b\n<s>").to_string();
        let begins = "the answer is not AWS's: status 200, it was cut, `<L> <s>`; is a proxy";
        assert!(said.starts_with(begins), "{said}");
        let said = NotAws::new("", 403, b"").to_string();
        assert!(
            said.starts_with("the answer is not AWS's: status 403, ``;"),
            "{said}"
        );
        assert!(first_words(200, &[0x1f, 0x8b, 8, 0]).starts_with("gzip"));
        // A cut answer to GetParameter.
        let cut = br#"{"Parameter":{"Value":"key"#;
        assert_eq!(first_words(200, cut), "JSON of 26 bytes");
        assert_eq!(first_words(403, br#"{"no":1}"#), r#"{"no":1}"#);
    }
}
