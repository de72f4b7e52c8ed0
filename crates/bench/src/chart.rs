//! The chart: how long it takes until a program is ready and has answered, on a logarithmic scale.

use std::fmt::Write as _;

use super::figures::Figures;
use super::report::Report;
use super::spread::Spread;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 60.0;
const ROW: f64 = 34.0;
/// Greys and colours that can be read on white and on black.
const TEXT: &str = "#808080";
const COLOURS: [&str; 3] = ["#3b82c4", "#d9822b", "#3c9d5d"];
const NAMES: [&str; 3] = ["exec to /next", "first invocation", "each further one"];

/// Milliseconds to places, by powers of ten.
struct Scale {
    lowest: f64,
    highest: f64,
}

impl Scale {
    /// For these figures, from one power of ten to another.
    fn of(figures: &[f64]) -> Self {
        let lowest = figures.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = figures.iter().copied().fold(0.0, f64::max);
        Self {
            lowest: lowest.log10().floor(),
            highest: highest.log10().ceil(),
        }
    }

    fn place(&self, milliseconds: f64) -> f64 {
        let of = (milliseconds.log10() - self.lowest) / (self.highest - self.lowest);
        LEFT + of * (WIDTH - LEFT - RIGHT)
    }

    /// The powers of ten.
    fn marks(&self) -> Vec<f64> {
        let mut exponent = self.lowest;
        let mut marks = Vec::new();
        while exponent <= self.highest {
            marks.push(10_f64.powf(exponent));
            exponent += 1.0;
        }
        marks
    }
}

impl Report {
    /// The chart as SVG.
    pub fn chart(&self) -> String {
        let rows: Vec<&Figures> = self
            .steps
            .iter()
            .chain([&self.floor])
            .chain(&self.python)
            .collect();
        let ends: Vec<f64> = rows
            .iter()
            .flat_map(|of| spreads(of))
            .flat_map(|spread| [spread.low, spread.high])
            .collect();
        let scale = Scale::of(&ends);
        let mut bottom = TOP;
        let mut body = String::new();
        for of in &rows {
            bottom += ROW;
            body.push_str(&row(of, bottom - ROW / 2.0, &scale));
        }
        let height = bottom + 40.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"sans-serif\" font-size=\"13\" fill=\"{TEXT}\">\n\
             <title>Milliseconds from exec to /next and per invocation, medians and quartiles</title>\n\
             {}{}{body}</svg>\n",
            legend(),
            grid(&scale, bottom),
        )
    }
}

fn spreads(of: &Figures) -> [Spread; 3] {
    [of.start.wall, of.first.wall, of.further.wall]
}

/// The program's name, a dot for each median, a line from quartile to quartile.
fn row(of: &Figures, y: f64, scale: &Scale) -> String {
    let mut row = format!(
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\n",
        LEFT - 14.0,
        y + 4.0,
        of.name
    );
    for ((spread, colour), lift) in spreads(of).iter().zip(COLOURS).zip([-7.0, 0.0, 7.0]) {
        let [low, median, high] =
            [spread.low, spread.median, spread.high].map(|ms| scale.place(ms));
        let y = y + lift;
        // Writing into a text cannot fail.
        let _ = writeln!(
            row,
            "<path d=\"M{low:.1} {y:.1}H{high:.1}\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <circle cx=\"{median:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"><title>{spread} ms</title></circle>"
        );
    }
    row
}

fn grid(scale: &Scale, bottom: f64) -> String {
    let lines = scale.marks().into_iter().map(|ms| {
        let x = scale.place(ms);
        format!(
            "<path d=\"M{x:.1} {TOP:.0}V{bottom:.0}\" stroke=\"{TEXT}\" stroke-opacity=\"0.35\"/>\
             <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{ms} ms</text>\n",
            bottom + 20.0
        )
    });
    lines.collect()
}

fn legend() -> String {
    let names = NAMES.iter().zip(COLOURS).zip([0.0, 150.0, 300.0]);
    let items = names.map(|((name, colour), along)| {
        let x = LEFT + along;
        format!(
            "<circle cx=\"{x:.0}\" cy=\"26\" r=\"5\" fill=\"{colour}\"/><text x=\"{:.0}\" y=\"30\">{name}</text>\n",
            x + 12.0
        )
    });
    items.collect()
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn the_scale_goes_from_one_power_of_ten_to_another() {
        let scale = Scale::of(&[0.02, 3.0, 310.0]);
        assert_eq!(scale.marks().len(), 6, "0.01 to 1000");
        assert!(scale.place(0.01) < scale.place(0.02));
        let (left, middle, right) = (scale.place(0.1), scale.place(1.0), scale.place(10.0));
        assert!((2.0 * middle - left - right).abs() < 1e-9);
    }
}
