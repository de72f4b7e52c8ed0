//! What the project's own template must say.

use std::time::Duration;

use super::*;
use crate::iam::{Decision, Request};

fn parameters(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    given.iter().map(pair).collect()
}

fn stack(given: &[(&str, &str)]) -> Template {
    Template::read(TEMPLATE, &parameters(given)).unwrap()
}

/// The whole chain of causes.
fn error(text: &str, given: &[(&str, &str)]) -> String {
    let wrong = Template::read(text, &parameters(given)).unwrap_err();
    format!("{wrong:#}")
}

mod documents;
mod small;
mod switches;

/// Name, program and next function of each step, as contract and README have them.
const STEPS: [(&str, &str, Option<&str>); 6] = [
    (
        "dev-ib-backup-step-1-snapshot",
        "step1-snapshot",
        Some("dev-ib-backup-step-2-volume"),
    ),
    (
        "dev-ib-backup-step-2-volume",
        "step2-volume",
        Some("dev-ib-backup-step-3-attach"),
    ),
    (
        "dev-ib-backup-step-3-attach",
        "step3-attach",
        Some("dev-ib-backup-step-4-mount"),
    ),
    (
        "dev-ib-backup-step-4-mount",
        "step4-mount",
        Some("dev-ib-backup-step-5-run-test"),
    ),
    (
        "dev-ib-backup-step-5-run-test",
        "step5-run-test",
        Some("dev-ib-backup-step-6-await-result"),
    ),
    (
        "dev-ib-backup-step-6-await-result",
        "step6-await-result",
        None,
    ),
];

#[test]
fn six_functions_in_a_chain() {
    let stack = stack(&[]);
    assert_eq!(stack.functions.len(), STEPS.len());
    let last = stack.function(STEPS[5].0).unwrap().arn.clone();
    for (function, (name, binary, next)) in stack.functions.iter().zip(STEPS) {
        assert_eq!(function.name, name);
        assert_eq!(function.binary, binary);
        assert_eq!(function.code_uri, format!("crates/{binary}"));
        let named = function.environment.get("NEXT_LAMBDA_NAME");
        assert_eq!(named.map(String::as_str), next);
        let release = function.environment.get("RELEASE_LAMBDA_NAME");
        assert_eq!(release.is_some(), name == STEPS[0].0);
        assert!(release.is_none_or(|release| release == STEPS[5].0));
        let bus = "arn:aws:events:us-east-1:000000000000:event-bus/default".to_owned();
        let destination = if next.is_some() { &last } else { &bus };
        assert_eq!(function.on_failure.as_ref(), Some(destination));
        assert_eq!(function.on_success, next.is_none().then_some(bus));
        assert_eq!(function.log_group, format!("/aws/lambda/{name}"));
        let kept = LogGroup {
            retention_in_days: Some(90),
            kms_key_arn: None,
        };
        assert_eq!(stack.log_groups[&function.log_group], kept);
        assert!(function.recursive_loop_allowed);
        assert_eq!(function.maximum_retry_attempts, 2);
        assert_eq!(function.maximum_event_age, Duration::from_hours(1));
        // The longest wait, and ten calls of three attempts of 10 s each.
        assert!(function.timeout >= Duration::from_mins(2 + 10 / 2));
    }
}

#[test]
fn the_contracts_defaults() {
    let stack = stack(&[]);
    let value = |step: usize, key| stack.functions[step - 1].environment[key].as_str();
    assert_eq!(
        value(1, "PRODUCTION_INSTANCE_NAME"),
        "ib-backup.us-east-1.code418.net"
    );
    assert_eq!(value(1, "SNAPSHOT_MAX_AGE_HOURS"), "26");
    assert_eq!(value(3, "TEST_DEVICE"), "/dev/sdg");
    assert_eq!(value(6, "TEST_INSTANCE_NAME"), "ib02.dev.code418.net");
    assert_eq!(value(6, "POLL_SECONDS"), "15");
    assert_eq!(value(6, "TEST_POLL_SECONDS"), "60");
}

#[test]
fn waits_stay_within_the_time_out_and_names_stay_plain() {
    for given in [
        ("PollSeconds", "61"),
        ("TestPollSeconds", "121"),
        ("TestInstanceName", "a'b"),
        ("TestInstanceName", "a\nb"),
        ("ProductionDevice", "/dev/sdg; reboot"),
        ("MountPoint", "/mnt/$(reboot)"),
        ("MountDocument", "arn:aws:ssm:us-east-1:1:document/x"),
        ("DatadogApiKeySsmName", "no-slash"),
        ("Environment", "Dev"),
        ("Environment", "a"),
        ("Environment", "dev-"),
        ("Environment", "eighteen-letters-x"),
    ] {
        assert!(error(TEMPLATE, &[given]).contains(given.0), "{given:?}");
    }
}

#[test]
fn alarms_and_queries_refer_to_what_is_there() {
    let topic = "arn:aws:sns:us-east-1:000000000000:databases";
    // Alarms and queries are read with all that they refer to, or this fails.
    stack(&[("AlarmTopicArn", topic)]);
    assert!(error(TEMPLATE, &[("AlarmTopicArn", "databases")]).contains("AlarmTopicArn"));
}

#[test]
fn without_datadog_no_role_reads_a_parameter() {
    for function in stack(&[("DatadogApiKeySsmName", "")]).functions {
        let actions = function.role.actions();
        let reads = actions
            .iter()
            .any(|(action, _)| action == "ssm:GetParameter");
        assert!(!reads, "{}", function.name);
    }
}

/// What each role allows, in the template's order: `*` stands for the statement's own resources.
#[test]
fn roles_grant_this_and_nothing_else() {
    let granted = [
        "logs:CreateLogStream logs:PutLogEvents ec2:DescribeInstances ec2:DescribeSnapshots \
         ec2:DescribeVolumes ssm:ListCommands ssm:GetParameter lambda:InvokeFunction",
        "logs:CreateLogStream logs:PutLogEvents ec2:DescribeInstances ec2:DescribeSnapshots \
         ec2:DescribeVolumes ssm:ListCommands ec2:CreateVolume ec2:CreateVolume ec2:CreateTags \
         lambda:InvokeFunction",
        "logs:CreateLogStream logs:PutLogEvents ec2:DescribeVolumes ec2:AttachVolume \
         ec2:AttachVolume ec2:AttachVolume lambda:InvokeFunction",
        "logs:CreateLogStream logs:PutLogEvents ssm:DescribeInstanceInformation \
         ssm:GetCommandInvocation ssm:ListCommands ssm:SendCommand ssm:SendCommand ssm:SendCommand \
         lambda:InvokeFunction",
        "logs:CreateLogStream logs:PutLogEvents ssm:ListCommands ssm:GetCommandInvocation \
         ssm:SendCommand ssm:SendCommand ssm:SendCommand ssm:SendCommand lambda:InvokeFunction",
        "logs:CreateLogStream logs:PutLogEvents ec2:DescribeInstances ec2:DescribeSnapshots \
         ec2:DescribeVolumes ssm:GetCommandInvocation ssm:ListCommands ec2:CreateTags \
         ec2:DetachVolume ec2:DeleteVolume ssm:SendCommand \
         ssm:SendCommand ssm:SendCommand ssm:GetParameter lambda:GetFunctionRecursionConfig \
         lambda:InvokeFunction events:PutEvents",
    ];
    for (function, wanted) in stack(&[]).functions.iter().zip(granted) {
        let actions = function.role.actions();
        let names: Vec<_> = actions.iter().map(|(action, _)| action.as_str()).collect();
        let wanted: Vec<_> = wanted.split_whitespace().collect();
        assert_eq!(names, wanted, "{}", function.name);
        // What reads may be read of everything; what changes things names them.
        for (action, resources) in &actions {
            let verb = action.split_once(':').unwrap().1;
            let reads = ["Describe", "List", "GetCommand"]
                .iter()
                .any(|v| verb.starts_with(v));
            assert_eq!(resources == &["*"], reads, "{}: {action}", function.name);
        }
    }
}

#[test]
fn each_function_invokes_itself_the_next_and_the_last() {
    let stack = stack(&[]);
    for (from, function) in (1..).zip(&stack.functions) {
        let invoked: Vec<_> = (1..)
            .zip(&stack.functions)
            .filter(|(_, to)| {
                let request = Request::new("lambda:InvokeFunction", to.arn.as_str());
                function.role.allows(&request) == Decision::Allowed
            })
            .map(|(to, _)| to)
            .collect();
        let wanted: &[i32] = match from {
            1 => &[1, 2, 6],
            2 => &[2, 3, 6],
            3 => &[3, 4, 6],
            4 => &[4, 5, 6],
            5 => &[5, 6],
            _ => &[6],
        };
        assert_eq!(invoked, wanted, "step {from}");
    }
}

const VOLUME: &str = "arn:aws:ec2:us-east-1:000000000000:volume/vol-x";
const INSTANCE: &str = "arn:aws:ec2:us-east-1:000000000000:instance/i-x";
const SNAPSHOT: &str = "arn:aws:ec2:us-east-1::snapshot/snap-x";

#[test]
fn conditions_keep_production_out() {
    let stack = stack(&[]);
    let allowed = |step: usize, request: Request| {
        stack.functions[step - 1].role.allows(&request) == Decision::Allowed
    };
    let volume = |action| Request::new(action, VOLUME);
    let instance = |action| Request::new(action, INSTANCE);
    for (step, action) in [
        (3, "ec2:AttachVolume"),
        (6, "ec2:DetachVolume"),
        (6, "ec2:DeleteVolume"),
    ] {
        let tagged = |value, environment| {
            let tagged = volume(action).with("ec2:ResourceTag/IBBackupTest", value);
            tagged.with("ec2:ResourceTag/IBBackupEnvironment", environment)
        };
        assert!(allowed(step, tagged("True", "dev")), "{action}");
        assert!(!allowed(step, tagged("False", "dev")), "{action}");
        assert!(!allowed(step, tagged("True", "prod")), "{action}");
        assert!(!allowed(step, volume(action)), "{action}");
    }
    for (step, action, key) in [
        (3, "ec2:AttachVolume", "ec2:ResourceTag/Name"),
        (4, "ssm:SendCommand", "ssm:resourceTag/Name"),
        (5, "ssm:SendCommand", "ssm:resourceTag/Name"),
        (6, "ssm:SendCommand", "ssm:resourceTag/Name"),
    ] {
        assert!(allowed(
            step,
            instance(action).with(key, "ib02.dev.code418.net")
        ));
        let production = instance(action).with(key, "ib-backup.us-east-1.code418.net");
        assert!(!allowed(step, production), "step {step}: {action}");
        let other = |value| {
            let key = key.replace("Name", "IBBackupTestHost");
            instance(action).with(key, value)
        };
        assert!(allowed(step, other("True")), "step {step}: {action}");
        assert!(!allowed(step, other("False")), "step {step}: {action}");
    }
}

#[test]
fn conditions_hold_what_is_made_and_tagged_to_this_stack() {
    let stack = stack(&[]);
    let allowed = |step: usize, request: Request| {
        stack.functions[step - 1].role.allows(&request) == Decision::Allowed
    };
    let volume = |action| Request::new(action, VOLUME);
    let create = volume("ec2:CreateVolume");
    assert!(!allowed(2, create.clone()));
    let create = create.with("aws:RequestTag/IBBackupTest", "True");
    assert!(!allowed(2, create.clone()));
    let of = |environment| {
        create
            .clone()
            .with("aws:RequestTag/IBBackupEnvironment", environment)
    };
    assert!(allowed(2, of("dev")));
    assert!(!allowed(2, of("prod")));
    let from = |owner| Request::new("ec2:CreateVolume", SNAPSHOT).with("ec2:Owner", owner);
    assert!(allowed(2, from("000000000000")));
    assert!(!allowed(2, from("999999999999")));
    let tag = volume("ec2:CreateTags");
    assert!(!allowed(2, tag.clone()));
    assert!(allowed(2, tag.with("ec2:CreateAction", "CreateVolume")));

    // ForAllValues alone is true of no tags at all.
    assert!(!allowed(6, Request::new("ec2:CreateTags", SNAPSHOT)));
    let verdict = Request::new("ec2:CreateTags", SNAPSHOT).with("aws:TagKeys", "DBBackupValid");
    assert!(allowed(6, verdict.clone()));
    assert!(!allowed(6, verdict.with("aws:TagKeys", "Name")));
    assert!(!allowed(
        6,
        volume("ec2:CreateTags").with("aws:TagKeys", "DBBackupValid")
    ));
}

#[test]
fn each_step_reaches_its_own_document_log_and_key_only() {
    let stack = stack(&[]);
    for (step, function) in (1..).zip(&stack.functions) {
        for document in &stack.documents {
            let send = Request::new("ssm:SendCommand", document.arn.as_str());
            let own = matches!(
                (step, document.logical_id.as_str()),
                (4, "MountCommand")
                    | (5, "ProgramsCommand" | "TestCommand")
                    | (6, "ReleaseCommand")
            );
            let allowed = function.role.allows(&send) == Decision::Allowed;
            assert_eq!(allowed, own, "step {step}: {}", document.logical_id);
        }
        for group in stack.log_groups.keys() {
            let stream =
                format!("arn:aws:logs:us-east-1:000000000000:log-group:{group}:log-stream:s");
            let put = Request::new("logs:PutLogEvents", stream);
            let allowed = function.role.allows(&put) == Decision::Allowed;
            assert_eq!(
                allowed,
                *group == function.log_group,
                "step {step}: {group}"
            );
        }
        let parameter = "arn:aws:ssm:us-east-1:000000000000:parameter/datadog/api-key";
        let key = function
            .role
            .allows(&Request::new("ssm:GetParameter", parameter));
        assert_eq!(
            key == Decision::Allowed,
            step == 1 || step == 6,
            "step {step}"
        );
        let other = Request::new("ssm:GetParameter", format!("{parameter}-2"));
        assert_eq!(function.role.allows(&other), Decision::NotAllowed);
    }
}

#[test]
fn a_document_of_ones_own_takes_its_place() {
    let stack = stack(&[("TestDocument", "Ours")]);
    let step = &stack.functions[4];
    assert_eq!(step.environment["TEST_DOCUMENT"], "Ours");
    let send = |name: &str| {
        let arn = format!("arn:aws:ssm:us-east-1:000000000000:document/{name}");
        step.role.allows(&Request::new("ssm:SendCommand", arn))
    };
    assert_eq!(send("Ours"), Decision::Allowed);
    let unused = stack
        .documents
        .iter()
        .find(|d| d.logical_id == "TestCommand");
    assert_eq!(send(&unused.unwrap().name), Decision::NotAllowed);
    assert_eq!(stack.outputs["TestDocumentName"], "Ours");
}

#[test]
fn rights_on_a_key_come_with_the_key() {
    let uses_keys = |stack: &Template| -> Vec<bool> {
        let uses = |function: &Function| {
            let actions = function.role.actions();
            actions.iter().any(|(action, _)| action.starts_with("kms:"))
        };
        stack.functions.iter().map(uses).collect()
    };
    assert_eq!(uses_keys(&stack(&[])), [false; 6]);
    let arn = "arn:aws:kms:us-east-1:000000000000:key/k";
    let stack = stack(&[("KmsKeyArn", arn)]);
    assert_eq!(uses_keys(&stack), [false, true, true, false, false, false]);
    let role = &stack.functions[1].role;
    let grant = Request::new("kms:CreateGrant", arn);
    assert_eq!(role.allows(&grant), Decision::NotAllowed);
    let for_aws = grant.with("kms:GrantIsForAWSResource", "true");
    assert_eq!(role.allows(&for_aws), Decision::Allowed);
    assert_eq!(
        role.allows(&Request::new("kms:Decrypt", arn)),
        Decision::Allowed
    );
    let other = Request::new("kms:Decrypt", format!("{arn}2"));
    assert_eq!(role.allows(&other), Decision::NotAllowed);
}

#[test]
fn outputs_name_what_people_look_for() {
    let outputs = stack(&[("Environment", "prod")]).outputs;
    assert_eq!(outputs["Step1"], "prod-ib-backup-step-1-snapshot");
    assert!(outputs["LogGroups"].ends_with("/aws/lambda/prod-ib-backup-step-6-await-result"));
}
