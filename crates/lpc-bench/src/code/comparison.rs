//! All kernels, as all compilers compile them for one machine.

use super::candidate::{CANDIDATES, Candidate};
use super::executable::Builder;
use super::measure::{Measurement, measure};
use crate::error::{Error, Result};
use crate::kernels::Kernel;
use crate::tools::MissingTool;
use std::fmt;

/// What was measured on one machine.
pub struct Comparison {
    /// The machine, as `-march` names it.
    pub machine: &'static str,
    /// The names of the kernels.
    pub kernels: Vec<&'static str>,
    /// What each compiler made of them.
    pub columns: Vec<Column>,
}

/// What a compiler made of the kernels.
pub struct Column {
    /// The compiler.
    pub candidate: Candidate,
    /// Those that made exactly the same of each kernel, and have no column of their own.
    pub same: Vec<Candidate>,
    /// What was measured, in the order of the kernels, or why not, or why nothing was.
    pub measurements: Result<Vec<Result<Measurement, Failure>>, MissingTool>,
}

/// Why a compiler of C, which is installed, has made nothing of a kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// It says that it has a mistake.
    Crashes,
    /// It says something else, or nothing.
    Fails,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::Crashes => "crashes",
            Failure::Fails => "fails",
        })
    }
}

impl Comparison {
    /// What `candidate` made of the kernels, if it could be measured.
    pub fn of(&self, candidate: Candidate) -> Option<&[Result<Measurement, Failure>]> {
        let column = self
            .columns
            .iter()
            .find(|column| column.candidate == candidate || column.same.contains(&candidate))?;
        column.measurements.as_deref().ok()
    }
}

/// Compiles each of `kernels` with every compiler that is installed, for `machine`, and measures what comes out.
///
/// # Errors
/// When lpc fails, or a kernel does not return what it must.
pub fn compare(builder: &Builder, kernels: &[Kernel], machine: &'static str) -> Result<Comparison> {
    let mut columns: Vec<Column> = Vec::new();
    let mut executables: Vec<Vec<Result<Vec<u8>, Failure>>> = Vec::new();
    for candidate in CANDIDATES {
        if let Err(missing) = candidate.check() {
            columns.push(Column {
                candidate,
                same: Vec::new(),
                measurements: Err(missing),
            });
            executables.push(Vec::new());
            continue;
        }
        let built = build_all(builder, kernels, candidate, machine)?;
        let mut others = columns.iter_mut().zip(&executables);
        let same = others.find(|(column, others)| {
            column.candidate.differs_in_level_only(candidate) && **others == built
        });
        if let Some((column, _)) = same {
            column.same.push(candidate);
            continue;
        }
        columns.push(Column {
            candidate,
            same: Vec::new(),
            measurements: Ok(measure_all(kernels, &built, candidate, machine)?),
        });
        executables.push(built);
    }
    Ok(Comparison {
        machine,
        kernels: kernels.iter().map(|kernel| kernel.name).collect(),
        columns,
    })
}

/// What `candidate` makes of each kernel. What goes wrong first is told, if nobody says that it is a known mistake.
fn build_all(
    builder: &Builder,
    kernels: &[Kernel],
    candidate: Candidate,
    machine: &str,
) -> Result<Vec<Result<Vec<u8>, Failure>>> {
    let mut is_told = false;
    let built = kernels
        .iter()
        .map(|kernel| match builder.build(kernel, candidate, machine) {
            Err(Error::CompilerCrash { .. }) => Ok(Err(Failure::Crashes)),
            Err(error @ Error::Tool { .. }) => {
                if !is_told {
                    anstream::eprintln!("warning: {}: {error}", kernel.name);
                }
                is_told = true;
                Ok(Err(Failure::Fails))
            }
            built => built.map(Ok),
        });
    built.collect()
}

fn measure_all(
    kernels: &[Kernel],
    executables: &[Result<Vec<u8>, Failure>],
    candidate: Candidate,
    machine: &str,
) -> Result<Vec<Result<Measurement, Failure>>> {
    let pairs = kernels.iter().zip(executables);
    let measurements = pairs.map(|(kernel, executable)| {
        let executable = match executable {
            Ok(executable) => executable,
            Err(failure) => return Ok(Err(*failure)),
        };
        let expected = kernel.result();
        let measured = expected.and_then(|expected| measure(executable, expected));
        measured.map(Ok).map_err(|error| {
            Error::Other(format!(
                "{} by {candidate} for {machine}: {error}",
                kernel.name
            ))
        })
    });
    measurements.collect()
}
