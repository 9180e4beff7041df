//! What is compiled: functions, each in the form of both compilers.
//!
//! Both get the same text, printed from our form of the function and read by the other's reader, with
//! [wide addresses](super::widen) for the machine that needs them. A function that one of them cannot read or compile is left out,
//! and counted.

use super::cranelift::{self, Cranelift};
use super::widen::widen_addresses;
use lpc_codegen::{Settings, compile_function};
use lpc_lpir::ir::{Function, Type};
use lpc_lpir::text::{Outcome, parse_test};
use lpc_lpir::verifier::verify_function;

/// Functions that are looked at together.
pub(super) struct Corpus {
    pub(super) name: String,
    pub(super) functions: Vec<BothForms>,
    pub(super) skipped: Skipped,
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

enum Refusal {
    ByUs,
    ByThem,
    ConvertsAddresses,
}

impl Corpus {
    /// A corpus without functions.
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            functions: Vec::new(),
            skipped: Skipped::default(),
        }
    }

    /// Adds the functions of `text`. Says whether it could be read.
    pub(super) fn add(&mut self, text: &str, checks: &mut SupportChecks) -> bool {
        let Ok(file) = parse_test(text) else {
            return false;
        };
        for function in file.functions {
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
        true
    }
}

/// Finds out which functions both compilers can compile.
pub(super) struct SupportChecks {
    settings: Settings,
    cranelift: Cranelift,
}

impl SupportChecks {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings::default(),
            cranelift: Cranelift::new("none", "single_pass"),
        }
    }

    fn both_forms(&mut self, ours: Function) -> Result<BothForms, Refusal> {
        if verify_function(&ours).is_err() || compile_function(&ours, &self.settings).is_err() {
            return Err(Refusal::ByUs);
        }
        let wide = widen_addresses(&ours).ok_or(Refusal::ConvertsAddresses)?;
        let theirs = cranelift_reader::parse_functions(&wide.to_string());
        let theirs = theirs
            .ok()
            .and_then(|functions| functions.into_iter().next());
        let theirs = theirs.filter(|theirs| self.cranelift.supports(theirs));
        let theirs = theirs.ok_or(Refusal::ByThem)?;
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
