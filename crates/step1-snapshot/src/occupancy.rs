//! Whether the test instance is free. If a live run holds it, this run ends with an error; what a
//! dead run left is released first, by step 6.

use std::collections::BTreeSet;

use common::ec2::{self, Instance, Volume, VolumeState, tags};
use common::event::{EndReason, Envelope, Release, Run};
use common::lambda;
use common::{Error, Kind, Result};
use tracing::warn;

use crate::ChooseSnapshot;

impl ChooseSnapshot {
    /// What is still to be waited for before the test instance is free, if anything.
    pub(crate) async fn occupied(
        &self,
        run: &Run,
        test: &Instance,
        device: &str,
    ) -> Result<Option<String>> {
        let volumes = ec2::test_volumes(&self.ec2, &test.name).await?;
        let others = volumes.iter().filter(|volume| holder(volume) != run.run_id);
        let (others, elsewhere): (Vec<&Volume>, Vec<&Volume>) =
            others.partition(|volume| !is_elsewhere(volume, test));
        if let Some(live) = others.iter().find(|volume| !self.is_dead(volume)) {
            return Err(at_work(live, test));
        }
        let (others, foreign): (Vec<&Volume>, Vec<&Volume>) = others
            .into_iter()
            .partition(|volume| self.is_of_environment(volume));
        check_environment(&foreign, test)?;
        let owned: BTreeSet<&str> = volumes.iter().map(|volume| volume.id.as_str()).collect();
        if let Ok(id) = test.volume_at(device)
            && !owned.contains(id)
        {
            return Err(in_use(test, device, id));
        }
        if run.is_first_answered_poll() {
            warn_of(&elsewhere, test);
            let dead = elsewhere
                .iter()
                .filter(|volume| self.is_dead(volume) && self.is_of_environment(volume));
            let left = others
                .iter()
                .chain(dead)
                .filter(|volume| volume.state != VolumeState::Deleted);
            let dead: BTreeSet<&str> = left.map(|volume| holder(volume)).collect();
            for run_id in dead {
                self.release(run, run_id).await?;
            }
        }
        if others.is_empty() {
            return Ok(None);
        }
        let ids: Vec<&str> = others.iter().map(|volume| volume.id.as_str()).collect();
        Ok(Some(format!(
            "volumes of ended runs are being given back: {}",
            ids.join(", ")
        )))
    }

    pub(crate) fn is_of_environment(&self, volume: &Volume) -> bool {
        volume.has_tag(tags::ENVIRONMENT, &self.environment)
    }

    /// A volume that is being deleted only has to be waited for; one older than any run is a
    /// leftover.
    pub(crate) fn is_dead(&self, volume: &Volume) -> bool {
        let old = volume
            .created_at
            .is_some_and(|made| self.clock.now().since(made) > self.longest_run);
        old || volume.state == VolumeState::Deleted
    }

    async fn release(&self, run: &Run, dead: &str) -> Result<()> {
        warn!("run {dead} died and left a test volume: having step 6 release it");
        let envelope = Envelope {
            run: Run {
                run_id: dead.to_owned(),
                ..run.clone().at_next_step()
            },
            payload: Release::unknown(EndReason::Leftover),
        };
        lambda::invoke(&self.lambda, &self.release_function, &envelope).await
    }
}

fn at_work(live: &Volume, test: &Instance) -> Error {
    let made_at = live.created_at.map(|time| time.to_string());
    Error::new(
        Kind::Occupied,
        format!(
            "run {} is at work on {}: it holds volume {}, made at {}; start again when it has \
             ended, or see \"Give back by hand\" in RUNBOOK.md",
            holder(live),
            test.name,
            live.id,
            made_at.unwrap_or_default()
        ),
    )
}

fn in_use(test: &Instance, device: &str, id: &str) -> Error {
    Error::new(
        Kind::Occupied,
        format!(
            "{device} of {} ({}) is in use by volume {id}, which is no test volume; detach it, or \
             choose another TestDevice",
            test.name, test.id
        ),
    )
}

/// Whether a volume is attached to an instance that had the test instance's name before. It does
/// not occupy the present one.
fn is_elsewhere(volume: &Volume, test: &Instance) -> bool {
    let attachment = volume.attachment.as_ref();
    attachment.is_some_and(|at| at.instance_id != test.id)
}

/// Only the other environment's own stack may release what it left on this instance. What it left
/// elsewhere does not matter here.
pub(crate) fn check_environment(foreign: &[&Volume], test: &Instance) -> Result<()> {
    let Some(volume) = foreign.iter().find(|volume| volume.attachment.is_some()) else {
        return Ok(());
    };
    let environment = volume.tags.get(tags::ENVIRONMENT);
    let whose = environment.map_or("of no environment".to_owned(), |name| {
        format!("of environment {name}")
    });
    Err(Error::new(
        Kind::Occupied,
        format!(
            "volume {} at {} is held by run {} {whose} ({}), and no stack of another environment \
             may give it back: start a run in that one, or see \"Give back by hand\" in RUNBOOK.md",
            volume.id,
            test.name,
            holder(volume),
            tags::ENVIRONMENT
        ),
    ))
}

fn warn_of(elsewhere: &[&Volume], test: &Instance) {
    for volume in elsewhere {
        let at = volume.attachment.as_ref();
        warn!(
            "volume {} of run {} is attached to {}, and {} is {} by now: it is not waited for",
            volume.id,
            holder(volume),
            at.map_or("", |at| at.instance_id.as_str()),
            test.name,
            test.id
        );
    }
}

fn holder(volume: &Volume) -> &str {
    volume.tags.get(tags::RUN).map_or("", String::as_str)
}
