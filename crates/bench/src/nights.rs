//! Runs in memory, which count the calls that a run makes.

use std::time::Duration;

use anyhow::Context as _;

use super::cost::Activity;
use simulation::environment::Environment;

/// Plays a successful run whose test takes this long.
pub(super) fn play(test: Duration) -> anyhow::Result<Activity> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(async {
        let night = Environment::new().testing_for(test);
        let ending = night.play().await;
        anyhow::ensure!(ending.tag() == Some("True"), "{:?}", ending.errors());
        activity(&night)
    })
}

/// A function waits before it invokes the next, so the time between two invocations is the wait of
/// the first.
fn activity(night: &Environment) -> anyhow::Result<Activity> {
    let mut activity = Activity::default();
    let deliveries = night.stack.lambda.deliveries();
    for delivery in &deliveries {
        let name = &delivery.accepted.function;
        let function = night.stack.template.function(name);
        let program = &function.context("an unknown function")?.binary;
        *activity.invocations.entry(program.clone()).or_default() += 1;
    }
    let first = deliveries.first().context("nothing was invoked")?.time;
    let last = deliveries.last().context("nothing was invoked")?.time;
    activity.waited = last.duration_since(first)?;
    let calls = night.stack.aws.made_calls();
    let time_of = |action: &str| {
        let call = calls.iter().find(|call| call.action == action);
        Ok::<_, anyhow::Error>(call.with_context(|| format!("no {action}"))?.time)
    };
    let (made, deleted) = (time_of("CreateVolume")?, time_of("DeleteVolume")?);
    activity.volume_held = deleted.duration_since(made)?;
    Ok(activity)
}

#[cfg(test)]
mod tests {
    use super::play;
    use std::time::Duration;

    #[test]
    fn an_hour_more_of_testing_is_an_hour_more_of_waiting_and_of_the_volume() {
        let hour = Duration::from_hours(1);
        let (one, two) = (play(hour).expect("one"), play(2 * hour).expect("two"));
        let about = |more: Duration, of: Duration| {
            more.saturating_sub(of).abs_diff(hour) < Duration::from_mins(1)
        };
        assert!(about(two.waited, one.waited), "{one:?} {two:?}");
        assert!(about(two.volume_held, one.volume_held), "{one:?} {two:?}");
        let looks = |of: &super::Activity| of.invocations["step6-await-result"];
        assert_eq!(looks(&two) - looks(&one), 60);
        assert!(one.requests() > looks(&one) + 4, "{one:?}");
    }
}
