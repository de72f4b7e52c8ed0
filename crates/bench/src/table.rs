//! Tables as Markdown has them.

/// A table; all but the first column are figures.
pub(super) fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = line(head.iter().copied());
    table.push_str(&line((0..head.len()).map(|column| match column {
        0 => "---",
        _ => "--:",
    })));
    for row in rows {
        table.push_str(&line(row.iter().map(String::as_str)));
    }
    table
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<&str> = cells.collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn figures_stand_to_the_right() {
        let table = markdown(&["what", "ms"], &[vec!["it".to_owned(), "2".to_owned()]]);
        assert_eq!(table, "| what | ms |\n| --- | --: |\n| it | 2 |\n");
    }
}
