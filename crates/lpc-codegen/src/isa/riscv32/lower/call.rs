//! Calls, and the parameters of the function itself: the caller's and the callee's view of a signature.

use super::narrow::Extend;
use super::words::Word;
use super::{Ctx, LowerResult};
use crate::backend::abi::{AbiSignature, AbiSlot, AbiValue};
use crate::backend::lower::Lower;
use crate::backend::reg::{RealReg, Reg, Writable};
use crate::error::CompileError;
use crate::isa::riscv32::abi::abi_signature;
use crate::isa::riscv32::inst::{AMode, CallInfo, FixedDef, FixedUse, MInst, ReturnCallInfo};
use crate::isa::riscv32::regs::CALLER_SAVED;
use crate::runtime::Routine;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use lpc_lpir::ir::{ArgumentExtension, ExternalName, Inst, InstructionData, Value};
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
    let mut args = Vec::with_capacity(params.len());
    if let (Some(preg), Some(pointer)) = (abi.return_area_pointer, ctx.return_area_pointer()) {
        args.push(FixedDef {
            vreg: Writable::from_reg(pointer.to_reg()),
            preg,
        });
    }
    let mut loads = Vec::new();
    for (param, arg) in params.zip(abi.args()) {
        let regs = ctx.output(param);
        for (index, (&vreg, &slot)) in regs.regs().iter().zip(abi.slots(arg)).enumerate() {
            if !ctx.is_word_needed(param, index) {
                continue;
            }
            match slot {
                AbiSlot::Reg(preg) => args.push(FixedDef { vreg, preg }),
                AbiSlot::Memory(offset) => loads.push((vreg, offset)),
            }
        }
    }
    if !args.is_empty() {
        ctx.emit(MInst::Args { args });
    }
    for (rd, offset) in loads {
        load_word(ctx, rd, AMode::IncomingArg(offset as i32));
    }
}

/// What is called.
enum Callee {
    Direct(ExternalName),
    Indirect(Reg),
}

/// A call with its signature and its arguments, those in memory already stored.
struct CallSite {
    abi: Rc<AbiSignature>,
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
    ) -> Result<Self, CompileError> {
        let dfg = &ctx.func.dfg;
        let sig_ref = dfg.call_signature(inst).expect("a call has a signature");
        let abi = ctx.call_abi(sig_ref, abi_signature);
        let abi = abi.map_err(|error| CompileError::Signature {
            call: Some(inst),
            error,
        })?;
        let mut args = dfg.inst_args(inst);
        let callee = match *ctx.data(inst) {
            InstructionData::Call { func_ref, .. } => {
                Callee::Direct(dfg.ext_funcs[func_ref].name.clone())
            }
            _ => {
                let address = args.next().expect("the address comes first");
                Callee::Indirect(ctx.transferred_word(address, 0, ArgumentExtension::None))
            }
        };
        let mut uses = Vec::with_capacity(args.len() + 1);
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
        Ok(Self { abi, callee, uses })
    }
}

/// The stack arguments lie at the lower end of the frame, and the return area right above them:
///
/// ```text
///   sp ─► │ stack arguments │ return area │ …
/// ```
pub(super) fn lower_call(ctx: Ctx, inst: Inst) -> LowerResult {
    let site = CallSite::new(ctx, inst, outgoing_return_area, |_, offset| {
        AMode::OutgoingArg(offset)
    })?;
    let size = site.abi.stack_args_size + site.abi.return_area_size.next_multiple_of(16);
    let frame = ctx.frame();
    frame.outgoing_args_size = frame.outgoing_args_size.max(size);
    let results = ctx.func.dfg.inst_results(inst);
    let mut defs = Vec::with_capacity(results.len());
    let mut loads = Vec::new();
    for (result, ret) in results.zip(site.abi.rets()) {
        let regs = ctx.output(result);
        for (index, (&vreg, &slot)) in regs.regs().iter().zip(site.abi.slots(ret)).enumerate() {
            if !ctx.is_word_needed(result, index) {
                continue;
            }
            match slot {
                AbiSlot::Reg(preg) => defs.push(FixedDef { vreg, preg }),
                AbiSlot::Memory(offset) => loads.push((vreg, offset)),
            }
        }
    }
    let transfers = Transfers {
        uses: site.uses,
        defs,
        callee_pop_size: match site.abi.callee_pops {
            true => site.abi.stack_args_size,
            false => 0,
        },
    };
    ctx.emit(match site.callee {
        Callee::Direct(dest) => MInst::Call {
            info: transfers.by_call_of(dest),
        },
        Callee::Indirect(dest) => MInst::CallInd {
            info: transfers.by_call_of(dest),
        },
    });
    for (rd, offset) in loads {
        let offset = site.abi.stack_args_size + offset;
        load_word(ctx, rd, AMode::OutgoingArg(offset as i32));
    }
    Ok(())
}

/// What a call moves into registers and out of them.
struct Transfers {
    uses: Vec<FixedUse>,
    defs: Vec<FixedDef>,
    callee_pop_size: u32,
}

impl Transfers {
    /// A call of `dest`, which may change every register that a callee need not save.
    fn by_call_of<T>(self, dest: T) -> Box<CallInfo<T>> {
        let mut clobbers = CALLER_SAVED;
        for def in &self.defs {
            clobbers.remove(def.preg.preg());
        }
        Box::new(CallInfo {
            dest,
            uses: self.uses,
            defs: self.defs,
            clobbers,
            callee_pop_size: self.callee_pop_size,
        })
    }
}

impl Lower<'_, MInst> {
    /// Calls a routine of the runtime, whose arguments and results all travel in registers, and gives the words of its
    /// results.
    pub(super) fn call_routine(
        &mut self,
        routine: Routine,
        args: impl Iterator<Item = Word>,
    ) -> Vec<Word> {
        let frame = self.frame();
        frame.unchecked_stack = frame.unchecked_stack.max(routine.max_stack());
        let abi = abi_signature(&routine.signature()).expect("routines have plain signatures");
        let registers = |values: &[AbiValue]| -> Vec<RealReg> {
            let slots = values.iter().flat_map(|value| abi.slots(value));
            slots
                .map(|slot| match *slot {
                    AbiSlot::Reg(reg) => reg,
                    AbiSlot::Memory(_) => unreachable!("routines use registers only"),
                })
                .collect()
        };
        let mut uses = Vec::new();
        for (preg, word) in registers(abi.args()).into_iter().zip(args) {
            let vreg = self.virtual_reg(word);
            uses.push(FixedUse { vreg, preg });
        }
        let mut defs = Vec::new();
        for preg in registers(abi.rets()) {
            let vreg = self.temp();
            defs.push(FixedDef { vreg, preg });
        }
        let results = defs.iter().map(|def| Word::Reg(def.vreg.to_reg()));
        let results = results.collect();
        let transfers = Transfers {
            uses,
            defs,
            callee_pop_size: 0,
        };
        self.emit(MInst::Call {
            info: transfers.by_call_of(routine.name()),
        });
        results
    }
}

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
pub(super) fn lower_return_call(ctx: Ctx, inst: Inst) -> LowerResult {
    let site = CallSite::new(ctx, inst, own_return_area, |abi, offset| AMode::TailArg {
        args_size: abi.stack_args_size,
        offset,
    })?;
    let args_size = site.abi.stack_args_size;
    let frame = ctx.frame();
    frame.tail_args_size = frame.tail_args_size.max(args_size);
    let uses = site.uses;
    ctx.emit(match site.callee {
        Callee::Direct(dest) => MInst::ReturnCall {
            info: Box::new(ReturnCallInfo {
                dest,
                uses,
                args_size,
            }),
        },
        Callee::Indirect(dest) => MInst::ReturnCallInd {
            info: Box::new(ReturnCallInfo {
                dest,
                uses,
                args_size,
            }),
        },
    });
    Ok(())
}

fn load_word(ctx: Ctx, rd: Writable<Reg>, addr: AMode) {
    ctx.emit(MInst::Load {
        op: Op::Lw,
        rd,
        addr,
        trap: None,
    });
}
