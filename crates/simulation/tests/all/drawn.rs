//! Nights that were drawn once and violated an invariant, as they were drawn.

use std::time::Duration;

use aws_stand_in::AgentReport;
use aws_stand_in::lambda::Death;
use aws_stand_in::simulated_host::Backup;
use simulation::exhaustive::undisturbed;
use simulation::{
    Answers, CallFault, DeliveryFault, OperatorAction, Plan, PlannedFault, Service, When, play,
};

const TWO_HOURS: Duration = Duration::from_hours(2);

fn at(milliseconds: u64, action: OperatorAction) -> PlannedFault {
    PlannedFault::OperatorAction(Duration::from_millis(milliseconds), action)
}

async fn holds(backup: Backup, seed: u64, faults: &[PlannedFault]) {
    holds_twice(backup, seed, faults, &[]).await;
}

/// The same, with faults in the next night too.
async fn holds_twice(backup: Backup, seed: u64, faults: &[PlannedFault], next: &[PlannedFault]) {
    let plan = Plan {
        faults: faults.to_vec(),
        next: next.to_vec(),
        seed,
        ..undisturbed(backup)
    };
    let played = play(&plan).await;
    assert_eq!(played.violations, [""; 0], "{faults:?} {next:?}");
}

#[tokio::test(start_paused = true)]
async fn a_mount_is_held_and_a_report_is_cut() {
    let cut = OperatorAction::AgentReports(AgentReport::OutputCut);
    let faults = [at(50_500, OperatorAction::HoldMount), at(22_500, cut)];
    holds(Backup::Damaged, 12067, &faults).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_form_while_ssm_is_out_of_reach() {
    let faults = [
        PlannedFault::Delivery(2, DeliveryFault::WrongType),
        PlannedFault::Outage(Service::Ssm, Duration::ZERO, TWO_HOURS),
    ];
    holds(Backup::Good, 1245, &faults).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_while_reads_lag() {
    let faults = [
        PlannedFault::Call(24, CallFault::Lags),
        PlannedFault::Lag(Duration::from_secs(76)),
        PlannedFault::Delivery(33, DeliveryFault::AgainSoon),
        PlannedFault::Call(100, CallFault::AnswerLost),
    ];
    holds(Backup::Good, 16899, &faults).await;
}

#[tokio::test(start_paused = true)]
async fn a_volume_is_deleted_while_ec2_is_out_of_reach() {
    for (seed, backup, outage, delete) in [
        (17409, Backup::Good, 26, 158_500),
        (19055, Backup::Damaged, 50, 150_500),
    ] {
        let outage = PlannedFault::Outage(Service::Ec2, Duration::from_secs(outage), TWO_HOURS);
        let faults = [outage, at(delete, OperatorAction::Delete)];
        holds(backup, seed, &faults).await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_come_again_a_day_later_one_after_the_other() {
    let faults = [
        PlannedFault::Delivery(14, DeliveryFault::Dropped),
        PlannedFault::Delivery(2, DeliveryFault::AgainNextDay),
        PlannedFault::Delivery(17, DeliveryFault::AgainNextDay),
        PlannedFault::Death(104, When::After, Death::Exit),
    ];
    holds(Backup::CannotBeTested, 21024, &faults).await;
}

/// The host knows who holds the volume, but cannot be reached: then force is the last resort.
#[tokio::test(start_paused = true)]
async fn a_mount_is_held_on_a_host_out_of_reach() {
    let out_of_reach = PlannedFault::Outage(Service::Ssm, Duration::from_secs(146), TWO_HOURS);
    let faults = [at(500, OperatorAction::TakeAlong), out_of_reach];
    holds(Backup::ServerDoesNotStart, 22832, &faults).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_replaced_and_the_next_holds_a_device_name() {
    let faults = [
        at(144_500, OperatorAction::Replace),
        PlannedFault::Call(38, CallFault::Denied),
    ];
    let next = [at(1_594_669, OperatorAction::HoldName)];
    holds_twice(Backup::CannotBeTested, 25128, &faults, &next).await;
}

#[tokio::test(start_paused = true)]
async fn answers_are_not_awss_for_longer_than_a_step_waits() {
    let (from, lasts) = (Duration::from_millis(4901), Duration::from_secs(2921));
    let faults = [PlannedFault::Answers(
        Service::Ssm,
        Answers::Foreign,
        from,
        lasts,
    )];
    holds(Backup::Good, 55540, &faults).await;
}

#[tokio::test(start_paused = true)]
async fn the_event_is_lost_that_would_have_sent_the_metric() {
    let faults = [
        PlannedFault::Outage(Service::Parameters, Duration::from_secs(8), TWO_HOURS),
        PlannedFault::Delivery(15, DeliveryFault::Lost),
    ];
    holds(Backup::BrokenFilesystem, 56106, &faults).await;
}

/// The release command was sent, and its answer was lost, or the function died: the next attempt
/// must not take the run for one that has ended. Seeds 206223 and 232871, at each call around it.
#[tokio::test(start_paused = true)]
async fn the_release_command_is_sent_for_a_volume_that_is_gone_or_lost_its_tag() {
    for number in 58..=78 {
        let death = PlannedFault::Death(number, When::After, Death::TimeOut);
        let canary = Plan {
            canary: true,
            faults: vec![at(26_500, OperatorAction::Retag), death],
            ..undisturbed(Backup::ServerDoesNotStart)
        };
        assert_eq!(play(&canary).await.violations, [""; 0], "{number}");
        let cut = PlannedFault::Call(number, CallFault::Cut);
        let faults = [at(26_500, OperatorAction::Delete), cut];
        holds(Backup::ServerDoesNotStart, 232_871, &faults).await;
    }
}

/// The event lost its field `canary` before the test was sent: it is an ordinary one, and its
/// verdict is true.
#[tokio::test(start_paused = true)]
async fn a_canary_loses_its_mark_on_the_way() {
    let plan = Plan {
        canary: true,
        faults: vec![
            PlannedFault::Delivery(23, DeliveryFault::FieldCut),
            PlannedFault::Lag(Duration::from_secs(26)),
            PlannedFault::Death(87, When::After, Death::TimeOut),
            PlannedFault::Delivery(12, DeliveryFault::FieldCut),
        ],
        seed: 235_558,
        ..undisturbed(Backup::ServerDoesNotStart)
    };
    assert_eq!(play(&plan).await.violations, [""; 0]);
}

/// What is long ago is not late where Systems Manager could not be asked before.
#[tokio::test(start_paused = true)]
async fn a_canary_is_held_up_by_an_outage_and_its_volume_is_not_this_runs_any_more() {
    let outage = PlannedFault::Outage(Service::Ssm, Duration::from_secs(20), TWO_HOURS);
    for action in [OperatorAction::Retag, OperatorAction::Delete] {
        let plan = Plan {
            canary: true,
            faults: vec![at(82_500, action), outage],
            test: Duration::from_mins(20),
            seed: 283_364,
            ..undisturbed(Backup::Good)
        };
        assert_eq!(play(&plan).await.violations, [""; 0], "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_cut_while_reads_lag_and_two_tests_have_a_verdict() {
    let (from, lasts) = (Duration::from_millis(2_205_360), Duration::from_secs(3306));
    let faults = [
        PlannedFault::Call(91, CallFault::Cut),
        PlannedFault::Call(8, CallFault::Slow),
        PlannedFault::Answers(Service::Datadog, Answers::Foreign, from, lasts),
        PlannedFault::Lag(Duration::from_secs(69)),
    ];
    holds(Backup::BrokenFilesystem, 286_709, &faults).await;
}

/// Only Datadog has the verdict.
#[tokio::test(start_paused = true)]
async fn the_event_is_lost_of_a_run_whose_tags_have_no_room() {
    let lost = PlannedFault::Delivery(22, DeliveryFault::Lost);
    let faults = [lost, at(16_500, OperatorAction::FillTags)];
    holds(Backup::Good, 299_783, &faults).await;
}
