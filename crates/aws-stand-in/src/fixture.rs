//! The account as an ordinary run finds it.

use std::time::Duration;

use super::ec2::{Instance, Snapshot, Tags};
use super::{Aws, REGION};

/// `Name` of the instance whose data volume is backed up.
pub const PRODUCTION_INSTANCE: &str = "ib-backup.us-east-1.code418.net";
/// `Name` of the instance that tests.
pub const TEST_INSTANCE: &str = "ib02.dev.code418.net";

/// A database that is backed up, and where its backups are tested.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The `Name` of what is backed up.
    pub production_instance: String,
    /// Backed up.
    pub production_instance_id: String,
    /// Its data, at `/dev/sdg`.
    pub production_volume_id: String,
    /// The `Name` of what tests.
    pub test_instance: String,
    /// Tests.
    pub test_instance_id: String,
    /// Last night's backup.
    pub snapshot_id: String,
}

impl Aws {
    /// Fills the account: production with its data volume, the test instance in the same zone,
    /// each with a root volume, and one snapshot, complete, begun half an hour ago.
    #[must_use]
    pub fn fixture(&self) -> Fixture {
        let fixture = Fixture {
            production_instance: PRODUCTION_INSTANCE.to_owned(),
            production_instance_id: "i-0db00000000000001".to_owned(),
            production_volume_id: "vol-rehearsalproductiondata".to_owned(),
            test_instance: TEST_INSTANCE.to_owned(),
            test_instance_id: "i-07e57000000000001".to_owned(),
            snapshot_id: "snap-rehearsal0001".to_owned(),
        };
        self.fill(&fixture, Tags::new());
        fixture
    }

    /// One more such database that the stack's settings do not name: its test instance is tagged as
    /// one. `number` makes its ids unique.
    #[must_use]
    pub fn another_fixture(&self, number: u32) -> Fixture {
        let fixture = Fixture {
            production_instance: format!("ib-{number:04}.us-east-1.code418.net"),
            production_instance_id: format!("i-0db00a{number:011x}"),
            production_volume_id: format!("vol-rehearsalproductiondata{number:04}"),
            test_instance: format!("ib-{number:04}.dev.code418.net"),
            test_instance_id: format!("i-07e57a{number:011x}"),
            snapshot_id: format!("snap-rehearsalother{number:04}"),
        };
        let tag = ("IBBackupTestHost".to_owned(), "True".to_owned());
        self.fill(&fixture, Tags::from([tag]));
        fixture
    }

    fn fill(&self, fixture: &Fixture, test_tags: Tags) {
        let now = self.clock().now();
        let zone = format!("{REGION}a");
        let year = Duration::from_hours(365 * 24);
        let (production, test) = (&fixture.production_instance_id, &fixture.test_instance_id);
        let (backed_up, tests) = (&fixture.production_instance, &fixture.test_instance);
        let launched = now - 2 * year;
        self.add_instance(Instance::running(production, backed_up, &zone, launched));
        let mut testing = Instance::running(test, tests, &zone, now - year);
        testing.tags.extend(test_tags);
        self.add_instance(testing);
        let name = |name: &str| Tags::from([("Name".to_owned(), name.to_owned())]);
        for instance in [production, test] {
            let root = format!("{}root", instance.replacen("i-", "vol-", 1));
            self.add_volume(&root, &zone, name("root"), Some((instance, "/dev/xvda")));
        }
        let data = &fixture.production_volume_id;
        self.add_volume(
            data,
            &zone,
            name("infobright-data"),
            Some((production, "/dev/sdg")),
        );
        let begun = now - Duration::from_mins(30);
        self.add_snapshot(Snapshot::completed(&fixture.snapshot_id, data, begun));
    }
}
