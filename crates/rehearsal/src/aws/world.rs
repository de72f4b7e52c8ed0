//! The account as it is on an ordinary night.

use std::time::Duration;

use super::ec2::{Instance, Snapshot, Tags};
use super::{Aws, REGION};

/// `Name` of the instance whose data volume is backed up.
pub const PRODUCTION_INSTANCE: &str = "ib-backup.us-east-1.code418.net";
/// `Name` of the instance that tests.
pub const TEST_INSTANCE: &str = "ib02.dev.code418.net";

/// Who is who in the account.
#[derive(Clone, Debug)]
pub struct World {
    /// Backed up.
    pub production_instance_id: String,
    /// Its data, at `/dev/sdg`.
    pub production_volume_id: String,
    /// Tests.
    pub test_instance_id: String,
    /// Last night's backup.
    pub snapshot_id: String,
}

impl Aws {
    /// Fills the account: production with its data volume, the test instance in the same zone,
    /// each with a root volume, and one snapshot, complete, begun half an hour ago.
    #[must_use]
    pub fn world(&self) -> World {
        let now = self.clock().now();
        let world = World {
            production_instance_id: "i-rehearsalproduction".to_owned(),
            production_volume_id: "vol-rehearsalproductiondata".to_owned(),
            test_instance_id: "i-rehearsaltest".to_owned(),
            snapshot_id: "snap-rehearsal0001".to_owned(),
        };
        let zone = format!("{REGION}a");
        let year = Duration::from_hours(365 * 24);
        let (production, test) = (&world.production_instance_id, &world.test_instance_id);
        self.add_instance(Instance::running(
            production,
            PRODUCTION_INSTANCE,
            &zone,
            now - 2 * year,
        ));
        self.add_instance(Instance::running(test, TEST_INSTANCE, &zone, now - year));
        let name = |name: &str| Tags::from([("Name".to_owned(), name.to_owned())]);
        let root = "/dev/xvda";
        self.add_volume(
            "vol-rehearsalproductionroot",
            &zone,
            name("root"),
            Some((production, root)),
        );
        self.add_volume(
            "vol-rehearsaltestroot",
            &zone,
            name("root"),
            Some((test, root)),
        );
        let data = &world.production_volume_id;
        self.add_volume(
            data,
            &zone,
            name("infobright-data"),
            Some((production, "/dev/sdg")),
        );
        let begun = now - Duration::from_mins(30);
        self.add_snapshot(Snapshot::completed(&world.snapshot_id, data, begun));
        world
    }
}
