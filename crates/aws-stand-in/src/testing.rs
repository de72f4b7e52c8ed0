//! What the tests share: clients of one caller on a paused clock.

use std::time::Duration;

use aws_sdk_ec2::error::ProvideErrorMetadata;

use super::clock::parse_rfc3339;
use super::simulated_host::{DocumentNames, SimulatedHost};
use super::{Aws, Clock, Document, DocumentParameter, Fixture};

/// A run with everything in place.
pub(super) struct Night {
    pub aws: Aws,
    pub fixture: Fixture,
    pub host: SimulatedHost,
    pub ec2: aws_sdk_ec2::Client,
    pub ssm: aws_sdk_ssm::Client,
}

impl Night {
    #[expect(
        clippy::disallowed_methods,
        reason = "plain clients of the stand-in itself, not of a step"
    )]
    pub fn new() -> Self {
        let two_at_night = parse_rfc3339("2026-11-22T02:00:00Z").unwrap();
        let clock = Clock::starting_at(two_at_night);
        let aws = Aws::new(clock);
        let fixture = aws.fixture();
        let host = SimulatedHost::new(clock, document_names());
        aws.set_host(&fixture.test_instance_id, std::sync::Arc::new(host.clone()));
        for name in ["mount", "test", "release"] {
            aws.add_document(document(name));
        }
        let config = aws.sdk_config("AKIDSTEP");
        Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            aws,
            fixture,
            host,
        }
    }

    /// Lets time pass.
    pub async fn wait(&self, seconds: u64) {
        self.aws.clock().sleep(Duration::from_secs(seconds)).await;
    }

    /// An available volume, created from the snapshot.
    pub async fn volume(&self) -> String {
        let made = self
            .ec2
            .create_volume()
            .snapshot_id(&self.fixture.snapshot_id)
            .availability_zone("us-east-1a")
            .send()
            .await
            .unwrap();
        self.wait(4).await;
        made.volume_id.unwrap()
    }

    /// That volume attached to the test instance.
    pub async fn attached_volume(&self) -> String {
        let volume_id = self.volume().await;
        let attach = self
            .ec2
            .attach_volume()
            .volume_id(&volume_id)
            .device("/dev/sdg");
        attach
            .instance_id(&self.fixture.test_instance_id)
            .send()
            .await
            .unwrap();
        self.wait(3).await;
        volume_id
    }

    /// Sends a command to the test instance.
    pub async fn send(&self, document: &str, parameters: &[(&str, &str)]) -> String {
        let mut send = self.ssm.send_command().document_name(document);
        for (name, value) in parameters {
            send = send.parameters(*name, vec![(*value).to_owned()]);
        }
        let send = send
            .instance_ids(&self.fixture.test_instance_id)
            .comment("run-1")
            .send();
        send.await.unwrap().command.unwrap().command_id.unwrap()
    }
}

pub(super) fn document_names() -> DocumentNames {
    DocumentNames {
        mount: "mount".to_owned(),
        programs: String::new(),
        test: "test".to_owned(),
        release: "release".to_owned(),
        run_id: "runId".to_owned(),
        volume_id: "volumeId".to_owned(),
    }
}

fn document(name: &str) -> Document {
    let parameter = |name: &str, default: Option<&str>| DocumentParameter {
        name: name.to_owned(),
        default: default.map(str::to_owned),
        allowed_pattern: Some(regex::Regex::new("^[A-Za-z0-9-]*$").expect("a pattern")),
        allowed_values: Vec::new(),
        env_var: true,
    };
    Document {
        name: name.to_owned(),
        parameters: vec![parameter("runId", None), parameter("volumeId", Some(""))],
        steps: vec![name.to_owned()],
        script: "true".into(),
        timeout_seconds: "10800".to_owned(),
    }
}

/// What AWS called the error; panics where there was none.
pub(super) fn code<T: std::fmt::Debug, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    let error = result.expect_err("AWS refuses this");
    error.code().unwrap_or("no code").to_owned()
}
