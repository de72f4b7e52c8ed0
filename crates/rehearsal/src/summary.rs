//! The result of a rehearsed run.

use std::process::ExitCode;

use common::event::Phase;

use super::local_host::LocalHost;
use aws_stand_in::Point;
use aws_stand_in::stack::Stack;

/// What became of a canary.
const CANARY: &str = "infobright_backup_check.canary_caught";

/// Prints the verdict, the tag, the metric, the time of each phase and what was released, and
/// returns the exit status: 0 valid or a canary caught, 1 invalid, 2 undetermined or a canary
/// missed, or 2 where anything was left.
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
pub(super) fn print(stack: &Stack, machine: &LocalHost, canary: bool) -> ExitCode {
    let tags = stack.aws.snapshot_tags(&stack.fixture.snapshot_id);
    let points = stack.aws.points();
    let value = |metric: &str| {
        let of_metric = points.iter().filter(|point| point.metric == metric);
        of_metric.map(|point| point.value).next_back()
    };
    let verdict = match tags.get("DBBackupValid").map(String::as_str) {
        Some("True") => "valid",
        Some("False") => "invalid",
        _ if value(CANARY) == Some(1.0) => "canary caught",
        _ if value(CANARY) == Some(0.0) => "canary missed",
        _ => "undetermined",
    };
    println!("\nverdict       {verdict}");
    for tag in [
        "DBBackupValid",
        "DBBackupCheckedAt",
        "DBBackupCheckRun",
        "DBBackupCheckDetail",
    ] {
        println!("{tag:<21} {}", tags.get(tag).map_or("-", String::as_str));
    }
    let mut metrics = vec!["infobright_backup_valid", "infobright_backup_age_seconds"];
    metrics.extend(canary.then_some(CANARY));
    for metric in metrics {
        println!(
            "{metric:<31} {}",
            value(metric).map_or("-".to_owned(), |value| value.to_string())
        );
    }
    for event in stack.aws.events() {
        println!(
            "event         {}: {}",
            event.title,
            event.text.replace('\n', " ")
        );
    }
    print_phases(&points);
    println!("\ngiven back    {}", given_back(stack));
    let clean = nothing_is_left(stack, machine);
    let status = match verdict {
        _ if !clean => 2,
        "valid" | "canary caught" => 0,
        "invalid" => 1,
        _ => 2,
    };
    ExitCode::from(status)
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn print_phases(points: &[Point]) {
    println!("\nphase       seconds");
    for phase in Phase::ALL {
        let tag = format!("phase:{}", phase.name());
        let mut of_phase = points.iter().filter(|point| point.tags.contains(&tag));
        if let Some(point) = of_phase.next_back() {
            println!("{:<11} {:>7.1}", phase.name(), point.value);
        }
    }
}

fn given_back(stack: &Stack) -> String {
    let made = stack.aws.volumes();
    let ours = made
        .iter()
        .filter(|volume| volume.tags.contains_key("IBBackupTest"));
    let ids: Vec<&str> = ours.map(|volume| volume.id.as_str()).collect();
    if ids.is_empty() {
        "nothing was held".to_owned()
    } else {
        ids.join(", ")
    }
}

/// Prints what is left; whether that is nothing.
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
pub(super) fn nothing_is_left(stack: &Stack, machine: &LocalHost) -> bool {
    let left = left(stack, machine);
    let shown = if left.is_empty() {
        "nothing".to_owned()
    } else {
        left.join(", ")
    };
    println!("left          {shown}");
    left.is_empty()
}

/// What should have been released and was not.
fn left(stack: &Stack, machine: &LocalHost) -> Vec<String> {
    let mut left = stack.left_volumes();
    left.extend(
        machine
            .attached_volumes()
            .iter()
            .map(|id| format!("device of {id}")),
    );
    left.extend(
        machine
            .mounts()
            .iter()
            .map(|point| format!("mount {point}")),
    );
    left.extend(stack.lambda.lost());
    left.extend(stack.aws.unmodelled());
    left
}
