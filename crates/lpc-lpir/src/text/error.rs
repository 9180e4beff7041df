//! Errors of the reader, and how a place in a text is shown to a person.

use alloc::string::String;
use core::fmt;

/// A place in a text. Lines and columns count from 1; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl Location {
    /// Where every text starts.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the reader cannot accept, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// Where it stands.
    pub location: Location,
    /// What is wrong: one sentence without a final stop.
    pub message: String,
}

impl ParseError {
    /// The error shown with the line of `text` that it stands in.
    pub fn in_text<'a>(&'a self, file: &'a str, text: &'a str) -> Excerpt<'a> {
        Excerpt {
            file,
            text,
            location: self.location,
            message: &self.message,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)
    }
}

impl core::error::Error for ParseError {}

/// A message about a place in a text. `Display` shows the line and a caret below the place:
///
/// ```text
/// add.clif:3:10: undefined value v7
///     v2 = iadd v7, v1
///               ^
/// ```
#[derive(Clone, Copy)]
pub struct Excerpt<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// What the file holds.
    pub text: &'a str,
    /// The place.
    pub location: Location,
    /// The message.
    pub message: &'a dyn fmt::Display,
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.location, self.message)?;
        let Some(line) = self.text.lines().nth(self.location.line as usize - 1) else {
            return Ok(());
        };
        write!(f, "\n{line}\n")?;
        for character in line.chars().take(self.location.column as usize - 1) {
            // A tab before the place has to be as wide in both lines.
            f.write_str(if character == '\t' { "\t" } else { " " })?;
        }
        f.write_str("^")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn excerpt_points_at_the_character() {
        let error = ParseError {
            location: Location { line: 2, column: 5 },
            message: "wrong".into(),
        };
        assert_eq!(error.to_string(), "2:5: wrong");
        let shown = error.in_text("a.clif", "first\n\té = x\n").to_string();
        assert_eq!(shown, "a.clif:2:5: wrong\n\té = x\n\t   ^");
    }

    #[test]
    fn excerpt_of_a_place_behind_the_text() {
        let error = ParseError {
            location: Location { line: 9, column: 1 },
            message: "wrong".into(),
        };
        assert_eq!(
            error.in_text("a.clif", "x").to_string(),
            "a.clif:9:1: wrong"
        );
    }
}
