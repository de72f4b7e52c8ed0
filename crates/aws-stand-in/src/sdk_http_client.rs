//! The HTTP client for the SDK that stays in memory: no socket, no thread, so that a paused clock decides all.

use std::time::Duration;

use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use bytes::Bytes;
use common::datadog::Sending;
use http_body_util::BodyExt;
use tower::BoxError;

use super::{Aws, REGION};

impl Aws {
    /// For SDK clients.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(StandInClient { aws: self.clone() })
    }

    /// A whole configuration for SDK clients of that identity, as a Lambda function would have
    /// it: three attempts, this clock.
    #[must_use]
    pub fn sdk_config(&self, access_key_id: &str) -> SdkConfig {
        let credentials = Credentials::new(access_key_id, "no-secret", None, None, "rehearsal");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.http_client())
            .time_source(self.clock())
            .sleep_impl(TokioSleep::new())
            .retry_config(RetryConfig::standard())
            .build()
    }

    /// For requests to Datadog.
    pub fn datadog_service(&self) -> impl Fn(reqwest::Request) -> Sending + Send + Sync + 'static {
        let aws = self.clone();
        move |request| Box::pin(to_datadog(aws.clone(), request))
    }
}

#[derive(Clone, Debug)]
struct StandInClient {
    aws: Aws,
}

impl HttpClient for StandInClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            aws: self.aws.clone(),
            read_timeout: settings.read_timeout(),
        })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    aws: Aws,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { aws, read_timeout } = self.clone();
        HttpConnectorFuture::new(async move {
            let Some(limit) = read_timeout else {
                return exchange(aws, request).await;
            };
            let answer = tokio::time::timeout(limit, exchange(aws, request)).await;
            answer.unwrap_or_else(|late| Err(ConnectorError::timeout(late.into())))
        })
    }
}

async fn exchange(aws: Aws, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let user = |error: BoxError| ConnectorError::user(error);
    let request = request
        .try_into_http1x()
        .map_err(|error| user(error.into()))?;
    let (parts, body) = request.into_parts();
    // Read to its end, as a socket would: the SDK watches that its body is taken.
    let body = body.collect().await.map_err(user)?.to_bytes();
    let answer = aws.call(http::Request::from_parts(parts, body)).await;
    let answer = answer.map_err(|lost| ConnectorError::io(lost.into()))?;
    HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| user(error.into()))
}

async fn to_datadog(aws: Aws, request: reqwest::Request) -> Result<reqwest::Response, BoxError> {
    let mut parts = http::Request::builder()
        .method(request.method())
        .uri(request.url().as_str());
    if let Some(headers) = parts.headers_mut() {
        headers.extend(request.headers().clone());
    }
    let body = request.body().and_then(reqwest::Body::as_bytes);
    let request = parts.body(Bytes::copy_from_slice(body.unwrap_or_default()))?;
    Ok(aws.call(request).await?.into())
}
