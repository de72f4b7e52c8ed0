//! What a night needs, how the tests remove it, and how the doctor names it.

use std::time::Duration;

use aws_stand_in::template;
use aws_stand_in::{Aws, Fixture, Instance, Snapshot, Tags};

/// What the test removes.
pub enum Away {
    /// This action from this step's role.
    Grant(usize, &'static str),
    /// Something in the template.
    Template(fn(&mut template::Template)),
    /// Something in the account.
    Account(fn(&Aws, &Fixture)),
    /// Something on the host.
    Host(&'static str),
}
use Away::{Account, Grant, Host, Template};

/// What the test removes, the need that the doctor then names, and words of its line.
pub type Row = (Away, &'static str, &'static str);

const HOUR: Duration = Duration::from_hours(1);
const LOOK: &str = "reading EC2 and SSM";

/// Grants with their step; the doctor's line names the action.
const GRANTS: &[(usize, &str, &str)] = &[
    (1, "ec2:DescribeInstances", LOOK),
    (1, "ec2:DescribeSnapshots", LOOK),
    (1, "ec2:DescribeVolumes", LOOK),
    (1, "ssm:ListCommands", LOOK),
    (2, "ec2:DescribeInstances", LOOK),
    (2, "ec2:DescribeSnapshots", LOOK),
    (2, "ec2:DescribeVolumes", LOOK),
    (2, "ssm:ListCommands", LOOK),
    (3, "ec2:DescribeVolumes", LOOK),
    (6, "ec2:DescribeInstances", LOOK),
    (6, "ec2:DescribeSnapshots", LOOK),
    (6, "ec2:DescribeVolumes", LOOK),
    (4, "ssm:DescribeInstanceInformation", LOOK),
    (2, "ec2:CreateVolume", "ec2:CreateVolume"),
    (2, "ec2:CreateTags", "ec2:CreateVolume"),
    (3, "ec2:AttachVolume", "ec2:AttachVolume"),
    (6, "ec2:CreateTags", "ec2:CreateTags"),
    (6, "ec2:DetachVolume", "ec2:DetachVolume"),
    (6, "ec2:DeleteVolume", "ec2:DeleteVolume"),
    (1, "ssm:GetParameter", "Datadog API key"),
    (6, "ssm:GetParameter", "Datadog API key"),
    (4, "ssm:SendCommand", "mount document"),
    (4, "ssm:ListCommands", "mount document"),
    (4, "ssm:GetCommandInvocation", "mount document"),
    (6, "ssm:SendCommand", "release document"),
    (6, "ssm:ListCommands", "release document"),
    (6, "ssm:GetCommandInvocation", "release document"),
    (
        6,
        "lambda:GetFunctionRecursionConfig",
        "recursive loop detection",
    ),
];

/// What the scripts check on the host, and its name in the table.
const HOST: &[(&str, &str)] = &[
    ("host_commands", "commands of the host"),
    ("mount_point", "mount point"),
    ("state_directory", "state directory"),
    ("disk_space", "disk space"),
    ("database_server", "database server"),
    ("database_client", "database client"),
    ("server_user", "server user"),
    ("perl", "perl"),
    ("memory", "memory"),
];

pub fn all() -> Vec<Row> {
    let grants = GRANTS.iter();
    let mut all: Vec<Row> = grants
        .map(|&(step, action, need)| (Grant(step, action), need, action))
        .collect();
    all.extend(of_instances());
    all.extend(of_services());
    all.extend(
        HOST.iter()
            .map(|&(need, title)| (Host(need), title, "it is not there")),
    );
    all
}

/// Needs about the production and test instances, and the backup.
fn of_instances() -> Vec<Row> {
    vec![
        (
            Account(|aws, of| aws.stop_instance(&of.test_instance_id)),
            "test instance",
            "is stopped",
        ),
        (
            Account(|aws, of| {
                let twin = Instance::running(
                    "i-07e57000000000099",
                    &of.test_instance,
                    "us-east-1a",
                    aws.clock().now(),
                );
                aws.add_instance(twin);
            }),
            "test instance",
            "2 instances are named",
        ),
        (
            Account(|aws, of| aws.tag_by_hand(&of.production_instance_id, "Name", "another")),
            "production volume",
            "no instance is named",
        ),
        (
            Account(|aws, of| aws.detach_by_hand(&of.production_volume_id)),
            "production volume",
            "has no volume at /dev/sdg",
        ),
        (
            Account(|aws, of| aws.delete_snapshot(&of.snapshot_id)),
            "snapshot",
            "is the backup job running",
        ),
        (
            Account(|aws, of| {
                let begun = aws.clock().now() - 40 * HOUR;
                let (id, volume) = (&of.snapshot_id, &of.production_volume_id);
                aws.add_snapshot(Snapshot::completed(id, volume, begun));
            }),
            "snapshot",
            "hours old",
        ),
    ]
}

/// Needs about the device, the agent, Datadog and Lambda.
fn of_services() -> Vec<Row> {
    vec![
        (
            Account(|aws, of| {
                let at = Some((of.test_instance_id.as_str(), "/dev/sdg"));
                aws.add_volume("vol-rehearsalother", "us-east-1a", Tags::new(), at);
            }),
            "device name",
            "vol-rehearsalother",
        ),
        (
            Account(|aws, of| {
                let tags = [
                    ("IBBackupTest", "True"),
                    ("IBBackupEnvironment", "prod"),
                    ("IBBackupRun", "a-run-of-prod"),
                    ("IBBackupTestInstance", of.test_instance.as_str()),
                ];
                let tags: Tags = tags
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into();
                let at = Some((of.test_instance_id.as_str(), "/dev/sdh"));
                aws.add_volume("vol-rehearsalofprod", "us-east-1a", tags, at);
            }),
            "test instance is free",
            "vol-rehearsalofprod",
        ),
        (
            Account(|aws, of| aws.set_agent(&of.test_instance_id, false)),
            "SSM agent",
            "ConnectionLost",
        ),
        (
            Account(|aws, _| aws.set_datadog_api_key("another")),
            "Datadog API key",
            "Datadog answered 403",
        ),
        (
            Template(|template| template.functions[2].recursive_loop_allowed = false),
            "recursive loop detection",
            "step-3-attach has RecursiveLoop Terminate",
        ),
    ]
}
