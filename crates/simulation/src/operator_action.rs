//! What people and machines do in the middle of a night.

use aws_stand_in::AgentReport;

/// What people and machines do behind the check's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// The test instance is stopped.
    Stop,
    /// The test instance is rebooted.
    Reboot,
    /// The test instance is terminated, and another has its name.
    Replace,
    /// The SSM agent falls silent for ever.
    SilenceAgent,
    /// The SSM agent falls silent for five minutes.
    PauseAgent,
    /// The test volume is detached by force.
    Detach,
    /// The test volume is detached by force and deleted.
    Delete,
    /// The test volume loses the tag that says whose it is.
    Retag,
    /// The newest command is cancelled.
    Cancel,
    /// Another run is started.
    StartAnother,
    /// Every function at work dies, between its calls.
    KillFunctions,
    /// The key of the snapshots can be used no more.
    RevokeKey,
    /// A person's shell stands in the mounted file system.
    HoldMount,
    /// Scripts that begin from now on hang until somebody ends them.
    HangScripts,
    /// The guest of the test instance holds the device name until it is rebooted.
    HoldName,
    /// Somebody attaches a volume of theirs under the other spelling of the device name.
    TakeName,
    /// The test instance takes no more volumes than it has.
    FillInstance,
    /// What is attached from now on shows no device.
    HideDevice,
    /// A mount namespace of somebody else's takes the mount along, and the release script sees it.
    TakeAlong,
    /// The same, and the release script does not see it.
    TakeAlongUnseen,
    /// A scanner takes a snapshot of production's volume, and another makes a copy of a snapshot:
    /// the newest there are.
    Scan,
    /// The documents get a step before the one that runs the script.
    AddSteps,
    /// The functions are `Pending` for two minutes.
    ChangeFunctions,
    /// Production's instance is gone, and the volume whose backup it is with it.
    ReplaceProduction,
    /// The snapshots have as many tags as they may have.
    FillTags,
    /// The snapshot of last night is tested once more.
    TestAgain,
    /// The test instance is renamed, and another has its name.
    Rename,
    /// The SSM agent reports this of commands that it takes from now on, and not the script.
    AgentReports(AgentReport),
}

impl OperatorAction {
    /// All of them.
    pub const ALL: [Self; 27 + AgentReport::ALL.len()] = [
        Self::Stop,
        Self::Reboot,
        Self::Replace,
        Self::SilenceAgent,
        Self::PauseAgent,
        Self::Detach,
        Self::Delete,
        Self::Retag,
        Self::Cancel,
        Self::StartAnother,
        Self::KillFunctions,
        Self::RevokeKey,
        Self::HoldMount,
        Self::HangScripts,
        Self::HoldName,
        Self::TakeName,
        Self::FillInstance,
        Self::HideDevice,
        Self::TakeAlong,
        Self::TakeAlongUnseen,
        Self::Scan,
        Self::AddSteps,
        Self::ChangeFunctions,
        Self::ReplaceProduction,
        Self::FillTags,
        Self::TestAgain,
        Self::Rename,
        Self::AgentReports(AgentReport::NoSpace),
        Self::AgentReports(AgentReport::NoMemory),
        Self::AgentReports(AgentReport::NoExec),
        Self::AgentReports(AgentReport::NoInterpreter),
        Self::AgentReports(AgentReport::Restart),
        Self::AgentReports(AgentReport::WorkerDied),
        Self::AgentReports(AgentReport::Skipped),
        Self::AgentReports(AgentReport::OutputCut),
    ];

    /// Whether what it brings about outlasts a step's pauses, so that one moment between two looks
    /// is as good as another.
    pub(super) fn lasts(self) -> bool {
        matches!(
            self,
            Self::HoldName
                | Self::TakeName
                | Self::FillInstance
                | Self::HideDevice
                | Self::TakeAlong
                | Self::TakeAlongUnseen
                | Self::Scan
                | Self::AddSteps
                | Self::ChangeFunctions
                | Self::ReplaceProduction
                | Self::FillTags
                | Self::TestAgain
                | Self::Rename
        )
    }
}
