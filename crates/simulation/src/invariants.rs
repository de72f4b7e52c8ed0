//! What must hold at the end of each night, whatever went wrong in it.
//!
//! 0. What was chosen to go wrong did go wrong: [`Played::missed`](super::Played::missed).
//! 1. Nothing is left once the next clean night has run; without trouble in giving back, at once.
//!    Nothing is detached while it is mounted, but by force as the last resort.
//! 2. `True` only if the test ended well on that snapshot's data in that run; `False` only if it
//!    found a fault. Tag and metric agree.
//! 3. Never two test volumes of one run; never two tests at the same time.
//! 4. Production's volumes and snapshots are never touched, the verdict tags aside.
//! 5. Every run ends, in a verdict or in an error that a person is shown.

use std::collections::BTreeMap;

use super::play::NEXT_SNAPSHOT;
use super::{Plan, Trouble};
use crate::night::{Ending, Night};
use aws_stand_in::simulated_host::Backup;
use aws_stand_in::{Attachment, Tags, VolumeState};

/// Production as it is: volumes with their tags and attachments, snapshots with their tags.
#[derive(Debug, PartialEq)]
pub(super) struct Production {
    volumes: Vec<(String, VolumeState, Tags, Option<Attachment>)>,
    snapshots: Vec<(String, Tags)>,
}

pub(super) fn production(night: &Night) -> Production {
    let instance = &night.stack.fixture.production_instance_id;
    let volumes = night.stack.aws.volumes().into_iter();
    let volumes = volumes.filter(|volume| {
        let at = volume.attachment.as_ref().map(|at| &at.instance_id);
        at == Some(instance) || volume.id.contains("production")
    });
    let snapshots = night.stack.aws.snapshots().into_iter();
    let foreign_tags = |tags: Tags| {
        tags.into_iter()
            .filter(|(key, _)| !key.starts_with("DBBackup"))
    };
    Production {
        volumes: volumes
            .map(|volume| (volume.id, volume.state, volume.tags, volume.attachment))
            .collect(),
        snapshots: snapshots
            .filter(|snapshot| snapshot.id != NEXT_SNAPSHOT)
            .map(|snapshot| (snapshot.id, foreign_tags(snapshot.tags).collect()))
            .collect(),
    }
}

pub(super) fn unchanged(before: &Production, night: &Night) -> Option<String> {
    let after = production(night);
    (*before != after).then(|| format!("4: production was {before:?} and is {after:?}"))
}

/// The violations that show when the night has ended.
pub(super) fn of_night(night: &Night, plan: &Plan, ending: &Ending) -> Vec<String> {
    let mut violations = Vec::new();
    violations.extend(nothing_left(plan, ending));
    let detached = night.stack.aws.detached_while_mounted().into_iter();
    violations.extend(detached.map(|id| format!("1: {id} was detached while it was mounted")));
    violations.extend(true_verdict(night, plan, ending));
    violations.extend(tag_and_metric(night, ending));
    violations.extend(one_of_each(night));
    violations.extend(somebody_knows(night, ending));
    violations
}

fn nothing_left(plan: &Plan, ending: &Ending) -> Option<String> {
    // Giving back may be what the trouble hits, and what a machine or a person does by force may
    // leave what only the next night can find.
    let hits_giving_back = plan.troubles.iter().any(|trouble| {
        matches!(
            trouble,
            Trouble::Delivery(..) | Trouble::Act(..) | Trouble::Outage(..) | Trouble::Death(..)
        )
    });
    (!hits_giving_back && !ending.left.is_empty())
        .then(|| format!("1: left at once: {:?}", ending.left))
}

fn true_verdict(night: &Night, plan: &Plan, ending: &Ending) -> Option<String> {
    let run = ending.tags.get("DBBackupCheckRun");
    let tested = run.is_some_and(|run| night.host.tests_executed().contains_key(run));
    let truth = match plan.backup {
        Backup::Good => tested.then_some("True"),
        Backup::Damaged | Backup::ServerDoesNotStart => tested.then_some("False"),
        Backup::BrokenFilesystem => Some("False"),
        Backup::CannotBeTested => None,
    };
    match (ending.tag(), truth) {
        (None, _) => None,
        (tag, truth) if tag == truth => None,
        (tag, truth) => Some(format!(
            "2: DBBackupValid is {tag:?}, the truth is {truth:?}"
        )),
    }
}

fn tag_and_metric(night: &Night, ending: &Ending) -> Option<String> {
    let metric = match ending.tag() {
        Some("True") => 1.0,
        Some(_) => 0.0,
        None if ending.valid().is_empty() => return None,
        None => return Some(format!("2: no tag, and the metric {:?}", ending.valid())),
    };
    let disagree = ending
        .valid()
        .iter()
        .any(|value| (value - metric).abs() > 0.1);
    // An event that Lambda drops is seen in its metrics, and the missing point in Datadog.
    let shown = !ending.errors().is_empty() || !night.stack.lambda.given_up().is_empty();
    let unsaid = ending.valid().is_empty() && !shown;
    (disagree || unsaid).then(|| format!("2: tag {:?}, metric {:?}", ending.tag(), ending.valid()))
}

fn one_of_each(night: &Night) -> Vec<String> {
    let mut violations = Vec::new();
    let mut of_run: BTreeMap<String, u32> = BTreeMap::new();
    for volume in night.stack.aws.volumes() {
        if let Some(run) = volume
            .tags
            .get("IBBackupRun")
            .filter(|run| *run != "somebody-else")
        {
            *of_run.entry(run.clone()).or_default() += 1;
        }
    }
    for (run, volumes) in of_run.into_iter().filter(|(_, volumes)| *volumes > 1) {
        violations.push(format!("3: run {run} made {volumes} volumes"));
    }
    let tests = night.host.most_tests_at_once();
    if tests > 1 {
        violations.push(format!("3: {tests} tests at once"));
    }
    violations
}

fn somebody_knows(night: &Night, ending: &Ending) -> Option<String> {
    let told = ending.tag().is_some()
        || !ending.errors().is_empty()
        || !ending.events.is_empty()
        || !night.stack.lambda.given_up().is_empty();
    (!told).then(|| "5: neither a verdict nor an error".to_owned())
}
