//! What must be reported: a verdict if nothing prevented it, a canary's result, and what a person
//! has to repair.

use crate::environment::{Ending, Environment};
use crate::{DeliveryFault, OperatorAction, Plan, PlannedFault};
use aws_stand_in::simulated_host::Backup;

/// The metric that says whether a canary's damage was found.
pub(super) const CANARY: &str = "infobright_backup_check.canary_caught";

/// A single fault that passes costs no verdict.
pub(super) fn what_passes(plan: &Plan, ending: &Ending) -> Option<String> {
    let nothing_lasts = match plan.faults.as_slice() {
        [] => true,
        [one] => one.passes(),
        _ => false,
    };
    let truth = match plan.backup {
        Backup::Good => "True",
        Backup::Damaged | Backup::ServerDoesNotStart | Backup::BrokenFilesystem => "False",
        Backup::CannotBeTested => return None,
    };
    (nothing_lasts && ending.tag() != Some(truth))
        .then(|| format!("5: {:?}, but the verdict must be {truth}", ending.tag()))
}

/// If only the number of tags keeps a verdict off the snapshot, Datadog has the verdict.
pub(super) fn verdict_without_tag(plan: &Plan, ending: &Ending) -> Option<String> {
    let [PlannedFault::OperatorAction(_, OperatorAction::FillTags)] = plan.faults.as_slice() else {
        return None;
    };
    let truth = match plan.backup {
        Backup::Good => 1.0,
        Backup::CannotBeTested => return None,
        _ => 0.0,
    };
    let lost = ending.tag().is_none() && ending.valid() != [truth] && !plan.canary;
    lost.then(|| format!("2: no tag; metric {:?}, not {truth}", ending.valid()))
}

/// A canary night does not write the backup's tag and metric. It reports that the damage was found
/// or missed only after a test of a copy that was good before.
pub(super) fn canary(night: &Environment, plan: &Plan, ending: &Ending) -> Vec<String> {
    let mut violations = Vec::new();
    let (tag, metric) = (ending.tag(), ending.valid());
    let tests = |fault: &PlannedFault| {
        matches!(
            fault,
            PlannedFault::OperatorAction(_, OperatorAction::TestAgain)
        )
    };
    // If an event lost its field `canary`, it is an ordinary night: at once if it is the first
    // event, otherwise if the test was not told to damage the copy.
    let ordinary_test = tested_undamaged(night);
    let is_garbled = |fault: &PlannedFault| match fault {
        PlannedFault::Delivery(0, how) => how.hides_run(),
        PlannedFault::Delivery(_, DeliveryFault::FieldCut) => ordinary_test,
        _ => false,
    };
    let is_ordinary = |fault: &PlannedFault| tests(fault) || is_garbled(fault);
    let untouched = tag.is_none() && metric.is_empty();
    if !untouched && !plan.faults.iter().any(is_ordinary) {
        violations.push(format!(
            "2: a canary night has tag {tag:?} and metric {metric:?}"
        ));
    }
    let caught = ending.metric(CANARY);
    let tested = !night.host.tests_executed().is_empty();
    let truth = (plan.backup == Backup::Good && tested).then_some(1.0);
    if caught.iter().any(|value| Some(*value) != truth) {
        violations.push(format!("2: caught {caught:?}, the truth is {truth:?}"));
    }
    let undisturbed = plan.faults.is_empty() && plan.backup == Backup::Good;
    if undisturbed && caught != [1.0] {
        violations.push(format!("5: caught {caught:?}, and nothing was in the way"));
    }
    violations
}

/// Whether a test was sent without `canary`.
pub(super) fn tested_undamaged(night: &Environment) -> bool {
    let commands = night.stack.aws.commands().into_iter();
    let mut tests = commands.filter(|command| command.parameters.contains_key("snapshotId"));
    tests.any(|test| {
        test.parameters
            .get("canary")
            .is_none_or(|set| set != "true")
    })
}

/// If a single fault that a person has to repair cost the verdict or left a volume, the event names
/// it.
pub(super) fn what_to_mend(plan: &Plan, ending: &Ending) -> Option<String> {
    let [PlannedFault::OperatorAction(_, act)] = plan.faults.as_slice() else {
        return None;
    };
    let named: &[&str] = match act {
        OperatorAction::RevokeKey => &["KmsKeyArn"],
        OperatorAction::HoldName | OperatorAction::TakeName => &["TestDevice"],
        OperatorAction::FillInstance => &["AttachmentLimitExceeded", "detach volumes"],
        OperatorAction::FillTags => &["TagLimitExceeded"],
        OperatorAction::Retag => &["IBBackupRun"],
        _ => return None,
    };
    let lost = plan.backup != Backup::CannotBeTested && ending.tag().is_none() && !plan.canary;
    let left = ending.left.iter().any(|left| left.starts_with("volume "));
    let matters = lost || (*act == OperatorAction::Retag && left);
    let says = |text: &str| named.iter().all(|word| text.contains(word));
    let told = ending.events.iter().any(|event| says(&event.text));
    (matters && !told).then(|| {
        let events = ending.events.iter();
        let texts: Vec<&str> = events.map(|event| event.text.as_str()).collect();
        format!("5: no event names {named:?}: {texts:?}")
    })
}
