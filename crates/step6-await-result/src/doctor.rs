//! The doctor's checks of step 6: whether it may write the verdict, reach Datadog, and release
//! everything.

use common::clients::Clients;
use common::doctor::{ANY_VOLUME, Examination, NO_VOLUME, Need, STEPS, Script};
use common::event::Run;
use common::step::Step;
use common::{ec2, lambda};

use crate::AwaitResult;

impl AwaitResult {
    pub(crate) async fn look_for_needs(&self, clients: &Clients, examination: &mut Examination) {
        let run = examination.run.clone();
        self.look_at_reads(&run, examination).await;
        self.look_at_writes(examination).await;
        let script = Script {
            document: &self.release_document,
            need: Need::ReleaseDocument,
            purpose: "doctor release",
            steps: &["release"],
            parameters: vec![("volumeId", ANY_VOLUME)],
        };
        examination.look_with(&self.ssm, &self.clock, script).await;
        examination.datadog_takes_key(&self.datadog.of(&run)).await;
        self.look_at_topic(examination);
        look_at_loops(clients, examination).await;
    }

    async fn look_at_reads(&self, run: &Run, examination: &mut Examination) {
        let name = run.target.test_instance_name.as_ref();
        let name = name.unwrap_or(&self.test_instance);
        let run_id = &run.run_id;
        let asked = [
            ec2::volumes_of_run(&self.ec2, run_id, &self.environment)
                .await
                .map(drop),
            ec2::verdict_of(&self.ec2, run_id).await.map(drop),
            ec2::running_instance(&self.ec2, name).await.map(drop),
        ];
        for error in asked.into_iter().filter_map(Result::err) {
            // Step 1 reports a missing instance.
            if !error.is_not_found() {
                examination.error(Need::Look, &error);
            }
        }
        examination.met(Need::Look, "instances, volumes and snapshots");
    }

    /// That it exists says little: somebody has to hear of it. So nothing of SNS is granted.
    fn look_at_topic(&self, examination: &mut Examination) {
        match &self.topic {
            None => examination.met(
                Need::AlarmTopic,
                "AlarmTopicArn is empty: there are no alarms",
            ),
            Some(arn) => examination.not_known(Need::AlarmTopic, &format!("alarms notify {arn}")),
        }
    }

    async fn look_at_writes(&self, examination: &mut Examination) {
        match examination.seen.snapshot_id.clone() {
            Some(snapshot) => {
                let may = ec2::may_tag(&self.ec2, &snapshot).await;
                let saw = format!("may write the verdict on {snapshot}");
                examination.found(Need::CreateTags, &saw, may);
            }
            None => examination.not_known(Need::CreateTags, "there is no snapshot to write on"),
        }
        let Some(volume) = examination.seen.volume_id.clone() else {
            examination.not_known(Need::DetachVolume, NO_VOLUME);
            examination.not_known(Need::DeleteVolume, NO_VOLUME);
            return;
        };
        let may = ec2::may_detach(&self.ec2, &volume).await;
        examination.found(Need::DetachVolume, &format!("may detach {volume}"), may);
        let may = ec2::may_delete(&self.ec2, &volume).await;
        examination.found(Need::DeleteVolume, &format!("may delete {volume}"), may);
    }
}

/// With loop detection on, Lambda would drop a run while it polls.
async fn look_at_loops(clients: &Clients, examination: &mut Examination) {
    let stack = clients.function_name.trim_end_matches(AwaitResult::NAME);
    for step in STEPS {
        let function = format!("{stack}{step}");
        if let Err(error) = lambda::lets_invoke_itself(&clients.lambda, &function).await {
            examination.error(Need::RecursiveLoop, &error);
        }
    }
    examination.met(
        Need::RecursiveLoop,
        "Allow: the six functions may invoke themselves as often as they look",
    );
}
