//! `lpc run` with an ELF file: runs it as it is.

use super::run::{Arguments, fault, limit_reached};
use crate::failure::Failure;
use crate::input::display_name;
use crate::output::write_bytes;
use crate::pipeline::timed;
use crate::stats::ExecutionStats;
use lpc_process::{End, Place, Process, SourceLine, Streams};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

/// Runs the ELF file with the content `bytes`, and ends as it does.
pub(super) fn run(arguments: &Arguments, bytes: &[u8]) -> Result<(), Failure> {
    let name = display_name(&arguments.file);
    let call = arguments.invoke.as_deref().map(parse_call).transpose()?;
    let mut program_arguments = vec![name.clone()];
    program_arguments.extend_from_slice(&arguments.arguments);
    let options = arguments.run.process();
    let mut link_time = Duration::ZERO;
    let process = timed(&mut link_time, || {
        Process::load(bytes, arguments.compile.march, &program_arguments, options)
    });
    let mut process = process.map_err(|error| Failure::message(format_args!("{name}: {error}")))?;

    let mut input = io::stdin().lock();
    let mut output = BufWriter::new(io::stdout().lock());
    let mut errors = io::stderr();
    let mut streams = Streams::new(&mut input, &mut output, &mut errors);
    let mut run_time = Duration::ZERO;
    let end = match &call {
        None => timed(&mut run_time, || process.run(&mut streams)),
        Some(call) => {
            let address = process.file().address_of(&call.function).ok_or_else(|| {
                Failure::message(format_args!("{name}: there is no symbol {}", call.function))
            })?;
            let end = timed(&mut run_time, || {
                process.call(address, &call.arguments, &mut streams)
            });
            end.map_err(|_| Failure::message("the arguments do not fit onto the stack"))?
        }
    };
    let ends_within_line = streams.ends_within_line();
    streams.finish()?;
    drop(output);
    if arguments.stats {
        let stats = ExecutionStats {
            link_time,
            counters: process.counters(),
            run_time,
        };
        write!(io::stderr().lock(), "{stats}")?;
    }
    match end {
        End::Exited(status) => match status as u8 {
            0 => Ok(()),
            status => Err(Failure::Status(status)),
        },
        End::Returned(result) => {
            let separator = if ends_within_line { "\n" } else { "" };
            let text = format!("{separator}{}\n", result as i32);
            write_bytes(None, text.as_bytes())
        }
        End::Trapped { stop, code, place } => {
            let what = match code {
                Some(code) => format!("trap {code}"),
                None => fault(stop, place.pc),
            };
            Err(stopped(&what, &place))
        }
        End::LimitReached { place } => {
            let what = limit_reached(options.instruction_limit);
            Err(stopped(&what, &place))
        }
    }
}

fn stopped(what: &str, place: &Place) -> Failure {
    let where_in_source = match &place.line {
        Some(line) => format!("{}: ", from_here(line.clone())),
        None => String::new(),
    };
    let pc = place.pc;
    Failure::Trap(format!(
        "{where_in_source}{what} at {place} (pc {pc:#010x})"
    ))
}

/// `line` with the name of its file as it counts from the current folder, if it is in there.
fn from_here(mut line: SourceLine) -> SourceLine {
    let folder = std::env::current_dir().unwrap_or_default();
    if let Ok(file) = Path::new(&line.file).strip_prefix(folder) {
        line.file = file.display().to_string();
    }
    line
}

/// A call of a function in an ELF file, of which no signature is known.
#[derive(PartialEq, Eq, Debug)]
struct Call {
    function: String,
    arguments: Vec<u32>,
}

/// Reads `name(1, -2, 0x30)`.
fn parse_call(text: &str) -> Result<Call, Failure> {
    let error = |what: &str| Failure::message(format_args!("cannot call `{text}`: {what}"));
    let expected = "expected a name and arguments in parentheses, such as f(1, -2)";
    let (name, rest) = text.trim().split_once('(').ok_or_else(|| error(expected))?;
    let list = rest.strip_suffix(')').ok_or_else(|| error(expected))?;
    let words: Option<Vec<u32>> = match list.trim() {
        "" => Some(Vec::new()),
        list => list
            .split(',')
            .map(|word| parse_word(word.trim()))
            .collect(),
    };
    Ok(Call {
        function: name.trim().trim_start_matches('%').to_owned(),
        arguments: words
            .ok_or_else(|| error("arguments of functions in ELF files are numbers of 32 bits"))?,
    })
}

/// A number of 32 bits, signed or unsigned.
fn parse_word(text: &str) -> Option<u32> {
    let number: i64 = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    let signed = || i32::try_from(number).ok().map(|number| number as u32);
    u32::try_from(number).ok().or_else(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let call = |function: &str, arguments: &[u32]| Call {
            function: function.to_owned(),
            arguments: arguments.to_vec(),
        };
        let parsed = |text| parse_call(text).ok();
        assert_eq!(parsed("f()"), Some(call("f", &[])));
        assert_eq!(
            parsed(" %f(1, -2,0xffffffff) "),
            Some(call("f", &[1, u32::MAX - 1, u32::MAX]))
        );
        for bad in [
            "f",
            "f(",
            "f)",
            "f(1,)",
            "f(x)",
            "f(4294967296)",
            "f(-2147483649)",
        ] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
