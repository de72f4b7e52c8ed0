//! The metrics and their values.

use crate::verdict::{self, Measured};

/// Types of metrics in the v2 series API.
const COUNT: u8 = 1;
const GAUGE: u8 = 3;

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    pub(super) metric: &'static str,
    pub(super) kind: u8,
    pub(super) value: f64,
    pub(super) tag: Option<String>,
}

impl Gauge {
    fn of(metric: &'static str, value: f64) -> Self {
        Self {
            metric,
            kind: GAUGE,
            value,
            tag: None,
        }
    }

    /// 1 or 0.
    #[must_use]
    pub fn valid(value: f64) -> Self {
        Self::of("infobright_backup_valid", value)
    }

    /// Counts a verdict on the newest backup. Datadog evaluates a count without points as 0, and a
    /// gauge without points at its last value: only with a count can a monitor see that there never
    /// was a verdict.
    #[must_use]
    pub fn verdict() -> Self {
        Self {
            kind: COUNT,
            ..Self::of("infobright_backup_check.verdicts", 1.0)
        }
    }

    /// The seconds that a count is of, which Datadog wants to know.
    pub(super) fn interval(&self) -> Option<u8> {
        (self.kind == COUNT).then_some(60)
    }

    /// 1 or 0: a verdict on another snapshot than the newest.
    #[must_use]
    pub fn older_valid(value: f64) -> Self {
        Self::of("infobright_backup_check.older_backup_valid", value)
    }

    /// Of the newest snapshot.
    #[must_use]
    pub fn age(seconds: f64) -> Self {
        Self::of("infobright_backup_age_seconds", seconds)
    }

    /// Of the newest snapshot with the verdict `True`.
    #[must_use]
    pub fn last_valid_age(seconds: f64) -> Self {
        Self::of("infobright_backup_check.last_valid_age_seconds", seconds)
    }

    /// Percent of the data that was read.
    fn coverage(percent: f64) -> Self {
        Self::of("infobright_backup_check.coverage", percent)
    }

    /// How long production was paused for the backup.
    fn production_paused(seconds: f64) -> Self {
        Self::of("infobright_backup_check.production_paused_seconds", seconds)
    }

    /// 1 or 0: whether the test had a manifest to compare with.
    fn manifest(value: f64) -> Self {
        Self::of("infobright_backup_check.manifest", value)
    }

    /// All that a test measured.
    #[must_use]
    pub fn of_test(measured: Measured) -> Vec<Self> {
        let manifest = measured.manifest.map(verdict::metric);
        let gauges = [
            measured.coverage.map(Self::coverage),
            measured.paused_seconds.map(Self::production_paused),
            manifest.map(Self::manifest),
        ];
        gauges.into_iter().flatten().collect()
    }

    /// 1 or 0.
    #[must_use]
    pub fn canary_caught(value: f64) -> Self {
        Self::of("infobright_backup_check.canary_caught", value)
    }

    /// Of one phase.
    #[must_use]
    pub fn duration(phase: &str, seconds: f64) -> Self {
        Self {
            tag: Some(format!("phase:{phase}")),
            ..Self::of("infobright_backup_check.duration_seconds", seconds)
        }
    }
}
