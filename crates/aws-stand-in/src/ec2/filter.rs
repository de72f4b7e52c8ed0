//! Filters and pages of the describe operations.

use super::query::Query;
use super::tags::Tags;
use crate::error_response::ErrorResponse;

/// One filter: any of its values will do.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub name: String,
    pub values: Vec<String>,
}

/// What filters can ask of a resource.
pub(super) trait Filterable {
    /// The values under that filter name; `None` if the stand-in does not know the filter.
    fn values(&self, filter: &str) -> Option<Vec<String>>;
    /// Its tags, for `tag:<key>` and `tag-key`.
    fn tags(&self) -> &Tags;
}

impl Query {
    /// `Filter.1.Name`, `Filter.1.Value.1` and so on.
    pub fn filters(&mut self) -> Vec<Filter> {
        let mut filters = Vec::new();
        while let Some(name) = self.take(&format!("Filter.{}.Name", filters.len() + 1)) {
            let values = self.list(&format!("Filter.{}.Value", filters.len() + 1));
            filters.push(Filter { name, values });
        }
        filters
    }
}

impl Filter {
    /// Whether its tags alone rule a resource out, asked before a view of it is made.
    pub fn rules_out(&self, tags: &Tags) -> bool {
        let key = self.name.strip_prefix("tag:");
        key.is_some_and(|key| {
            let value = tags.get(key);
            value.is_none_or(|value| !self.values.iter().any(|pattern| like(pattern, value)))
        })
    }

    fn matches<T: Filterable>(&self, resource: &T) -> Result<bool, ErrorResponse> {
        let found = if let Some(key) = self.name.strip_prefix("tag:") {
            resource.tags().get(key).cloned().into_iter().collect()
        } else if self.name == "tag-key" {
            resource.tags().keys().cloned().collect()
        } else {
            resource
                .values(&self.name)
                .ok_or_else(|| ErrorResponse::not_modelled(format!("filter {}", self.name)))?
        };
        let any = |value: &String| self.values.iter().any(|pattern| like(pattern, value));
        Ok(found.iter().any(any))
    }
}

/// `*` stands for any characters, `?` for one; behind `\` each stands for itself.
fn like(pattern: &str, value: &str) -> bool {
    fn step(pattern: &[char], value: &[char]) -> bool {
        match (pattern.split_first(), value.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                step(rest, value)
                    || value
                        .split_first()
                        .is_some_and(|(_, more)| step(pattern, more))
            }
            (Some(('?', rest)), Some((_, more))) => step(rest, more),
            (Some(('\\', [literal, rest @ ..])), found) => {
                found.is_some_and(|(found, more)| literal == found && step(rest, more))
            }
            (Some((wanted, rest)), Some((found, more))) => wanted == found && step(rest, more),
            _ => false,
        }
    }
    if !pattern.contains(['*', '?', '\\']) {
        return pattern == value;
    }
    let (pattern, value): (Vec<_>, Vec<_>) = (pattern.chars().collect(), value.chars().collect());
    step(&pattern, &value)
}

/// Which part of a list is asked for.
#[derive(Clone, Debug)]
pub(super) struct Page {
    start: usize,
    size: usize,
}

impl Page {
    /// Reads `MaxResults` and `NextToken`.
    pub fn read(query: &mut Query, by_id: bool, largest: usize) -> Result<Self, ErrorResponse> {
        let size: Option<usize> = query.parse("MaxResults")?;
        if by_id && size.is_some() {
            let message = "The parameter maxResults cannot be used with the parameter that names ids in the same request.";
            return Err(ErrorResponse::new("InvalidParameterCombination", message));
        }
        if size.is_some_and(|size| !(5..=1000).contains(&size)) {
            let message = format!(
                "Value ( {} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.",
                size.unwrap_or_default()
            );
            return Err(ErrorResponse::new("InvalidParameterValue", message));
        }
        let start = match query.take("NextToken") {
            None => 0,
            Some(token) => place(&token)?,
        };
        // A read by id is never cut.
        let largest = if by_id { usize::MAX } else { largest };
        Ok(Self {
            start,
            size: size.unwrap_or(usize::MAX).min(largest),
        })
    }

    /// Whether it is all of a list of that length: then it does not matter what is filtered first.
    pub fn is_whole(&self, length: usize) -> bool {
        self.start == 0 && self.size >= length
    }

    /// That part, filtered, and the token for the next. The list is cut before it is filtered, so
    /// a page may be empty and still not the last: AWS promises no more.
    pub fn of<T: Filterable>(
        &self,
        all: Vec<T>,
        filters: &[Filter],
    ) -> Result<(Vec<T>, Option<String>), ErrorResponse> {
        let end = self.start.saturating_add(self.size).min(all.len());
        let token = (end < all.len()).then(|| format!("rehearsal-page-{end}"));
        let mut found = Vec::new();
        for (place, resource) in all.into_iter().enumerate() {
            let mut matches = true;
            for filter in filters {
                matches &= filter.matches(&resource)?;
            }
            if matches && place >= self.start && place < end {
                found.push(resource);
            }
        }
        Ok((found, token))
    }
}

fn place(token: &str) -> Result<usize, ErrorResponse> {
    let place = token
        .strip_prefix("rehearsal-page-")
        .and_then(|place| place.parse().ok());
    place.ok_or_else(|| ErrorResponse::new("InvalidNextToken", "Unable to parse pagination token"))
}

/// AWS promises no order, so this one is never by time: the newest stands in the middle.
pub(super) fn out_of_order<T>(mut oldest_first: Vec<T>) -> Vec<T> {
    if let Some(newest) = oldest_first.pop() {
        oldest_first.insert(oldest_first.len() / 2, newest);
    }
    oldest_first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        assert!(like("test-ib-*", "test-ib-snapshot-snap-1"));
        assert!(like("ib0?.dev", "ib02.dev"));
        assert!(!like("ib0?.dev", "ib2.dev"));
        assert!(!like("ib02", "ib02.dev"));
        assert!(like(r"ib0\?.dev", "ib0?.dev"));
        assert!(!like(r"ib0\?.dev", "ib02.dev"));
        assert!(like(r"a\\\**", r"a\*b"));
        assert!(!like(r"\*", "any"));
    }

    #[test]
    fn the_newest_is_neither_first_nor_last() {
        assert_eq!(out_of_order(vec![1, 2, 3]), [1, 3, 2]);
        assert_eq!(out_of_order(vec![1, 2]), [2, 1]);
        assert!(out_of_order(Vec::<u8>::new()).is_empty());
    }
}
