//! The log trail, printed as it grows.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use aws_stand_in::clock::rfc3339;
use aws_stand_in::lambda::{Lambda, LogLine};

/// How often the logs are read for new lines.
const EVERY: Duration = Duration::from_millis(100);

/// Prints each new line of the functions' logs, until `ended` comes and all are printed.
pub(super) async fn follow(lambda: Lambda, ended: impl Future<Output = ()>) {
    let mut seen = 0;
    let mut tick = tokio::time::interval(EVERY);
    let mut ended = pin!(ended);
    loop {
        tokio::select! {
            _ = tick.tick() => seen += print_from(&lambda, seen),
            () = &mut ended => {
                print_from(&lambda, seen);
                return;
            }
        }
    }
}

/// Prints the lines from `seen` on, and says how many there were.
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn print_from(lambda: &Lambda, seen: usize) -> usize {
    let lines = lambda.log(seen);
    for LogLine {
        time,
        function,
        text,
    } in &lines
    {
        let step = function.split("ib-backup-").last().unwrap_or(function);
        println!("{}  {step:<19} {}", clock_time(*time), text.trim_start());
    }
    lines.len()
}

/// The hour, minute and second of an instant, UTC.
fn clock_time(time: SystemTime) -> String {
    let text = rfc3339(time);
    text.get(11..19).unwrap_or(&text).to_owned()
}
