//! Which instructions of RV32 each instruction of LPIR becomes. One file a subject.
//!
//! Values are rows of words (`words.rs`), and most rules are written once for any number of them: the addition of two `i32` is
//! the addition of two rows of one word. A value that is narrower than a word leaves the bits above it undefined; see
//! `narrow.rs`.

mod arithmetic;
mod atomics;
mod bit_counting;
mod bitwise;
mod branch;
mod call;
mod comparisons;
mod constants;
mod conversions;
mod division;
mod memory;
mod narrow;
mod overflow;
mod return_;
mod selection;
mod shifts;
mod single_bits;
mod stack_limit;
mod traps;
mod words;

use super::inst::MInst;
use crate::backend::lower::{Lower, LowerBackend};
use crate::backend::vcode::BlockIndex;
use crate::error::CompileError;
use alloc::vec::Vec;
use lpc_lpir::ir::{Inst, InstructionFormat, Opcode, Value};
use lpc_riscv32::Extension;

type Ctx<'a, 'f> = &'a mut Lower<'f, MInst>;

type LowerResult = Result<(), CompileError>;

/// Lowering for RV32.
pub struct Riscv32Backend;

impl LowerBackend for Riscv32Backend {
    type Inst = MInst;

    fn lower(ctx: &mut Lower<'_, MInst>, inst: Inst) -> LowerResult {
        use Opcode::*;
        let opcode = ctx.data(inst).opcode();
        if ctx.has_floats {
            refuse_floats(ctx, inst)?;
        }
        match opcode {
            Iconst => constants::lower_iconst(ctx, inst),
            Nop => Ok(()),

            Iadd | Isub | Ineg | Iabs => arithmetic::lower(ctx, inst),
            Imul | Umulhi | Smulhi => arithmetic::lower_multiplication(ctx, inst),
            Smin | Umin | Smax | Umax => arithmetic::lower_min_max(ctx, inst),
            Udiv | Sdiv | Urem | Srem => division::lower(ctx, inst),
            UaddOverflow | SaddOverflow | UsubOverflow | SsubOverflow | UaddOverflowCin
            | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin => overflow::lower(ctx, inst),
            UmulOverflow | SmulOverflow => overflow::lower_multiplication(ctx, inst),

            Band | Bor | Bxor | Bnot | Bitselect => bitwise::lower(ctx, inst),
            Ishl | Ushr | Sshr => shifts::lower_shift(ctx, inst),
            Rotl | Rotr => shifts::lower_rotation(ctx, inst),
            Clz | Cls | Ctz | Popcnt => bit_counting::lower(ctx, inst),
            Bswap | Bitrev => bitwise::lower_reversal(ctx, inst),

            Icmp => comparisons::lower_icmp(ctx, inst),
            Select => selection::lower_select(ctx, inst),
            SelectSpectreGuard => selection::lower_select_spectre_guard(ctx, inst),
            Bmask => comparisons::lower_bmask(ctx, inst),

            Ireduce | Uextend | Sextend | Isplit | Iconcat | Bitcast => {
                conversions::lower(ctx, inst)
            }

            Load | Uload8 | Sload8 | Uload16 | Sload16 | Uload32 | Sload32 => {
                memory::lower_load(ctx, inst)
            }
            Store | Istore8 | Istore16 | Istore32 => memory::lower_store(ctx, inst),
            StackAddr => memory::lower_stack_addr(ctx, inst),
            FuncAddr | SymbolValue => memory::lower_symbol_addr(ctx, inst),
            GetStackPointer | GetFramePointer | GetReturnAddress => {
                memory::lower_frame_register(ctx, inst)
            }
            AtomicLoad => atomics::lower_load(ctx, inst),
            AtomicStore => atomics::lower_store(ctx, inst),
            AtomicRmw => atomics::lower_rmw(ctx, inst),
            AtomicCas => atomics::lower_cas(ctx, inst),
            Fence => atomics::lower_fence(ctx),

            Trap | Trapz | Trapnz | UaddOverflowTrap | Debugtrap => traps::lower(ctx, inst),
            Call | CallIndirect => call::lower_call(ctx, inst),
            ReturnCall | ReturnCallIndirect => call::lower_return_call(ctx, inst),
            Return => return_::lower_return(ctx, inst),
            _ => unsupported(inst, opcode.name()),
        }
    }

    fn lower_branch(ctx: &mut Lower<'_, MInst>, inst: Inst, targets: &[BlockIndex]) -> LowerResult {
        match ctx.data(inst).opcode().format() {
            InstructionFormat::Brif => {
                branch::lower_brif(ctx, inst, targets);
                Ok(())
            }
            InstructionFormat::BranchTable => branch::lower_br_table(ctx, inst, targets),
            format => unreachable!("{format:?} has one target"),
        }
    }

    fn lower_params(ctx: &mut Lower<'_, MInst>) -> LowerResult {
        call::lower_params(ctx)
    }

    fn lower_stack_limit(ctx: &mut Lower<'_, MInst>) -> Result<Vec<MInst>, CompileError> {
        stack_limit::lower_stack_limit(ctx)
    }
}

fn unsupported(inst: Inst, what: &'static str) -> LowerResult {
    Err(CompileError::Unsupported { inst, what })
}

/// Refuses an instruction that defines or uses floating-point numbers.
fn refuse_floats(ctx: Ctx, inst: Inst) -> LowerResult {
    let dfg = &ctx.func.dfg;
    let mut values = dfg.inst_args(inst).chain(dfg.inst_results(inst));
    if values.any(|value| dfg.value_type(value).is_float()) {
        return unsupported(inst, "a floating-point operand");
    }
    Ok(())
}

/// Refuses `inst` when the target lacks the M extension.
fn require_multiplication(ctx: Ctx, inst: Inst) -> LowerResult {
    if ctx.settings.extensions.contains(Extension::Zmmul) {
        return Ok(());
    }
    unsupported(inst, "a multiplication without the M or Zmmul extension")
}

/// Refuses the division `inst` on a machine that does not divide.
fn require_division(ctx: Ctx, inst: Inst) -> LowerResult {
    if ctx.settings.extensions.contains(Extension::M) {
        return Ok(());
    }
    unsupported(inst, "a division without the M extension")
}

/// The operands of an instruction that has `N` of them.
fn operands<const N: usize>(ctx: Ctx, inst: Inst) -> [Value; N] {
    let args = ctx.data(inst).fixed_arguments().try_into();
    args.expect("the instruction has its operands")
}

/// The results of an instruction that has `N` of them.
fn results<const N: usize>(ctx: Ctx, inst: Inst) -> [Value; N] {
    let mut results = ctx.func.dfg.inst_results(inst);
    core::array::from_fn(|_| results.next().expect("the instruction has its results"))
}
