//! Clients, clock and settings of one function, which a step is built from.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;

use super::config;
use super::console::Console;
use crate::aws::answer::Checked;
use crate::datadog::Transport;
use crate::error::{Error, Kind, Result};
use crate::https::Https;
use crate::time::Timestamp;

/// One attempt at a call of AWS takes no longer than this.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts at one call: the SDK's own default, chosen here on purpose. Three attempts with the
/// SDK's pauses end well within the functions' time-out of 600 s, ten calls in a row included.
const ATTEMPTS: u32 = 3;

/// A client that is created at its first use. For each client, the SDK loads its endpoint rules
/// anew, which takes a good part of the start; and no step calls all services.
pub type Lazy<C> = Arc<LazyLock<C, Box<dyn FnOnce() -> C + Send>>>;

/// Clients, clock and settings of one function.
pub struct Clients {
    /// EC2.
    pub ec2: Lazy<aws_sdk_ec2::Client>,
    /// Lambda.
    pub lambda: Lazy<aws_sdk_lambda::Client>,
    /// Systems Manager.
    pub ssm: Lazy<aws_sdk_ssm::Client>,
    /// What carries requests to Datadog.
    pub datadog: Arc<dyn Transport>,
    /// The function's own name, as Lambda gives it.
    pub function_name: String,
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// Where AWS's console shows what they speak of.
    pub console: Console,
    /// The time, and waiting.
    pub clock: Clock,
}

impl Clients {
    /// Clients whose calls and clock are those of `sdk`, and whose Datadog is behind `datadog`.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where clients are made"
    )]
    pub fn new(
        sdk: &SdkConfig,
        datadog: impl Transport + 'static,
        function_name: &str,
        variables: BTreeMap<String, String>,
    ) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let mut checked = sdk.to_builder();
        checked.set_http_client(
            sdk.http_client()
                .map(|client| SharedHttpClient::new(Checked(client))),
        );
        let sdk = checked
            .timeout_config(timeouts)
            .retry_config(retries)
            .build();
        // By default the SDK's retry quota is shared by the whole process: failures in one
        // simulated run would then use up the retries of the next.
        let retries = RetryPartition::custom("world")
            .token_bucket(TokenBucket::default())
            .build();
        let ec2 = aws_sdk_ec2::config::Builder::from(&sdk).retry_partition(retries.clone());
        let lambda = aws_sdk_lambda::config::Builder::from(&sdk).retry_partition(retries.clone());
        let ssm = aws_sdk_ssm::config::Builder::from(&sdk).retry_partition(retries);
        Self {
            ec2: lazy(move || aws_sdk_ec2::Client::from_conf(ec2.build())),
            lambda: lazy(move || aws_sdk_lambda::Client::from_conf(lambda.build())),
            ssm: lazy(move || aws_sdk_ssm::Client::from_conf(ssm.build())),
            datadog: Arc::new(datadog),
            function_name: function_name.to_owned(),
            variables,
            console: Console::of(sdk.region().map_or("", AsRef::as_ref)),
            clock: Clock::of(&sdk),
        }
    }

    /// Those of a Lambda function.
    ///
    /// # Errors
    /// Where a variable is missing that Lambda sets.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where variables are read"
    )]
    pub fn from_environment() -> Result<Self> {
        let variables: BTreeMap<String, String> = std::env::vars().collect();
        let function_name = variables.get("AWS_LAMBDA_FUNCTION_NAME").cloned();
        let function_name = function_name.ok_or_else(|| {
            Error::new(
                Kind::BadSettings,
                "AWS_LAMBDA_FUNCTION_NAME is missing: Lambda sets it, so this is not Lambda",
            )
        })?;
        let https = Https::default();
        let sdk = config::config(&variables, https.clone())?;
        Ok(Self::new(&sdk, https, &function_name, variables))
    }
}

fn lazy<C>(make: impl FnOnce() -> C + Send + 'static) -> Lazy<C> {
    Arc::new(LazyLock::new(Box::new(make)))
}

/// The clock: the time, and waiting. Both are the SDK's, so that what moves one moves the other.
#[derive(Clone, Debug)]
pub struct Clock {
    time: SharedTimeSource,
    sleep: SharedAsyncSleep,
}

impl Clock {
    fn of(sdk: &SdkConfig) -> Self {
        Self {
            time: sdk.time_source().unwrap_or_default(),
            sleep: sdk
                .sleep_impl()
                .unwrap_or_else(|| SharedAsyncSleep::new(TokioSleep::new())),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.time.now().into()
    }

    /// Lets time pass.
    pub async fn wait(&self, time: Duration) {
        self.sleep.sleep(time).await;
    }
}
