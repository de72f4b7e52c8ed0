//! Performs the operators' actions.

mod states;

use std::sync::Arc;
use std::time::Duration;

pub(super) use states::{COPIED, SCANNED, mend as mend_states};

use super::OperatorAction;
use crate::environment::{Environment, OTHERS_VOLUME};
use aws_stand_in::lambda::Death;
use aws_stand_in::simulated_host::Durations;
use aws_stand_in::{Aws, Instance, InstanceState, Snapshot, TEST_INSTANCE, VolumeState};

/// Longer than any script may take.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

impl OperatorAction {
    pub(super) async fn perform(self, night: &Environment) {
        let (aws, ids) = (&night.stack.aws, &night.stack.fixture);
        let instance = &ids.test_instance_id;
        let volume = aws.volumes().into_iter().rev().find(|volume| {
            volume.tags.contains_key("IBBackupTest")
                && volume.state != VolumeState::Deleted
                && volume.id != OTHERS_VOLUME
        });
        let gone = |id: &str| {
            let mut instances = aws.instances().into_iter();
            instances.any(|one| one.id == id && one.state == InstanceState::Terminated)
        };
        match (self, volume) {
            // A terminated instance can be neither stopped nor rebooted.
            (Self::Stop | Self::Reboot, _) if gone(instance) => {}
            (Self::Stop, _) => aws.stop_instance(instance),
            (Self::Reboot, _) => aws.reboot_instance(instance),
            (Self::Replace, _) => {
                aws.terminate_instance(instance);
                let now = aws.clock().now();
                let other = "i-07e57000000000002";
                aws.add_instance(Instance::running(other, TEST_INSTANCE, "us-east-1a", now));
                aws.set_host(other, Arc::new(night.host.clone()));
            }
            (Self::SilenceAgent, _) => aws.set_agent(instance, false),
            (Self::PauseAgent, _) => {
                aws.set_agent(instance, false);
                aws.clock().sleep(Duration::from_mins(5)).await;
                aws.set_agent(instance, true);
            }
            (Self::Detach, Some(volume)) => aws.detach_by_hand(&volume.id),
            (Self::Delete, Some(volume)) => {
                aws.detach_by_hand(&volume.id);
                aws.delete_by_hand(&volume.id);
            }
            (Self::Retag, Some(volume)) => {
                aws.tag_by_hand(&volume.id, "IBBackupRun", "somebody-else");
            }
            (Self::Cancel, _) => {
                if let Some(command) = aws.commands().pop() {
                    aws.cancel_by_hand(&command.id);
                }
            }
            (Self::StartAnother, _) => night.start_run(),
            (Self::KillFunctions, _) => night.stack.lambda.kill_all(Death::Exit),
            (Self::RevokeKey, _) => revoke_key(aws),
            (Self::HoldMount, _) => night.host.set_held_by(Some("process 4711 (bash)")),
            (Self::HangScripts, _) => night.host.set_durations(Durations {
                mount: FOR_EVER,
                test: FOR_EVER,
                release: FOR_EVER,
            }),
            (Self::AgentReports(report), _) => aws.set_agent_report(Some(report)),
            (Self::Detach | Self::Delete | Self::Retag, None) => {}
            (other, _) => states::bring_about(other, night).await,
        }
    }
}

fn revoke_key(aws: &Aws) {
    for snapshot in aws.snapshots() {
        aws.add_snapshot(Snapshot {
            kms_denied: true,
            ..snapshot
        });
    }
}
