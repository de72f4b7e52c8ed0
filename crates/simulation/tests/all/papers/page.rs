//! A page of Markdown, as far as the documentation uses it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use regex::Regex;

/// One page of the documentation.
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The root of the source tree.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Page {
    pub(crate) fn readme() -> Self {
        Self::read("README.md")
    }

    pub(crate) fn runbook() -> Self {
        Self::read("RUNBOOK.md")
    }

    /// A page of `docs/`.
    pub(crate) fn doc(name: &str) -> Self {
        Self::read(&format!("docs/{name}.md"))
    }

    /// All pages of the source tree.
    pub(crate) fn all() -> Vec<Self> {
        let mut pages = Vec::new();
        for folder in ["", "docs", "documents", "crates/bench", "crates/simulation"] {
            let entries = fs::read_dir(root().join(folder)).expect(folder);
            let names = entries.flatten().map(|entry| entry.file_name());
            let names = names.map(|name| Path::new(folder).join(name));
            let pages_here = names.filter(|name| name.extension().is_some_and(|of| of == "md"));
            pages.extend(pages_here.map(|name| Self::read(name.to_str().expect("UTF-8"))));
        }
        assert!(pages.len() >= 9, "{} pages", pages.len());
        pages
    }

    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).expect(name);
        let name = name.to_owned();
        Self { name, text }
    }

    /// The rows of the table whose head begins with these cells.
    pub(crate) fn table(&self, head: &[&str]) -> Vec<Vec<String>> {
        let mut lines = self.text.lines();
        lines
            .find(|line| cells(line).is_some_and(|cells| cells.starts_with(&owned(head))))
            .unwrap_or_else(|| panic!("{} has no table {head:?}", self.name));
        lines.map_while(cells).skip(1).collect()
    }

    /// The fenced blocks of this language, without the indentation of a surrounding list.
    pub(crate) fn blocks(&self, language: &str) -> Vec<String> {
        let pattern = format!("(?ms)^( *)```{language}\n(.*?)^ *```$");
        let fenced = Regex::new(&pattern).expect("a pattern");
        let blocks = fenced.captures_iter(&self.text).map(|found| {
            let lines = found[2]
                .lines()
                .map(|line| line.strip_prefix(&found[1]).unwrap_or(line));
            lines.collect::<Vec<_>>().join("\n")
        });
        let blocks: Vec<String> = blocks.collect();
        assert!(!blocks.is_empty(), "{} has no {language} block", self.name);
        blocks
    }

    /// Its headings of all levels. A comment in a script is not a heading.
    pub(crate) fn headings(&self) -> Vec<&str> {
        let mut in_block = false;
        let lines = self.text.lines().filter(|line| {
            in_block ^= line.trim_start().starts_with("```");
            !in_block
        });
        let headings = lines.filter_map(|line| Some(line.strip_prefix('#')?.trim_matches('#')));
        headings.map(str::trim).collect()
    }
}

/// A row of a table that the code gives. `None` is a cell that people write.
pub(crate) type Row = Vec<Option<String>>;

/// Holds the table between the markers of this name against what the code gives, or writes it where
/// `make docs` asks for that. The first cell tells which row is which; what people wrote stays in its
/// row, and the rows stay in their order.
pub(crate) fn hold(page: &str, name: &str, rows: &[Row]) {
    // Tests of one page run at the same time.
    static PAGES: Mutex<()> = Mutex::new(());
    let _alone = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let text = Page::read(page).text;
    let markers = ["begin", "end"].map(|at| format!("<!-- {at}: make docs, {name} -->\n"));
    let parts = text.split_once(&markers[0]).and_then(|(before, rest)| {
        let (table, after) = rest.split_once(&markers[1])?;
        Some((before, table.trim_matches('\n'), after))
    });
    let (before, table, after) = parts.unwrap_or_else(|| panic!("{page} has no {markers:?}"));
    let made = merged(table, rows);
    if writes() {
        let [begin, end] = markers;
        let text = format!("{before}{begin}\n{made}\n\n{end}{after}");
        fs::write(root().join(page), text).expect("the page");
    } else {
        assert_eq!(table, made, "{page}, table {name}: run make docs");
    }
    let empty = made.lines().find(|line| line.contains("|  |"));
    assert_eq!(empty, None, "{page}, table {name}: write the empty cell");
}

#[expect(
    clippy::disallowed_methods,
    reason = "make docs runs these tests, and has no other way to tell them"
)]
fn writes() -> bool {
    std::env::var_os("MAKE_DOCS").is_some()
}

fn merged(table: &str, rows: &[Row]) -> String {
    let mut lines = table.lines();
    let head = lines.by_ref().take(2).map(str::to_owned);
    let mut made: Vec<String> = head.collect();
    let old: Vec<Vec<String>> = lines.filter_map(cells).collect();
    let mut rows: Vec<(usize, String)> = rows
        .iter()
        .map(|row| {
            let at = old.iter().position(|old| old.first() == row[0].as_ref());
            let was = |column: usize| at.and_then(|at| old[at].get(column).cloned());
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let cell = cell.clone().or_else(|| was(column));
                cell.unwrap_or_default()
            });
            let line = format!("| {} |", cells.collect::<Vec<_>>().join(" | "));
            (at.unwrap_or(usize::MAX), line)
        })
        .collect();
    rows.sort_by_key(|(place, _)| *place);
    made.extend(rows.into_iter().map(|(_, line)| line));
    made.join("\n")
}

#[test]
fn what_people_wrote_stays_in_its_row() {
    let table = "| field | step | what |\n|---|---|---|\n| `b` | 1 | second |\n| `a` | 1 | first |";
    let row = |key: &str, step: &str| vec![Some(format!("`{key}`")), Some(step.to_owned()), None];
    assert_eq!(merged(table, &[row("a", "1"), row("b", "1")]), table);
    assert_eq!(
        merged(table, &[row("a", "2"), row("c", "3")]),
        "| field | step | what |\n|---|---|---|\n| `a` | 2 | first |\n| `c` | 3 |  |"
    );
}

/// A cell of code.
pub(crate) fn code(text: &str) -> String {
    format!("`{text}`")
}

/// The cells of a table's row.
fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells = inner.split('|');
    Some(cells.map(|cell| cell.trim().to_owned()).collect())
}

fn owned(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

/// The texts in backquotes in a cell.
pub(crate) fn quoted(cell: &str) -> Vec<String> {
    let pieces = cell.split('`').skip(1).step_by(2);
    pieces.map(str::to_owned).collect()
}

/// The one name in backquotes in a cell.
pub(crate) fn name(cell: &str) -> String {
    let mut names = quoted(cell);
    assert_eq!(names.len(), 1, "one name in {cell}");
    names.remove(0)
}

/// The text of each file with this ending in these folders and files of the source tree.
pub(crate) fn sources(below: &[&str], ending: &str) -> Vec<String> {
    let mut folders: Vec<PathBuf> = below.iter().map(|path| root().join(path)).collect();
    let mut texts = Vec::new();
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder");
            folders.extend(entries.flatten().map(|entry| entry.path()));
        } else if path.to_string_lossy().ends_with(ending) {
            texts.push(fs::read_to_string(&path).expect("a source"));
        }
    }
    texts
}

/// A pattern for a shown line, in which each `…` is replaced by `filling`.
pub(crate) fn pattern(shown: &str, filling: &str) -> String {
    let pieces: Vec<String> = shown.split('…').map(regex::escape).collect();
    pieces.join(filling)
}

/// Whether one of the lines matches `shown`, in which `…` stands for any text.
pub(crate) fn is_among(shown: &str, lines: &[String]) -> bool {
    let line = Regex::new(&format!("^{}$", pattern(shown, ".*"))).expect("a pattern");
    lines.iter().any(|seen| line.is_match(seen.trim_end()))
}
