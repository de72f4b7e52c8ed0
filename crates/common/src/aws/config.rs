//! The SDK's configuration, all of which Lambda sets in the environment.
//!
//! Not by `aws-config`: it also searches profiles, instance metadata and other services, which
//! makes each zip larger, and it reports a missing setting only at the first call. Here it is
//! reported at the start.

use std::collections::BTreeMap;

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::error::{Error, Kind, Result};
use crate::https::Https;

/// Where AWS is, for all services; with `_EC2` and so on behind it, for one.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// Region, credentials and endpoints of these environment variables.
pub(crate) fn config(variables: &BTreeMap<String, String>, https: Https) -> Result<SdkConfig> {
    let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let given = |name: &str| {
        set(name).cloned().ok_or_else(|| {
            let message = format!("{name} is missing: Lambda sets it, so this is not Lambda");
            Error::new(Kind::BadSettings, message)
        })
    };
    let credentials = Credentials::new(
        given("AWS_ACCESS_KEY_ID")?,
        given("AWS_SECRET_ACCESS_KEY")?,
        set("AWS_SESSION_TOKEN").cloned(),
        None,
        "environment",
    );
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(given("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(TokioSleep::new())
        .http_client(https)
        .service_config(Endpoints(variables.clone()));
    config.set_endpoint_url(set(ENDPOINT).cloned());
    Ok(config.build())
}

/// The endpoints of single services.
#[derive(Debug)]
struct Endpoints(BTreeMap<String, String>);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace([' ', '-'], "_");
        self.0.get(&format!("{}_{service}", key.env())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::config;
    use crate::https::Https;
    use aws_types::SdkConfig;

    const LAMBDA: [(&str, &str); 3] = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];

    fn of(variables: &[(&str, &str)]) -> crate::Result<SdkConfig> {
        let variables = variables.iter();
        let variables = variables.map(|&(name, value)| (name.to_owned(), value.to_owned()));
        config(&variables.collect(), Https::default())
    }

    #[test]
    fn names_what_lambda_would_have_set() {
        for (missing, _) in LAMBDA {
            let mut variables = LAMBDA.to_vec();
            variables.retain(|(name, _)| *name != missing);
            let error = of(&variables).expect_err(missing).to_string();
            assert!(
                error.starts_with(&format!("{missing} is missing")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_endpoint_of_a_service_goes_before_that_of_all() {
        let endpoints = [
            ("AWS_ENDPOINT_URL", "http://all"),
            ("AWS_ENDPOINT_URL_EC2", "http://ec2"),
        ];
        let sdk = of(&[&LAMBDA[..], &endpoints].concat()).expect("all is there");
        assert_eq!(sdk.region().map(AsRef::as_ref), Some("eu-west-1"));
        let ec2 = format!("{:?}", aws_sdk_ec2::Config::new(&sdk));
        let ssm = format!("{:?}", aws_sdk_ssm::Config::new(&sdk));
        assert!(
            ec2.contains("http://ec2") && !ec2.contains("http://all"),
            "{ec2}"
        );
        assert!(
            ssm.contains("http://all") && !ssm.contains("http://ec2"),
            "{ssm}"
        );
    }
}
