//! How a request reaches Datadog: over HTTPS, or in a test to the stand-in.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, Request, Response, redirect};
use rustls::crypto::ring;

/// How long a connection may take to come about: as long as the SDK waits for one of AWS's.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

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

/// HTTPS. The client is made at the first request and not at the start, since the trusted
/// certificates are read with it.
#[derive(Default)]
pub(super) struct Https(OnceLock<Client>);

impl Https {
    fn client(&self) -> reqwest::Result<Client> {
        if let Some(client) = self.0.get() {
            return Ok(client.clone());
        }
        let client = client()?;
        Ok(self.0.get_or_init(|| client).clone())
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

/// A redirected request would take the API key with it to another host.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where an HTTPS client for Datadog is made"
)]
pub(crate) fn client() -> reqwest::Result<Client> {
    // An error says that there is one already, which is as good.
    let _ = ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
}
