use std::sync::{Arc, Mutex};

use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::types::Tag;

use crate::testing::{Night, code};
use crate::{Authorizer, Snapshot, VolumeState};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

#[tokio::test(start_paused = true)]
async fn tags_are_written_all_or_none() {
    let night = Night::new();
    let snapshot = &night.fixture.snapshot_id;
    let create = || {
        night
            .ec2
            .create_tags()
            .resources(snapshot)
            .tags(tag("DBBackupValid", "True"))
    };
    create()
        .tags(tag("DBBackupCheckDetail", &"é".repeat(256)))
        .send()
        .await
        .unwrap();
    assert_eq!(night.aws.snapshot_tags(snapshot)["DBBackupValid"], "True");
    let long = create()
        .tags(tag("DBBackupCheckDetail", &"é".repeat(257)))
        .send()
        .await;
    assert_eq!(code(long), "InvalidParameterValue");
    let reserved = create().tags(tag("aws:x", "")).send().await;
    assert_eq!(code(reserved), "InvalidParameterValue");
    let two = create()
        .resources("snap-unknown")
        .tags(tag("More", "1"))
        .send()
        .await;
    assert_eq!(code(two), "InvalidSnapshot.NotFound");
    assert_eq!(night.aws.snapshot_tags(snapshot).len(), 2);
}

/// What IAM is asked, in order; it refuses what reads like `refused`.
#[derive(Default)]
struct Asked {
    refused: &'static str,
    seen: Mutex<Vec<(String, String)>>,
}

impl Authorizer for Asked {
    fn allows(
        &self,
        access_key_id: &str,
        action: &str,
        arn: &str,
        context: &[(String, Vec<String>)],
    ) -> Result<(), String> {
        let context: Vec<_> = context
            .iter()
            .map(|(key, values)| format!("{key}={}", values.join("+")))
            .collect();
        let asked = format!("{access_key_id} {action} {arn}");
        self.seen
            .lock()
            .unwrap()
            .push((asked.clone(), context.join(" ")));
        if asked.ends_with(self.refused) {
            return Err(format!(
                "User: {access_key_id} is not authorized to perform: {action} on resource: {arn}"
            ));
        }
        Ok(())
    }
}

async fn create_tagged(night: &Night) -> Result<(), aws_sdk_ec2::Error> {
    let tags = aws_sdk_ec2::types::TagSpecification::builder().resource_type("volume".into());
    let create = night
        .ec2
        .create_volume()
        .snapshot_id(&night.fixture.snapshot_id);
    let create = create.availability_zone("us-east-1a");
    create
        .tag_specifications(tags.tags(tag("IBBackupTest", "True")).build())
        .send()
        .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_resource_of_a_call_is_authorised_with_its_own_keys() {
    let night = Night::new();
    night
        .aws
        .tag_by_hand(&night.fixture.snapshot_id, "Backup", "nightly");
    let iam = Arc::new(Asked {
        refused: "nothing",
        ..Asked::default()
    });
    night.aws.set_authorizer(iam.clone());
    create_tagged(&night).await.unwrap();
    let seen = iam.seen.lock().unwrap().clone();
    let asked: Vec<_> = seen.iter().map(|(asked, _)| asked.as_str()).collect();
    assert_eq!(
        asked,
        [
            "AKIDSTEP ec2:CreateVolume arn:aws:ec2:us-east-1:000000000000:volume/*",
            "AKIDSTEP ec2:CreateVolume arn:aws:ec2:us-east-1::snapshot/snap-rehearsal0001",
            "AKIDSTEP ec2:CreateTags arn:aws:ec2:us-east-1:000000000000:volume/*",
        ]
    );
    assert!(
        seen[0]
            .1
            .contains("aws:RequestTag/IBBackupTest=True aws:TagKeys=IBBackupTest")
    );
    assert!(
        seen[1].1.contains("ec2:ResourceTag/Backup=nightly"),
        "{}",
        seen[1].1
    );
    assert!(!seen[1].1.contains("aws:RequestTag"), "{}", seen[1].1);
    assert!(
        seen[2].1.contains("ec2:CreateAction=CreateVolume"),
        "{}",
        seen[2].1
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_action_and_resource_and_nothing_is_done() {
    let night = Night::new();
    night.aws.set_authorizer(Arc::new(Asked {
        refused: "ec2:CreateVolume arn:aws:ec2:us-east-1::snapshot/snap-rehearsal0001",
        ..Asked::default()
    }));
    let error = create_tagged(&night).await.unwrap_err();
    assert_eq!(error.code(), Some("UnauthorizedOperation"));
    let message = error.message().unwrap();
    assert!(
        message.starts_with("You are not authorized to perform this operation. User: AKIDSTEP")
    );
    assert!(message.contains("ec2:CreateVolume on resource: arn:aws:ec2:us-east-1::snapshot/"));
    assert_eq!(night.aws.volumes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn attaching_and_detaching_are_authorised_on_both_sides() {
    let night = Night::new();
    let id = night.volume().await;
    let attach = || {
        let attach = night.ec2.attach_volume().volume_id(&id).device("/dev/sdg");
        attach.instance_id(&night.fixture.test_instance_id).send()
    };
    let unnamed = || night.ec2.detach_volume().volume_id(&id);
    let detach = || {
        unnamed()
            .instance_id(&night.fixture.test_instance_id)
            .send()
    };
    let refuse = |refused| {
        night.aws.set_authorizer(Arc::new(Asked {
            refused,
            ..Asked::default()
        }));
    };
    for side in ["instance/i-07e57000000000001", "volume/vol-rehearsal0001"] {
        refuse(side);
        assert_eq!(code(attach().await), "UnauthorizedOperation", "{side}");
    }
    refuse("nothing");
    attach().await.unwrap();
    night.wait(3).await;
    for side in ["instance/i-07e57000000000001", "volume/vol-rehearsal0001"] {
        refuse(side);
        assert_eq!(code(detach().await), "UnauthorizedOperation", "{side}");
        let delete = night.ec2.delete_volume().volume_id(&id).send().await;
        let refused = if side.starts_with("volume") {
            "UnauthorizedOperation"
        } else {
            "VolumeInUse"
        };
        assert_eq!(code(delete), refused);
    }
    // IAM asks about the instance only where the call names it.
    refuse("instance/i-07e57000000000001");
    unnamed().send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_authorised_with_its_own_tags_and_the_snapshots() {
    let night = Night::new();
    let snapshot = &night.fixture.snapshot_id;
    night.aws.tag_by_hand(snapshot, "Backup", "nightly");
    let iam = Arc::new(Asked {
        refused: "nothing",
        ..Asked::default()
    });
    night.aws.set_authorizer(iam.clone());
    let create = night.ec2.create_tags().resources(snapshot);
    let create = create
        .tags(tag("DBBackupValid", "True"))
        .tags(tag("DBBackupCheckRun", "run-1"));
    create.send().await.unwrap();
    let (asked, context) = iam.seen.lock().unwrap()[0].clone();
    assert_eq!(
        asked,
        format!("AKIDSTEP ec2:CreateTags arn:aws:ec2:us-east-1::snapshot/{snapshot}")
    );
    assert!(
        context.contains("aws:TagKeys=DBBackupCheckRun+DBBackupValid"),
        "{context}"
    );
    assert!(
        context.contains("aws:RequestTag/DBBackupValid=True"),
        "{context}"
    );
    assert!(
        context.contains("ec2:ResourceTag/Backup=nightly"),
        "{context}"
    );
    assert!(!context.contains("ec2:CreateAction"), "{context}");
}

#[tokio::test(start_paused = true)]
async fn an_encrypted_snapshot_needs_rights_on_its_key() {
    let night = Night::new();
    let key = "arn:aws:kms:us-east-1:000000000000:key/rehearsal";
    let began = night.aws.clock().now() - std::time::Duration::from_hours(1);
    night.aws.add_snapshot(Snapshot {
        kms_key_arn: Some(key.to_owned()),
        ..Snapshot::completed("snap-encrypted", "vol-rehearsal", began)
    });
    for (refused, state) in [
        ("nothing", VolumeState::Available),
        (
            "kms:CreateGrant arn:aws:kms:us-east-1:000000000000:key/rehearsal",
            VolumeState::Deleted,
        ),
    ] {
        night.aws.set_authorizer(Arc::new(Asked {
            refused,
            ..Asked::default()
        }));
        let create = night.ec2.create_volume().snapshot_id("snap-encrypted");
        let made = create.availability_zone("us-east-1a").send().await.unwrap();
        night.wait(4).await;
        let volume = night.aws.volume(made.volume_id().unwrap()).unwrap();
        assert_eq!(volume.state, state);
        assert!(volume.kms_key_arn.is_some());
    }
}
