//! What a run needs, and what to do if it is missing.

use serde::{Deserialize, Serialize};

/// A need. RUNBOOK.md has a row for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The function starts, and invokes the next.
    Function,
    /// It may invoke itself, the next, and step 6.
    Invoke,
    /// It may read from EC2 and Systems Manager.
    Look,
    /// There is one volume that is backed up.
    ProductionVolume,
    /// One instance of the name runs, and is meant for tests.
    TestInstance,
    /// There is a backup to test.
    Snapshot,
    /// No other stack's volume holds the test instance.
    TestInstanceFree,
    /// The device name is free.
    DeviceName,
    /// Datadog takes the API key.
    DatadogKey,
    /// A test volume may be made of the snapshot.
    CreateVolume,
    /// The key of the snapshot can be used.
    KmsKey,
    /// The test volume may be attached.
    AttachVolume,
    /// The SSM agent is online.
    SsmAgent,
    /// The mount document may be sent, and runs.
    MountDocument,
    /// The programs document may be sent, and runs.
    ProgramsDocument,
    /// The test document may be sent, and runs.
    TestDocument,
    /// The release document may be sent, and runs.
    ReleaseDocument,
    /// The host has the commands that the scripts call.
    HostCommands,
    /// The mount point is an empty folder, or can be made.
    MountPoint,
    /// The state directory can be written.
    StateDirectory,
    /// The database server's program is there.
    DatabaseServer,
    /// The database client's program is there.
    DatabaseClient,
    /// The user exists that the server runs as.
    ServerUser,
    /// Perl is new enough, with `Digest::SHA`.
    Perl,
    /// The host has memory for the server.
    Memory,
    /// The host has space for the server's scratch files.
    DiskSpace,
    /// The verdict may be written on the snapshot.
    CreateTags,
    /// The test volume may be detached.
    DetachVolume,
    /// The test volume may be deleted.
    DeleteVolume,
    /// The alarms' topic is there, and somebody hears of it.
    AlarmTopic,
    /// Lambda lets functions invoke themselves.
    RecursiveLoop,
}

impl Need {
    /// What it is called in the table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Invoke => "lambda:InvokeFunction",
            Self::Look => "reading EC2 and SSM",
            Self::ProductionVolume => "production volume",
            Self::TestInstance => "test instance",
            Self::Snapshot => "snapshot",
            Self::TestInstanceFree => "test instance is free",
            Self::DeviceName => "device name",
            Self::DatadogKey => "Datadog API key",
            Self::CreateVolume => "ec2:CreateVolume",
            Self::KmsKey => "KMS key",
            Self::AttachVolume => "ec2:AttachVolume",
            Self::SsmAgent => "SSM agent",
            Self::MountDocument => "mount document",
            Self::ProgramsDocument => "programs document",
            Self::TestDocument => "test document",
            Self::ReleaseDocument => "release document",
            Self::HostCommands => "commands of the host",
            Self::MountPoint => "mount point",
            Self::StateDirectory => "state directory",
            Self::DatabaseServer => "database server",
            Self::DatabaseClient => "database client",
            Self::ServerUser => "server user",
            Self::Perl => "perl",
            Self::Memory => "memory",
            Self::DiskSpace => "disk space",
            Self::CreateTags => "ec2:CreateTags",
            Self::DetachVolume => "ec2:DetachVolume",
            Self::DeleteVolume => "ec2:DeleteVolume",
            Self::AlarmTopic => "SNS topic",
            Self::RecursiveLoop => "recursive loop detection",
        }
    }

    /// Whether it is something that there is, and not something that a role may do.
    pub(super) fn is_looked_at(self) -> bool {
        matches!(
            self,
            Self::ProductionVolume
                | Self::TestInstance
                | Self::Snapshot
                | Self::TestInstanceFree
                | Self::SsmAgent
        )
    }

    /// What to do where it is not met.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Function => "read the log of that function; deploy the stack again",
            Self::Invoke
            | Self::Look
            | Self::AttachVolume
            | Self::CreateTags
            | Self::DetachVolume
            | Self::DeleteVolume => GRANT,
            Self::CreateVolume => {
                "deploy the stack again where its role lacks a grant of template.yaml, and ask who \
                 runs the account's policies where not; where EC2 refuses the volume itself, \
                 correct VolumeType and what goes with it"
            }
            Self::ProductionVolume => {
                "set ProductionInstanceName and ProductionDevice, or SourceVolumeId"
            }
            Self::TestInstance => {
                "start it, give its Name tag to no other instance, or set TestInstanceName"
            }
            Self::Snapshot => {
                "see that the backup job makes snapshots of that volume; set SnapshotMaxAgeHours \
                 and SnapshotFilters as it makes them"
            }
            Self::TestInstanceFree => "have the other stack give its volume back",
            Self::DeviceName => "detach that volume, or set TestDevice",
            Self::DatadogKey => {
                "put the API key of this DatadogSite into the SecureString parameter \
                 DatadogApiKeySsmName; the function needs a way to the Internet"
            }
            Self::KmsKey => {
                "set KmsKeyArn to the key of the snapshots, enable it, and let its key policy \
                 allow the account's roles"
            }
            Self::SsmAgent => {
                "start the SSM agent, and give the instance the profile \
                 AmazonSSMManagedInstanceCore and a way to Systems Manager"
            }
            Self::MountDocument
            | Self::ProgramsDocument
            | Self::TestDocument
            | Self::ReleaseDocument => {
                "deploy the stack again; a document of your own: \"A document of your own\" in \
                 docs/documents.md"
            }
            Self::HostCommands => "install them on the test instance",
            Self::MountPoint => "empty that folder, or set MountPoint",
            Self::StateDirectory => "make it writable for root, or set StateDirectory",
            Self::DatabaseServer => "install Infobright there, or set ServerPath",
            Self::DatabaseClient => "install its client there, or set ClientPath",
            Self::ServerUser => "make that user, or set ServerUser",
            Self::Perl => "install perl 5.10 or newer with Digest::SHA (package perl-Digest-SHA)",
            Self::Memory => "stop what takes it, or take a larger test instance",
            Self::DiskSpace => "make room there, or set StateDirectory",
            Self::AlarmTopic => "see an alarm arrive: \"Fire each alarm once\" in RUNBOOK.md",
            Self::RecursiveLoop => {
                "deploy the stack again: it sets RecursiveLoop to Allow for all six functions"
            }
        }
    }
}

const GRANT: &str = "deploy the stack again where the role lacks a grant of template.yaml; where \
    it has it, ask who runs the account's policies (permissions boundary, SCP)";
