//! Requests and answers as they went over the wire, for a reader that knows AWS's own models.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use super::exchange::{Exchange, Message};
use super::{Aws, locked};

impl Aws {
    /// Keeps from now on what goes over the wire.
    pub fn record_traffic(&self) {
        *locked(&self.inner.traffic) = Some(Vec::new());
    }

    /// What was kept.
    #[must_use]
    pub fn traffic(&self) -> Vec<Exchange> {
        locked(&self.inner.traffic).clone().unwrap_or_default()
    }

    pub(super) fn keep(
        &self,
        service: String,
        action: String,
        request: Message,
        answer: &Response<Bytes>,
    ) {
        if let Some(kept) = locked(&self.inner.traffic).as_mut() {
            let answer = Message {
                status: answer.status().as_u16(),
                path: String::new(),
                headers: told(answer.headers()),
                body: text(answer.body()),
            };
            kept.push(Exchange {
                service,
                action,
                request,
                answer,
            });
        }
    }

    /// The request, if anybody wants to keep it.
    pub(super) fn to_keep(&self, request: &Request<Bytes>) -> Option<Message> {
        locked(&self.inner.traffic).as_ref()?;
        let path = request.uri().path_and_query().map(ToString::to_string);
        Some(Message {
            status: 0,
            path: path.unwrap_or_default(),
            headers: told(request.headers()),
            body: text(request.body()),
        })
    }
}

fn told(headers: &HeaderMap) -> Vec<(String, String)> {
    let read = |name: &str| name.starts_with("x-amz") || name == "content-type";
    headers
        .iter()
        .filter(|(name, _)| read(name.as_str()))
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .filter(|(name, _)| name != "x-amz-security-token")
        .collect()
}

fn text(body: &Bytes) -> String {
    String::from_utf8_lossy(body).into_owned()
}
