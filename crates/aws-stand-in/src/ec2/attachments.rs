//! What an instance's guest makes of its attachments.

use std::time::SystemTime;

use super::guest::letters;
use super::state::Ec2;
use crate::error_response::ErrorResponse;
use crate::eventual_consistency::EventuallyConsistent;

impl Ec2 {
    /// Whether the guest can take no volume under that name now: it has one, or still holds it.
    pub(super) fn is_name_held(&self, instance_id: &str, device: &str) -> bool {
        let name = letters(device);
        let guest = self.guests.get(instance_id);
        let held = guest.is_some_and(|guest| guest.holds(device));
        let volumes = self.volumes.values();
        let mut attached = volumes.filter_map(|volume| volume.latest().attached.as_ref());
        held || attached.any(|at| at.instance_id == instance_id && letters(&at.device) == name)
    }

    pub(super) fn check_attachments(&self, instance_id: &str) -> Result<(), ErrorResponse> {
        let guest = self.guests.get(instance_id);
        let Some(most) = guest.and_then(|guest| guest.most_volumes) else {
            return Ok(());
        };
        let volumes = self.volumes.values();
        let attached = volumes.filter_map(|volume| volume.latest().attached.as_ref());
        let attached = attached.filter(|at| at.instance_id == instance_id).count();
        if attached < most {
            return Ok(());
        }
        let message = format!(
            "You've reached the limit on the number of Amazon EBS volumes or network interfaces \
             that can be attached to a single instance: {instance_id} has {attached}."
        );
        Err(ErrorResponse::new("AttachmentLimitExceeded", message))
    }

    /// The guest of an instance was restarted: what it held is free, and what it could not take
    /// is attached.
    pub fn restart_guest(&mut self, instance_id: &str, now: SystemTime) {
        if let Some(guest) = self.guests.get_mut(instance_id) {
            guest.restart();
        }
        let volumes = self
            .volumes
            .values_mut()
            .map(EventuallyConsistent::latest_mut);
        for attached in volumes.filter_map(|volume| volume.attached.as_mut()) {
            if attached.instance_id == instance_id && attached.stuck {
                attached.stuck = false;
                attached.there_at = now;
            }
        }
    }
}
