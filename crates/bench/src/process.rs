//! A process as it is measured, from its start to its last answer.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use tokio::sync::watch;

use aws_stand_in::lambda::processes::Watch;

/// Wall and CPU time of one part of a process's life, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    pub wall: f64,
    pub cpu: f64,
}

/// One process, measured.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// From before it is started until it asks for its first invocation.
    pub start: Cost,
    /// The first invocation: connections, handshakes.
    pub first: Cost,
    /// The others.
    pub further: Vec<Cost>,
    /// The most memory that it ever had, in MiB.
    pub memory: f64,
    /// The most threads that were seen.
    pub threads: usize,
}

/// What is noted of a process while it runs.
#[derive(Default)]
struct Notes {
    pid: Option<Pid>,
    started: Option<Instant>,
    asked: Vec<Moment>,
    taken: Vec<Instant>,
    answered: Vec<Instant>,
    memory: f64,
    threads: usize,
    unseen: Option<anyhow::Error>,
}

#[derive(Clone, Copy)]
struct Moment {
    at: Instant,
    cpu: Duration,
}

/// Notes when a process asks, takes and answers, and what it has used by then.
pub(super) struct Observer {
    notes: Mutex<Notes>,
    /// That it is known which process it is.
    known: Condvar,
    asked: watch::Sender<usize>,
}

impl Observer {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            notes: Mutex::default(),
            known: Condvar::new(),
            asked: watch::channel(0).0,
        })
    }

    /// Waits until it has asked so often: then it is done with all before.
    pub async fn asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        // The sender lives as long as `self`.
        let _ = asked.wait_for(|&count| count >= times).await;
    }

    /// What it all came to.
    pub fn sample(&self) -> anyhow::Result<Sample> {
        let mut notes = self.notes();
        if let Some(unseen) = notes.unseen.take() {
            return Err(unseen.context("a process could not be measured"));
        }
        let started = notes.started.context("it was never started")?;
        let first_asked = notes.asked.first().context("it never asked")?;
        let mut calls = Vec::new();
        let answers = notes.taken.iter().zip(&notes.answered);
        for ((taken, answered), asked) in answers.zip(notes.asked.windows(2)) {
            calls.push(Cost {
                wall: milliseconds(*answered - *taken),
                cpu: milliseconds(asked[1].cpu.saturating_sub(asked[0].cpu)),
            });
        }
        anyhow::ensure!(calls.len() > 1, "it answered {} times", calls.len());
        Ok(Sample {
            start: Cost {
                wall: milliseconds(first_asked.at - started),
                cpu: milliseconds(first_asked.cpu),
            },
            first: calls.remove(0),
            further: calls,
            memory: notes.memory,
            threads: notes.threads,
        })
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where real time is measured"
)]
fn now() -> Instant {
    Instant::now()
}

impl Watch for Observer {
    fn starts(&self) {
        self.notes().started = Some(now());
    }

    fn runs(&self, pid: u32) {
        self.notes().pid = i32::try_from(pid).ok().map(Pid::from_raw);
        self.known.notify_all();
    }

    fn asks(&self) {
        let at = now();
        // A quick process asks before whoever started it hears that it runs.
        let unknown = |notes: &mut Notes| notes.pid.is_none();
        let notes = self.known.wait_while(self.notes(), unknown);
        let mut notes = notes.unwrap_or_else(PoisonError::into_inner);
        let clock = notes
            .pid
            .context("no process")
            .and_then(|pid| Ok((pid, clock_getcpuclockid(pid)?)));
        let seen = clock.and_then(|(pid, clock)| {
            let cpu = Duration::from(clock_gettime(clock)?);
            Ok((Moment { at, cpu }, status(pid)))
        });
        match seen {
            Ok((moment, (memory, threads))) => {
                notes.asked.push(moment);
                notes.memory = notes.memory.max(memory);
                notes.threads = notes.threads.max(threads);
            }
            Err(unseen) => notes.unseen = Some(unseen),
        }
        drop(notes);
        self.asked.send_modify(|count| *count += 1);
    }

    fn takes(&self) {
        self.notes().taken.push(now());
    }

    fn answers(&self) {
        self.notes().answered.push(now());
    }
}

/// The most memory that it had in MiB, and its threads now.
fn status(pid: Pid) -> (f64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let number = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u32>().ok()
    };
    let kib = number("VmHWM:").unwrap_or_default();
    let threads = number("Threads:").unwrap_or_default();
    (f64::from(kib) / 1024.0, threads as usize)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
