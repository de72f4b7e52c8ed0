//! What the three scripts do.

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Along, Backup, Finished, Mount, RunCommand, SimulatedHost, Testing};

/// `EX_TEMPFAIL`: could not be checked.
const CANNOT_CHECK: i32 = 75;

impl SimulatedHost {
    pub(super) async fn run_script(&self, command: &RunCommand) -> Finished {
        let names = self.names.clone();
        let Some(run_id) = command.parameters.get(&names.run_id) else {
            return cannot_check("no run id");
        };
        if command
            .parameters
            .get("doctor")
            .is_some_and(|value| value == "true")
        {
            return self.look(&command.document);
        }
        match &command.document {
            document if *document == names.mount => {
                match command.parameters.get(&names.volume_id) {
                    Some(volume_id) => self.mount(run_id, volume_id).await,
                    None => cannot_check("no volume id"),
                }
            }
            document if *document == names.programs => {
                self.machine().programs = true;
                done()
            }
            document if *document == names.test => {
                let canary = command.parameters.get("canary");
                self.test(run_id, canary.is_some_and(|value| value == "true"))
                    .await
            }
            document if *document == names.release => self.release(run_id).await,
            document => cannot_check(&format!("no such script: {document}")),
        }
    }

    /// The scripts in the mode that only checks.
    fn look(&self, document: &str) -> Finished {
        let names = &self.names;
        let needs: &[&str] = if document == names.release {
            &[
                "host_commands",
                "mount_point",
                "state_directory",
                "disk_space",
                "database_server",
                "database_client",
                "server_user",
                "perl",
                "memory",
            ]
        } else {
            &[]
        };
        let lacking = self.machine().lacking.clone();
        let looked = needs.iter().map(|need| {
            let missing = lacking.contains(*need);
            json!({
                "need": need,
                "stands": if missing { "not_met" } else { "met" },
                "saw": if missing { "it is not there" } else { "it is there" },
            })
        });
        let looked: Vec<Value> = looked.collect();
        Finished {
            exit_code: 0,
            stdout: format!("{}\n", json!({ "doctor": looked })),
            stderr: String::new(),
        }
    }

    async fn mount(&self, run_id: &str, volume_id: &str) -> Finished {
        let duration = self.machine().durations.mount;
        self.clock.sleep(duration).await;
        let mut machine = self.machine();
        if machine.released.contains(run_id) {
            return released(run_id);
        }
        // What a dead run has mounted makes way once its volume was taken away.
        let attached: Vec<String> = machine.attached.keys().cloned().collect();
        let stale = machine
            .mounted
            .take_if(|mount| mount.run_id != run_id && !attached.contains(&mount.volume_id));
        if let Some(stale) = stale {
            machine.server_of.take_if(|run| *run == stale.run_id);
            machine.released.insert(stale.run_id);
        }
        if let Some(mount) = &machine.mounted {
            let ours = mount.run_id == run_id && mount.volume_id == volume_id;
            return if ours {
                done()
            } else {
                cannot_check(&format!("run {} is mounted", mount.run_id))
            };
        }
        let shown = machine.attached.get(volume_id);
        let Some(volume) = shown.filter(|_| !machine.hides_devices) else {
            return cannot_check(&format!("no device of {volume_id}"));
        };
        let snapshot = volume.snapshot_id.clone().unwrap_or_default();
        let backup = machine.backups.get(&snapshot).copied().unwrap_or_default();
        if backup == Backup::BrokenFilesystem {
            return fault("mount: wrong fs type, bad superblock");
        }
        machine.mounted = Some(Mount {
            run_id: run_id.to_owned(),
            volume_id: volume_id.to_owned(),
            backup,
        });
        if machine.along.is_some() {
            machine.kept = Some(volume_id.to_owned());
        }
        done()
    }

    /// One test for each run: a second one waits for the first and returns its result.
    async fn test(&self, run_id: &str, canary: bool) -> Finished {
        loop {
            let mut over = match self.begin_test(run_id) {
                Begin::Finished(finished) => return finished,
                Begin::Wait(over) => over,
                Begin::Test(lock, stop, backup) => {
                    let backup = self.seen(backup, canary);
                    return self.execute(lock, stop, backup).await;
                }
            };
            // Closed without a word: the first was killed, and this one may take its place.
            let _ = over.changed().await;
        }
    }

    /// What the test sees in the copy, damaged on purpose or not. One that was bad before says
    /// nothing of the canary.
    fn seen(&self, backup: Backup, canary: bool) -> Backup {
        match backup {
            Backup::Good | Backup::Damaged if self.machine().blind => Backup::Good,
            Backup::Good if canary => Backup::Damaged,
            _ if canary => Backup::CannotBeTested,
            backup => backup,
        }
    }

    fn begin_test(&self, run_id: &str) -> Begin {
        let mut machine = self.machine();
        if !machine.programs && !self.names.programs.is_empty() {
            return Begin::Finished(cannot_check(
                "the programs of this test are not on this host",
            ));
        }
        let locks = !machine.takes_no_locks;
        if let Some(finished) = machine.results.get(run_id).filter(|_| locks) {
            return Begin::Finished(finished.clone());
        }
        if machine.released.contains(run_id) {
            return Begin::Finished(released(run_id));
        }
        if let Some(testing) = machine.testing.as_ref().filter(|_| locks) {
            if testing.run_id == run_id {
                return Begin::Wait(testing.over.clone());
            }
            return Begin::Finished(cannot_check(&format!("run {} is testing", testing.run_id)));
        }
        let mount = machine.mounted.clone();
        let Some(mount) = mount.filter(|mount| mount.run_id == run_id) else {
            let finished = cannot_check("nothing is mounted for this run");
            machine.results.insert(run_id.to_owned(), finished.clone());
            return Begin::Finished(finished);
        };
        let (alive, over) = watch::channel(());
        let (stop, stopped) = watch::channel(false);
        machine.testing = Some(Testing {
            run_id: run_id.to_owned(),
            over,
            stop,
        });
        *machine.executed.entry(run_id.to_owned()).or_default() += 1;
        machine.at_once += 1;
        machine.most_at_once = machine.most_at_once.max(machine.at_once);
        machine.server_of = Some(run_id.to_owned());
        let lock = Lock {
            host: self.clone(),
            run_id: run_id.to_owned(),
            _alive: alive,
        };
        Begin::Test(lock, stopped, mount.backup)
    }

    async fn execute(
        &self,
        lock: Lock,
        mut stop: watch::Receiver<bool>,
        backup: Backup,
    ) -> Finished {
        let duration = self.machine().durations.test;
        let run_id = lock.run_id.clone();
        let finished = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => cannot_check("stopped: the volume was given back"),
            () = self.clock.sleep(duration) => tested(backup, duration.as_secs()),
        };
        let mut machine = self.machine();
        let mount = machine.mounted.as_ref();
        let mount = mount.filter(|mount| mount.run_id == run_id);
        let whole = mount.is_some_and(|mount| machine.attached.contains_key(&mount.volume_id));
        let finished = if whole {
            finished
        } else {
            cannot_check("the volume went away")
        };
        machine.server_of.take_if(|run| *run == run_id);
        machine.results.insert(run_id, finished.clone());
        finished
    }

    async fn release(&self, run_id: &str) -> Finished {
        let ours = |testing: &&Testing| testing.run_id == run_id;
        // First of all, so that nothing of this run begins again behind our back.
        self.machine().released.insert(run_id.to_owned());
        let testing = self.machine().testing.as_ref().filter(ours).cloned();
        if let Some(mut testing) = testing {
            testing.stop.send_replace(true);
            let _ = testing.over.changed().await;
        }
        let duration = self.machine().durations.release;
        self.clock.sleep(duration).await;
        let mut machine = self.machine();
        machine.server_of.take_if(|run| *run == run_id);
        let mount = machine.mounted.as_ref();
        let is_ours = mount.is_some_and(|mount| mount.run_id == run_id);
        if let Some(who) = machine.held_by.filter(|_| is_ours) {
            return cannot_check(&format!("the mount is held by {who}"));
        }
        machine.mounted.take_if(|mount| mount.run_id == run_id);
        match &machine.kept {
            Some(kept) if machine.along == Some(Along::Seen) => cannot_check(&format!(
                "volume {kept} is unmounted here, but still held in another mount namespace"
            )),
            _ => done(),
        }
    }
}

enum Begin {
    Finished(Finished),
    Wait(watch::Receiver<()>),
    Test(Lock, watch::Receiver<bool>, Backup),
}

/// The script's lock: it goes with the script, however that ends.
struct Lock {
    host: SimulatedHost,
    run_id: String,
    _alive: watch::Sender<()>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut machine = self.host.machine();
        machine.at_once -= 1;
        machine
            .testing
            .take_if(|testing| testing.run_id == self.run_id);
    }
}

fn tested(backup: Backup, seconds: u64) -> Finished {
    match backup {
        Backup::Good => good(seconds),
        Backup::Damaged => fault("table finance.invoices: 3 damaged packs"),
        Backup::ServerDoesNotStart => fault("the server did not start: brighthouse.ini is missing"),
        Backup::BrokenFilesystem => fault("input/output error"),
        Backup::CannotBeTested => cannot_check("no disk space left on the test instance"),
    }
}

fn released(run_id: &str) -> Finished {
    cannot_check(&format!("run {run_id} was given back"))
}

/// A test that found nothing.
fn good(seconds: u64) -> Finished {
    ended(
        0,
        &json!({ "valid": true, "checks": 4, "tables": 12, "rows": 3_400_000, "seconds": seconds, "reason": "", "coverage": 100, "paused_seconds": 900, "manifest": true, "script": "0123456789abcdef" }),
    )
}

/// Mounted or released: that says nothing about any table.
fn done() -> Finished {
    ended(
        0,
        &json!({ "valid": true, "checks": 1, "tables": 0, "rows": 0, "seconds": 1, "reason": "" }),
    )
}

fn fault(reason: &str) -> Finished {
    ended(1, &found(reason))
}

fn cannot_check(reason: &str) -> Finished {
    ended(CANNOT_CHECK, &found(reason))
}

fn found(reason: &str) -> Value {
    json!({ "valid": false, "checks": 1, "tables": 0, "rows": 0, "seconds": 1, "reason": reason })
}

/// The sum is the last line that a script prints.
fn ended(exit_code: i32, sum: &Value) -> Finished {
    Finished {
        exit_code,
        stdout: format!("{sum}\n"),
        stderr: sum["reason"].as_str().unwrap_or_default().to_owned(),
    }
}
