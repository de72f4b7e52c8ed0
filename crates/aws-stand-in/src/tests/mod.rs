//! Faults, the log and the connections.

mod connections;

use std::time::Duration;

use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_sdk_ec2::error::ProvideErrorMetadata;

use super::testing::{Night, code};
use super::{Aws, Fault, VolumeState};

/// The fault at the first call of that action, and at no other.
fn once(aws: &Aws, action: &'static str, fault: Fault) {
    let mut fault = Some(fault);
    aws.set_faults(Box::new(move |call| {
        if call.action == action {
            fault.take()
        } else {
            None
        }
    }));
}

/// A client that tries a call only once, and not for long.
#[expect(
    clippy::disallowed_methods,
    reason = "a plain client of the stand-in itself"
)]
fn impatient(night: &Night) -> aws_sdk_ec2::Client {
    let sdk = night.aws.sdk_config("AKIDSTEP").to_builder();
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(10));
    let sdk = sdk
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build());
    aws_sdk_ec2::Client::new(&sdk.build())
}

fn create(
    night: &Night,
) -> aws_sdk_ec2::operation::create_volume::builders::CreateVolumeFluentBuilder {
    let create = impatient(night)
        .create_volume()
        .snapshot_id(&night.fixture.snapshot_id);
    create.availability_zone("us-east-1a")
}

fn made(night: &Night) -> usize {
    night.aws.volumes().len() - 3
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_not_done_and_the_sdk_tries_again() {
    let night = Night::new();
    let throttled = || Fault::Refuse {
        status: 503,
        code: "RequestLimitExceeded".to_owned(),
        message: "Request limit exceeded.".to_owned(),
    };
    once(&night.aws, "CreateVolume", throttled());
    assert_eq!(code(create(&night).send().await), "RequestLimitExceeded");
    assert_eq!(made(&night), 0);
    once(&night.aws, "CreateVolume", throttled());
    night.volume().await;
    let outcomes: Vec<_> = night
        .aws
        .calls()
        .into_iter()
        .map(|record| record.outcome)
        .collect();
    assert_eq!(
        outcomes,
        ["503 RequestLimitExceeded (fault)"; 2]
            .into_iter()
            .chain(["200"])
            .collect::<Vec<_>>()
    );
}

#[tokio::test(start_paused = true)]
async fn each_service_is_refused_in_its_own_shape() {
    let night = Night::new();
    night.aws.set_faults(Box::new(|_| {
        Some(Fault::Refuse {
            status: 400,
            code: "Nope".to_owned(),
            message: "no <way>".to_owned(),
        })
    }));
    let ec2 = night.ec2.describe_volumes().send().await.unwrap_err();
    assert_eq!(
        (ec2.code(), ec2.message()),
        (Some("Nope"), Some("no <way>"))
    );
    let ssm = night
        .ssm
        .get_parameter()
        .name("x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (ssm.code(), ssm.message()),
        (Some("Nope"), Some("no <way>"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_the_deed_done() {
    let night = Night::new();
    once(&night.aws, "CreateVolume", Fault::LoseAnswer);
    let error = create(&night).send().await.unwrap_err();
    assert!(error.as_service_error().is_none(), "{error:?}");
    assert_eq!(made(&night), 1);
    // The SDK tries again by itself, and only a token keeps it from making a second.
    once(&night.aws, "CreateVolume", Fault::LoseAnswer);
    let again = night
        .ec2
        .create_volume()
        .snapshot_id(&night.fixture.snapshot_id);
    again
        .availability_zone("us-east-1a")
        .client_token("run-1")
        .send()
        .await
        .unwrap();
    assert_eq!(made(&night), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_connection_or_garbage_leaves_nothing_done() {
    let night = Night::new();
    for fault in [
        Fault::DropConnection,
        Fault::Garbage("<html>hello</html>".to_owned()),
    ] {
        once(&night.aws, "CreateVolume", fault);
        create(&night).send().await.unwrap_err();
        assert_eq!(made(&night), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_may_never_be_answered() {
    let night = Night::new();
    once(&night.aws, "CreateVolume", Fault::Hang);
    let before = night.aws.clock().now();
    create(&night).send().await.unwrap_err();
    let waited = night.aws.clock().now().duration_since(before).unwrap();
    assert_eq!(waited.as_secs(), 10);
    assert_eq!(made(&night), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_is_done_though_nobody_waits_for_it() {
    let night = Night::new();
    once(
        &night.aws,
        "CreateVolume",
        Fault::Slow(Duration::from_mins(1)),
    );
    create(&night).send().await.unwrap_err();
    assert_eq!(made(&night), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lag_holds_for_its_one_call() {
    let night = Night::new();
    once(
        &night.aws,
        "CreateVolume",
        Fault::Lag(Duration::from_mins(1)),
    );
    let id = night.volume().await;
    let shown = || night.ec2.describe_volumes().volume_ids(&id).send();
    assert_eq!(code(shown().await), "InvalidVolume.NotFound");
    assert_eq!(night.aws.volume(&id).unwrap().state, VolumeState::Available);
    night.wait(60).await;
    shown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_call_is_told() {
    let night = Night::new();
    night.wait(5).await;
    night
        .ec2
        .delete_volume()
        .volume_id("vol-unknown")
        .send()
        .await
        .unwrap_err();
    let records = night.aws.calls();
    let call = &records[0].call;
    assert_eq!(
        (call.number, call.service.as_str(), call.action.as_str()),
        (1, "ec2", "DeleteVolume")
    );
    assert_eq!(
        (call.caller.as_str(), call.time),
        ("AKIDSTEP", night.aws.clock().now())
    );
    assert_eq!(records[0].parameters, "VolumeId=vol-unknown");
    assert!(records[0].outcome.starts_with("400 InvalidVolume.NotFound"));
}

/// A run with everything in it: faults, a test, a busy volume.
async fn told() -> String {
    let night = Night::new();
    let mut calls = 0;
    night.aws.set_faults(Box::new(move |_| {
        calls += 1;
        (calls % 7 == 0).then_some(Fault::LoseAnswer)
    }));
    let create = night
        .ec2
        .create_volume()
        .snapshot_id(&night.fixture.snapshot_id);
    let create = create.availability_zone("us-east-1a").client_token("run-1");
    let id = create.send().await.unwrap().volume_id.unwrap();
    night.wait(10).await;
    let attach = night.ec2.attach_volume().volume_id(&id).device("/dev/sdg");
    attach
        .instance_id(&night.fixture.test_instance_id)
        .send()
        .await
        .unwrap();
    night.wait(10).await;
    for document in ["mount", "test", "test"] {
        night
            .send(document, &[("runId", "run-1"), ("volumeId", &id)])
            .await;
        night.wait(60).await;
    }
    let _ = night.ec2.detach_volume().volume_id(&id).send().await;
    night.wait(60).await;
    night
        .send("release", &[("runId", "run-1"), ("volumeId", &id)])
        .await;
    night.wait(3600).await;
    format!(
        "{:?} {:?} {:?}",
        night.aws.calls(),
        night.aws.volumes(),
        night.aws.commands()
    )
}

#[test]
fn the_same_night_twice_is_the_same_night() {
    let night = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        // The SDK draws its pauses between attempts here.
        fastrand::seed(7);
        runtime.block_on(told())
    };
    let (first, second) = (night(), night());
    assert!(first.contains("answer lost"), "{first}");
    assert_eq!(first, second);
}
