//! The invariants of each night, whatever went wrong in it.
//!
//! 0. Each planned fault happened: [`Played::missed`](super::Played::missed).
//! 1. After the next clean night nothing is left. If no fault hit the release, nothing is left at
//!    once. No volume is detached while it is mounted, except by force as the last resort, and
//!    never while the test instance says who holds it.
//! 2. `True` only if the test ended well on that snapshot's data in that run; `False` only if it
//!    found a fault. Tag and metric agree in value and in instant: the end of that run's test.
//! 3. No run has two test volumes, and no instance runs two tests at once.
//! 4. Production's volumes and snapshots and another environment's volume are unchanged, except
//!    for the verdict tags of the snapshot under test.
//! 5. Every run ends, in a verdict of its own or in an error about it that reaches a person. An
//!    error that a retry has healed does not count.

mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use common::datadog::OLDEST_POINT;
use common::time::Timestamp;

use super::perform::{COPIED, SCANNED};
use super::plan::NEXT_SNAPSHOTS;
use super::{CallFault, DeliveryFault, OperatorAction, Plan, PlannedFault};
use crate::environment::{Ending, Environment, OTHERS_VOLUME};
use aws_stand_in::simulated_host::Backup;
use aws_stand_in::{Attachment, Tags, VolumeState};

/// The state of what does not belong to this stack: volumes with their tags and attachments,
/// snapshots with their tags.
#[derive(Debug, PartialEq)]
pub(super) struct Production {
    volumes: Vec<(String, VolumeState, Tags, Option<Attachment>)>,
    snapshots: Vec<(String, Tags)>,
}

pub(super) fn production(night: &Environment) -> Production {
    let instance = &night.stack.fixture.production_instance_id;
    let volumes = night.stack.aws.volumes().into_iter();
    let volumes = volumes.filter(|volume| {
        let at = volume.attachment.as_ref().map(|at| &at.instance_id);
        let is_productions = at == Some(instance) || volume.id.contains("production");
        is_productions || volume.id == OTHERS_VOLUME
    });
    let last_night = &night.stack.fixture.snapshot_id;
    let snapshots = night.stack.aws.snapshots().into_iter();
    // A verdict belongs on the snapshot of last night, and on no other.
    let kept = |id: &str, tags: Tags| -> Tags {
        let is_under_test = id == last_night;
        let tags = tags.into_iter();
        let may_change = |key: &str| key.starts_with("DBBackup") || key.starts_with("copied-");
        tags.filter(|(key, _)| !is_under_test || !may_change(key))
            .collect()
    };
    Production {
        volumes: volumes
            .map(|volume| (volume.id, volume.state, volume.tags, volume.attachment))
            .collect(),
        snapshots: snapshots
            .filter(|snapshot| !NEXT_SNAPSHOTS.contains(&snapshot.id.as_str()))
            .filter(|snapshot| !is_others(&snapshot.id) || is_judged(&snapshot.tags))
            .map(|snapshot| (snapshot.id.clone(), kept(&snapshot.id, snapshot.tags)))
            .collect(),
    }
}

/// Snapshots that others made meanwhile. They count only if they have a verdict's tags.
fn is_others(snapshot_id: &str) -> bool {
    [SCANNED, COPIED].contains(&snapshot_id)
}

fn is_judged(tags: &Tags) -> bool {
    tags.keys().any(|key| key.starts_with("DBBackup"))
}

pub(super) fn unchanged(
    mut before: Production,
    night: &Environment,
    plan: &Plan,
) -> Option<String> {
    let mut after = production(night);
    let mut faults = plan.faults.iter().chain(&plan.next);
    if faults.any(|one| {
        matches!(
            one,
            PlannedFault::OperatorAction(_, OperatorAction::ReplaceProduction)
        )
    }) {
        // The instance and its root volume are gone; another instance has the data volume now.
        for side in [&mut before, &mut after] {
            side.volumes.retain(|(id, ..)| !id.ends_with("root"));
            let attachments = side.volumes.iter_mut().filter_map(|(.., at)| at.as_mut());
            attachments.for_each(|at| at.since = SystemTime::UNIX_EPOCH);
        }
    }
    (before != after).then(|| format!("4: production was {before:?} and is {after:?}"))
}

/// The violations that show when the night has ended.
pub(super) fn of_night(night: &Environment, plan: &Plan, ending: &Ending) -> Vec<String> {
    let mut violations = Vec::new();
    violations.extend(nothing_left(plan, ending));
    violations.extend(detached(night));
    if plan.canary {
        violations.extend(told::canary(night, plan, ending));
    } else {
        violations.extend(told::what_passes(plan, ending));
    }
    if !plan.canary || told::tested_undamaged(night) {
        violations.extend(true_verdict(night, plan, ending));
    }
    violations.extend(told::what_to_mend(plan, ending));
    violations.extend(told::verdict_without_tag(plan, ending));
    violations.extend(tag_and_metric(night, &plan.faults, ending));
    violations.extend(instant_of_verdict(night, &plan.faults, ending));
    violations.extend(one_of_each(night));
    violations.extend(somebody_knows(&plan.faults, ending));
    violations
}

/// The volumes that were detached while mounted, so far.
pub(super) fn detached(night: &Environment) -> Vec<String> {
    let detached = night.stack.aws.detached_while_mounted().into_iter();
    detached
        .map(|id| format!("1: {id} was detached while it was mounted"))
        .collect()
}

fn nothing_left(plan: &Plan, ending: &Ending) -> Option<String> {
    // A fault may hit the release itself. What a machine or a person does by force may leave
    // something that only the next night finds. Two faults may use up the retries that heal one.
    let hits_giving_back = match plan.faults.as_slice() {
        [one] => !one.leaves_giving_back(),
        several => several
            .iter()
            .any(|one| !matches!(one, PlannedFault::Call(..) | PlannedFault::Lag(_))),
    };
    (!hits_giving_back && !ending.left.is_empty())
        .then(|| format!("1: left at once: {:?}", ending.left))
}

fn true_verdict(night: &Environment, plan: &Plan, ending: &Ending) -> Option<String> {
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

/// Whether last night's snapshot has as many tags as EC2 allows.
fn is_full(night: &Environment) -> bool {
    let tags = night
        .stack
        .aws
        .snapshot_tags(&night.stack.fixture.snapshot_id);
    tags.len() >= 50
}

pub(super) fn tag_and_metric(
    night: &Environment,
    faults: &[PlannedFault],
    ending: &Ending,
) -> Option<String> {
    let metric = match ending.tag() {
        Some("True") => 1.0,
        Some(_) => 0.0,
        None if ending.valid().is_empty() => return None,
        // There is no room for the tag, and Datadog has the verdict.
        None if is_full(night) => return None,
        None => return Some(format!("2: no tag, and the metric {:?}", ending.valid())),
    };
    let disagree = ending
        .valid()
        .iter()
        .any(|value| (value - metric).abs() > 0.1);
    // Lambda's metrics show an event that it drops; Datadog's alarm shows a missing point.
    let shown =
        !ending.events.is_empty() || !unhealed(ending).is_empty() || !ending.given_up.is_empty();
    let unsaid = ending.valid().is_empty() && !shown && !faults.iter().any(is_lost);
    (disagree || unsaid).then(|| format!("2: tag {:?}, metric {:?}", ending.tag(), ending.valid()))
}

/// Whether Lambda loses an event silently. Only the alarm on the missing metric shows that.
fn is_lost(fault: &PlannedFault) -> bool {
    matches!(fault, PlannedFault::Delivery(_, DeliveryFault::Lost))
}

pub(super) fn one_of_each(night: &Environment) -> Vec<String> {
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

/// The verdict's instant is the end of a command of its run that had this result. Datadog has the
/// same instant; if the metric was sent late, it has the oldest instant that it still accepted.
/// While reads lag, a run may test twice and not see the other verdict: then Datadog has both, and
/// the tag is of either.
pub(super) fn instant_of_verdict(
    night: &Environment,
    faults: &[PlannedFault],
    ending: &Ending,
) -> Vec<String> {
    let tag = |key| ending.tags.get(key).map(String::as_str);
    let (Some(valid), Some(run)) = (ending.tag(), tag("DBBackupCheckRun")) else {
        return Vec::new();
    };
    let at = tag("DBBackupCheckedAt").unwrap_or_default();
    let Some(seconds) = Timestamp::parse(at).map(Timestamp::unix_seconds) else {
        return vec![format!("2: DBBackupCheckedAt is {at:?}")];
    };
    let result = i32::from(valid != "True");
    let mut violations = Vec::new();
    let commands = night.stack.aws.commands().into_iter();
    let of_run = commands.filter(|command| {
        command.parameters.get("runId").is_some_and(|of| of == run)
            && command.exit_code == Some(result)
    });
    let ends: Vec<i64> = of_run
        .filter_map(|command| command.ended_at)
        .map(|ended| Timestamp::from(ended).unix_seconds())
        .collect();
    let is_of_test = ends.contains(&seconds);
    if !is_of_test {
        violations.push(format!(
            "2: {valid} of {at}, when no command of run {run} ended with {result}"
        ));
    }
    let late = OLDEST_POINT.as_secs().cast_signed();
    let alone = runs(ending).len() < 2;
    let lags = faults.iter().any(|fault| {
        matches!(
            fault,
            PlannedFault::Lag(_) | PlannedFault::Call(_, CallFault::Lags)
        )
    });
    let calls = night.stack.aws.made_calls().into_iter();
    let sent = calls.filter(|call| call.service == "datadog");
    let sent: Vec<i64> = sent
        .map(|call| Timestamp::from(call.time).unix_seconds())
        .collect();
    let points = ending.points.iter();
    for point in points.filter(|point| point.metric == "infobright_backup_valid") {
        let after = point.timestamp - seconds;
        // The key may have to be fetched after the clock was read and before the point is sent.
        let oldest_taken = sent.iter().any(|sent| {
            let oldest = sent - late;
            (oldest - 60..=oldest).contains(&point.timestamp)
        });
        let unseen = lags && ends.contains(&point.timestamp);
        // An earlier point is from an earlier run, if there was one.
        if !unseen && ((after > 0 && !oldest_taken) || (after < 0 && alone)) {
            violations.push(format!(
                "2: the tag is of {at}, and a point of the metric {after} s after that"
            ));
        }
    }
    violations
}

/// The runs of a night: each has the id of the request that started it.
fn runs(ending: &Ending) -> BTreeSet<&str> {
    let began = ending.deliveries.iter().map(|one| &one.accepted);
    let began = began.filter(|accepted| accepted.depth == 0);
    began.map(|accepted| accepted.request_id.as_str()).collect()
}

/// Each run has a verdict, its own or a later run's, or an event or an error names it. An error
/// that a retry has healed reaches nobody.
pub(super) fn somebody_knows(faults: &[PlannedFault], ending: &Ending) -> Vec<String> {
    let runs = runs(ending);
    let verdict_of = ending.tags.get("DBBackupCheckRun").map(String::as_str);
    // If the fault removed the run's id from an event, no error can name it.
    let hidden = faults.iter().any(|fault| match fault {
        PlannedFault::Delivery(_, how) => how.hides_run(),
        _ => false,
    });
    let missing = ending.valid().is_empty() && faults.iter().any(is_lost);
    let dropped = missing || !ending.given_up.is_empty();
    let unhealed = unhealed(ending);
    let untold = runs.iter().filter(|&&run| {
        let caught = !ending.metric(told::CANARY).is_empty();
        // Where the tags have no room, only Datadog has the verdict.
        let in_datadog = verdict_of.is_none() && !ending.valid().is_empty();
        let judged = caught || in_datadog || verdict_of.is_some_and(|of| runs.contains(of));
        let named = |text: &str| hidden || text.contains(run);
        let shown = ending.events.iter().any(|event| named(&event.text))
            || unhealed.iter().any(|text| named(text));
        !(judged || shown || dropped)
    });
    untold
        .map(|run| format!("5: neither a verdict of run {run} nor an error about it"))
        .collect()
}

/// The events whose last attempt failed, each with its request id.
fn unhealed(ending: &Ending) -> Vec<String> {
    let mut last = BTreeMap::new();
    for delivery in &ending.deliveries {
        let failed = matches!(delivery.outcome, Some(Err(_)));
        let accepted = &delivery.accepted;
        let text = || format!("{} {}", accepted.request_id, accepted.event);
        last.insert(accepted.number, failed.then(text));
    }
    last.into_values().flatten().collect()
}
