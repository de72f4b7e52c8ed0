use std::time::Duration;

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_stand_in::clock::parse_rfc3339;
use aws_stand_in::{Aws, Clock};

use super::{
    Asked, NewVolume, VolumeState, attach, create, delete, detach, volume, volumes_of_run,
};
use crate::clients::Clients;
use crate::error::Kind;

/// An ordinary night's account, and a test volume in it, available.
async fn account() -> (Aws, aws_stand_in::Fixture, Clients, String) {
    let clock = Clock::starting_at(parse_rfc3339("2026-03-01T02:00:00Z").unwrap());
    let aws = Aws::new(clock);
    let ids = aws.fixture();
    let sdk = aws.sdk_config("anybody");
    let clients = Clients::new(&sdk, aws.datadog_service(), "f", [].into());
    let new = NewVolume {
        run_id: "run-1",
        snapshot_id: &ids.snapshot_id,
        zone: "us-east-1a",
        test_instance_name: "ib02",
        environment: "dev",
        performance: &super::Performance::default(),
        tags: &super::VolumeTags::default(),
    };
    let id = create(&clients.ec2, &new).await.expect("it is made");
    clients.clock.wait(Duration::from_secs(4)).await;
    (aws, ids, clients, id)
}

#[tokio::test(start_paused = true)]
async fn to_detach_what_is_detached_or_gone_is_fine() {
    let (aws, ids, clients, id) = account().await;
    let test = &ids.test_instance_id;
    let detached = detach(&clients.ec2, &id, false).await;
    detached.expect("it was never attached");
    let attached = attach(&clients.ec2, &id, test, "/dev/sdg").await;
    assert_eq!(attached.expect("it can be attached"), Asked::Taken);
    clients.clock.wait(Duration::from_secs(3)).await;
    for _ in 0..2 {
        let detached = detach(&clients.ec2, &id, false).await;
        detached.expect("it is attached, and then being detached");
    }
    aws.delete_by_hand(&id);
    let detached = detach(&clients.ec2, &id, false).await;
    detached.expect("it is gone");
    let outcomes: Vec<String> = aws
        .calls()
        .into_iter()
        .filter(|record| record.call.action == "DetachVolume")
        .map(|record| record.outcome)
        .collect();
    for (outcome, code) in outcomes.iter().zip([
        "IncorrectState",
        "",
        "IncorrectState",
        "InvalidVolume.NotFound",
    ]) {
        assert!(outcome.contains(code), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn to_delete_what_is_gone_is_fine_and_what_is_attached_is_not() {
    let (_, ids, clients, id) = account().await;
    let test = &ids.test_instance_id;
    let attached = attach(&clients.ec2, &id, test, "/dev/sdg").await;
    attached.expect("it can be attached");
    let error = delete(&clients.ec2, &id).await.expect_err("it is attached");
    assert_eq!(error.kind(), Kind::AwsRefused);
    assert!(error.to_string().contains("VolumeInUse"), "{error}");
    clients.clock.wait(Duration::from_secs(3)).await;
    let detached = detach(&clients.ec2, &id, false).await;
    detached.expect("it can be detached");
    clients.clock.wait(Duration::from_secs(3)).await;
    for _ in 0..2 {
        let deleted = delete(&clients.ec2, &id).await;
        deleted.expect("it is deleted, or was");
    }
    let found = volume(&clients.ec2, &id).await.expect("an answer");
    assert_eq!(found.map(|volume| volume.state), Some(VolumeState::Deleted));
    clients.clock.wait(Duration::from_secs(3)).await;
    let found = volume(&clients.ec2, &id).await.expect("an answer");
    assert_eq!(found, None);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_apart_by_what_can_be_done() {
    let (aws, _, clients, id) = account().await;
    for (status, code, kind, transient) in [
        (403, "UnauthorizedOperation", Kind::AccessDenied, false),
        (503, "RequestLimitExceeded", Kind::AwsUnavailable, true),
        (500, "SomethingNew", Kind::AwsUnavailable, true),
        (400, "VolumeLimitExceeded", Kind::AwsRefused, false),
        (401, "AuthFailure", Kind::AwsRefused, false),
    ] {
        aws.set_faults(Box::new(move |_| {
            Some(aws_stand_in::Fault::Refuse {
                status,
                code: code.to_owned(),
                message: "no".to_owned(),
            })
        }));
        let error = delete(&clients.ec2, &id).await.expect_err("refused");
        assert_eq!((error.kind(), error.is_transient()), (kind, transient));
        let text = error.to_string();
        let tried = format!("tried to delete volume {id}: AWS answered {code}: no");
        assert!(text.starts_with(&tried), "{text}");
        assert_eq!(text.contains("template.yaml"), kind == Kind::AccessDenied);
    }
}

/// The error of a deletion that is refused so.
async fn refusal(status: u16, code: &'static str, message: &str) -> String {
    let (aws, _, clients, id) = account().await;
    let message = message.to_owned();
    aws.set_faults(Box::new(move |_| {
        Some(aws_stand_in::Fault::Refuse {
            status,
            code: code.to_owned(),
            message: message.clone(),
        })
    }));
    let error = delete(&clients.ec2, &id).await.expect_err("refused");
    error.to_string()
}

/// Finding 12 of AWS: whatever the SDK itself takes for throttling or for a time-out, passes.
#[tokio::test(start_paused = true)]
async fn aws_finding_12_what_the_sdk_takes_for_passing_passes() {
    let (aws, _, clients, id) = account().await;
    let codes = [THROTTLING_ERRORS, TRANSIENT_ERRORS].concat();
    assert!(codes.len() >= 16, "{codes:?}");
    for code in codes {
        aws.set_faults(Box::new(move |_| {
            Some(aws_stand_in::Fault::Refuse {
                status: 400,
                code: code.to_owned(),
                message: "no".to_owned(),
            })
        }));
        let error = delete(&clients.ec2, &id).await.expect_err("refused");
        assert_eq!(error.kind(), Kind::AwsUnavailable, "{code}");
        assert!(error.is_transient(), "{code}");
    }
}

/// Finding 11 of AWS, and the encoded message.
#[tokio::test(start_paused = true)]
async fn aws_finding_11_each_refusal_has_its_own_advice() {
    let unknown = refusal(401, "AuthFailure", "AWS was not able to validate").await;
    assert!(unknown.contains("credentials"), "{unknown}");
    assert!(!unknown.contains("must allow it"), "{unknown}");
    let encoded = "You are not authorized. Encoded authorization failure message: 3xUtpO";
    let denied = refusal(403, "UnauthorizedOperation", encoded).await;
    assert!(denied.contains("decode-authorization-message"), "{denied}");
    let plain = refusal(403, "UnauthorizedOperation", "no").await;
    assert!(!plain.contains("decode"), "{plain}");
}

/// Finding 4 of AWS: what has no code of AWS passes, and says what it was.
#[tokio::test(start_paused = true)]
async fn aws_finding_4_an_answer_that_is_not_awss_is_unavailable_and_shown() {
    for body in [
        "<html><body>\u{1b}maintenance</body></html>",
        "",
        "{}",
        "<Other/>",
    ] {
        let (aws, _, clients, _) = account().await;
        let garbage = body.to_owned();
        aws.set_faults(Box::new(move |_| {
            Some(aws_stand_in::Fault::Garbage(garbage.clone()))
        }));
        let error = volume(&clients.ec2, "vol-1").await.expect_err(body);
        assert_eq!(error.kind(), Kind::AwsUnavailable, "{body}: {error}");
        let text = error.chain();
        assert!(
            text.contains("the answer is not AWS's: status 200"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(text.contains("maintenance"), body.contains("maintenance"));
    }
}

/// Case 67 of the field and finding 2 of AWS: nothing else says that it is the key.
#[tokio::test(start_paused = true)]
async fn field_case_67_a_key_that_cannot_be_used_is_named() {
    for code in [
        "IdempotentParameterMismatch",
        "CustomerKeyHasBeenRevoked",
        "InvalidKmsKey.InvalidState",
    ] {
        let (aws, ids, clients, id) = account().await;
        aws.set_faults(Box::new(move |_| {
            Some(aws_stand_in::Fault::Refuse {
                status: 400,
                code: code.to_owned(),
                message: "no".to_owned(),
            })
        }));
        let attached = attach(&clients.ec2, &id, &ids.test_instance_id, "/dev/sdg").await;
        let error = attached.expect_err(code).to_string();
        for named in [code, "KmsKeyArn", "kms:CreateGrant", "enabled"] {
            assert!(error.contains(named), "{named}: {error}");
        }
    }
}

/// Another environment's volumes of that run do not even come over the wire.
#[tokio::test(start_paused = true)]
async fn the_volumes_of_a_run_are_asked_for_by_their_environment_too() {
    let (aws, _, world, id) = account().await;
    for (environment, wanted) in [("dev", vec![id]), ("prod", vec![])] {
        let found = volumes_of_run(&world.ec2, "run-1", environment).await;
        let found = found.expect("an answer").into_iter();
        assert_eq!(found.map(|volume| volume.id).collect::<Vec<_>>(), wanted);
        let asked = aws.calls().pop().expect("a call").parameters;
        let filter =
            format!("Filter.3.Name=tag:IBBackupEnvironment Filter.3.Value.1={environment}");
        assert!(asked.contains(&filter), "{asked}");
    }
}
