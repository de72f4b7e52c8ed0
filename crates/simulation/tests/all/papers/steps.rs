//! README.md: the table of the six steps.

use aws_stand_in::lambda::access_key;
use aws_stand_in::template::Function;
use common::clients::Clients;
use common::polling::Polling;
use common::runner;
use common::step::{Invocation, Step};
use simulation::environment::{Ending, Environment};

use super::page::{Row, code, hold};

#[tokio::test(start_paused = true)]
async fn the_table_of_steps() {
    let night = Environment::new();
    let ending = night.play().await;
    let functions = night.stack.template.functions.iter();
    let rows = functions.map(|function| {
        let (every, limit) = shown(&polling_of(&night, &ending, function));
        vec![
            Some(code(&function.name.replacen("dev", "<environment>", 1))),
            Some(code(&format!("crates/{}", function.binary))),
            None,
            Some(every),
            Some(limit),
        ]
    });
    hold("README.md", "functions", &rows.collect::<Vec<Row>>());
}

#[tokio::test(start_paused = true)]
async fn the_intervals_are_those_of_the_settings() {
    let set = [("PollSeconds", "17"), ("TestPollSeconds", "71")];
    let night = Environment::parameters(&set, |_| ());
    let ending = night.play().await;
    let functions = night.stack.template.functions.iter();
    let every = functions.map(|function| shown(&polling_of(&night, &ending, function)).0);
    let last = "71 s for the test, 17 s for the rest";
    assert_eq!(
        every.collect::<Vec<_>>(),
        ["71 s", "17 s", "17 s", "17 s", "17 s", last]
    );
}

/// A step's polling intervals and limits, in the table's words.
fn shown(pollings: &[Polling]) -> (String, String) {
    let every = |polling: &Polling| format!("{} s", polling.interval.as_secs());
    let give_up_after = |polling: &Polling| match polling.give_up_after.as_secs() {
        seconds if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        seconds => format!("{} min", seconds / 60),
    };
    match pollings {
        [one] => (every(one), give_up_after(one)),
        [test, rest] => (
            format!("{} for the test, {} for the rest", every(test), every(rest)),
            format!(
                "{} for the test, {} for the rest",
                give_up_after(test),
                give_up_after(rest)
            ),
        ),
        pollings => panic!("{pollings:?}"),
    }
}

fn polling_of(night: &Environment, ending: &Ending, function: &Function) -> Vec<Polling> {
    match function.binary.as_str() {
        "step1-snapshot" => pollings::<step1_snapshot::ChooseSnapshot>(night, ending, function),
        "step2-volume" => pollings::<step2_volume::MakeVolume>(night, ending, function),
        "step3-attach" => pollings::<step3_attach::AttachVolume>(night, ending, function),
        "step4-mount" => pollings::<step4_mount::Mount>(night, ending, function),
        "step5-run-test" => pollings::<step5_run_test::RunTest>(night, ending, function),
        "step6-await-result" => {
            pollings::<step6_await_result::AwaitResult>(night, ending, function)
        }
        other => panic!("no crate {other}"),
    }
}

/// How often and how long the step polls, for each event that it got.
fn pollings<S: Step>(night: &Environment, ending: &Ending, function: &Function) -> Vec<Polling> {
    let aws = &night.stack.aws;
    let clients = Clients::new(
        &aws.sdk_config(&access_key(&function.name, 0, 0)),
        aws.datadog_service(),
        &function.name,
        function.environment.clone(),
    );
    let step: S = runner::build(&clients).expect("a step");
    let invocation = Invocation {
        request_id: "r".to_owned(),
        now: clients.clock.now(),
    };
    let mut pollings = Vec::new();
    for delivery in &ending.deliveries {
        if delivery.accepted.function == function.name {
            let read = step.read(&delivery.accepted.event, &invocation);
            pollings.push(step.polling(&read.expect("an event").payload));
        }
    }
    pollings.dedup();
    pollings
}
