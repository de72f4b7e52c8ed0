//! How a request reaches Datadog: over HTTPS, or in a test to the stand-in.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use reqwest::{Request, Response};

use crate::https::Https;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A response that is on its way: it comes as soon as its head has been read.
pub type Sending = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

/// What carries a request to Datadog. A function does, too.
pub trait Transport: Send + Sync {
    /// Sends the request.
    fn send(&self, request: Request) -> Sending;
}

impl<F: Fn(Request) -> Sending + Send + Sync> Transport for F {
    fn send(&self, request: Request) -> Sending {
        self(request)
    }
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport for Https {
    fn send(&self, request: Request) -> Sending {
        let client = self.client();
        Box::pin(async move {
            let response = client?.execute(request).await;
            // Its URL stands in the error's message already.
            Ok(response.map_err(reqwest::Error::without_url)?)
        })
    }
}
