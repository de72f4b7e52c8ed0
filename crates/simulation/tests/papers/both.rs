//! What holds of all pages: contents, names of functions. Links are held by `.ci/tests/test_links.py`.

use regex::Regex;
use simulation::environment::Environment;

use crate::page::Page;

#[test]
fn every_section_of_the_run_book_stands_in_its_contents() {
    let page = Page::runbook();
    let contents = page.text.lines().filter_map(|line| {
        let entry = line.strip_prefix("- [")?;
        Some(entry.split_once("](#")?.0)
    });
    let lines = page.text.lines();
    let sections = lines.filter_map(|line| line.strip_prefix("## "));
    assert_eq!(contents.collect::<Vec<_>>(), sections.collect::<Vec<_>>());
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
