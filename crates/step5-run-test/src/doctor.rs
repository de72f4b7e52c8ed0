//! The doctor's checks of step 5: the programs and test documents, and what the test needs on its
//! host.

use common::doctor::{ANY_SNAPSHOT, ANY_VOLUME, Examination, Need, Script};

use crate::RunTest;

impl RunTest {
    pub(crate) async fn look_for_needs(&self, examination: &mut Examination) {
        if let Some(document) = &self.programs {
            let script = Script {
                document,
                need: Need::ProgramsDocument,
                purpose: "doctor programs",
                steps: &["programs"],
                parameters: vec![("volumeId", ANY_VOLUME)],
            };
            examination.look_with(&self.ssm, &self.clock, script).await;
        }
        let snapshot = examination.seen.snapshot_id.clone();
        let snapshot = snapshot.as_deref().unwrap_or(ANY_SNAPSHOT);
        let script = Script {
            document: &self.document,
            need: Need::TestDocument,
            purpose: "doctor test",
            steps: &["test"],
            parameters: vec![("volumeId", ANY_VOLUME), ("snapshotId", snapshot)],
        };
        examination.look_with(&self.ssm, &self.clock, script).await;
    }
}
