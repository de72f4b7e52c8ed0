//! The one HTTPS client, which carries the requests to AWS and to Datadog.
//!
//! Not the SDK's own client beside it: each would read all trusted certificates, and what they share of
//! code the linker keeps twice. Measured with `make bench`, that costs a first call a fifth of its time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::{Body, Client, Request, redirect};
use rustls::crypto::ring;

/// How long a connection may take to come about: the SDK's own default.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

/// The client. It is made at the first request and not at the start, since it reads the trusted
/// certificates.
#[derive(Clone, Debug, Default)]
pub struct Https(Arc<OnceLock<Client>>);

impl Https {
    /// The client, which is the same at each call.
    pub(crate) fn client(&self) -> reqwest::Result<Client> {
        if let Some(client) = self.0.get() {
            return Ok(client.clone());
        }
        let client = client()?;
        Ok(self.0.get_or_init(|| client).clone())
    }
}

/// A redirected request would take the API key, or AWS's session token, with it to another host.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where an HTTPS client is made"
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

impl HttpClient for Https {
    /// The settings are not asked: the time-out for a connection is this client's, and that for an answer the SDK keeps
    /// itself.
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.client();
        HttpConnectorFuture::new(async move {
            let client = client.map_err(|error| ConnectorError::other(error.into(), None))?;
            let response = client.execute(of_sdk(request)?).await.map_err(failed)?;
            let response = http::Response::<Body>::from(response);
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// A request of the SDK for this client.
fn of_sdk(request: HttpRequest) -> Result<Request, ConnectorError> {
    let request = request.try_into_http1x();
    let request = request.map_err(|error| ConnectorError::user(error.into()))?;
    Request::try_from(request.map(Body::wrap)).map_err(|error| ConnectorError::user(error.into()))
}

/// What it means for the SDK, which tries again after a time-out and where the connection failed.
fn failed(error: reqwest::Error) -> ConnectorError {
    let error = error.without_url();
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
