//! A test instance in memory, for thousands of runs: it does what the three scripts do, on the
//! paused clock.

mod script;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;
use super::instance_host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};

/// What a snapshot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backup {
    /// All well.
    #[default]
    Good,
    /// The test finds damaged tables.
    Damaged,
    /// The database server does not start on it.
    ServerDoesNotStart,
    /// It cannot be mounted.
    BrokenFilesystem,
    /// The scripts cannot check, for reasons of the machine: exit 75.
    CannotBeTested,
}

/// How a mount namespace of somebody else's that took the mount along shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// The release script sees that the device is still held.
    Seen,
    /// It does not: it says that it has unmounted, and the volume stays busy.
    Unseen,
}

/// Which document is which, and what their parameters are called.
#[derive(Clone, Debug)]
pub struct DocumentNames {
    /// Mounts the volume.
    pub mount: String,
    /// Puts on the machine what the test needs; empty where the test needs nothing.
    pub programs: String,
    /// Tests what is mounted.
    pub test: String,
    /// Stops the server and unmounts.
    pub release: String,
    /// The parameter that names the run.
    pub run_id: String,
    /// The parameter that names the volume, in the mount document.
    pub volume_id: String,
}

/// How long the scripts take.
#[derive(Clone, Copy, Debug)]
pub struct Durations {
    /// Mounting, journal and all.
    pub mount: Duration,
    /// The integrity test.
    pub test: Duration,
    /// Stopping and unmounting.
    pub release: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            mount: Duration::from_secs(20),
            test: Duration::from_mins(40),
            release: Duration::from_secs(10),
        }
    }
}

/// A machine with one place to mount at and one test at a time. Clones are the same machine.
#[derive(Clone)]
pub struct SimulatedHost {
    clock: Clock,
    names: Arc<DocumentNames>,
    machine: Arc<Mutex<HostState>>,
}

/// What is on the machine.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state or a defect of its own"
)]
struct HostState {
    durations: Durations,
    /// A control, which must be caught.
    takes_no_locks: bool,
    /// The test finds no damage, whatever there is.
    blind: bool,
    /// Who works in the mounted file system.
    held_by: Option<&'static str>,
    /// Another mount namespace takes what is mounted along.
    along: Option<Along>,
    /// The volume that it took.
    kept: Option<String>,
    /// What is attached shows no device.
    hides_devices: bool,
    backups: BTreeMap<String, Backup>,
    attached: BTreeMap<String, AttachedVolume>,
    mounted: Option<Mount>,
    server_of: Option<String>,
    /// The run whose test is under way; the lock of the script.
    testing: Option<Testing>,
    /// What the test needs is there.
    programs: bool,
    /// What a doctor misses on it.
    lacking: BTreeSet<String>,
    /// Files of the scripts: they stay when the machine goes down.
    results: BTreeMap<String, Finished>,
    released: BTreeSet<String>,
    executed: BTreeMap<String, u32>,
    most_at_once: u32,
    at_once: u32,
}

#[derive(Clone, Debug)]
struct Mount {
    run_id: String,
    volume_id: String,
    backup: Backup,
}

#[derive(Clone)]
struct Testing {
    run_id: String,
    /// Closed when the test has ended, however it ended.
    over: watch::Receiver<()>,
    /// Marks the volume as being released.
    stop: watch::Sender<bool>,
}

impl SimulatedHost {
    /// An empty machine.
    #[must_use]
    pub fn new(clock: Clock, names: DocumentNames) -> Self {
        Self {
            clock,
            names: Arc::new(names),
            machine: Arc::default(),
        }
    }

    /// How long the scripts take, from their next start.
    pub fn set_durations(&self, durations: Durations) {
        self.machine().durations = durations;
    }

    /// What the volumes made from that snapshot hold; good if never said.
    pub fn set_backup(&self, snapshot_id: &str, backup: Backup) {
        self.machine()
            .backups
            .insert(snapshot_id.to_owned(), backup);
    }

    /// Has the test's script run however many others do: a control, which must be caught.
    pub fn take_no_locks(&self) {
        self.machine().takes_no_locks = true;
    }

    /// Has somebody work in the mounted file system, or leave it: what is held is not unmounted.
    pub fn set_held_by(&self, who: Option<&'static str>) {
        self.machine().held_by = who;
    }

    /// Has a service with a mount namespace of its own take what is mounted along and keep it, or
    /// end: <https://github.com/kubernetes/kubernetes/issues/37854>.
    pub fn set_along(&self, along: Option<Along>) {
        let mut machine = self.machine();
        machine.along = along;
        let mounted = machine.mounted.as_ref();
        let mounted = mounted.map(|mount| mount.volume_id.clone());
        machine.kept = mounted.filter(|_| along.is_some());
    }

    /// Has volumes that EC2 shows as attached show no device, or show one again.
    pub fn hide_devices(&self, hidden: bool) {
        self.machine().hides_devices = hidden;
    }

    /// Has the test find no damage, whatever there is.
    pub fn be_blind(&self) {
        self.machine().blind = true;
    }

    /// Has the doctor miss this need on the machine.
    pub fn lack(&self, need: &str) {
        self.machine().lacking.insert(need.to_owned());
    }

    /// How many tests of each run really began.
    #[must_use]
    pub fn tests_executed(&self) -> BTreeMap<String, u32> {
        self.machine().executed.clone()
    }

    /// How many tests were ever under way at once: never more than one.
    #[must_use]
    pub fn most_tests_at_once(&self) -> u32 {
        self.machine().most_at_once
    }

    /// Whether the test's database server runs.
    #[must_use]
    pub fn server_running(&self) -> bool {
        self.machine().server_of.is_some()
    }

    /// The volume that is mounted.
    #[must_use]
    pub fn mounted(&self) -> Option<String> {
        self.machine()
            .mounted
            .as_ref()
            .map(|mount| mount.volume_id.clone())
    }

    /// What a run has left behind, in words: mount, server, lock.
    #[must_use]
    pub fn leftovers(&self) -> Vec<String> {
        let machine = self.machine();
        let mount = machine.mounted.as_ref();
        let mount =
            mount.map(|mount| format!("{} mounted by run {}", mount.volume_id, mount.run_id));
        let server = machine
            .server_of
            .as_ref()
            .map(|run| format!("server of run {run}"));
        let lock = machine
            .testing
            .as_ref()
            .map(|test| format!("test of run {} under way", test.run_id));
        [mount, server, lock].into_iter().flatten().collect()
    }

    fn machine(&self) -> MutexGuard<'_, HostState> {
        super::locked(&self.machine)
    }
}

impl Host for SimulatedHost {
    fn attached(&self, volume: &AttachedVolume) {
        self.machine()
            .attached
            .insert(volume.volume_id.clone(), volume.clone());
    }

    fn detached(&self, volume_id: &str) {
        // Its mount stays, of no use to anybody, until somebody unmounts it.
        let mut machine = self.machine();
        machine.attached.remove(volume_id);
        machine.kept.take_if(|kept| kept == volume_id);
    }

    fn in_use(&self, volume_id: &str) -> bool {
        let machine = self.machine();
        let mounted = machine.mounted.as_ref().map(|mount| &mount.volume_id);
        [mounted, machine.kept.as_ref()].contains(&Some(&volume_id.to_owned()))
    }

    fn run(&self, command: RunCommand) -> BoxFuture<Finished> {
        let host = self.clone();
        Box::pin(async move { host.run_script(&command).await })
    }

    fn halted(&self) {
        let mut machine = self.machine();
        machine.mounted = None;
        machine.kept = None;
        machine.server_of = None;
        machine.testing = None;
    }
}
