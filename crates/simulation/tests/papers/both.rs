//! What holds of both papers: links, contents, names of functions.

use std::path::Path;

use regex::Regex;
use simulation::night::Night;

use crate::page::{Page, anchor, root};

#[test]
fn every_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)").expect("a pattern");
    for page in Page::all() {
        let folder = Path::new(&page.name).parent().expect("a folder");
        for found in link.captures_iter(&page.text) {
            let (path, wanted) = (&found[1], found.get(2).map(|anchor| anchor.as_str()));
            // What stands elsewhere is not asked for: no test leaves this machine.
            if path.starts_with("https://") {
                continue;
            }
            let target = folder.join(path);
            assert!(root().join(&target).exists(), "{}: {path}", page.name);
            let Some(wanted) = wanted else { continue };
            let target = match path {
                "" => &page.name,
                _ => target.to_str().expect("a name"),
            };
            let target = Page::read(target);
            let headings = target.headings();
            assert!(
                headings.iter().any(|heading| anchor(heading) == wanted),
                "{}: {path}#{wanted} in {headings:?}",
                page.name
            );
        }
    }
}

#[test]
fn every_section_stands_in_the_contents_in_its_order() {
    for page in [Page::readme(), Page::runbook()] {
        let contents = page.text.lines().filter_map(|line| {
            let entry = line.strip_prefix("- [")?;
            Some(entry.split_once("](#")?.0)
        });
        let sections = page
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("## "));
        assert_eq!(
            contents.collect::<Vec<_>>(),
            sections.collect::<Vec<_>>(),
            "{}",
            page.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_function_that_is_named_exists() {
    let template = Night::new().stack.template;
    let named = Regex::new("(?:dev|<environment>)(-ib-backup-step-[a-z0-9-]+)").expect("a pattern");
    for page in [Page::readme(), Page::runbook()] {
        for found in named.captures_iter(&page.text) {
            let name = format!("dev{}", &found[1]);
            assert!(template.function(&name).is_some(), "{}: {name}", page.name);
        }
    }
}
