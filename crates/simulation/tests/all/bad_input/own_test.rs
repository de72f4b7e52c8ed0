//! A user's own test document that does not report what it checked.

use std::sync::Arc;

use aws_stand_in::instance_host::{AttachedVolume, BoxFuture, Finished, Host, RunCommand};
use aws_stand_in::simulated_host::SimulatedHost;
use simulation::environment::{Ending, Environment};

/// A test instance with a user's own test document, which prints this and exits with this code.
struct OwnTest {
    machine: SimulatedHost,
    test_document: String,
    finished: Finished,
}

impl Host for OwnTest {
    fn attached(&self, volume: &AttachedVolume) {
        self.machine.attached(volume);
    }

    fn detached(&self, volume_id: &str) {
        self.machine.detached(volume_id);
    }

    fn in_use(&self, volume_id: &str) -> bool {
        self.machine.in_use(volume_id)
    }

    fn run(&self, command: RunCommand) -> BoxFuture<Finished> {
        if command.document == self.test_document {
            let finished = self.finished.clone();
            return Box::pin(async move { finished });
        }
        self.machine.run(command)
    }
}

async fn night_with_own_test(exit_code: i32, stdout: &str) -> Ending {
    let night = Environment::new();
    let mut functions = night.stack.template.functions.iter();
    let test_document = functions.find_map(|function| function.environment.get("TEST_DOCUMENT"));
    let own = OwnTest {
        machine: night.host.clone(),
        test_document: test_document
            .expect("step 5 names the test document")
            .clone(),
        finished: Finished {
            exit_code,
            stdout: stdout.to_owned(),
            stderr: String::new(),
        },
    };
    night
        .stack
        .aws
        .set_host(&night.stack.fixture.test_instance_id, Arc::new(own));
    night.play().await
}

#[tokio::test(start_paused = true)]
async fn a_test_document_that_does_not_say_what_it_checked() {
    let ending = night_with_own_test(0, "").await;
    ending.assert_undetermined("its output does not end in the JSON line");
    let ending = night_with_own_test(0, "all tables fine\n").await;
    ending.assert_undetermined("its last line is `all tables fine`");
    // 10 MB: Systems Manager keeps the first 24,000 characters, without the last line.
    let summary = r#"{"valid":true,"checks":1,"tables":1,"rows":1,"seconds":1,"reason":""}"#;
    let flood = format!("{}\n{summary}\n", "table ok\n".repeat(1_200_000));
    let ending = night_with_own_test(0, &flood).await;
    ending.assert_undetermined("its output does not end in the JSON line");
    let skipped = r#"{"valid":true,"checks":0,"tables":0,"rows":0,"seconds":0,"reason":""}"#;
    let ending = night_with_own_test(0, skipped).await;
    ending.assert_undetermined("does not say that anything was found valid");
    night_with_own_test(0, summary).await.assert_verdict(true);
    let ending = night_with_own_test(9, "flood\n").await;
    ending.assert_undetermined("exited with 9");
    let found = summary
        .replace("true", "false")
        .replace("\"\"", "\"a.b: Corrupt\"");
    night_with_own_test(1, &found).await.assert_verdict(false);
}
