//! A page of Markdown, as far as the documentation uses it.

use std::fs;
use std::path::{Path, PathBuf};

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
