//! What the guest of an instance makes of attachments: it takes only so many volumes, and one
//! device name once.
//!
//! `/dev/sdX` and `/dev/xvdX` are one name to a Xen guest. EC2 takes the second of them all the same,
//! and the attachment never ends: <https://github.com/joeduffy/blocker/pull/1>. So does one under a
//! name that the guest still holds, since a volume was taken away while it was mounted, until the
//! instance is rebooted: <https://github.com/kubernetes/kubernetes/issues/31891>.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::Ec2;
use crate::error_response::ErrorResponse;
use crate::eventual_consistency::EventuallyConsistent;

/// One instance's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guest {
    /// It holds the name of a volume that is taken away while it is mounted.
    pub holds_names: bool,
    /// Names that it has not let go of, without what stands before the letters.
    held: BTreeSet<String>,
    /// How many volumes it takes.
    pub most_volumes: Option<usize>,
}

/// What a device name is to the guest: its letters.
fn letters(device: &str) -> &str {
    let prefixes = ["/dev/sd", "/dev/xvd"].into_iter();
    let mut rest = prefixes.filter_map(|prefix| device.strip_prefix(prefix));
    rest.next().unwrap_or(device)
}

impl Guest {
    pub fn hold(&mut self, device: &str) {
        self.held.insert(letters(device).to_owned());
    }

    pub fn holds(&self, device: &str) -> bool {
        self.held.contains(letters(device))
    }

    /// A volume of that name is taken away, perhaps one that is mounted.
    pub fn lose(&mut self, device: &str, mounted: bool) {
        if self.holds_names && mounted {
            self.hold(device);
        }
    }
}

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
            guest.held.clear();
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
