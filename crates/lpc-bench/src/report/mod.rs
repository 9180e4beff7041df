//! What a benchmark found: tables, plots and headline figures.
//!
//! As text a report is Markdown tables, which stand in the documents as they are, and behind them a line `figure NAME VALUE` for
//! each headline figure.

mod plot;
mod table;

pub use plot::{Bars, Lines, Plot};
pub use table::{Cell, Table};

use serde::Serialize;
use std::fmt;

/// What a benchmark found. See the [module documentation](self).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The tables, in the order in which they are printed.
    pub tables: Vec<Table>,
    /// The plots.
    pub plots: Vec<Plot>,
    /// The headline figures.
    pub figures: Vec<Figure>,
}

/// A headline figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Its name, in parts with dots between them.
    pub name: String,
    /// Its value.
    pub value: f64,
}

impl Report {
    /// Adds a headline figure, if it could be measured.
    pub fn figure(&mut self, name: impl Into<String>, value: Option<f64>) {
        let name = name.into();
        self.figures
            .extend(value.map(|value| Figure { name, value }));
    }

    /// The report as JSON, with all digits.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report has string keys only");
        text.push('\n');
        text
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.tables {
            writeln!(f, "{table}")?;
        }
        for Figure { name, value } in &self.figures {
            writeln!(f, "figure {name} {value:.3}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Report, Table};

    fn report() -> Report {
        let mut table = Table::new("Sizes", "bytes", ["kernel", "ours", "theirs"]);
        table.row([
            Cell::text("sieve"),
            Cell::integer(1234),
            Cell::number(1.5, 2),
        ]);
        table.row([
            Cell::text("queens"),
            Cell::missing("gcc is not installed"),
            Cell::Empty,
        ]);
        let mut report = Report::default();
        report.tables.push(table);
        report.figure("sizes.ours", Some(2.0));
        report.figure("sizes.theirs", None);
        report
    }

    #[test]
    fn text() {
        let expected = "\
**Sizes** (bytes)

| kernel |                 ours | theirs |
|--------|----------------------|--------|
| sieve  |                 1234 |   1.50 |
| queens | gcc is not installed |        |

figure sizes.ours 2.000
";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn json() {
        let expected = r#"{
  "tables": [
    {
      "title": "Sizes",
      "unit": "bytes",
      "header": [
        "kernel",
        "ours",
        "theirs"
      ],
      "rows": [
        [
          "sieve",
          1234,
          1.5
        ],
        [
          "queens",
          {
            "missing": "gcc is not installed"
          },
          null
        ]
      ]
    }
  ],
  "plots": [],
  "figures": [
    {
      "name": "sizes.ours",
      "value": 2.0
    }
  ]
}
"#;
        assert_eq!(report().to_json(), expected);
    }
}
