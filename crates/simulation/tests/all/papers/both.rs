//! Checks of all pages: contents and function names. `.ci/tests/test_links.py` checks links.

use regex::Regex;
use simulation::environment::Environment;

use super::page::Page;

#[test]
fn every_section_of_the_run_book_stands_in_its_contents() {
    let page = Page::runbook();
    for (entry, heading) in [("- [", "## "), ("  - [", "### ")] {
        let contents = page.text.lines().filter_map(|line| {
            let entry = line.strip_prefix(entry)?;
            Some(entry.split_once("](#")?.0)
        });
        let lines = page.text.lines();
        let sections = lines.filter_map(|line| line.strip_prefix(heading));
        assert_eq!(contents.collect::<Vec<_>>(), sections.collect::<Vec<_>>());
    }
}

/// People know these headings from the run book of 2018, and have links to them.
#[test]
fn the_headings_and_the_outward_links_of_the_first_run_book_are_there() {
    let page = Page::runbook();
    let headings = page.headings();
    for heading in [
        "Infrastructure Overview",
        "Deploy",
        "DataDog Dashboard",
        "View Logs",
        "Debug Run Errors",
        "Debug Database Backup Test",
    ] {
        assert!(headings.contains(&heading), "{heading}");
    }
    for link in [
        "(https://github.com/aminopay/infobright-backup-check/releases)",
        "(https://app.datadoghq.com/dash",
        "(https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logs:prefix=/aws/lambda/dev-ib)",
        "(https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logs:prefix=/aws/lambda/dev-ib-backup-step-6",
    ] {
        assert!(page.text.contains(link), "{link}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_function_that_is_named_exists() {
    let template = Environment::new().stack.template;
    let named = Regex::new("(?:dev|<environment>)(-ib-backup-step-[a-z0-9-]+)").expect("a pattern");
    for page in Page::all() {
        for found in named.captures_iter(&page.text) {
            let name = format!("dev{}", &found[1]);
            assert!(template.function(&name).is_some(), "{}: {name}", page.name);
        }
    }
}
