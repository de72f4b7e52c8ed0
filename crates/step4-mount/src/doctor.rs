//! The doctor's checks of step 4: the SSM agent and the mount document.

use common::doctor::{ANY_VOLUME, Examination, Need, Script};
use common::ssm;

use crate::Mount;

impl Mount {
    pub(crate) async fn look_for_needs(&self, examination: &mut Examination) {
        match examination.seen.dev_ib_backup_instance_id.clone() {
            Some(instance) => {
                let agent = ssm::agent(&self.ssm, &instance).await;
                match agent {
                    Ok(version) => {
                        let saw = format!("online on {instance}, version {version}");
                        examination.met(Need::SsmAgent, &saw);
                    }
                    Err(error) => examination.error(Need::SsmAgent, &error),
                }
            }
            None => examination.not_known(Need::SsmAgent, "there is no test instance to ask for"),
        }
        let device = examination.run.target.test_device.clone();
        let device = device.unwrap_or_else(|| "/dev/sdg".to_owned());
        let script = Script {
            document: &self.document,
            need: Need::MountDocument,
            purpose: "doctor mount",
            steps: &["mount"],
            parameters: vec![("volumeId", ANY_VOLUME), ("device", &device)],
        };
        examination.look_with(&self.ssm, &self.clock, script).await;
    }
}
