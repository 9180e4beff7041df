//! The text that a function is expected to become: the comment behind it.
//!
//! ```text
//! function %f() {
//! block0:
//!     return
//! }                      the line that closes the function is a brace and nothing else
//!
//! ; first line           the expected text
//! ; second line
//! ;; remark              not part of it
//! ```
//!
//! The comment ends where the next line stands that is neither empty nor a comment.

/// The text that the function which starts in line `function_line` of `text` is expected to become.
pub(crate) fn expected_text(text: &str, function_line: u32) -> Vec<&str> {
    let behind = text.lines().skip(closing_line(text, function_line));
    behind
        .take_while(|line| is_comment_or_empty(line))
        .filter(|line| line.starts_with(';') && !is_remark(line))
        .map(without_marker)
        .collect()
}

/// The text `text` with new expectations: for each function, by the line where it starts, the lines it becomes. The
/// functions are in order. Remarks are kept.
pub(crate) fn with_expectations(text: &str, expectations: &[(u32, Vec<String>)]) -> String {
    let mut lines = text.lines();
    let mut done = 0;
    let mut new = String::new();
    for (function_line, expectation) in expectations {
        let closing = closing_line(text, *function_line);
        for line in lines.by_ref().take(closing - done) {
            new.push_str(line);
            new.push('\n');
        }
        new.push('\n');
        for line in expectation {
            new.push(';');
            if !line.is_empty() {
                new.push(' ');
                new.push_str(line);
            }
            new.push('\n');
        }
        let old: Vec<_> = lines
            .clone()
            .take_while(|line| is_comment_or_empty(line))
            .collect();
        lines.by_ref().take(old.len()).for_each(drop);
        done = closing + old.len();
        let remarks: Vec<_> = old.iter().filter(|line| is_remark(line)).collect();
        if !remarks.is_empty() || lines.clone().next().is_some() {
            new.push('\n');
        }
        for remark in remarks {
            new.push_str(remark);
            new.push('\n');
        }
    }
    for line in lines {
        new.push_str(line);
        new.push('\n');
    }
    new
}

/// The number of the line that closes the function which starts in line `function_line`, both from 1; that of the last
/// line, when none does.
fn closing_line(text: &str, function_line: u32) -> usize {
    let start = function_line.saturating_sub(1) as usize;
    let body = text.lines().skip(start);
    let length = body
        .clone()
        .position(|line| line.trim_end() == "}")
        .map_or_else(|| body.count(), |position| position + 1);
    start + length
}

fn is_comment_or_empty(line: &str) -> bool {
    line.starts_with(';') || line.trim().is_empty()
}

fn is_remark(line: &str) -> bool {
    line.starts_with(";;")
}

/// An expected line without the `;` and the one space behind it.
fn without_marker(line: &str) -> &str {
    let line = line.strip_prefix(';').unwrap_or(line);
    line.strip_prefix(' ').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
test compile precise-output

function %f() {
block0: ; not expected
    return
}

; one
;   two
;; remark
;
; three

;; about g
function %g() {
}
";

    #[test]
    fn expectations_are_the_comments_behind_the_function() {
        assert_eq!(expected_text(TEXT, 3), ["one", "  two", "", "three"]);
        assert_eq!(expected_text(TEXT, 15), [""; 0]);
        assert_eq!(expected_text(TEXT, 99), [""; 0]);
    }

    #[test]
    fn new_expectations_replace_old_ones() {
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
        let new = with_expectations(TEXT, &[(3, lines(&["1", "", "2"])), (15, lines(&["3"]))]);
        let expected = "\
test compile precise-output

function %f() {
block0: ; not expected
    return
}

; 1
;
; 2

;; remark
;; about g
function %g() {
}

; 3
";
        assert_eq!(new, expected);
        let again = with_expectations(&new, &[(14, lines(&["3"]))]);
        assert_eq!(again, expected);
    }
}
