//! Reads that lag behind writes: each resource keeps the states that a read may still show.

use std::time::SystemTime;

/// A resource with its latest state, which decides, and the one that reads show.
#[derive(Clone, Debug)]
pub(super) struct EventuallyConsistent<T> {
    /// Oldest first; `None` is a state that was always seen.
    versions: Vec<(Option<SystemTime>, T)>,
}

impl<T> EventuallyConsistent<T> {
    /// Was there before the first call.
    pub fn existing(value: T) -> Self {
        Self {
            versions: vec![(None, value)],
        }
    }

    /// Made by a call; reads find it from that time on.
    pub fn made(value: T, seen_from: SystemTime) -> Self {
        Self {
            versions: vec![(Some(seen_from), value)],
        }
    }

    /// What it really is.
    pub fn latest(&self) -> &T {
        let (_, value) = self
            .versions
            .last()
            .expect("starts with one, never shrinks to none");
        value
    }

    /// For what happens to it without a call: no read lags behind that.
    pub fn latest_mut(&mut self) -> &mut T {
        let (_, value) = self
            .versions
            .last_mut()
            .expect("starts with one, never shrinks to none");
        value
    }

    /// Changed by a call; reads show the change from that time on, and never an older state
    /// after a newer one.
    pub fn write(&mut self, value: T, seen_from: SystemTime) {
        let before = self.versions.last().and_then(|(time, _)| *time);
        let seen_from = before.map_or(seen_from, |before| before.max(seen_from));
        self.versions.push((Some(seen_from), value));
    }

    /// Whether a read at that time shows less than the truth.
    pub fn is_stale(&self, now: SystemTime) -> bool {
        let last = self.versions.last().and_then(|(time, _)| *time);
        last.is_some_and(|time| time > now)
    }

    /// What a read at that time shows; nothing if even its making is not seen yet.
    pub fn seen(&self, now: SystemTime) -> Option<&T> {
        let newest = self.versions.iter().rev();
        let mut seen = newest.filter(|(time, _)| time.is_none_or(|time| time <= now));
        seen.next().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_read_shows_the_state_before_the_write_until_the_lag_is_over() {
        let mut tag = EventuallyConsistent::existing("old");
        tag.write("new", at(10));
        assert_eq!(tag.seen(at(9)), Some(&"old"));
        assert_eq!(tag.seen(at(10)), Some(&"new"));
        assert_eq!(tag.latest(), &"new");
    }

    #[test]
    fn what_is_just_made_is_not_seen() {
        let volume = EventuallyConsistent::made("creating", at(10));
        assert_eq!(volume.seen(at(9)), None);
        assert_eq!(volume.seen(at(10)), Some(&"creating"));
    }

    #[test]
    fn a_quick_write_never_overtakes_a_slow_one() {
        let mut volume = EventuallyConsistent::made("made", at(10));
        volume.write("attached", at(5));
        assert_eq!(volume.seen(at(6)), None);
        assert_eq!(volume.seen(at(10)), Some(&"attached"));
    }
}
