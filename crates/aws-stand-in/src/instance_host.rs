//! The seam between AWS and the machine behind an instance: who holds the disks and runs the
//! scripts.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A boxed future, so that hosts and services can be chosen at run time.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A volume as the machine gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedVolume {
    /// `vol-…`
    pub volume_id: String,
    /// The snapshot that it was made from: what is on it.
    pub snapshot_id: Option<String>,
    /// The device name of the attachment, like `/dev/sdg`.
    pub device: String,
}

/// A script as the agent gets it from SSM.
#[derive(Clone, Debug)]
pub struct RunCommand {
    /// The SSM command.
    pub command_id: String,
    /// The document's name.
    pub document: String,
    /// The script in the document.
    pub script: Arc<str>,
    /// All parameters, defaults filled in.
    pub parameters: BTreeMap<String, String>,
}

/// How a script ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Exit code of the script.
    pub exit_code: i32,
    /// All that it wrote; SSM shortens it.
    pub stdout: String,
    /// All that it complained.
    pub stderr: String,
}

/// The machine behind an instance. All but `run` are called while the account is locked: they
/// must return at once and must not call the stand-in.
pub trait Host: Send + Sync {
    /// EC2 has attached a volume: the device is there.
    fn attached(&self, volume: &AttachedVolume);
    /// EC2 has taken a volume away, perhaps by force.
    fn detached(&self, volume_id: &str);
    /// Whether the volume is mounted or otherwise held open, so that a detach waits.
    fn in_use(&self, volume_id: &str) -> bool;
    /// Runs a script to its end. A dropped future is a killed script: SSM's time-out, a
    /// cancelled command, or the machine going down.
    fn run(&self, command: RunCommand) -> BoxFuture<Finished>;
    /// The machine has stopped or rebooted: mounts, processes and locks are gone, files stay.
    fn halted(&self) {}
}
