//! Finds the volume whose snapshots are the backup.

use common::ec2::{self, SnapshotFilters};
use common::event::{Run, Start};
use common::{Error, Kind, Result};

use crate::ChooseSnapshot;
use crate::source::Source;

impl ChooseSnapshot {
    /// The volume that start event or setting name, be it on an instance or not; else the one that
    /// the production instance has now. An event that names another instance means that one's.
    pub(crate) async fn source(
        &self,
        run: &Run,
        start: &Start,
        filters: &SnapshotFilters,
    ) -> Result<Source> {
        let pair = &run.target;
        let names_production =
            pair.production_instance_name.is_some() || pair.production_device.is_some();
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
