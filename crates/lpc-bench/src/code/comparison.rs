//! All kernels, as all compilers compile them for one machine.

use super::candidate::{CANDIDATES, Candidate};
use super::executable::Builder;
use super::measure::{Measurement, measure};
use crate::error::{Error, Result};
use crate::kernels::Kernel;
use crate::tools::MissingTool;

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
    /// What was measured, in the order of the kernels, without those on which the compiler crashes; or why nothing was.
    pub measurements: Result<Vec<Option<Measurement>>, MissingTool>,
}

impl Comparison {
    /// What `candidate` made of the kernels, if it could be measured.
    pub fn of(&self, candidate: Candidate) -> Option<&[Option<Measurement>]> {
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
/// When a compiler fails, or a kernel does not return what it must.
pub fn compare(builder: &Builder, kernels: &[Kernel], machine: &'static str) -> Result<Comparison> {
    let mut columns: Vec<Column> = Vec::new();
    let mut executables: Vec<Vec<Option<Vec<u8>>>> = Vec::new();
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
        let built = kernels
            .iter()
            .map(|kernel| match builder.build(kernel, candidate, machine) {
                Err(Error::CompilerCrash { .. }) => Ok(None),
                built => built.map(Some),
            });
        let built = built.collect::<Result<Vec<_>>>()?;
        if let Some(index) = executables.iter().position(|others| *others == built) {
            columns[index].same.push(candidate);
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

fn measure_all(
    kernels: &[Kernel],
    executables: &[Option<Vec<u8>>],
    candidate: Candidate,
    machine: &str,
) -> Result<Vec<Option<Measurement>>> {
    let pairs = kernels.iter().zip(executables);
    let measurements = pairs.map(|(kernel, executable)| {
        let Some(executable) = executable else {
            return Ok(None);
        };
        let expected = kernel.result();
        let measured = expected.and_then(|expected| measure(executable, expected));
        measured.map(Some).map_err(|error| {
            Error::Other(format!(
                "{} by {candidate} for {machine}: {error}",
                kernel.name
            ))
        })
    });
    measurements.collect()
}
