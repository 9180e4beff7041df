//! Calls, and the parameters of the function itself: the caller's and the callee's view of a signature.

use super::Ctx;
use super::narrow::Extend;
use super::words::Word;
use crate::backend::abi::{AbiSignature, AbiSlot, words_of};
use crate::backend::lower::Lower;
use crate::backend::reg::{Reg, Writable};
use crate::error::CompileError;
use crate::isa::riscv32::abi::{abi_signature_in, call_conv_spec};
use crate::isa::riscv32::inst::{AMode, CallInfo, FixedDef, FixedUse, MInst, ReturnCallInfo};
use crate::isa::riscv32::regs::CALLER_SAVED;
use crate::runtime::Routine;
use alloc::vec::Vec;
use lpc_lpir::ir::{
    ArgumentExtension, CallConv, ExternalName, Inst, InstructionData, SigRef, Type, Value,
};
use lpc_riscv32::Opcode as Op;

impl Lower<'_, MInst> {
    /// The word number `index` of `value`, extended as the signature promises.
    fn passed_word(&mut self, value: Value, index: usize, extension: ArgumentExtension) -> Word {
        let ty = self.ty(value);
        match extension {
            ArgumentExtension::Uext if ty.bits() < 32 => self.extended(value, Extend::Zero),
            ArgumentExtension::Sext if ty.bits() < 32 => self.extended(value, Extend::Sign),
            _ => self.word(value, index),
        }
    }

    /// As [`Self::passed_word`], in a virtual register, which the register allocator moves to where it must be.
    pub(super) fn transferred_word(
        &mut self,
        value: Value,
        index: usize,
        extension: ArgumentExtension,
    ) -> Reg {
        let word = self.passed_word(value, index, extension);
        self.virtual_reg(word)
    }
}

/// Stores the word number `index` of `value`, extended as the signature promises.
pub(super) fn store_word(
    ctx: Ctx,
    value: Value,
    index: usize,
    extension: ArgumentExtension,
    addr: AMode,
) {
    let word = ctx.passed_word(value, index, extension);
    let src = ctx.reg(word);
    ctx.emit(MInst::Store {
        op: Op::Sw,
        src,
        addr,
        trap: None,
    });
}

/// Gives the parameters their values: those in registers by one parallel move, the others by loads. All are taken before
/// anything can overwrite them.
pub(super) fn lower_params(ctx: Ctx) {
    let abi = ctx.abi;
    let Some(entry) = ctx.func.entry_block() else {
        return;
    };
    let params = ctx.func.dfg.block_params(entry);
    let num_args = abi.num_registers(abi.args());
    let num_args = num_args + usize::from(abi.return_area_pointer.is_some());
    let Some(mut args) = ctx.list(num_args) else {
        return;
    };
    if let (Some(preg), Some(pointer)) = (abi.return_area_pointer, ctx.return_area_pointer()) {
        args.push(FixedDef {
            vreg: Writable::from_reg(pointer.to_reg()),
            preg,
        });
    }
    let mut loads = Vec::new();
    for (param, arg) in params.zip(abi.args()) {
        receive(ctx, param, abi.slots(arg), &mut args, &mut loads);
    }
    if !args.is_empty() {
        ctx.emit(MInst::Args { args });
    }
    for &(rd, offset) in &loads {
        load_word(ctx, rd, AMode::IncomingArg(offset as i32));
    }
    ctx.heap().free(loads);
}

/// Receives the words of `value` that are needed and that travel in `slots`: those in registers as `defs`, for which there is room, and
/// those in memory as `loads` from there.
fn receive(
    ctx: Ctx,
    value: Value,
    slots: &[AbiSlot],
    defs: &mut Vec<FixedDef>,
    loads: &mut Vec<(Writable<Reg>, u32)>,
) {
    for (index, &slot) in slots.iter().enumerate() {
        let vreg = ctx.output_word(value, index);
        if !ctx.is_word_needed(value, index) {
            continue;
        }
        match slot {
            AbiSlot::Reg(preg) => defs.push(FixedDef { vreg, preg }),
            AbiSlot::Memory(offset) => ctx.heap().push(loads, (vreg, offset)),
        }
    }
}

/// What is called.
enum Callee {
    Direct(ExternalName),
    Indirect(Reg),
}

/// A call with its signature and its arguments, those in memory already stored.
struct CallSite {
    sig_ref: SigRef,
    abi: AbiSignature,
    callee: Callee,
    uses: Vec<FixedUse>,
}

impl CallSite {
    /// Reads the operands of the call `inst`. Results that do not fit in registers go to `return_area`; the stack argument
    /// at an offset from the first goes to `address_of` that offset.
    fn new(
        ctx: Ctx,
        inst: Inst,
        return_area: fn(Ctx, &AbiSignature) -> Reg,
        address_of: fn(&AbiSignature, i32) -> AMode,
    ) -> Option<Self> {
        let dfg = &ctx.func.dfg;
        let sig_ref = dfg.call_signature(inst).expect("a call has a signature");
        let abi = match ctx.take_call_abi(sig_ref, abi_signature_in) {
            Ok(abi) => abi,
            Err(error) => {
                ctx.fail(CompileError::of_signature(Some(inst), error));
                return None;
            }
        };
        let mut args = dfg.inst_args(inst);
        let callee = match *ctx.data(inst) {
            InstructionData::Call { func_ref, .. } => {
                Callee::Direct(dfg.ext_funcs[func_ref].name.copy_in(ctx.heap()).ok()?)
            }
            _ => {
                let address = args.next().expect("the address comes first");
                Callee::Indirect(ctx.transferred_word(address, 0, ArgumentExtension::None))
            }
        };
        let num_args = abi.num_registers(abi.args());
        let mut uses = ctx.list(num_args + usize::from(abi.return_area_pointer.is_some()))?;
        if let Some(preg) = abi.return_area_pointer {
            let vreg = return_area(ctx, &abi);
            uses.push(FixedUse { vreg, preg });
        }
        for (value, arg) in args.zip(abi.args()) {
            for (index, &slot) in abi.slots(arg).iter().enumerate() {
                match slot {
                    AbiSlot::Reg(preg) => {
                        let vreg = ctx.transferred_word(value, index, arg.extension);
                        uses.push(FixedUse { vreg, preg });
                    }
                    AbiSlot::Memory(offset) => {
                        let addr = address_of(&abi, offset as i32);
                        store_word(ctx, value, index, arg.extension, addr);
                    }
                }
            }
        }
        Some(Self {
            sig_ref,
            abi,
            callee,
            uses,
        })
    }
}

/// The stack arguments lie at the lower end of the frame, and the return area right above them:
///
/// ```text
///   sp ─► │ stack arguments │ return area │ …
/// ```
pub(super) fn lower_call(ctx: Ctx, inst: Inst) {
    let site = CallSite::new(ctx, inst, outgoing_return_area, |_, offset| {
        AMode::OutgoingArg(offset)
    });
    let Some(site) = site else {
        return;
    };
    let size = site.abi.stack_args_size + site.abi.return_area_size.next_multiple_of(16);
    let frame = ctx.frame();
    frame.outgoing_args_size = frame.outgoing_args_size.max(size);
    let results = ctx.func.dfg.inst_results(inst);
    let Some(mut defs) = ctx.list(site.abi.num_registers(site.abi.rets())) else {
        return;
    };
    let mut loads = Vec::new();
    for (result, ret) in results.zip(site.abi.rets()) {
        receive(ctx, result, site.abi.slots(ret), &mut defs, &mut loads);
    }
    let transfers = Transfers {
        uses: site.uses,
        defs,
        callee_pop_size: match site.abi.callee_pops {
            true => site.abi.stack_args_size,
            false => 0,
        },
    };
    let call = match site.callee {
        Callee::Direct(dest) => ctx
            .boxed(transfers.by_call_of(dest))
            .map(|info| MInst::Call { info }),
        Callee::Indirect(dest) => ctx
            .boxed(transfers.by_call_of(dest))
            .map(|info| MInst::CallInd { info }),
    };
    let Some(call) = call else {
        return;
    };
    ctx.emit(call);
    for &(rd, offset) in &loads {
        let offset = site.abi.stack_args_size + offset;
        load_word(ctx, rd, AMode::OutgoingArg(offset as i32));
    }
    ctx.heap().free(loads);
    ctx.keep_call_abi(site.sig_ref, site.abi);
}

/// What a call moves into registers and out of them.
struct Transfers {
    uses: Vec<FixedUse>,
    defs: Vec<FixedDef>,
    callee_pop_size: u32,
}

impl Transfers {
    /// A call of `dest`, which may change every register that a callee need not save.
    fn by_call_of<T>(self, dest: T) -> CallInfo<T> {
        let mut clobbers = CALLER_SAVED;
        for def in &self.defs {
            clobbers.remove(def.preg.preg());
        }
        CallInfo {
            dest,
            uses: self.uses,
            defs: self.defs,
            clobbers,
            callee_pop_size: self.callee_pop_size,
        }
    }
}

impl Lower<'_, MInst> {
    /// Calls a routine of the runtime, whose arguments and results all travel in registers, and gives the words of its
    /// results, with zeros behind them.
    pub(super) fn call_routine(
        &mut self,
        routine: Routine,
        args: &[Word],
    ) -> [Word; MAX_ROUTINE_WORDS] {
        let call = self.try_call_routine(routine, args);
        // The error stays with the heap.
        call.unwrap_or([Word::ZERO; MAX_ROUTINE_WORDS])
    }

    fn try_call_routine(
        &mut self,
        routine: Routine,
        args: &[Word],
    ) -> Option<[Word; MAX_ROUTINE_WORDS]> {
        let frame = self.frame();
        frame.unchecked_stack = frame.unchecked_stack.max(routine.max_stack());
        // Words that fit in registers take them in order.
        let spec = call_conv_spec(CallConv::Fast);
        let (params, returns) = routine.types();
        let num_words = |types: &[Type]| types.iter().copied().map(words_of).sum::<u32>() as usize;
        let mut uses = self.list(num_words(params))?;
        for (&word, &preg) in args.iter().zip(spec.argument_registers) {
            let vreg = self.virtual_reg(word);
            uses.push(FixedUse { vreg, preg });
        }
        let mut defs = self.list(num_words(returns))?;
        let mut results = [Word::ZERO; MAX_ROUTINE_WORDS];
        for (result, &preg) in results[..num_words(returns)]
            .iter_mut()
            .zip(spec.result_registers)
        {
            let vreg = self.temp();
            defs.push(FixedDef { vreg, preg });
            *result = Word::Reg(vreg.to_reg());
        }
        let transfers = Transfers {
            uses,
            defs,
            callee_pop_size: 0,
        };
        let name = ExternalName::symbol_in(routine.symbol(), self.heap()).ok()?;
        let info = self.boxed(transfers.by_call_of(name))?;
        self.emit(MInst::Call { info });
        Some(results)
    }
}

/// The most words of arguments and of results of a routine: those that travel in registers.
pub(super) const MAX_ROUTINE_WORDS: usize = 8;

/// The address of the return area of a call.
fn outgoing_return_area(ctx: Ctx, abi: &AbiSignature) -> Reg {
    let rd = ctx.temp();
    ctx.emit(MInst::LoadAddr {
        rd,
        addr: AMode::OutgoingArg(abi.stack_args_size as i32),
    });
    rd.to_reg()
}

/// The address of the return area that this function received.
fn own_return_area(ctx: Ctx, _: &AbiSignature) -> Reg {
    let pointer = ctx.return_area_pointer();
    let pointer = pointer.expect("a tail call returns what its caller returns");
    pointer.to_reg()
}

/// A call in the place of a return. Its results go where those of this function go, the return area included.
pub(super) fn lower_return_call(ctx: Ctx, inst: Inst) {
    let site = CallSite::new(ctx, inst, own_return_area, |abi, offset| AMode::TailArg {
        args_size: abi.stack_args_size,
        offset,
    });
    let Some(site) = site else {
        return;
    };
    let args_size = site.abi.stack_args_size;
    let frame = ctx.frame();
    frame.tail_args_size = frame.tail_args_size.max(args_size);
    let uses = site.uses;
    let call = match site.callee {
        Callee::Direct(dest) => ctx
            .boxed(ReturnCallInfo {
                dest,
                uses,
                args_size,
            })
            .map(|info| MInst::ReturnCall { info }),
        Callee::Indirect(dest) => ctx
            .boxed(ReturnCallInfo {
                dest,
                uses,
                args_size,
            })
            .map(|info| MInst::ReturnCallInd { info }),
    };
    let Some(call) = call else {
        return;
    };
    ctx.emit(call);
    ctx.keep_call_abi(site.sig_ref, site.abi);
}

fn load_word(ctx: Ctx, rd: Writable<Reg>, addr: AMode) {
    ctx.emit(MInst::Load {
        op: Op::Lw,
        rd,
        addr,
        trap: None,
    });
}
