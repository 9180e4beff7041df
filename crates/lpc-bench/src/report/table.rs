//! Tables of numbers.

use comfy_table::{CellAlignment, presets};
use serde::{Serialize, Serializer};
use std::fmt;

/// A table: a header and rows of as many cells.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    title: String,
    unit: String,
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Words.
    Text(String),
    /// A count.
    Integer(u64),
    /// A number, printed with so many digits behind the point.
    Number {
        /// The number.
        value: f64,
        /// Digits behind the point.
        decimals: usize,
    },
    /// What could not be measured, and why.
    Missing(String),
}

impl Table {
    /// A table without rows. `unit` says what its numbers are.
    pub fn new<const N: usize>(
        title: impl Into<String>,
        unit: impl Into<String>,
        header: [&str; N],
    ) -> Table {
        Table::with_header(title, unit, header.map(String::from).to_vec())
    }

    /// A table without rows, with columns that depend on what is measured.
    pub fn with_header(
        title: impl Into<String>,
        unit: impl Into<String>,
        header: Vec<String>,
    ) -> Table {
        Table {
            title: title.into(),
            unit: unit.into(),
            header,
            rows: Vec::new(),
        }
    }

    /// Adds a row of as many cells as the header has.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<_> = cells.into_iter().collect();
        assert_eq!(cells.len(), self.header.len(), "{}", self.title);
        self.rows.push(cells);
    }
}

impl Cell {
    /// A cell of words.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// A cell of a count.
    pub fn integer(value: u64) -> Cell {
        Cell::Integer(value)
    }

    /// A cell of a number.
    pub fn number(value: f64, decimals: usize) -> Cell {
        Cell::Number { value, decimals }
    }

    /// A cell of a number that may not be there.
    pub fn optional(value: Option<f64>, decimals: usize) -> Cell {
        value.map_or(Cell::Empty, |value| Cell::number(value, decimals))
    }

    /// A cell of what could not be measured.
    pub fn missing(why: impl Into<String>) -> Cell {
        Cell::Missing(why.into())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(&self.header);
        for row in &self.rows {
            table.add_row(row.iter().map(Cell::to_string));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "**{}** ({})\n\n{table}", self.title, self.unit)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Empty => Ok(()),
            Cell::Text(text) => f.write_str(text),
            Cell::Integer(value) => write!(f, "{value}"),
            Cell::Number { value, decimals } => write!(f, "{value:.decimals$}"),
            Cell::Missing(why) => f.write_str(why),
        }
    }
}

/// Words as strings, numbers as numbers, nothing as null.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Missing<'a> {
            missing: &'a str,
        }
        match self {
            Cell::Empty => serializer.serialize_none(),
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Integer(value) => serializer.serialize_u64(*value),
            Cell::Number { value, .. } => serializer.serialize_f64(*value),
            Cell::Missing(missing) => Missing { missing }.serialize(serializer),
        }
    }
}
