//! Errors at places of a text, printed with the line they are in.

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Group, Level, Snippet};
use std::ops::Range;

/// Errors in one text.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    /// The name of the text: of a file, usually.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: String,
    /// The errors, in the order in which they are shown.
    pub(crate) errors: Vec<Diagnostic>,
}

/// An error in a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Diagnostic {
    /// The bytes of the text that are wrong.
    pub(crate) span: Range<usize>,
    /// What is wrong with them.
    pub(crate) message: String,
}

impl Diagnostics {
    /// Prints all errors to the standard error.
    pub(crate) fn print(&self) {
        for error in &self.errors {
            anstream::eprintln!("{}", self.render(error));
        }
    }

    /// `name:line:column: error: message`, the line, and a mark below what is wrong.
    fn render(&self, error: &Diagnostic) -> String {
        let snippet = || {
            Snippet::source(&self.text)
                .path(&self.name)
                .annotation(AnnotationKind::Primary.span(error.span.clone()))
        };
        let title = Level::ERROR.primary_title(&error.message);
        let header = Renderer::styled().short_message(true);
        let header = header.render(&[title.element(snippet())]);
        // Without a path there is no second line that says where it is.
        let line = Group::with_level(Level::ERROR).element(snippet().path(None::<&str>));
        format!("{header}\n{}", Renderer::styled().render(&[line]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_line_and_mark() {
        let diagnostics = Diagnostics {
            name: "a.clif".to_owned(),
            text: "function %f() {\nblock0:\n\tv0 = foo v1 ; é\n}\n".to_owned(),
            errors: Vec::new(),
        };
        let rendered = diagnostics.render(&Diagnostic {
            span: 30..33,
            message: "there is no opcode `foo`".to_owned(),
        });
        let plain = anstream::adapter::strip_str(&rendered).to_string();
        assert_eq!(
            plain,
            "a.clif:3:7: error: there is no opcode `foo`\n  |\n3 |     v0 = foo v1 ; é\n  |          ^^^"
        );
    }
}
