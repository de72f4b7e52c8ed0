//! The doctor's checks of step 1: the database, its test instance, a backup, and whether the
//! instance is free.

use common::doctor::{Examination, Need};
use common::ec2::{self, Instance, Snapshot, SnapshotState, Volume, VolumeState, tags};
use common::event::{self, Pick, Run, Start};
use common::{Error, Kind, Result};

use crate::{ChooseSnapshot, check, select};

impl ChooseSnapshot {
    pub(crate) async fn look_for_needs(&self, examination: &mut Examination) {
        let start = event::read::<Start>(&examination.event)
            .and_then(|start| check(&start).map(|()| start));
        let start = match start {
            Ok(start) => start,
            Err(error) => return examination.error(Need::Function, &error),
        };
        let run = examination.run.clone();
        self.look_at_backup(&run, &start, examination).await;
        self.look_at_test_instance(&run, examination).await;
        let datadog = self.datadog.of(&run);
        examination.datadog_takes_key(&datadog).await;
    }

    async fn look_at_backup(&self, run: &Run, start: &Start, examination: &mut Examination) {
        let filters = match self.filters(start) {
            Ok(filters) => filters,
            Err(error) => return examination.error(Need::Snapshot, &error),
        };
        let source = match self.source(run, start, &filters).await {
            Ok(source) => source,
            Err(error) => return examination.error(Need::ProductionVolume, &error),
        };
        let saw = format!("{} is {}", source.name, source.volume_id);
        examination.met(Need::ProductionVolume, &saw);
        let chosen = async {
            let ours = ec2::snapshots_of(&self.ec2, &source.volume_id, &filters).await?;
            match (&start.snapshot_id, start.pick) {
                (Some(id), _) => self.named(id, &ours, &source, &filters).await,
                (None, Pick::Newest) => {
                    let newest = select::newest(&ours, &source, &filters)?;
                    let age = run.started_at.since(newest.started_at);
                    select::young_enough(&newest, age, self.max_age).map(|()| newest)
                }
                (None, pick) => select::picked(run, pick, start, &ours)
                    .ok_or_else(|| Error::new(Kind::NotFound, select::none_to_pick(pick, start))),
            }
        };
        match chosen.await.and_then(can_be_tested) {
            Ok((chosen, saw)) => {
                examination.met(Need::Snapshot, &saw);
                examination.seen.snapshot_id = Some(chosen.id);
            }
            Err(error) => examination.error(Need::Snapshot, &error),
        }
    }

    async fn look_at_test_instance(&self, run: &Run, examination: &mut Examination) {
        let names = self.names(run);
        let found = ec2::running_instance(&self.ec2, names.test_instance).await;
        let found = found.and_then(|test| self.meant_for_tests(&test).map(|()| test));
        let test = match found {
            Ok(test) => test,
            Err(error) => return examination.error(Need::TestInstance, &error),
        };
        let saw = format!("{} is {} in {}, and runs", test.name, test.id, test.zone);
        examination.met(Need::TestInstance, &saw);
        examination.seen.dev_ib_backup_instance_id = Some(test.id.clone());
        // The call by which a run checks whether it was released.
        let released = self.was_released(run, &test).await;
        let saw = "instances, volumes, snapshots and commands";
        examination.found(Need::Look, saw, released);
        match ec2::test_volumes(&self.ec2, &test.name).await {
            Ok(volumes) => self.look_at_place(&test, names.test_device, &volumes, examination),
            Err(error) => examination.error(Need::TestInstanceFree, &error),
        }
    }

    /// What a live run holds is no fault, and neither is what step 6 is going to release.
    fn look_at_place(
        &self,
        test: &Instance,
        device: &str,
        volumes: &[Volume],
        examination: &mut Examination,
    ) {
        let ours = |volume: &&Volume| {
            self.is_of_environment(volume) && volume.state != VolumeState::Deleted
        };
        examination.seen.volume_id = volumes.iter().find(ours).map(|volume| volume.id.clone());
        let at_work = volumes.iter().find(|volume| !self.is_dead(volume));
        let run_of = |volume: &Volume| volume.tags.get(tags::RUN).cloned().unwrap_or_default();
        examination.seen.run_at_work = at_work.map(run_of);
        let foreign: Vec<&Volume> = volumes
            .iter()
            .filter(|volume| self.is_dead(volume) && !self.is_of_environment(volume))
            .collect();
        match crate::occupancy::check_environment(&foreign, test) {
            Err(error) => examination.error(Need::TestInstanceFree, &error),
            Ok(()) => examination.met(
                Need::TestInstanceFree,
                &match (at_work, volumes.iter().find(ours)) {
                    (Some(volume), _) => format!("run {} is at work on it now", run_of(volume)),
                    (None, Some(left)) => format!(
                        "{} of the ended run {} is given back at the next run's start",
                        left.id,
                        run_of(left)
                    ),
                    (None, None) => "no test volume is on it".to_owned(),
                },
            ),
        }
        match test.volume_at(device) {
            Ok(id) if volumes.iter().all(|volume| volume.id != id) => examination.not_met(
                Need::DeviceName,
                &format!(
                    "{device} of {} ({}) is in use by volume {id}, which is no test volume",
                    test.name, test.id
                ),
            ),
            Ok(id) => {
                let saw = format!("{device} is in use by test volume {id}, as it should");
                examination.met(Need::DeviceName, &saw);
            }
            Err(_) => {
                let saw = format!("{device} of {} is free", test.name);
                examination.met(Need::DeviceName, &saw);
            }
        }
    }
}

/// Any snapshot that a run would test, now or once it is complete.
fn can_be_tested(snapshot: Snapshot) -> Result<(Snapshot, String)> {
    let (id, at) = (&snapshot.id, snapshot.started_at);
    let saw = match &snapshot.state {
        SnapshotState::Ready => format!("{id} of {at} is complete"),
        SnapshotState::Pending(progress) => {
            format!("{id} of {at} is not complete yet ({progress}), and a run waits for it")
        }
        SnapshotState::Dead(why) => {
            return Err(Error::new(
                Kind::Dead,
                format!("snapshot {id} cannot be tested: it is {why}"),
            ));
        }
    };
    Ok((snapshot, saw))
}
