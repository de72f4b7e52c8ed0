//! The SDK's HTTPS client, with ring for all cryptography.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// One for all services: they share its connections.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the SDK's HTTPS client is made"
)]
pub(crate) fn client() -> SharedHttpClient {
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}
