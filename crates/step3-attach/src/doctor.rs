//! The doctor's checks of step 3: whether it may attach the test volume.

use common::doctor::{Examination, NO_VOLUME, Need};
use common::ec2;

use crate::AttachVolume;

impl AttachVolume {
    pub(crate) async fn look_for_needs(&self, examination: &mut Examination) {
        let device = examination.run.target.test_device.clone();
        let device = device.unwrap_or_else(|| self.device.clone());
        // Any id serves to find out whether the call is allowed.
        let asked = ec2::volume(&self.ec2, ec2::COPIED).await;
        examination.found(Need::Look, "volumes", asked);
        let seen = &examination.seen;
        match (
            seen.volume_id.clone(),
            seen.dev_ib_backup_instance_id.clone(),
        ) {
            (Some(volume), Some(instance)) => {
                let may = ec2::may_attach(&self.ec2, &volume, &instance, &device).await;
                let saw = format!("may attach {volume} to {instance} as {device}");
                examination.found(Need::AttachVolume, &saw, may);
            }
            _ => examination.not_known(Need::AttachVolume, NO_VOLUME),
        }
    }
}
