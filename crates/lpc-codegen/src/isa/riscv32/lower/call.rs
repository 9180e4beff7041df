//! Calls, and the parameters and results of the function itself: the caller's and the callee's view of a signature.
//!
//! Both sides do the same two things with the words of values, one after the other: they [send](Lower::send) them, arguments to a callee
//! or results to the caller, or they [receive](Lower::receive) them.

use super::Ctx;
use super::memory::add_offset;
use super::narrow::Extend;
use super::words::Word;
use crate::backend::abi::{AbiSignature, AbiSlot, AbiValue};
use crate::backend::lower::Lower;
use crate::backend::reg::{Reg, Writable};
use crate::isa::riscv32::abi::ARGUMENT_REGISTERS;
use crate::isa::riscv32::inst::{AMode, CallDest, CallInfo, FixedDef, FixedUse, MInst};
use crate::isa::riscv32::regs::CALLER_SAVED;
use crate::runtime::Routine;
use alloc::vec::Vec;
use lpc_lpir::ir::{ArgumentExtension, ExternalName, Inst, InstructionData, Value};
use lpc_riscv32::Opcode as Op;
use regalloc2::PRegSet;

/// The memory for what does not travel in registers.
#[derive(Clone, Copy)]
pub(super) enum SlotMemory {
    /// The stack arguments that this function received.
    Incoming,
    /// What lies so many bytes above the stack arguments of the next call.
    Outgoing(u32),
    /// The stack arguments of a call in the place of a return, which take so many bytes.
    Tail(u32),
    /// The return area that this function received.
    ReturnArea,
}

/// What is received.
enum Received<'a> {
    /// The words in registers, which are defined here.
    InRegisters(&'a mut Vec<FixedDef>),
    /// The words in memory, which are loaded.
    InMemory(SlotMemory),
}

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

    /// Where the word is that lies `offset` bytes above the start of `memory`.
    fn slot_in(&mut self, memory: SlotMemory, offset: u32) -> AMode {
        match memory {
            SlotMemory::Incoming => AMode::IncomingArg(offset as i32),
            SlotMemory::Outgoing(start) => AMode::OutgoingArg((start + offset) as i32),
            SlotMemory::Tail(args_size) => AMode::TailArg {
                args_size,
                offset: offset as i32,
            },
            SlotMemory::ReturnArea => {
                let area = self.own_return_area();
                add_offset(self, area, offset as i32)
            }
        }
    }

    /// The address of the return area that this function received.
    fn own_return_area(&self) -> Reg {
        let pointer = self.return_area_pointer();
        let pointer = pointer.expect("results in memory need a return area");
        pointer.to_reg()
    }

    /// Sends `values`, which travel as `places` of `abi` say: their words in registers become `uses`, which the register allocator moves, and
    /// the others are stored to `memory`.
    // Once for all that send.
    #[inline(never)]
    pub(super) fn send(
        &mut self,
        values: impl Iterator<Item = Value>,
        abi: &AbiSignature,
        places: &[AbiValue],
        memory: SlotMemory,
        uses: &mut Vec<FixedUse>,
    ) {
        for (value, place) in values.zip(places) {
            for (index, &slot) in abi.slots(place).iter().enumerate() {
                match slot {
                    AbiSlot::Reg(preg) => {
                        let word = self.passed_word(value, index, place.extension);
                        let vreg = self.virtual_reg(word);
                        self.heap().push(uses, FixedUse { vreg, preg });
                    }
                    AbiSlot::Memory(offset) => {
                        let addr = self.slot_in(memory, offset);
                        let word = self.passed_word(value, index, place.extension);
                        let src = self.reg(word);
                        self.emit(MInst::Store {
                            op: Op::Sw,
                            src,
                            addr,
                            trap: None,
                        });
                    }
                }
            }
        }
    }

    /// Receives one part of the needed words of `values`, which travel as `places` of `abi` say.
    // Once for all that receive.
    #[inline(never)]
    fn receive(
        &mut self,
        values: impl Iterator<Item = Value>,
        abi: &AbiSignature,
        places: &[AbiValue],
        mut part: Received<'_>,
    ) {
        for (value, place) in values.zip(places) {
            for (index, &slot) in abi.slots(place).iter().enumerate() {
                if !self.is_word_needed(value, index) {
                    continue;
                }
                let vreg = self.output_word(value, index);
                match (slot, &mut part) {
                    (AbiSlot::Reg(preg), Received::InRegisters(defs)) => {
                        self.heap().push(defs, FixedDef { vreg, preg });
                    }
                    (AbiSlot::Memory(offset), Received::InMemory(memory)) => {
                        let addr = self.slot_in(*memory, offset);
                        self.emit(MInst::Load {
                            op: Op::Lw,
                            rd: vreg,
                            addr,
                            trap: None,
                        });
                    }
                    _ => {}
                }
            }
        }
    }

    /// Appends a call, which may change every register that a callee need not save and that has none of its results.
    fn emit_call(&mut self, mut info: CallInfo) {
        info.clobbers = CALLER_SAVED;
        for def in &info.defs {
            info.clobbers.remove(def.preg.preg());
        }
        if let Some(info) = self.boxed(info) {
            self.emit(MInst::Call { info });
        }
    }
}

/// Gives the parameters their values: those in registers by one parallel move, the others by loads. All are taken before
/// anything can overwrite them.
pub(super) fn lower_params(ctx: Ctx) {
    let abi = ctx.abi;
    let Some(entry) = ctx.func.entry_block() else {
        return;
    };
    let params = ctx.func.dfg.block_params(entry);
    let mut args = ctx.list(abi.arg_registers);
    if let Some(preg) = abi.return_area_pointer {
        let vreg = Writable::from_reg(ctx.own_return_area());
        ctx.heap().push(&mut args, FixedDef { vreg, preg });
    }
    let in_registers = Received::InRegisters(&mut args);
    ctx.receive(params.clone(), abi, abi.args(), in_registers);
    if !args.is_empty() {
        ctx.emit(MInst::Args { args });
    }
    let in_memory = Received::InMemory(SlotMemory::Incoming);
    ctx.receive(params, abi, abi.args(), in_memory);
}

/// The stack arguments lie at the lower end of the frame, and the return area right above them:
///
/// ```text
///   sp ─► │ stack arguments │ return area │ …
/// ```
///
/// The results of a call in the place of a return go where those of this function go, the return area included.
pub(super) fn lower_call(ctx: Ctx, inst: Inst) {
    let Some(abi) = ctx.abi_of_call(inst) else {
        return;
    };
    let args_size = abi.stack_args_size;
    let is_return = ctx.data(inst).opcode().is_terminator();
    let frame = ctx.frame();
    let (memory, removed_args_size, num_results) = if is_return {
        frame.tail_args_size = frame.tail_args_size.max(args_size);
        (SlotMemory::Tail(args_size), args_size, 0)
    } else {
        let size = args_size + abi.return_area_size.next_multiple_of(16);
        frame.outgoing_args_size = frame.outgoing_args_size.max(size);
        let removed = if abi.callee_pops { args_size } else { 0 };
        (SlotMemory::Outgoing(0), removed, abi.ret_registers)
    };
    let dfg = &ctx.func.dfg;
    let mut args = dfg.inst_args(inst);
    let mut info = CallInfo {
        dest: match *ctx.data(inst) {
            InstructionData::Call { func_ref, .. } => {
                let name = dfg.ext_funcs[func_ref].name.copy_in(ctx.heap());
                CallDest::Function(name.unwrap_or(NO_NAME))
            }
            _ => {
                let address = args.next().expect("the address comes first");
                let address = ctx.word(address, 0);
                CallDest::Address(ctx.virtual_reg(address))
            }
        },
        uses: ctx.list(abi.arg_registers),
        defs: ctx.list(num_results),
        clobbers: PRegSet::empty(),
        args_size: removed_args_size,
    };
    if let Some(preg) = abi.return_area_pointer {
        let vreg = match is_return {
            true => ctx.own_return_area(),
            false => {
                let area = ctx.load_address(AMode::OutgoingArg(args_size as i32));
                ctx.virtual_reg(area)
            }
        };
        ctx.heap().push(&mut info.uses, FixedUse { vreg, preg });
    }
    ctx.send(args, abi, abi.args(), memory, &mut info.uses);
    if is_return {
        if let Some(info) = ctx.boxed(info) {
            ctx.emit(MInst::ReturnCall { info });
        }
        return;
    }
    let results = dfg.inst_results(inst);
    let in_registers = Received::InRegisters(&mut info.defs);
    ctx.receive(results.clone(), abi, abi.rets(), in_registers);
    ctx.emit_call(info);
    let in_memory = Received::InMemory(SlotMemory::Outgoing(args_size));
    ctx.receive(results, abi, abi.rets(), in_memory);
}

/// Stands for a name for which there is no memory: nothing comes of what names it.
pub(super) const NO_NAME: ExternalName = ExternalName::user(0, 0);

impl Lower<'_, MInst> {
    /// Calls a routine of the runtime, whose arguments and results all travel in registers, and gives the words of its
    /// results, with zeros behind them.
    pub(super) fn call_routine(
        &mut self,
        routine: Routine,
        args: &[Word],
    ) -> [Word; MAX_ROUTINE_WORDS] {
        let frame = self.frame();
        frame.unchecked_stack = frame.unchecked_stack.max(routine.max_stack());
        let name = routine.name_in(self.heap());
        let num_results = routine.num_result_words();
        let mut info = CallInfo {
            dest: CallDest::Function(name.unwrap_or(NO_NAME)),
            uses: self.list(args.len()),
            defs: self.list(num_results),
            clobbers: PRegSet::empty(),
            args_size: 0,
        };
        // Words that fit in registers take them in order.
        for (&word, &preg) in args.iter().zip(&ARGUMENT_REGISTERS) {
            let vreg = self.virtual_reg(word);
            self.heap().push(&mut info.uses, FixedUse { vreg, preg });
        }
        let results = core::array::from_fn(|index| {
            if index >= num_results {
                return Word::ZERO;
            }
            let (vreg, preg) = (self.temp(), ARGUMENT_REGISTERS[index]);
            self.heap().push(&mut info.defs, FixedDef { vreg, preg });
            Word::Reg(vreg.to_reg())
        });
        self.emit_call(info);
        results
    }
}

/// The most words of arguments and of results of a routine: those that travel in registers.
pub(super) const MAX_ROUTINE_WORDS: usize = ARGUMENT_REGISTERS.len();
