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
use crate::error::UnsupportedFeature;
use lpc_lpir::ir::{Inst, InstructionData, Opcode, Value};
use lpc_riscv32::Extension;

type Ctx<'a, 'f> = &'a mut Lower<'f, MInst>;

/// Lowering for RV32.
pub struct Riscv32Backend;

impl LowerBackend for Riscv32Backend {
    type Inst = MInst;

    fn lower(ctx: &mut Lower<'_, MInst>, inst: Inst) {
        if ctx.has_floats && has_float_operand(ctx, inst) {
            return ctx.refuse(inst, UnsupportedFeature::FloatingPointOperand);
        }
        rule_for(ctx.current.opcode)(ctx, inst);
    }

    fn lower_branch(ctx: &mut Lower<'_, MInst>, inst: Inst, targets: &[BlockIndex]) {
        match ctx.data(inst) {
            InstructionData::Brif { .. } => branch::lower_brif(ctx, inst, targets),
            InstructionData::BranchTable { .. } => branch::lower_br_table(ctx, inst, targets),
            data => unreachable!("{data:?} has one target"),
        }
    }

    fn lower_params(ctx: &mut Lower<'_, MInst>) {
        call::lower_params(ctx);
    }

    fn lower_stack_limit(ctx: &mut Lower<'_, MInst>) {
        stack_limit::lower_stack_limit(ctx);
    }
}

/// Lowers an instruction.
type Rule = fn(Ctx, Inst);

/// The rule for instructions with the given opcode.
fn rule_for(opcode: Opcode) -> Rule {
    use Opcode::*;
    match opcode {
        Iconst => constants::lower_iconst,
        Nop => |_, _| {},

        Iadd | Isub | Ineg => arithmetic::lower_sum,
        Iabs => arithmetic::lower_iabs,
        Imul | Umulhi | Smulhi | UmulOverflow | SmulOverflow => arithmetic::lower_multiplication,
        Smin | Umin | Smax | Umax => arithmetic::lower_min_max,
        Udiv | Sdiv | Urem | Srem => division::lower,
        UaddOverflow | SaddOverflow | UsubOverflow | SsubOverflow | UaddOverflowCin
        | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin => overflow::lower,

        Band | Bor | Bxor | Bnot | Bitselect => bitwise::lower,
        Ishl | Ushr | Sshr | Rotl | Rotr => shifts::lower,
        Clz | Cls | Ctz | Popcnt => bit_counting::lower,
        Bswap | Bitrev => bitwise::lower_reversal,

        Icmp => comparisons::lower_icmp,
        Select | SelectSpectreGuard => selection::lower,
        Bmask => comparisons::lower_bmask,

        Uextend | Sextend => conversions::lower_extension,
        Ireduce | Bitcast => conversions::lower_reduction,
        Isplit => conversions::lower_isplit,
        Iconcat => conversions::lower_iconcat,

        Load | Uload8 | Sload8 | Uload16 | Sload16 | Uload32 | Sload32 => memory::lower_load,
        Store | Istore8 | Istore16 | Istore32 => memory::lower_store,
        StackAddr => memory::lower_stack_addr,
        FuncAddr | SymbolValue => memory::lower_symbol_addr,
        GetStackPointer | GetFramePointer | GetReturnAddress => memory::lower_frame_register,
        AtomicLoad => atomics::lower_load,
        AtomicStore => atomics::lower_store,
        AtomicRmw => atomics::lower_rmw,
        AtomicCas => atomics::lower_cas,
        Fence => atomics::lower_fence,

        Trap | Trapz | Trapnz | UaddOverflowTrap | Debugtrap => traps::lower,
        Call | CallIndirect | ReturnCall | ReturnCallIndirect => call::lower_call,
        Return => return_::lower_return,
        _ => refuse,
    }
}

/// Refuses an instruction that the machine does not have.
fn refuse(ctx: Ctx, inst: Inst) {
    let opcode = ctx.data(inst).opcode();
    ctx.refuse(inst, UnsupportedFeature::Opcode(opcode));
}

/// Whether an instruction defines or uses floating-point numbers.
fn has_float_operand(ctx: Ctx, inst: Inst) -> bool {
    let dfg = &ctx.func.dfg;
    let mut values = dfg.inst_args(inst).chain(dfg.inst_results(inst));
    values.any(|value| dfg.value_type(value).is_float())
}

/// Refuses `inst` when the target lacks the M extension. Says whether it has it.
fn require_multiplication(ctx: Ctx, inst: Inst) -> bool {
    require(
        ctx,
        inst,
        Extension::Zmmul,
        UnsupportedFeature::Multiplication,
    )
}

/// Refuses the division `inst` on a machine that does not divide. Says whether it does.
fn require_division(ctx: Ctx, inst: Inst) -> bool {
    require(ctx, inst, Extension::M, UnsupportedFeature::Division)
}

fn require(ctx: Ctx, inst: Inst, extension: Extension, what: UnsupportedFeature) -> bool {
    let is_there = ctx.settings.extensions.contains(extension);
    if !is_there {
        ctx.refuse(inst, what);
    }
    is_there
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
