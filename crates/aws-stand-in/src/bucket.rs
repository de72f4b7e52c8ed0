//! A bucket of tokens, one for each request: it is full at first, and filled again at a rate.

use std::time::SystemTime;

/// What is left in it.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    at: SystemTime,
}

impl Bucket {
    /// A full one that holds so many.
    pub fn full(most: f64, now: SystemTime) -> Self {
        Self {
            tokens: most,
            at: now,
        }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, most: f64, a_second: f64, now: SystemTime) -> bool {
        let passed = now.duration_since(self.at).unwrap_or_default();
        self.tokens = (self.tokens + passed.as_secs_f64() * a_second).min(most);
        self.at = now;
        let has_one = self.tokens >= 1.0;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }
}
