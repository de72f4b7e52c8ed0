//! The test instance: this machine. Its disks are loop devices (or directories), its SSM agent
//! runs the real scripts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::command::{run, text};
use super::production;
use super::sandbox::Sandbox;
use aws_stand_in::instance_host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};
use aws_stand_in::template::Document;

/// This machine as the test instance.
pub(super) struct LocalHost {
    sandbox: Sandbox,
    /// What each snapshot holds.
    snapshots: BTreeMap<String, PathBuf>,
    documents: Vec<Document>,
    disks: Mutex<BTreeMap<String, Disk>>,
}

/// A volume on this machine.
struct Disk {
    /// The block device, or the directory.
    device: PathBuf,
    /// Holds the loop device: it is gone once this is closed and nothing has it mounted.
    _open: Option<File>,
    links: Vec<PathBuf>,
}

impl LocalHost {
    /// A machine with nothing attached.
    pub(super) fn new(
        sandbox: &Sandbox,
        snapshots: BTreeMap<String, PathBuf>,
        documents: &[Document],
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(sandbox.folder.join("dev/disk/by-id"))?;
        fs::create_dir_all(sandbox.folder.join("volumes"))?;
        Ok(Self {
            sandbox: sandbox.clone(),
            snapshots,
            documents: documents.to_vec(),
            disks: Mutex::default(),
        })
    }

    /// The volumes that are attached now.
    pub(super) fn attached_volumes(&self) -> Vec<String> {
        let disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
        disks.keys().cloned().collect()
    }

    /// What is mounted below the rehearsal's folder now.
    pub(super) fn mounts(&self) -> Vec<String> {
        let folder = format!("{}/", text(&self.sandbox.folder));
        let table = fs::read_to_string(self.mount_table()).unwrap_or_default();
        let points = table.lines().filter_map(|line| line.split(' ').nth(4));
        points
            .filter(|point| point.starts_with(&folder))
            .map(str::to_owned)
            .collect()
    }

    fn mount_table(&self) -> PathBuf {
        if self.sandbox.loop_devices {
            PathBuf::from("/proc/self/mountinfo")
        } else {
            self.sandbox.folder.join("mountinfo")
        }
    }

    fn attach(&self, volume: &AttachedVolume) -> anyhow::Result<Disk> {
        let snapshot = volume
            .snapshot_id
            .as_ref()
            .context("the volume is of no snapshot")?;
        let image = self
            .snapshots
            .get(snapshot)
            .context("no image of that snapshot")?;
        let copy = self.sandbox.folder.join("volumes").join(&volume.volume_id);
        run("cp", &["-a", "--sparse=always", &text(image), &text(&copy)])?;
        let (device, open) = if self.sandbox.loop_devices {
            let device = PathBuf::from(run("losetup", &["--find", "--show", &text(&copy)])?);
            let open = File::open(&device)?;
            // Detaching a device in use only marks it: the kernel takes it away at the last close.
            run("losetup", &["--detach", &text(&device)])?;
            (device, Some(open))
        } else {
            let kind = |path: &Path| PathBuf::from(format!("{}.type", path.display()));
            fs::copy(kind(image), kind(&copy))?;
            (copy, None)
        };
        let dev = self.sandbox.folder.join("dev");
        let id = volume.volume_id.replacen('-', "", 1);
        let name = format!("disk/by-id/nvme-Amazon_Elastic_Block_Store_{id}");
        let links = vec![dev.join(name)];
        for link in &links {
            symlink(&device, link)?;
        }
        Ok(Disk {
            device,
            _open: open,
            links,
        })
    }

    /// Runs a script as the SSM agent does: `sh -c <file>`, parameters as variables.
    async fn agent(
        folder: PathBuf,
        loop_devices: bool,
        command_id: String,
        command: aws_stand_in::template::RunShellScript,
    ) -> anyhow::Result<Finished> {
        let script = folder.join(format!("{command_id}.sh"));
        fs::write(&script, command.script.as_bytes())?;
        run("chmod", &["0700", &text(&script)])?;
        let mut path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
        if !loop_devices {
            path = format!("{}:{path}", production::shims().display());
        }
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(&script)
            .env_clear()
            .env("PATH", path)
            .env("TMPDIR", &folder)
            .env("IB_DEVICE_DIRECTORY", folder.join("dev"))
            .envs((!loop_devices).then(|| ("IB_MOUNTINFO", folder.join("mountinfo"))))
            .envs(&command.variables)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdout = child.stdout.take().context("the script has no output")?;
        let stderr = child.stderr.take().context("the script has no errors")?;
        let show = show_progress(stderr);
        let mut printed = Vec::new();
        let (shown, read) = tokio::join!(show, stdout.read_to_end(&mut printed));
        read?;
        let status = child.wait().await?;
        Ok(Finished {
            exit_code: status.code().unwrap_or(137),
            stdout: String::from_utf8_lossy(&printed).into_owned(),
            stderr: shown,
        })
    }
}

/// Shows what a script says of its progress, as it says it.
#[expect(clippy::print_stdout, reason = "a program shows people how far it is")]
async fn show_progress(stderr: tokio::process::ChildStderr) -> String {
    let mut lines = BufReader::new(stderr).lines();
    let mut all = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        println!("           test instance     {line}");
        all.push_str(&line);
        all.push('\n');
    }
    all
}

impl Host for LocalHost {
    #[expect(
        clippy::print_stderr,
        reason = "a program tells people what went wrong"
    )]
    fn attached(&self, volume: &AttachedVolume) {
        match self.attach(volume) {
            Ok(disk) => {
                let mut disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
                disks.insert(volume.volume_id.clone(), disk);
            }
            Err(error) => eprintln!("rehearse: {} does not appear: {error:#}", volume.volume_id),
        }
    }

    fn detached(&self, volume_id: &str) {
        let mut disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(disk) = disks.remove(volume_id) {
            for link in &disk.links {
                let _ = fs::remove_file(link);
            }
        }
        let copy = self.sandbox.folder.join("volumes").join(volume_id);
        let _ = if copy.is_dir() {
            fs::remove_dir_all(copy)
        } else {
            fs::remove_file(copy)
        };
    }

    fn in_use(&self, volume_id: &str) -> bool {
        let disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(disk) = disks.get(volume_id) else {
            return false;
        };
        let table = fs::read_to_string(self.mount_table()).unwrap_or_default();
        let device = text(&disk.device);
        table
            .lines()
            .any(|line| line.split(' ').any(|field| field == device))
    }

    fn run(&self, command: RunCommand) -> BoxFuture<Finished> {
        let document = self
            .documents
            .iter()
            .find(|of| of.name == command.document)
            .cloned();
        let (folder, loop_devices) = (self.sandbox.folder.clone(), self.sandbox.loop_devices);
        Box::pin(async move {
            let given = command
                .parameters
                .into_iter()
                .map(|(name, value)| (name, vec![value]));
            let given = given.collect();
            let ran = async {
                let document = document.context("no such document")?;
                let resolved = document.command(&given)?;
                Self::agent(folder, loop_devices, command.command_id, resolved).await
            };
            ran.await.unwrap_or_else(|error: anyhow::Error| Finished {
                exit_code: 127,
                stdout: String::new(),
                stderr: format!("{error:#}"),
            })
        })
    }
}
