//! Calls, and the parameters of the function itself: the caller's and the callee's view of a signature.

use super::Ctx;
use super::narrow::{Extend, extend_to};
use crate::backend::abi::{AbiSignature, AbiSlot};
use crate::backend::reg::{Reg, Writable};
use crate::error::CompileError;
use crate::isa::riscv32::abi::abi_signature;
use crate::isa::riscv32::inst::{AMode, CallInfo, FixedDef, FixedUse, MInst, ReturnCallInfo};
use crate::isa::riscv32::regs::CALLER_SAVED;
use alloc::boxed::Box;
use alloc::vec::Vec;
use lpc_lpir::ir::{ArgumentExtension, Inst, InstructionData, Type, Value};
use lpc_riscv32::Opcode as Op;

/// The word number `word` of `value`, extended as the signature promises.
///
/// It is always a virtual register: it goes to a place that the register allocator fills.
pub(super) fn put_word(ctx: Ctx, value: Value, word: usize, extension: ArgumentExtension) -> Reg {
    let reg = ctx.put_in_regs(value).regs()[word];
    let ty = ctx.ty(value);
    let extend = match extension {
        ArgumentExtension::Uext => Extend::Zero,
        ArgumentExtension::Sext => Extend::Sign,
        ArgumentExtension::None => return reg,
    };
    if ty.bits() >= Type::I32.bits() {
        return reg;
    }
    let rd = ctx.temp();
    extend_to(ctx, rd, reg, ty, extend);
    rd.to_reg()
}

/// Gives the parameters their values: those in registers by one parallel move, the others by loads. All are taken before
/// anything can overwrite them.
pub(super) fn lower_params(ctx: Ctx) {
    let abi = ctx.abi;
    let Some(entry) = ctx.func.entry_block() else {
        return;
    };
    let params: Vec<Value> = ctx.func.dfg.block_params(entry).collect();
    let mut args = Vec::with_capacity(params.len());
    if let (Some(preg), Some(pointer)) = (abi.return_area_pointer, ctx.return_area_pointer()) {
        args.push(FixedDef {
            vreg: Writable::from_reg(pointer.to_reg()),
            preg,
        });
    }
    let mut loads = Vec::new();
    for (&param, arg) in params.iter().zip(abi.args()) {
        if !ctx.is_needed(param) {
            continue;
        }
        let regs = ctx.output(param);
        for (&vreg, &slot) in regs.regs().iter().zip(abi.slots(arg)) {
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
    Direct(lpc_lpir::ir::ExternalName),
    Indirect(Reg),
}

/// A call with its signature and its arguments, those in memory not yet stored.
struct CallSite {
    abi: AbiSignature,
    callee: Callee,
    uses: Vec<FixedUse>,
    /// The words that go to memory, with their offsets from the first stack argument.
    stores: Vec<(Reg, i32)>,
}

impl CallSite {
    /// Reads the operands of the call `inst`, whose results that do not fit in registers go to `return_area`.
    fn new(
        ctx: Ctx,
        inst: Inst,
        return_area: impl FnOnce(Ctx, &AbiSignature) -> Reg,
    ) -> Result<Self, CompileError> {
        let dfg = &ctx.func.dfg;
        let sig_ref = dfg.call_signature(inst).expect("a call has a signature");
        let abi =
            abi_signature(&dfg.signatures[sig_ref]).map_err(|error| CompileError::Signature {
                call: Some(inst),
                error,
            })?;
        let mut args: Vec<Value> = dfg.inst_args(inst).collect();
        let callee = match *ctx.data(inst) {
            InstructionData::Call { func_ref, .. } => {
                Callee::Direct(dfg.ext_funcs[func_ref].name.clone())
            }
            _ => Callee::Indirect(ctx.put_in_reg(args.remove(0))),
        };
        let mut uses = Vec::with_capacity(args.len() + 1);
        let mut stores = Vec::new();
        if let Some(preg) = abi.return_area_pointer {
            let vreg = return_area(ctx, &abi);
            uses.push(FixedUse { vreg, preg });
        }
        for (&value, arg) in args.iter().zip(abi.args()) {
            for (word, &slot) in abi.slots(arg).iter().enumerate() {
                let vreg = put_word(ctx, value, word, arg.extension);
                match slot {
                    AbiSlot::Reg(preg) => uses.push(FixedUse { vreg, preg }),
                    AbiSlot::Memory(offset) => stores.push((vreg, offset as i32)),
                }
            }
        }
        Ok(Self {
            abi,
            callee,
            uses,
            stores,
        })
    }
}

/// The stack arguments lie at the lower end of the frame, and the return area right above them:
///
/// ```text
///   sp ─► │ stack arguments │ return area │ …
/// ```
pub(super) fn lower_call(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let mut site = CallSite::new(ctx, inst, |ctx, abi| {
        let rd = ctx.temp();
        ctx.emit(MInst::LoadAddr {
            rd,
            addr: AMode::OutgoingArg(abi.stack_args_size as i32),
        });
        rd.to_reg()
    })?;
    let size = site.abi.stack_args_size + site.abi.return_area_size.next_multiple_of(16);
    let frame = ctx.frame();
    frame.outgoing_args_size = frame.outgoing_args_size.max(size);
    for (src, offset) in site.stores.drain(..) {
        store_word(ctx, src, AMode::OutgoingArg(offset));
    }

    let results: Vec<Value> = ctx.func.dfg.inst_results(inst).collect();
    let mut defs = Vec::with_capacity(results.len());
    let mut loads = Vec::new();
    for (&result, ret) in results.iter().zip(site.abi.rets()) {
        if !ctx.is_needed(result) {
            continue;
        }
        let regs = ctx.output(result);
        for (&vreg, &slot) in regs.regs().iter().zip(site.abi.slots(ret)) {
            match slot {
                AbiSlot::Reg(preg) => defs.push(FixedDef { vreg, preg }),
                AbiSlot::Memory(offset) => loads.push((vreg, offset)),
            }
        }
    }
    let mut clobbers = CALLER_SAVED;
    for def in &defs {
        clobbers.remove(def.preg.preg());
    }
    let callee_pop_size = if site.abi.callee_pops {
        site.abi.stack_args_size
    } else {
        0
    };
    let uses = site.uses;
    ctx.emit(match site.callee {
        Callee::Direct(dest) => MInst::Call {
            info: Box::new(CallInfo {
                dest,
                uses,
                defs,
                clobbers,
                callee_pop_size,
            }),
        },
        Callee::Indirect(dest) => MInst::CallInd {
            info: Box::new(CallInfo {
                dest,
                uses,
                defs,
                clobbers,
                callee_pop_size,
            }),
        },
    });
    for (rd, offset) in loads {
        let offset = site.abi.stack_args_size + offset;
        load_word(ctx, rd, AMode::OutgoingArg(offset as i32));
    }
    Ok(())
}

/// A call in the place of a return. Its results go where those of this function go, the return area included.
pub(super) fn lower_return_call(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let site = CallSite::new(ctx, inst, |ctx, _| {
        let pointer = ctx.return_area_pointer();
        pointer
            .expect("a tail call returns what its caller returns")
            .to_reg()
    })?;
    let args_size = site.abi.stack_args_size;
    let frame = ctx.frame();
    frame.tail_args_size = frame.tail_args_size.max(args_size);
    for (src, offset) in site.stores {
        store_word(ctx, src, AMode::TailArg { args_size, offset });
    }
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

fn store_word(ctx: Ctx, src: Reg, addr: AMode) {
    ctx.emit(MInst::Store {
        op: Op::Sw,
        src,
        addr,
        trap: None,
    });
}
