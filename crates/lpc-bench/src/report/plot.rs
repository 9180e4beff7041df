//! Plots, as SVG for the documents.

use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;
use serde::Serialize;

/// The size of a plot, in pixels.
const SIZE: (u32, u32) = (960, 420);
const FONT: &str = "sans-serif";
/// How much of a category's room its bars take.
const BARS_SHARE: f64 = 0.8;

/// A plot.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Plot {
    /// Groups of bars.
    Bars(Bars),
    /// Lines through points.
    Lines(Lines),
}

/// Groups of bars beside each other, one group for each category.
#[derive(Clone, Debug, Serialize)]
pub struct Bars {
    /// The name of its file, without extension.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What the numbers are.
    pub unit: String,
    /// The categories.
    pub categories: Vec<String>,
    /// The bars of one color: a name, and a number for each category that has one.
    pub series: Vec<(String, Vec<Option<f64>>)>,
    /// A line across at this number, as a mark to compare with.
    pub baseline: Option<f64>,
}

/// Lines through points, on logarithmic axes.
#[derive(Clone, Debug, Serialize)]
pub struct Lines {
    /// The name of its file, without extension.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What the horizontal axis is.
    pub x: String,
    /// What the vertical axis is.
    pub y: String,
    /// The lines: a name, and points of positive numbers.
    pub series: Vec<(String, Vec<(f64, f64)>)>,
}

impl Plot {
    /// The name of its file, without extension.
    pub fn name(&self) -> &str {
        match self {
            Plot::Bars(bars) => &bars.name,
            Plot::Lines(lines) => &lines.name,
        }
    }

    /// The plot as an SVG document.
    pub fn to_svg(&self) -> String {
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let drawn = match self {
            Plot::Bars(bars) => bars.draw(&area),
            Plot::Lines(lines) => lines.draw(&area),
        };
        drawn
            .and_then(|()| area.present())
            .expect("drawing to a string does not fail");
        drop(area);
        svg
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type DrawResult<'a> =
    Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

impl Bars {
    fn draw<'a>(&self, area: &Area<'a>) -> DrawResult<'a> {
        let values = self.series.iter().flat_map(|(_, values)| values).flatten();
        let top = values.copied().chain(self.baseline).fold(0.0, f64::max);
        let count = self.categories.len() as f64;
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, 20))
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(-0.5..count - 0.5, 0.0..(top * 1.1).max(f64::MIN_POSITIVE))?;
        let category = |x: &f64| {
            let name = self.categories.get(x.round() as usize);
            name.filter(|_| x.fract() == 0.0 && *x >= 0.0)
                .cloned()
                .unwrap_or_default()
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(self.categories.len() * 2)
            .x_label_formatter(&category)
            .y_desc(&self.unit)
            .label_style((FONT, 12))
            .draw()?;
        let width = BARS_SHARE / self.series.len() as f64;
        for (index, (name, values)) in self.series.iter().enumerate() {
            let color = Palette99::pick(index).to_rgba();
            let left = index as f64 * width - BARS_SHARE / 2.0;
            let bars = values.iter().enumerate().filter_map(|(category, value)| {
                let start = category as f64 + left;
                Some(Rectangle::new(
                    [(start, 0.0), (start + width, (*value)?)],
                    color.filled(),
                ))
            });
            chart.draw_series(bars)?.label(name).legend(move |(x, y)| {
                Rectangle::new([(x, y - 5), (x + 10, y + 5)], color.filled())
            });
        }
        if let Some(baseline) = self.baseline {
            chart.draw_series(LineSeries::new(
                [(-0.5, baseline), (count - 0.5, baseline)],
                BLACK,
            ))?;
        }
        draw_legend(&mut chart)
    }
}

impl Lines {
    fn draw<'a>(&self, area: &Area<'a>) -> DrawResult<'a> {
        let points = self.series.iter().flat_map(|(_, points)| points);
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.copied().unzip();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, 20))
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(80)
            .build_cartesian_2d(span(&xs).log_scale(), span(&ys).log_scale())?;
        chart
            .configure_mesh()
            .x_desc(&self.x)
            .y_desc(&self.y)
            .label_style((FONT, 12))
            .draw()?;
        for (index, (name, points)) in self.series.iter().enumerate() {
            let color = Palette99::pick(index).to_rgba();
            chart
                .draw_series(
                    LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3),
                )?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 15, y)], color.stroke_width(2))
                });
        }
        draw_legend(&mut chart)
    }
}

fn draw_legend<'a, X, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
) -> DrawResult<'a>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .label_font((FONT, 12))
        .draw()
}

/// From the smallest of `values` to the largest, with a little room.
fn span(values: &[f64]) -> std::ops::Range<f64> {
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = values.iter().copied().fold(0.0, f64::max);
    if values.is_empty() {
        return 1.0..10.0;
    }
    smallest / 1.2..largest * 1.2
}

#[cfg(test)]
mod tests {
    use super::{Bars, Lines, Plot};

    /// How often `part` stands in `text`.
    fn count(text: &str, part: &str) -> usize {
        text.matches(part).count()
    }

    #[test]
    fn bars() {
        let plot = Plot::Bars(Bars {
            name: "sizes".into(),
            title: "Sizes of code".into(),
            unit: "bytes".into(),
            categories: ["sieve", "queens", "fir"].map(String::from).to_vec(),
            series: vec![
                ("ours".into(), vec![Some(1.0), Some(2.0), Some(0.5)]),
                ("theirs".into(), vec![Some(1.5), None, Some(3.0)]),
            ],
            baseline: Some(1.0),
        });
        assert_eq!(plot.name(), "sizes");
        let svg = plot.to_svg();
        for text in [
            "Sizes of code",
            "bytes",
            "sieve",
            "queens",
            "fir",
            "ours",
            "theirs",
        ] {
            assert!(count(&svg, &format!("{text}\n")) == 1, "{text}: {svg}");
        }
        let colors = ["#E6194B", "#3CB44B"].map(|color| count(&svg, &format!("fill=\"{color}\"")));
        // With the mark in the legend.
        assert_eq!(colors, [4, 3], "{svg}");
    }

    #[test]
    fn lines() {
        let plot = Plot::Lines(Lines {
            name: "growth".into(),
            title: "Time".into(),
            x: "instructions".into(),
            y: "seconds".into(),
            series: vec![("ours".into(), vec![(10.0, 1.0), (1000.0, 100.0)])],
        });
        let svg = plot.to_svg();
        for text in ["Time", "instructions", "seconds", "ours"] {
            assert!(count(&svg, &format!("{text}\n")) == 1, "{text}: {svg}");
        }
        assert_eq!(count(&svg, "<circle"), 2, "{svg}");
    }

    #[test]
    fn nothing_to_plot() {
        let plot = Plot::Lines(Lines {
            name: "growth".into(),
            title: "Time".into(),
            x: "x".into(),
            y: "y".into(),
            series: vec![],
        });
        assert!(plot.to_svg().starts_with("<svg"));
    }
}
