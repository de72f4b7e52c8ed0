//! Parameters: each reaches all that it is for, and empty changes nothing.

use super::*;

const BOUNDARY: &str = "arn:aws:iam::000000000000:policy/developers";
const LOG_KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/logs";
const SUBNETS: &str = "subnet-0a1b2c3d,subnet-0a1b2c3d4e5f6a7b8";
const GROUPS: &str = "sg-0a1b2c3d";

#[test]
fn a_boundary_holds_every_role() {
    let bounds = |stack: &Template| -> Vec<Option<String>> {
        let functions = stack.functions.iter();
        functions
            .map(|of| of.role.permissions_boundary.clone())
            .collect()
    };
    assert_eq!(bounds(&stack(&[])), vec![None; 6]);
    let bounded = stack(&[("PermissionsBoundaryArn", BOUNDARY)]);
    assert_eq!(bounds(&bounded), vec![Some(BOUNDARY.to_owned()); 6]);
}

#[test]
fn a_key_encrypts_every_log_group() {
    let keys = |stack: &Template| -> Vec<Option<String>> {
        let groups = stack.log_groups.values();
        groups.map(|group| group.kms_key_arn.clone()).collect()
    };
    let plain = stack(&[]);
    assert_eq!(keys(&plain), vec![None; plain.log_groups.len()]);
    let encrypted = keys(&stack(&[("LogKmsKeyArn", LOG_KEY)]));
    assert_eq!(encrypted.len(), plain.log_groups.len());
    assert!(encrypted.iter().all(|key| key.as_deref() == Some(LOG_KEY)));
}

#[test]
fn logs_are_kept_up_to_ten_years() {
    let kept = stack(&[("LogRetentionDays", "3653")]);
    let log_group = &kept.functions[0].log_group;
    assert_eq!(kept.log_groups[log_group].retention_in_days, Some(3653));
    // CloudWatch takes no number of its own.
    assert!(error(TEMPLATE, &[("LogRetentionDays", "3650")]).contains("LogRetentionDays"));
}

#[test]
fn any_short_name_is_an_environment() {
    let staging = stack(&[("Environment", "staging-eu-2")]);
    assert_eq!(
        staging.functions[5].name,
        "staging-eu-2-ib-backup-step-6-await-result"
    );
    // The prefix by which people find the logs.
    let mut functions = staging.functions.iter();
    assert!(functions.all(|of| of.log_group.starts_with("/aws/lambda/staging-eu-2-ib")));
    // Lambda takes 64 characters.
    let longest = "environment-of-1";
    for function in stack(&[("Environment", longest)]).functions {
        assert!(function.name.len() <= 64, "{}", function.name);
    }
    assert!(error(TEMPLATE, &[("Environment", "environment-of-17")]).contains("Environment"));
}

/// Whether each function may make network interfaces.
fn makes_interfaces(stack: &Template, context: &[(&str, &str)]) -> Vec<bool> {
    let arn = "arn:aws:ec2:us-east-1:000000000000:network-interface/*";
    let mut request = Request::new("ec2:CreateNetworkInterface", arn);
    for (key, value) in context {
        request = request.with(*key, *value);
    }
    let functions = stack.functions.iter();
    functions
        .map(|of| of.role.allows(&request) == Decision::Allowed)
        .collect()
}

#[test]
fn subnets_and_security_groups_reach_every_function() {
    let plain = stack(&[]);
    assert!(plain.functions.iter().all(|of| of.vpc.is_none()));
    assert_eq!(makes_interfaces(&plain, &[]), [false; 6]);

    let inside = stack(&[("SubnetIds", SUBNETS), ("SecurityGroupIds", GROUPS)]);
    let vpc = VpcConfig {
        subnet_ids: SUBNETS.split(',').map(str::to_owned).collect(),
        security_group_ids: vec![GROUPS.to_owned()],
    };
    assert!(
        inside
            .functions
            .iter()
            .all(|of| of.vpc.as_ref() == Some(&vpc))
    );
    assert_eq!(makes_interfaces(&inside, &[]), [true; 6]);
    // Lambda names the function in the calls of its code, and only there.
    for function in &inside.functions {
        let of_its_code = [("lambda:SourceFunctionArn", function.arn.as_str())];
        assert_eq!(makes_interfaces(&inside, &of_its_code), [false; 6]);
    }
}

#[test]
fn subnets_alone_are_refused_by_lambda() {
    for alone in [("SubnetIds", SUBNETS), ("SecurityGroupIds", GROUPS)] {
        let refused = error(TEMPLATE, &[alone]);
        assert!(refused.contains("must coexist"), "{refused}");
    }
    for unfit in [
        "subnet-1",
        "subnet-0a1b2c3d, subnet-0a1b2c3d",
        "vpc-0a1b2c3d",
    ] {
        let refused = error(TEMPLATE, &[("SubnetIds", unfit)]);
        assert!(refused.contains("parameter SubnetIds"), "{refused}");
    }
}

#[test]
fn lambda_asks_for_what_it_needs_in_subnets() {
    let without = TEMPLATE.replacen("ec2:DescribeSubnets", "ec2:DescribeVpcs", 1);
    let refused = error(
        &without,
        &[("SubnetIds", SUBNETS), ("SecurityGroupIds", GROUPS)],
    );
    let wanted = "does not have permissions to call DescribeSubnets on EC2";
    assert!(refused.contains(wanted), "{refused}");
}

#[test]
fn the_schedule_follows_its_parameters() {
    let nightly = Schedule {
        expression: "cron(0 2 * * ? *)".to_owned(),
        enabled: true,
        function: STEPS[0].0.to_owned(),
    };
    let kept = |template: &Template, expression: &str| {
        let rules = template.rules.iter();
        rules
            .filter_map(|rule| rule.keep_scheduled(expression, ""))
            .count()
    };
    let template = stack(&[]);
    assert_eq!(kept(&template, &nightly.expression), 1);
    assert_eq!(template.schedule, Some(nightly));
    let hourly = [
        ("Schedule", "rate(1 hour)"),
        ("ScheduleState", "DISABLED"),
        ("Environment", "sand"),
    ];
    let template = stack(&hourly);
    assert_eq!(kept(&template, "rate(1 hour)"), 0);
    let schedule = template.schedule.unwrap();
    assert_eq!(schedule.expression, "rate(1 hour)");
    assert_eq!(schedule.function, "sand-ib-backup-step-1-snapshot");
    assert!(!schedule.enabled);
}
