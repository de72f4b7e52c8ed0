use std::collections::BTreeMap;

use clap::Parser;

use aws_stand_in::template::{TEMPLATE, Template};

use super::cost::{Prices, bill};
use super::report::volumes;
use super::run::{Candidate, Place};
use super::{Arguments, nights};

/// The prices without options.
fn prices() -> Prices {
    Arguments::parse_from(["bench", "--binaries", "none", "--baseline", "none"]).prices
}

/// The figures of a row of `docs/performance.md`.
fn row(name: &str) -> Vec<f64> {
    let page = include_str!("../../../docs/performance.md");
    let start = format!("| {name} | ");
    let row = page.lines().find_map(|line| line.strip_prefix(&start));
    let row = row.unwrap_or_else(|| panic!("docs/performance.md has no row {name}"));
    let cells = row.trim_end_matches(" |").split(" | ");
    cells
        .map(|cell| cell.trim_end_matches(" %").parse().expect(cell))
        .collect()
}

#[test]
fn the_pages_nights_are_those_of_the_chain_as_it_is() {
    for (test, activity) in nights().expect("simulated nights") {
        let now = bill(&activity, &BTreeMap::new(), 128, prices());
        let row = row(test);
        let stale = format!("{test}: make bench writes docs/performance.md anew");
        assert!((row[0] - f64::from(now.requests)).abs() < 0.5, "{stale}");
        assert!((row[1] - now.waiting_gb_seconds).abs() < 0.1, "{stale}");
        assert!((row[5] - now.gb_hours).abs() < 1.0, "{stale}");
    }
}

#[test]
fn the_pages_prices_follow_from_its_figures() {
    let prices = prices();
    for test in ["5 minutes", "1 hour", "5 hours"] {
        let [requests, waiting, working, share, lambda, hours, volume] = row(test)[..] else {
            panic!("{test} has another number of columns");
        };
        let both = waiting + working;
        let usd = both * prices.gb_second + requests * prices.million_requests / 1e6;
        // As far as the rounding of the figures goes.
        assert!((lambda - usd).abs() < 0.000_01, "{test}: {usd}");
        assert!((share - 100.0 * waiting / both).abs() < 0.1, "{test}");
        let usd = hours * prices.gb_month / 730.0;
        assert!((volume - usd).abs() < 0.01, "{test}: {usd}");
    }
}

#[test]
fn the_pages_volumes_are_those_of_the_prices() {
    let page = include_str!("../../../docs/performance.md");
    let volumes = volumes(prices());
    assert!(
        page.contains(&volumes),
        "docs/performance.md lacks:\n{volumes}"
    );
}

/// Each step, invoked as it is when it is measured: it finds what it waits for, and no call is
/// refused. The programs are those of `make build`.
#[tokio::test(flavor = "multi_thread")]
async fn each_function_finds_what_it_waits_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::in_folder(folder.path()).expect("a place");
    let test = std::env::current_exe().expect("this test");
    let built = test.ancestors().nth(2).expect("where it was built");
    let template = Template::read(TEMPLATE, &BTreeMap::new()).expect("the template");
    for function in template.functions {
        let binary = function.binary.as_str();
        let candidate = Candidate::compiled(binary, built.join(binary), binary);
        let measured = candidate.measure(&place).await;
        let measured = measured.unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(measured.calls.last().map(String::as_str), Some("Invoke"));
    }
}
