//! The one HTTPS client, for AWS and Datadog alike: one pool of connections, one TLS stack.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// How long a connection may take to come about: the SDK's own default.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

/// Made at the first call and not at the start, since the trusted certificates are read with it.
#[derive(Clone, Debug, Default)]
pub struct Https(Arc<OnceLock<Connector>>);

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.get_or_init(connector).call(request)
    }
}

/// The SDK asks with the settings of each client; they all have the one time-out above.
impl HttpClient for Https {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where an HTTPS client is made"
)]
fn connector() -> Connector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .build();
    Connector::builder()
        .connector_settings(settings)
        .sleep_impl(TokioSleep::new())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build()
}
