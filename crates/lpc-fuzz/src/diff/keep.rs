//! Files with programs that fail, for the tests in `filetests`.

use super::check::Finding;
use super::outcome::{Kind, Outcome};
use super::run::Reduced;
use crate::error::Error;
use crate::reduce::{Expectation, to_filetest};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes `reduced`, which was made of the program number `index` of those of `seed`, to a file in `folder`, and returns its path.
///
/// # Errors
/// When the file cannot be written.
pub fn keep(folder: &Path, seed: u64, index: u64, reduced: &Reduced) -> Result<PathBuf, Error> {
    let path = folder.join(format!("{seed}-{index}.clif"));
    let failed = |error| Error::File(path.clone(), error);
    fs::create_dir_all(folder).map_err(failed)?;
    fs::write(&path, text(reduced)).map_err(failed)?;
    Ok(path)
}

/// The text of the file: a test of the first input, under the settings that the format has.
fn text(reduced: &Reduced) -> String {
    let Reduced {
        program,
        finding,
        expected,
    } = reduced;
    let expectation = match expected {
        Outcome::Trapped(code) => Expectation::Trap(*code),
        Outcome::Returned(values) => Expectation::Results(values.clone()),
        Outcome::Failed(_) => Expectation::Results(Vec::new()),
    };
    let target = finding.settings.extensions.to_string();
    let test = to_filetest(program, &target, &expectation);
    let (first_line, rest) = test.split_once('\n').unwrap_or((&test, ""));
    format!(
        "{first_line}\n{}{}{rest}",
        header(finding),
        comment(finding)
    )
}

/// The settings that are not the defaults, as far as every test knows them.
fn header(finding: &Finding) -> String {
    let flags = [
        (
            finding.settings.preserve_frame_pointers,
            "preserve_frame_pointers",
        ),
        (finding.settings.single_hart, "single_hart"),
    ];
    let set = flags.iter().filter(|(is_set, _)| *is_set);
    set.map(|(_, name)| format!("set {name}=true\n")).collect()
}

/// What was found. A test looks at results and traps only, and not under all settings.
fn comment(finding: &Finding) -> String {
    let mut text = finding.to_string();
    if finding.kind == Kind::Memory {
        text += "\nmemory differs, at which a test does not look: let the function load and return it, or run `lpc-fuzz diff` on \
                 this file";
    }
    let lines = text.lines().map(|line| format!("; {line}\n"));
    lines.collect()
}
