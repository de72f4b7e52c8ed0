//! What operators ask besides: the record of the run, the status, the doctor.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use aws_stand_in::lambda::processes::Processes;
use aws_stand_in::lambda::{Accepted, Executor as _};
use aws_stand_in::stack::Stack;
use serde_json::{Value, json};

use super::local_host::LocalHost;
use super::summary;

/// What step 1 answers to `{"status": true}`, invoked as the console's Test tab does.
pub(super) async fn ask(
    stack: &Stack,
    processes: &Processes,
    step1: &str,
) -> anyhow::Result<Value> {
    let function = stack.template.function(step1).context("no step 1")?;
    let accepted = Accepted {
        number: 0,
        function: step1.to_owned(),
        request_id: "rehearsal-request-status".to_owned(),
        event: json!({"status": true}),
        depth: 0,
        lost: false,
    };
    let answer = processes.run(function, &accepted, 0).await;
    answer.map_err(|error| anyhow!("{}: {}", error.error_type, error.error_message))
}

/// Prints the record of the run, from where the stack keeps it, the history and the status.
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
pub(super) fn print(stack: &Stack, status: &Value) -> anyhow::Result<()> {
    let kept = stack.lambda.kept();
    for kept in kept.iter().filter(|kept| kept.event["source"] == "lambda") {
        let detail = &kept.event["detail"];
        let answer = &detail["responsePayload"];
        // Of a run that ended with an error Lambda's own record is kept.
        let record = if answer["verdict"].is_null() {
            detail
        } else {
            answer
        };
        println!("\nrecord        {}\n{record:#}", kept.log_group);
    }
    let queries = stack.template.saved_queries.iter();
    for query in queries.filter(|query| query.name.ends_with("/history")) {
        let read = kept
            .iter()
            .filter(|kept| query.log_group_names.contains(&kept.log_group));
        let events: Vec<Value> = read.map(|kept| kept.event.clone()).collect();
        println!("\nhistory       {}\n{}", query.name, query.run(&events)?);
    }
    println!("\nstatus\n{status:#}");
    Ok(())
}

/// Prints the doctor's table, and gives the exit status: 0 where nothing is missing.
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
pub(super) fn doctor(stack: &Stack, machine: &LocalHost) -> ExitCode {
    let lines = stack.lambda.log(0).into_iter();
    let rows = lines.filter_map(|line| {
        let (_, row) = line.text.split_once("doctor: step ")?;
        Some(format!("step {row}"))
    });
    let mut rows: Vec<String> = rows.collect();
    // Lambda repeats a run that fails, and with it the table.
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(row.clone()));
    println!("\ndoctor");
    for row in &rows {
        println!("{row}");
    }
    let met = !rows.is_empty() && !rows.iter().any(|row| row.contains("  NOT MET  "));
    println!();
    let clean = summary::nothing_is_left(stack, machine);
    ExitCode::from(if met && clean { 0 } else { 2 })
}
