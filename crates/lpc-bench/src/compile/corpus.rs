//! What is compiled: functions, each in the form of both compilers.
//!
//! Both get the same text, printed from our form of the function and read by the other's reader, with
//! [wide addresses](super::widen) for the machine that needs them. A function that one of them cannot read, or cannot compile in one of
//! the ways that are measured, is left out, and counted.

use super::candidates::Candidate;
use super::cranelift::{self, Cranelift};
use super::widen::widen_addresses;
use lpc_codegen::{Compiler, Settings};
use lpc_lpir::ir::{Function, Type};
use lpc_lpir::text::{Outcome, ParseError, parse_test};
use lpc_lpir::verifier::verify_function;

/// Functions that are looked at together.
pub(super) struct Corpus {
    pub(super) name: String,
    /// Whether it belongs to the user, and so is no part of the figures.
    pub(super) is_users: bool,
    pub(super) functions: Vec<BothForms>,
    pub(super) skipped: Skipped,
    /// The size of its functions, if they are generated.
    pub(super) generated_size: Option<usize>,
}

/// A function in the form of both compilers.
pub(super) struct BothForms {
    pub(super) ours: Function,
    pub(super) theirs: cranelift_codegen::ir::Function,
    /// The instructions of `ours`.
    pub(super) num_insts: usize,
    /// Whether it computes with numbers that take several registers here, and one or two there.
    pub(super) is_wide: bool,
}

/// How many functions were left out, and why.
#[derive(Clone, Copy, Default)]
pub(super) struct Skipped {
    /// We lack something.
    pub(super) by_us: usize,
    /// Cranelift lacks something, on its machine.
    pub(super) by_them: usize,
    /// An address is converted to another type: with wide addresses that would be another instruction.
    pub(super) converts_addresses: usize,
}

/// Why a function was left out.
#[derive(Debug)]
pub(super) enum Refusal {
    ByUs,
    ByThem,
    ConvertsAddresses,
}

impl Corpus {
    /// A corpus without functions.
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            is_users: false,
            functions: Vec::new(),
            skipped: Skipped::default(),
            generated_size: None,
        }
    }

    /// Adds the functions of `text`.
    ///
    /// # Errors
    /// When it is not CLIF. Then nothing is added.
    pub(super) fn add(&mut self, text: &str, checks: &mut SupportChecks) -> Result<(), ParseError> {
        for function in parse_test(text)?.functions {
            let both = match function.outcome {
                Outcome::Parsed(parsed) => checks.both_forms(parsed.function),
                Outcome::Skipped(_) => Err(Refusal::ByUs),
            };
            match both {
                Ok(both) => self.functions.push(both),
                Err(Refusal::ByUs) => self.skipped.by_us += 1,
                Err(Refusal::ByThem) => self.skipped.by_them += 1,
                Err(Refusal::ConvertsAddresses) => self.skipped.converts_addresses += 1,
            }
        }
        Ok(())
    }
}

/// Finds out which functions all candidates can compile.
#[derive(Default)]
pub(super) struct SupportChecks {
    ours: Vec<(Box<Compiler>, Settings)>,
    theirs: Vec<Box<Cranelift>>,
}

impl SupportChecks {
    pub(super) fn new() -> Self {
        let mut checks = Self::default();
        for candidate in Candidate::all() {
            match candidate {
                Candidate::Lpc(compiler, settings) => checks.ours.push((compiler, settings)),
                Candidate::Cranelift(cranelift) => checks.theirs.push(cranelift),
            }
        }
        checks
    }

    fn both_forms(&mut self, ours: Function) -> Result<BothForms, Refusal> {
        let mut by_us = self.ours.iter_mut();
        if verify_function(&ours).is_err()
            || by_us.any(|(compiler, settings)| compiler.compile(&ours, settings).is_err())
        {
            return Err(Refusal::ByUs);
        }
        let both = BothForms::new(ours)?;
        let mut by_them = self.theirs.iter_mut();
        match by_them.all(|cranelift| cranelift.supports(&both.theirs)) {
            true => Ok(both),
            false => Err(Refusal::ByThem),
        }
    }
}

impl BothForms {
    /// Both forms of `ours`, whoever can compile them.
    pub(super) fn new(ours: Function) -> Result<Self, Refusal> {
        let wide = widen_addresses(&ours).ok_or(Refusal::ConvertsAddresses)?;
        let theirs = cranelift_reader::parse_functions(&wide.to_string());
        let theirs = theirs.map_err(|_| Refusal::ByThem)?;
        let theirs = theirs.into_iter().next().ok_or(Refusal::ByThem)?;
        let num_insts = num_insts(&ours);
        assert_eq!(num_insts, cranelift::num_insts(&theirs), "{ours}");
        let is_wide = ours.dfg.values().any(|value| {
            let ty = ours.dfg.value_type(value);
            ty.bits() > Type::POINTER.bits()
        });
        Ok(BothForms {
            ours,
            theirs,
            num_insts,
            is_wide,
        })
    }
}

fn num_insts(func: &Function) -> usize {
    let blocks = func.layout.blocks();
    blocks
        .map(|block| func.layout.block_insts(block).count())
        .sum()
}
