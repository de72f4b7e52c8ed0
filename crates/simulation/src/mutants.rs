//! Mutants: each removes a guard, and the invariants must notice. A check that cannot fail proves
//! nothing.
//!
//! The steps are not changed. A mutant undoes the guard's effect in the requests, in the events, on
//! the test instance or in the template, so shipped code has no switch for it.

mod guards;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::environment::{Environment, OTHERS_VOLUME};
use aws_stand_in::lambda::Accepted;
use aws_stand_in::simulated_host::Backup;
use aws_stand_in::template::Template;
use aws_stand_in::{AllowAll, Aws};
use wire::{
    always_one, metric_before, result_of_first_test, tests, verdicts_to_come, with_parameter,
};

/// A guard that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Reads never lag, though the night asks for it.
    NothingLags,
    /// Step 6 detaches before it unmounts.
    DetachFirst,
    /// Lambda does not invoke step 6 with the failure of a step.
    NoOnFailureDestination,
    /// Step 1 does not see what a dead run has left.
    NoSweep,
    /// The metric is 1 whatever the verdict.
    MetricOfItsOwn,
    /// The metric is sent before the tag is written.
    MetricBeforeTag,
    /// The script finds every backup good.
    TestThatAlwaysPasses,
    /// The exit code alone is the verdict, no matter which program set it.
    ExitCodeAlone,
    /// `CreateVolume` is sent without its client token.
    NoClientToken,
    /// The script on the test instance takes no lock.
    NoLockOnHost,
    /// Step 6 mistakes production's volume for the test volume, and its role allows that.
    ProductionForTest,
    /// Polls are not counted.
    NoLimitOnLooks,
    /// A function's error counts as success.
    ErrorsSwallowed,
    /// Step 6 detaches a volume by force although the test instance says who holds it.
    ForceThoughHeld,
    /// Step 6 mistakes another environment's volume for the run's, and its role allows that.
    EveryRunsVolume,
    /// Step 6 does not check that the command in its event is its own run's.
    CommandUnasked,
    /// Step 6 does not see that the verdict on the snapshot is newer than its own.
    OlderOverNewer,
    /// An answer that is not AWS's counts as AWS's refusal.
    ForeignAnswerBelieved,
    /// A list that was cut counts as a shorter list.
    HalfListBelieved,
    /// The start event's `source_volume_id` is ignored.
    SourceVolumeUnused,
    /// The start event's `snapshot_filters` are ignored: any snapshot of the volume is the backup.
    FiltersUnused,
    /// The question for a command's result does not name the step of the document.
    StepUnnamed,
    /// The error about a volume that vanished does not name its key as the cause.
    KeyUnnamed,
    /// No message says that the guest holds the device name.
    HeldNameUnsaid,
    /// A volume that stays `attaching` is not detached by force.
    StuckWithoutForce,
    /// If the snapshot cannot be tagged with the verdict, the metric is not sent either.
    VerdictLostWithTag,
    /// A volume that lost its tags is not named.
    LostTagsUnsaid,
    /// Step 6 does not know that the damage was done on purpose.
    CanaryForgotten,
    /// The verdict's metric is not sent, on a night whose only error a retry has healed.
    MetricUnsent,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::NothingLags,
        Self::DetachFirst,
        Self::NoOnFailureDestination,
        Self::NoSweep,
        Self::MetricOfItsOwn,
        Self::MetricBeforeTag,
        Self::TestThatAlwaysPasses,
        Self::ExitCodeAlone,
        Self::NoClientToken,
        Self::NoLockOnHost,
        Self::ProductionForTest,
        Self::NoLimitOnLooks,
        Self::ErrorsSwallowed,
        Self::ForceThoughHeld,
        Self::EveryRunsVolume,
        Self::CommandUnasked,
        Self::OlderOverNewer,
        Self::ForeignAnswerBelieved,
        Self::HalfListBelieved,
        Self::SourceVolumeUnused,
        Self::FiltersUnused,
        Self::StepUnnamed,
        Self::KeyUnnamed,
        Self::HeldNameUnsaid,
        Self::StuckWithoutForce,
        Self::VerdictLostWithTag,
        Self::LostTagsUnsaid,
        Self::CanaryForgotten,
        Self::MetricUnsent,
    ];

    /// The number of the invariant that it must violate.
    #[must_use]
    pub fn breaks(self) -> u8 {
        match self {
            Self::NothingLags => 0,
            Self::DetachFirst
            | Self::NoOnFailureDestination
            | Self::NoSweep
            | Self::ForceThoughHeld
            | Self::StuckWithoutForce => 1,
            Self::MetricOfItsOwn
            | Self::MetricBeforeTag
            | Self::TestThatAlwaysPasses
            | Self::ExitCodeAlone
            | Self::CommandUnasked
            | Self::OlderOverNewer
            | Self::VerdictLostWithTag
            | Self::MetricUnsent => 2,
            Self::NoClientToken | Self::NoLockOnHost => 3,
            Self::ProductionForTest | Self::EveryRunsVolume | Self::FiltersUnused => 4,
            Self::NoLimitOnLooks
            | Self::ErrorsSwallowed
            | Self::ForeignAnswerBelieved
            | Self::HalfListBelieved
            | Self::SourceVolumeUnused
            | Self::StepUnnamed
            | Self::KeyUnnamed
            | Self::HeldNameUnsaid
            | Self::LostTagsUnsaid
            | Self::CanaryForgotten => 5,
        }
    }

    /// Removes the part of the guard that is in the template.
    pub(super) fn change(self, template: &mut Template) {
        if self == Self::NoOnFailureDestination {
            for function in &mut template.functions {
                function.on_failure = None;
            }
        }
    }

    /// Removes the guard from a night whose faults are set up.
    pub(super) fn take_away(self, night: &Environment) {
        let (aws, ids) = (&night.stack.aws, &night.stack.fixture);
        match self {
            Self::NothingLags => aws.set_timing(|timing| timing.read_lag = Duration::ZERO),
            Self::TestThatAlwaysPasses => night.host.set_backup(&ids.snapshot_id, Backup::Good),
            Self::ExitCodeAlone => aws.take_exit_codes_for_findings(),
            Self::NoLockOnHost => night.host.take_no_locks(),
            Self::ErrorsSwallowed => night.stack.lambda.swallow_errors(),
            Self::ProductionForTest => {
                aws.set_authorizer(Arc::new(AllowAll));
                let volume = ids.production_volume_id.clone();
                aws.set_tamper(Box::new(move |action, body| {
                    let detaches = action == "DetachVolume";
                    let wherever = with_parameter(body, "InstanceId", None);
                    detaches.then(|| with_parameter(&wherever, "VolumeId", Some(&volume)))
                }));
            }
            Self::EveryRunsVolume => {
                aws.set_authorizer(Arc::new(AllowAll));
                aws.set_tamper(Box::new(|action, body| {
                    let deletes = action == "DeleteVolume";
                    deletes.then(|| with_parameter(body, "VolumeId", Some(OTHERS_VOLUME)))
                }));
            }
            Self::CommandUnasked => {
                let mut verdicts = verdicts_to_come(true);
                let asked = aws.clone();
                // The first run's verdict has the same instant and would hide the second's.
                aws.set_tamper(Box::new(move |action, body| match action {
                    "GetCommandInvocation" => result_of_first_test(&asked, body),
                    _ => verdicts(action, body),
                }));
            }
            Self::OlderOverNewer => aws.set_tamper(Box::new(verdicts_to_come(false))),
            Self::NoSweep => aws.set_tamper(Box::new(|_, body| {
                let text = String::from_utf8_lossy(body);
                let sweeps = text.contains("IBBackupTestInstance") && text.contains("Describe");
                sweeps.then(|| with_parameter(body, "Filter.2.Value.1", Some("nobody")))
            })),
            Self::NoClientToken => aws.set_tamper(Box::new(|action, body| {
                let makes = action == "CreateVolume";
                makes.then(|| with_parameter(body, "ClientToken", None))
            })),
            Self::MetricOfItsOwn => aws.set_tamper(Box::new(|_, body| always_one(body))),
            Self::MetricBeforeTag => {
                let aws = aws.clone();
                night.stack.aws.set_tamper(Box::new(move |action, _| {
                    metric_before(&aws, action);
                    None
                }));
            }
            Self::NoOnFailureDestination
            | Self::DetachFirst
            | Self::ForceThoughHeld
            | Self::NoLimitOnLooks => {}
            other => aws.set_tamper(Box::new(move |action, body| other.alter(action, body))),
        }
    }

    /// Removes the part of the guard that is in the events.
    pub(super) fn rewrite(self, accepted: &mut Accepted, aws: &Aws) {
        self.forget(accepted);
        let Some(fields) = accepted.event.as_object_mut() else {
            return;
        };
        if self == Self::DetachFirst && fields.contains_key("because") {
            fields.insert("unmounted".to_owned(), json!(true));
        }
        // Step 6 asks about its own run's command, but gets the result of another run's.
        if self == Self::CommandUnasked && fields.contains_key("test_command_id") {
            fields.insert("test_command_id".to_owned(), json!(tests(aws).last()));
        }
        if self == Self::ForceThoughHeld {
            fields.remove("held_by");
        }
        // Without the shorter first waits: they would make this endless night take long to play.
        if self == Self::NoLimitOnLooks && fields.contains_key("waited_seconds") {
            fields.insert("waited_seconds".to_owned(), json!(60));
        }
    }
}
