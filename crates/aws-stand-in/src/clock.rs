//! The one clock of a rehearsal: real for processes, tokio's paused one for tests.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tokio::time::Instant;

/// A date fixed to tokio's clock, so that a paused clock is a paused date too.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: SystemTime,
    start: Instant,
}

impl Clock {
    /// It is `epoch` now, and from here on as much later as tokio's clock moves.
    #[must_use]
    pub fn starting_at(epoch: SystemTime) -> Self {
        Self {
            epoch,
            start: Instant::now(),
        }
    }

    /// The date of this machine, for processes that read it themselves.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where a rehearsal meets the real date"
    )]
    pub fn of_this_machine() -> Self {
        Self::starting_at(SystemTime::now())
    }

    /// The date now.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.epoch + self.start.elapsed()
    }

    /// Waits, on the paused clock without any real time passing.
    #[expect(
        clippy::disallowed_methods,
        reason = "the stand-in is what takes time; nothing that is tested sleeps here"
    )]
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Whether that ends within so long.
    pub async fn within(&self, limit: Duration, work: impl Future<Output = ()>) -> bool {
        tokio::time::timeout(limit, work).await.is_ok()
    }

    /// Waits until that date; a date in the past is now.
    pub async fn sleep_until(&self, time: SystemTime) {
        self.sleep(time.duration_since(self.now()).unwrap_or_default())
            .await;
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        Clock::now(self)
    }
}

/// RFC 3339 in UTC, as EC2 and SSM write their times.
///
/// # Panics
/// For years that it cannot write, before 1 and after 9999.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    DateTime::from(time)
        .fmt(Format::DateTime)
        .expect("dates of a rehearsal lie within the years that can be written")
}

/// Reads RFC 3339.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let time = DateTime::from_str(text, Format::DateTime).ok()?;
    SystemTime::try_from(time).ok()
}

/// Whole seconds since 1970.
#[must_use]
pub fn unix_seconds(time: SystemTime) -> i64 {
    DateTime::from(time).secs()
}
