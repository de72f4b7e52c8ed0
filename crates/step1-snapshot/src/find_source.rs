//! Finds the volume whose snapshots are the backup.

use common::ec2::{self, SnapshotFilters};
use common::event::{Run, Start};
use common::{Error, Kind, Result};

use crate::ChooseSnapshot;
use crate::source::Source;

impl ChooseSnapshot {
    /// The volume that the start event or the setting names, attached or not; else the one that is
    /// attached to the production instance now. If an event names another production instance, that
    /// instance's volume counts.
    pub(crate) async fn source(
        &self,
        run: &Run,
        start: &Start,
        filters: &SnapshotFilters,
    ) -> Result<Source> {
        let target = &run.target;
        let names_production =
            target.production_instance_name.is_some() || target.production_device.is_some();
        let of_settings = self.source_volume.as_ref().filter(|_| !names_production);
        if let Some(id) = start.source_volume_id.as_ref().or(of_settings) {
            if id == ec2::COPIED && filters.is_empty() {
                return Err(Error::new(
                    Kind::BadEvent,
                    format!(
                        "{id} stands for the volume of each snapshot that was copied; say by \
                         snapshot_filters or the stack's parameter SnapshotFilters which of them \
                         are the backup"
                    ),
                ));
            }
            return Ok(Source {
                volume_id: id.clone(),
                name: format!("volume {id}"),
                by_id: true,
            });
        }
        let names = self.names(run);
        let instance = ec2::backed_up_instance(&self.ec2, names.production_instance);
        let instance = instance.await.map_err(|error| match error.kind() {
            Kind::NotFound => Error::new(
                Kind::NotFound,
                format!("{error}, or name its volume by SourceVolumeId where it is gone"),
            ),
            _ => error,
        })?;
        let device = names.production_device;
        Ok(Source {
            volume_id: instance.volume_at(device)?.to_owned(),
            name: format!("{device} of {} ({})", instance.name, instance.id),
            by_id: false,
        })
    }
}
