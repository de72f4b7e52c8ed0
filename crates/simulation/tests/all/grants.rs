//! The roles have the grants that are needed and no others: without any one grant, some night fails
//! with an access error that names it.

use std::time::Duration;

use aws_stand_in::Snapshot;
use aws_stand_in::simulated_host::Backup;
use aws_stand_in::template::Template;
use serde_json::json;
use simulation::environment::{Ending, Environment};

/// A key that encrypts snapshots.
const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/rehearsal";

/// Nights that together need every grant.
const NIGHTS: [Kind; 10] = [
    Kind::Ordinary,
    Kind::Doctor,
    Kind::AnotherDatabase,
    Kind::BusySystemsManager,
    Kind::PendingSnapshot,
    Kind::Leftover,
    Kind::Fails("ec2", "DescribeInstances"),
    Kind::Fails("ec2", "CreateVolume"),
    Kind::Fails("ec2", "AttachVolume"),
    Kind::Fails("ssm", "SendCommand"),
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Ordinary,
    /// A doctor run, which calls more actions than an ordinary run.
    Doctor,
    /// The start event names a database and a test instance that the settings do not.
    AnotherDatabase,
    /// Step 5 has to poll again.
    BusySystemsManager,
    /// Step 1 has to poll again.
    PendingSnapshot,
    /// Step 1 has a dead run's volume released.
    Leftover,
    /// The call is always refused, so Lambda passes the function's failure to step 6.
    Fails(&'static str, &'static str),
}

async fn play(kind: Kind, change: impl FnOnce(&mut Template)) -> Ending {
    let night = Environment::parameters(&[("KmsKeyArn", KEY)], change);
    let (aws, fixture) = (&night.stack.aws, &night.stack.fixture);
    let now = aws.clock().now();
    let encrypted = Snapshot {
        kms_key_arn: Some(KEY.to_owned()),
        ..Snapshot::completed(
            &fixture.snapshot_id,
            &fixture.production_volume_id,
            now - HOUR,
        )
    };
    aws.add_snapshot(encrypted.clone());
    match kind {
        Kind::Ordinary => {}
        Kind::Doctor => return night.start(json!({"doctor": true})).await,
        Kind::AnotherDatabase => {
            let another = night.add_another(1);
            return night.start(another.start_event()).await;
        }
        Kind::BusySystemsManager => {
            let mut attempts = 0;
            aws.set_faults(Box::new(move |call| {
                let starts = call.caller.contains("step-5") && call.action == "SendCommand";
                attempts += u32::from(starts);
                // All attempts of the first poll.
                (starts && attempts <= 3).then(|| aws_stand_in::Fault::Refuse {
                    status: 400,
                    code: "ThrottlingException".to_owned(),
                    message: "Rate exceeded".to_owned(),
                })
            }));
        }
        Kind::PendingSnapshot => aws.add_snapshot(Snapshot {
            completes_at: now + HOUR,
            ..encrypted
        }),
        Kind::Leftover => {
            night.leave_a_volume(None);
            // Longer than any run lives.
            aws.clock().sleep(8 * HOUR).await;
        }
        Kind::Fails(service, action) => {
            let (service, action) = (service.to_owned(), action.to_owned());
            aws.set_faults(Box::new(move |call| {
                let refused = call.service == service
                    && call.action == action
                    && !call.caller.contains("step-6");
                refused.then(|| aws_stand_in::Fault::Refuse {
                    status: 400,
                    code: "InvalidRequest".to_owned(),
                    message: "as this night wants it".to_owned(),
                })
            }));
        }
    }
    night.backup(Backup::Good).play().await
}

const HOUR: Duration = Duration::from_hours(1);

/// Whether an error or event says that this action was refused.
fn names(ending: &Ending, action: &str) -> bool {
    let refusal = format!("not authorized to perform: {action}");
    let mut told = ending.errors();
    told.extend(ending.left.iter().cloned());
    told.extend(ending.events.iter().map(|event| event.text.clone()));
    told.extend(ending.log.iter().cloned());
    told.iter().any(|text| text.contains(&refusal))
}

#[tokio::test(start_paused = true)]
async fn the_nights_themselves_are_refused_nothing() {
    for kind in NIGHTS {
        let ending = play(kind, |_| ()).await;
        assert!(!names(&ending, ""), "{kind:?}: {:#?}", ending.errors());
        assert_eq!(ending.left, Vec::<String>::new(), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_grant_is_needed() {
    let functions = Environment::parameters(&[("KmsKeyArn", KEY)], |_| ())
        .stack
        .template
        .functions;
    let mut unneeded = Vec::new();
    for (index, function) in functions.iter().enumerate() {
        for (number, (action, resource)) in function.role.grants().iter().enumerate() {
            if !is_missed(index, number, action, &function.name).await {
                unneeded.push(format!("{}: {action} on {resource}", function.name));
            }
        }
    }
    assert_eq!(unneeded, Vec::<String>::new());
}

async fn is_missed(index: usize, number: usize, action: &str, function: &str) -> bool {
    for kind in NIGHTS {
        let ending = play(kind, |template| {
            let role = &mut template.functions[index].role;
            *role = role.without(number);
        })
        .await;
        // Without its logs a function still works; only its part of the trail is missing.
        let missed = if action.starts_with("logs:") {
            !ending.log.iter().any(|line| line.starts_with(function))
        } else {
            names(&ending, action) || key_is_missed(&ending, action)
        };
        if missed {
            return true;
        }
    }
    false
}

/// EBS reports no error if it may not use a key: the volume vanishes, and the function names the
/// possible cause.
fn key_is_missed(ending: &Ending, action: &str) -> bool {
    let told = |error: &String| error.contains("which could not be used, so that EC2 took");
    action.starts_with("kms:") && ending.errors().iter().any(told)
}
