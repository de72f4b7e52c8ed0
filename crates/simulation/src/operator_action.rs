//! What people and machines do in the middle of a night.

use aws_stand_in::AgentReport;

/// What people and machines do without the check's knowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// The test instance is stopped.
    Stop,
    /// The test instance is rebooted.
    Reboot,
    /// The test instance is terminated, and another has its name.
    Replace,
    /// The SSM agent falls silent and stays silent.
    SilenceAgent,
    /// The SSM agent falls silent for five minutes.
    PauseAgent,
    /// The test volume is detached by force.
    Detach,
    /// The test volume is detached by force and deleted.
    Delete,
    /// The test volume loses the tag with its run's id.
    Retag,
    /// The newest command is cancelled.
    Cancel,
    /// Another run is started.
    StartAnother,
    /// Every running function dies, between its calls.
    KillFunctions,
    /// The key of the snapshots can no longer be used.
    RevokeKey,
    /// A person's shell has its working directory in the mounted file system.
    HoldMount,
    /// Scripts that start from now on hang until somebody ends them.
    HangScripts,
    /// The guest of the test instance holds the device name until it is rebooted.
    HoldName,
    /// Somebody attaches their own volume under the other spelling of the device name.
    TakeName,
    /// The test instance accepts no more volumes than it has.
    FillInstance,
    /// Volumes that are attached from now on show no device.
    HideDevice,
    /// Somebody else's mount namespace inherits the mount, and the release script sees it.
    TakeAlong,
    /// The same, but the release script does not see it.
    TakeAlongUnseen,
    /// A scanner makes a snapshot of production's volume, and somebody copies a snapshot. Both are
    /// now the newest.
    Scan,
    /// The documents get a step before the one that runs the script.
    AddSteps,
    /// The functions are `Pending` for two minutes.
    ChangeFunctions,
    /// Production's instance is terminated, so its data volume cannot be found by it any more.
    ReplaceProduction,
    /// The snapshots have as many tags as EC2 allows.
    FillTags,
    /// The snapshot of last night is tested again.
    TestAgain,
    /// The test instance is renamed.
    Rename,
    /// For commands that it gets from now on, the SSM agent reports this instead of the script.
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

    /// Whether its effect outlasts a step's waits, so that the moment between two polls does not
    /// matter.
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
