//! Instances.

use std::time::SystemTime;

use tokio::sync::watch;

use super::filter::Filterable;
use super::tags::Tags;
use super::volume::VolumeView;

/// State of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Up.
    Running,
    /// On its way to be terminated.
    ShuttingDown,
    /// Gone for good, but listed for about an hour, under its name.
    Terminated,
    /// On its way down.
    Stopping,
    /// Down.
    Stopped,
}

impl InstanceState {
    /// AWS's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// AWS's number.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }
}

/// An instance; its volumes are found by their attachments.
#[derive(Clone, Debug)]
pub struct Instance {
    /// `i-07e57…`
    pub id: String,
    /// Where it stands; a volume must stand there too.
    pub availability_zone: String,
    /// What it is doing.
    pub state: InstanceState,
    /// Its tags, `Name` among them.
    pub tags: Tags,
    /// When it was started.
    pub launched_at: SystemTime,
}

impl Instance {
    /// A running instance of that name.
    #[must_use]
    pub fn running(id: &str, name: &str, availability_zone: &str, launched_at: SystemTime) -> Self {
        Self {
            id: id.to_owned(),
            availability_zone: availability_zone.to_owned(),
            state: InstanceState::Running,
            tags: Tags::from([("Name".to_owned(), name.to_owned())]),
            launched_at,
        }
    }
}

/// Whether SSM reaches the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// It runs.
    pub up: bool,
    /// Its SSM agent answers.
    pub agent: bool,
    /// How often it went down; a script does not survive that.
    pub boots: u32,
    /// It never comes back.
    pub terminated: bool,
}

impl Machine {
    pub fn reachable(self) -> bool {
        self.up && self.agent
    }
}

/// An instance with the signal that commands on it wait for.
#[derive(Debug)]
pub(crate) struct InstanceEntry {
    pub instance: Instance,
    pub machine: watch::Sender<Machine>,
}

impl InstanceEntry {
    pub fn new(instance: Instance) -> Self {
        let up = instance.state == InstanceState::Running;
        let terminated = instance.state == InstanceState::Terminated;
        let machine = Machine {
            up,
            agent: true,
            boots: 0,
            terminated,
        };
        Self {
            instance,
            machine: watch::Sender::new(machine),
        }
    }
}

/// An instance with its volumes, as a read shows it.
#[derive(Clone, Debug)]
pub(super) struct InstanceView<'a> {
    pub instance: &'a Instance,
    pub volumes: Vec<VolumeView>,
}

impl Filterable for InstanceView<'_> {
    fn values(&self, filter: &str) -> Option<Vec<String>> {
        let attachments = || {
            self.volumes
                .iter()
                .filter_map(|volume| volume.attachment.as_ref())
        };
        Some(match filter {
            "instance-id" => vec![self.instance.id.clone()],
            "instance-state-name" => vec![self.instance.state.name().to_owned()],
            "availability-zone" => vec![self.instance.availability_zone.clone()],
            "block-device-mapping.volume-id" => self
                .volumes
                .iter()
                .map(|volume| volume.id.clone())
                .collect(),
            "block-device-mapping.device-name" => {
                attachments().map(|at| at.device.clone()).collect()
            }
            _ => return None,
        })
    }

    fn tags(&self) -> &Tags {
        &self.instance.tags
    }
}
