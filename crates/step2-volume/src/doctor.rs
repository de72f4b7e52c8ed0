//! The doctor's checks of step 2: whether it may create the test volume.

use common::doctor::{Examination, Need};
use common::ec2::{self, Key, NewVolume};
use common::ssm;

use crate::MakeVolume;

impl MakeVolume {
    pub(crate) async fn look_for_needs(&self, examination: &mut Examination) {
        let run = examination.run.clone();
        let name = run.target.test_instance_name.as_ref();
        let name = name.unwrap_or(&self.test_instance);
        self.look_at_reads(examination).await;
        let Some(snapshot_id) = examination.seen.snapshot_id.clone() else {
            examination.not_known(Need::CreateVolume, "there is no snapshot to make one of");
            return;
        };
        let snapshot = match ec2::snapshot(&self.ec2, &snapshot_id).await {
            Ok(snapshot) => snapshot,
            Err(error) => return examination.error(Need::Look, &error),
        };
        match ec2::running_instance(&self.ec2, name).await {
            Ok(test) => {
                let new = NewVolume {
                    run_id: &run.run_id,
                    snapshot_id: &snapshot_id,
                    zone: &test.zone,
                    test_instance_name: name,
                    environment: &self.environment,
                    performance: &self.performance,
                    tags: &self.tags,
                };
                let may = ec2::may_create(&self.ec2, &new).await;
                let saw = format!(
                    "may make one of {snapshot_id} in {}: {}",
                    test.zone, self.performance
                );
                examination.found(Need::CreateVolume, &saw, may);
            }
            // Step 1 has reported it already.
            Err(error) if error.is_not_found() => examination.not_known(
                Need::CreateVolume,
                "there is no test instance whose zone it would be made in",
            ),
            Err(error) => examination.error(Need::Look, &error),
        }
        match snapshot.key {
            Key::None => {
                examination.met(Need::KmsKey, &format!("{snapshot_id} is not encrypted"));
            }
            Key::Of(key) => {
                let saw = self.key_of(&snapshot_id, &key);
                examination.not_known(Need::KmsKey, &saw);
            }
        }
    }

    /// EC2 tries a key only when it makes a volume.
    fn key_of(&self, snapshot: &str, key: &str) -> String {
        match &self.key {
            Some(set) if set == key => format!(
                "{snapshot} is encrypted under KmsKeyArn, {key}; whether its policy lets the role \
                 use it, only a run shows"
            ),
            set => format!(
                "{snapshot} is encrypted under {key}, and KmsKeyArn is {}: a run works only if \
                 that is the AWS managed key aws/ebs",
                set.as_deref().unwrap_or("empty")
            ),
        }
    }

    async fn look_at_reads(&self, examination: &mut Examination) {
        let run_id = examination.run.run_id.clone();
        if let Err(error) = ec2::volumes_of_run(&self.ec2, &run_id, &self.environment).await {
            examination.error(Need::Look, &error);
        }
        if let Some(instance) = examination.seen.dev_ib_backup_instance_id.clone() {
            let (document, now) = (&self.release_document, self.clock.now());
            let asked = ssm::was_released(&self.ssm, document, &instance, &run_id, now).await;
            if let Err(error) = asked {
                examination.error(Need::Look, &error);
            }
        }
        examination.met(Need::Look, "instances, volumes, snapshots and commands");
    }
}
