use super::*;
use crate::figures::{Size, tests::measured};
use std::time::Duration;

fn report() -> Report {
    let size = Some(Size {
        program: 7_000_000,
        zipped: 2_500_000,
    });
    let figures = |name: &str, unit| Figures::of(name, size, &[measured(unit)]).expect("one run");
    let night = Activity {
        invocations: [("step6-await-result".to_owned(), 60)].into(),
        waited: Duration::from_hours(1),
        volume_held: Duration::from_hours(1),
    };
    Report {
        steps: vec![figures("step6-await-result", 3.0)],
        baseline: figures("baseline", 2.0),
        python: Some(figures("Python", 150.0)),
        runs: 1,
        nights: vec![("5 minutes", night.clone()), ("1 hour", night)],
        prices: Prices {
            gb_second: 0.000_01,
            million_requests: 0.2,
            gb_month: 0.073,
            volume_gb: 1000,
            iops_month: 0.0073,
            volume_iops: 3000,
            throughput_month: 0.073,
            volume_throughput: 125,
            initialization_gb: 0.003,
            volume_initialization_rate: 0,
        },
    }
}

#[test]
fn a_program_stands_beside_the_floor() {
    let page = report().markdown();
    let row = "| `step6-await-result` | 6.00 (6.00–6.00) | 3.00 (3.00–3.00) | 1.50 | 1.50 \
               | 24.00 (24.00–24.00) | 1.50 | 2 | 7.00 | 2.50 |";
    assert!(page.contains(row), "{page}");
}

#[test]
fn a_program_stands_beside_python() {
    let page = report().markdown();
    let row = "| start and first invocation, ms | 18.00 (18.00–18.00) | 900 (900–900) | 1/50.0 |";
    assert!(page.contains(row), "{page}");
    let without = Report {
        python: None,
        ..report()
    };
    assert!(without.markdown().contains("Not measured"));
}

#[test]
fn a_faster_volume_has_its_price() {
    let page = report().markdown();
    // 2000 GB at 300 MiB/s are 1.77 h; 146 + 375 * 0.073 USD a month, and 6 USD once.
    let row = "| 2000 | – | 500 | 300 | 1.77 | 6.42 |";
    assert!(page.contains(row), "{page}");
}

#[test]
fn a_night_has_its_price() {
    let page = report().markdown();
    let row = "| 1 hour | 60 | 450.0 | 0.33 | 99.9 % | 0.00452 | 1000 | 0.10 |";
    assert!(page.contains(row), "{page}");
}
