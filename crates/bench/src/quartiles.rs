//! Median and quartiles of many measurements.

/// The quartiles: half of all measurements lie between `low` and `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quartiles {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Quartiles {
    /// Of at least one measurement; between two neighbours a quartile lies in proportion.
    pub fn of(measured: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = measured.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self {
            low: at(&sorted, 0.25),
            median: at(&sorted, 0.5),
            high: at(&sorted, 0.75),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in a list of some dozens"
)]
fn at(sorted: &[f64], fraction: f64) -> f64 {
    let place = fraction * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = place.ceil() as usize;
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

impl std::fmt::Display for Quartiles {
    /// `2.31 (2.20–2.50)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { low, median, high } = *self;
        let digits = if median < 0.1 {
            3
        } else if median < 100.0 {
            2
        } else {
            0
        };
        write!(f, "{median:.digits$} ({low:.digits$}–{high:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::Quartiles;

    #[test]
    fn quartiles_lie_between_neighbours_in_proportion() {
        let four = Quartiles::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!((four.low, four.median, four.high), (1.75, 2.5, 3.25));
        let five = Quartiles::of([10.0, 50.0, 30.0, 20.0, 40.0]);
        assert_eq!((five.low, five.median, five.high), (20.0, 30.0, 40.0));
        let one = Quartiles::of([7.0]);
        assert_eq!((one.low, one.median, one.high), (7.0, 7.0, 7.0));
    }

    #[test]
    fn small_figures_have_more_digits() {
        assert_eq!(Quartiles::of([0.0241]).to_string(), "0.024 (0.024–0.024)");
        assert_eq!(
            Quartiles::of([1.0, 2.0, 3.0]).to_string(),
            "2.00 (1.50–2.50)"
        );
        assert_eq!(Quartiles::of([300.0]).to_string(), "300 (300–300)");
    }
}
