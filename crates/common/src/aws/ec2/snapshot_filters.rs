//! Which snapshots are the backup, in the words of EC2's filters.

use std::fmt;

use aws_sdk_ec2::types::Filter;

use super::wildcard_filter;

/// What `DescribeSnapshots` filters by, but for `tag:<key>`, and for the volume, which is asked
/// for anyway.
const NAMES: &[&str] = &[
    "completion-time",
    "description",
    "encrypted",
    "owner-alias",
    "owner-id",
    "progress",
    "snapshot-id",
    "start-time",
    "status",
    "storage-tier",
    "tag-key",
    "transfer-type",
    "volume-size",
];

/// Filters that a snapshot has to match, all of them. `*` and `?` in a value are EC2's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotFilters {
    text: String,
    filters: Vec<(String, Vec<String>)>,
}

impl SnapshotFilters {
    /// Reads `name=value` with commas between: `tag:Name=ib-backup*,description=nightly*`. One
    /// name with several values is matched by any of them.
    ///
    /// # Errors
    /// What of it is no filter.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut filters: Vec<(String, Vec<String>)> = Vec::new();
        for one in text.split(',').filter(|_| !text.trim().is_empty()) {
            let (name, value) = one
                .split_once('=')
                .ok_or_else(|| format!("`{one}` is not name=value"))?;
            let (name, value) = (name.trim(), value.trim());
            let is_tag = name.strip_prefix("tag:").is_some_and(|key| !key.is_empty());
            if !is_tag && !NAMES.contains(&name) {
                return Err(format!(
                    "`{name}` is no filter for snapshots; use tag:<key>, {}",
                    NAMES.join(", ")
                ));
            }
            if value.is_empty() {
                return Err(format!("`{name}` has no value"));
            }
            match filters.iter_mut().find(|(known, _)| known == name) {
                Some((_, values)) => values.push(value.to_owned()),
                None => filters.push((name.to_owned(), vec![value.to_owned()])),
            }
        }
        let text = text.trim().to_owned();
        Ok(Self { text, filters })
    }

    /// Whether every snapshot matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    pub(super) fn to_ec2(&self) -> Vec<Filter> {
        let filters = self.filters.iter();
        filters
            .map(|(name, values)| {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                wildcard_filter(name, &values)
            })
            .collect()
    }
}

impl fmt::Display for SnapshotFilters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::SnapshotFilters;

    #[test]
    fn ec2s_words_with_commas_between() {
        let text = "tag:Name=ib-backup*, description=nightly ib,tag:Name=other,tag:a=b=c";
        let read = SnapshotFilters::parse(text).expect("filters");
        assert_eq!(read.to_string(), text);
        assert!(!read.is_empty());
        let name = |name: &str, values: &[&str]| {
            let values = values.iter().map(|&value| value.to_owned()).collect();
            (name.to_owned(), values)
        };
        assert_eq!(
            read.filters,
            [
                name("tag:Name", &["ib-backup*", "other"]),
                name("description", &["nightly ib"]),
                name("tag:a", &["b=c"]),
            ]
        );
        let asked = read.to_ec2();
        let names: Vec<_> = asked.iter().filter_map(|filter| filter.name()).collect();
        assert_eq!(names, ["tag:Name", "description", "tag:a"]);
        assert_eq!(asked[0].values(), ["ib-backup*", "other"]);
        for nothing in ["", "  "] {
            assert!(SnapshotFilters::parse(nothing).expect("none").is_empty());
        }
    }

    #[test]
    fn what_is_no_filter_is_named() {
        for (text, named) in [
            ("nightly", "`nightly` is not name=value"),
            ("tag:Name=a,", "`` is not name=value"),
            ("volume-id=vol-1", "`volume-id` is no filter"),
            ("tag:=x", "`tag:` is no filter"),
            ("Description=x", "`Description` is no filter"),
            ("description=", "`description` has no value"),
        ] {
            let error = SnapshotFilters::parse(text).expect_err(text);
            assert!(error.starts_with(named), "{error}");
        }
    }
}
