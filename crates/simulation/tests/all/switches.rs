//! A stack with every parameter for company rules set, and one with none: the night succeeds, and
//! each parameter has its effect.

use std::collections::BTreeSet;

use aws_stand_in::Tags;
use serde_json::json;
use simulation::environment::Environment;

const LOG_GROUP: &str = "/ib-backup/staging/scripts";
const EVERY_SWITCH: [(&str, &str); 8] = [
    ("Environment", "staging"),
    (
        "LogKmsKeyArn",
        "arn:aws:kms:us-east-1:000000000000:key/logs",
    ),
    ("LogRetentionDays", "3653"),
    (
        "PermissionsBoundaryArn",
        "arn:aws:iam::000000000000:policy/developers",
    ),
    ("ScriptLogGroup", LOG_GROUP),
    ("SecurityGroupIds", "sg-0a1b2c3d"),
    ("SubnetIds", "subnet-0a1b2c3d,subnet-4e5f6a7b"),
    ("VolumeTags", "CostCenter=4711,Owner=databases"),
];

/// The tags of the night's test volume.
fn volume_tags(night: &Environment) -> Tags {
    let mut volumes = night.stack.aws.volumes().into_iter();
    let test = volumes.find(|volume| volume.tags.contains_key("IBBackupTest"));
    test.expect("a test volume").tags
}

/// The first step of each command, and the log group for its output.
fn outputs(night: &Environment) -> BTreeSet<(String, Option<String>)> {
    let commands = night.stack.aws.commands().into_iter();
    commands
        .map(|command| (command.steps[0].clone(), command.log_group))
        .collect()
}

fn all_to(log_group: Option<&str>) -> BTreeSet<(String, Option<String>)> {
    ["mount", "programs", "release", "test"]
        .map(|script| (script.to_owned(), log_group.map(str::to_owned)))
        .into()
}

#[tokio::test(start_paused = true)]
async fn a_night_of_a_stack_with_every_switch() {
    let night = Environment::parameters(&EVERY_SWITCH, |_| ());
    let ending = night.play().await;
    ending.assert_verdict(true);
    let tags = volume_tags(&night);
    for (key, value) in [
        ("CostCenter", "4711"),
        ("Owner", "databases"),
        ("IBBackupTest", "True"),
        ("IBBackupEnvironment", "staging"),
    ] {
        assert_eq!(tags.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(tags.len(), 7);
    assert_eq!(outputs(&night), all_to(Some(LOG_GROUP)));
    let kept = &night.stack.template.log_groups;
    assert_eq!(kept[LOG_GROUP].retention_in_days, Some(3653));
    assert!(kept.values().all(|group| group.kms_key_arn.is_some()));
    let mut functions = night.stack.template.functions.iter();
    assert!(functions.all(|of| of.vpc.is_some() && of.role.permissions_boundary.is_some()));
    let trail = |line: &&String| line.starts_with("staging-ib-backup-step-6-await-result: ");
    assert!(ending.log.iter().any(|line| trail(&line)));
}

#[tokio::test(start_paused = true)]
async fn a_doctor_run_of_a_stack_with_every_switch() {
    let night = Environment::parameters(&EVERY_SWITCH, |_| ());
    let ending = night.start(json!({"doctor": true})).await;
    assert_eq!(ending.errors(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_night_of_a_stack_with_none() {
    let night = Environment::new();
    night.play().await.assert_verdict(true);
    assert_eq!(volume_tags(&night).len(), 5);
    assert_eq!(outputs(&night), all_to(None));
    let template = &night.stack.template;
    assert!(!template.log_groups.contains_key(LOG_GROUP));
    assert!(
        template
            .log_groups
            .values()
            .all(|of| of.kms_key_arn.is_none())
    );
    let mut functions = template.functions.iter();
    assert!(functions.all(|of| of.vpc.is_none() && of.role.permissions_boundary.is_none()));
}

/// Step 2 refuses what the parameter's pattern cannot exclude, before it creates anything.
#[tokio::test(start_paused = true)]
async fn a_tag_of_the_checks_own_is_refused_at_start() {
    let set = [("VolumeTags", "CostCenter=4711,IBBackupEnvironment=prod")];
    let night = Environment::parameters(&set, |_| ());
    let ending = night.play().await;
    let errors = ending.errors();
    let named =
        "cannot start: VOLUME_TAGS: `IBBackupEnvironment=prod` has a key of the check's own";
    assert!(errors[0].contains(named), "{errors:#?}");
    assert_eq!(
        (ending.made, ending.left.len()),
        (0, 0),
        "{:?}",
        ending.left
    );
}
