//! Machine code of each RV32 instruction.

mod address;
mod atomics;
mod label_use;

pub use label_use::LabelUse;

use super::frame::{adjust_sp, emit_epilogue, emit_tail_call_epilogue};
use super::inst::{CallDest, CallInfo, MInst, SelectedWord};
use super::regs::{TAIL_CALL_TARGET, gpr, zero_reg};
use crate::backend::buffer::{MachBuffer, MachLabel};
use crate::backend::emit::EmitContext;
use crate::backend::machinst::CodeOffset;
use crate::backend::reg::{Reg, Writable};
use crate::backend::reloc::RelocKind;
use crate::backend::unwind::UnwindInst;
use crate::settings::{CodeAlignment, NOTES_OBJECT_INFO, OptLevel, Settings};
use address::{Address, emit_load, emit_load_address, emit_store};
use alloc::vec::Vec;
use atomics::emit_atomic_loop;
use lpc_lpir::ir::{ExternalName, TrapCode};
use lpc_riscv32::compressed::{self, compress, compress_without_zcb};
use lpc_riscv32::immediate::split_hi_lo;
use lpc_riscv32::inst;
use lpc_riscv32::{Extension, ExtensionSet, Gpr, Imm12, Imm20, Inst, Opcode};

/// What emission must know of the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EmitInfo {
    /// The extensions of the machine.
    pub extensions: ExtensionSet,
    /// What the address of every function is to be a multiple of.
    pub function_alignment: CodeAlignment,
    /// What the address of every loop is to be a multiple of.
    pub loop_alignment: CodeAlignment,
    /// Whether to note how the frame changes.
    pub unwind_info: bool,
    /// The level of the function.
    pub opt_level: OptLevel,
}

impl EmitInfo {
    /// What is needed for machines with `extensions`, and nothing else.
    pub const fn new(extensions: ExtensionSet) -> Self {
        Self {
            extensions,
            function_alignment: CodeAlignment::NONE,
            loop_alignment: CodeAlignment::NONE,
            unwind_info: false,
            opt_level: OptLevel::Speed,
        }
    }

    /// What `settings` ask for.
    pub const fn from_settings(settings: &Settings) -> Self {
        Self {
            extensions: settings.extensions,
            function_alignment: settings.function_alignment,
            loop_alignment: settings.loop_alignment,
            unwind_info: settings.notes_unwind_info(),
            opt_level: settings.opt_level,
        }
    }

    /// Whether to look for better code than the plain one.
    #[inline]
    pub const fn optimizes(&self) -> bool {
        self.opt_level.optimizes()
    }

    /// What the address of every instruction is a multiple of, in bytes.
    pub const fn instruction_alignment(&self) -> u32 {
        if self.has_compressed() { 2 } else { 4 }
    }

    /// The compressed form of `inst`, where it has one that is to be used.
    fn compress(&self, inst: Inst) -> Option<u16> {
        match self.optimizes() {
            true => compress(inst, self.extensions),
            false => compress_without_zcb(inst, self.extensions),
        }
    }

    const fn has_compressed(&self) -> bool {
        self.extensions.contains(Extension::Zca)
    }
}

/// The machine code of `unimp`, which is illegal on every machine, in the length of the shortest instruction.
pub(super) const fn trap_opcode(info: &EmitInfo) -> &'static [u8] {
    if info.has_compressed() {
        &const { compressed::UNIMP.to_le_bytes() }
    } else {
        &const { inst::UNIMP.to_le_bytes() }
    }
}

/// The size of an instruction that is not compressed, in bytes.
const INSTRUCTION: CodeOffset = 4;

/// An upper bound of the bytes that `inst` takes, with every branch and offset as far as can be, and nothing compressed.
/// Returns and tail calls are counted with an epilogue that restores every register.
pub fn worst_case_size(inst: &MInst) -> CodeOffset {
    let instructions = match inst {
        MInst::Args { .. } | MInst::DummyUse { .. } => 0,
        MInst::Rets { .. } | MInst::ReturnCall { .. } => 24,
        MInst::BrTable { targets, .. } => 15 + targets.len() as CodeOffset,
        MInst::CondBr { .. } => 5,
        // A branch and, behind the function, the trap.
        MInst::TrapIf { .. } => 4,
        MInst::Select { .. } => 5,
        MInst::SelectWide { words, .. } => 3 + 2 * words.len() as CodeOffset,
        MInst::Call { .. } => 5,
        MInst::AtomicLoop { .. } => atomics::MAX_INSTRUCTIONS,
        _ => MAX_SIMPLE,
    };
    instructions * INSTRUCTION
}

/// The most instructions that emission makes of one that neither branches nor calls.
const MAX_SIMPLE: CodeOffset = 3;

/// What [`worst_case_size`] is for moves, loads and stores.
pub(super) const WORST_CASE_SIMPLE_SIZE: CodeOffset = MAX_SIMPLE * INSTRUCTION;

/// Appends `size` bytes of instructions that do nothing: as few as there can be.
pub(super) fn gen_nops(size: u32, code: &mut Vec<u8>) {
    if !size.is_multiple_of(INSTRUCTION) {
        code.extend_from_slice(&compressed::NOP.to_le_bytes());
    }
    let word = Inst::NOP.to_word();
    for _ in 0..size / INSTRUCTION {
        code.extend_from_slice(&word.to_le_bytes());
    }
}

/// Notes how the frame changes, where that is wanted.
pub(super) fn note_unwind(unwind: UnwindInst, buffer: &mut MachBuffer<MInst>) {
    if NOTES_OBJECT_INFO && buffer.info().unwind_info {
        buffer.add_unwind(unwind);
    }
}

/// Appends the machine code of `inst`.
pub(super) fn emit(inst: &MInst, buffer: &mut MachBuffer<MInst>, context: &EmitContext<'_>) {
    let zero = zero_reg();
    // What is one instruction, by its operands.
    let (opcode, rd, rs1, rs2, imm) = match *inst {
        MInst::Args { .. } | MInst::DummyUse { .. } => return,
        MInst::AluRRR { op, rd, rs1, rs2 } => (op, rd.to_reg(), rs1, rs2, 0),
        MInst::AluRRImm12 { op, rd, rs, imm } => (op, rd.to_reg(), rs, zero, imm.get()),
        MInst::AluRR { op, rd, rs } => (op, rd.to_reg(), rs, zero, 0),
        MInst::Lui { rd, imm } => (Opcode::Lui, rd.to_reg(), zero, zero, imm.get()),
        MInst::Mov { rd, rs } if rd.to_reg() == rs => return,
        MInst::Mov { rd, rs } => (Opcode::Addi, rd.to_reg(), rs, zero, 0),
        MInst::Atomic {
            op,
            order,
            rd,
            addr,
            src,
            trap,
        } => {
            note_trap(trap, buffer);
            (op, rd.to_reg(), addr, src, order.bits())
        }
        MInst::Nop => (Opcode::Addi, zero, zero, zero, 0),
        MInst::Fence {
            predecessors,
            successors,
        } => {
            let imm = Inst::fence_between(predecessors, successors).imm;
            (Opcode::Fence, zero, zero, zero, imm)
        }
        MInst::Ebreak => (Opcode::Ebreak, zero, zero, zero, 0),
        _ => return emit_sequence(inst, buffer, context),
    };
    let inst = Inst {
        opcode,
        rd: gpr(rd),
        rs1: gpr(rs1),
        rs2: gpr(rs2),
        imm,
    };
    put(buffer, inst);
}

/// Appends the machine code of what may be several instructions.
fn emit_sequence(inst: &MInst, buffer: &mut MachBuffer<MInst>, context: &EmitContext<'_>) {
    match inst {
        MInst::LoadConst32 { rd, value } => emit_constant(dest(*rd), *value, buffer),
        MInst::Load { op, rd, addr, trap } => {
            emit_load(*op, dest(*rd), Address::of(addr, context), *trap, buffer);
        }
        MInst::Store {
            op,
            src,
            addr,
            trap,
        } => emit_store(*op, gpr(*src), addr, *trap, buffer, context),
        MInst::LoadAddr { rd, addr } => emit_load_address(dest(*rd), addr, buffer, context),
        MInst::LoadSym { rd, symbol } => {
            emit_symbol_address(dest(*rd), &symbol.name, symbol.offset, buffer);
        }
        MInst::LoadReturnAddress { rd } => emit_return_address(dest(*rd), buffer, context),
        MInst::AtomicLoop { info } => emit_atomic_loop(info, buffer),
        MInst::Udf { code } => buffer.put_trap(*code),
        MInst::Rets { .. } => {
            note_unwind(UnwindInst::RememberState, buffer);
            emit_epilogue(context.frame, buffer);
            put(buffer, Inst::jalr(Gpr::ZERO, Gpr::RA, Imm12::ZERO));
            note_unwind(UnwindInst::RestoreState, buffer);
        }
        MInst::Jump { dest } => emit_jump(*dest, buffer, context),
        MInst::CondBr {
            op,
            rs1,
            rs2,
            taken,
            not_taken,
        } => {
            let branch = condition(*op, *rs1, *rs2);
            emit_branch(branch, *taken, *not_taken, buffer, context);
        }
        MInst::BrTable {
            index,
            tmp1,
            tmp2,
            targets,
        } => emit_br_table(
            gpr(*index),
            dest(*tmp1),
            dest(*tmp2),
            targets,
            buffer,
            context,
        ),
        MInst::Call { info } => emit_call(info, buffer, context),
        MInst::ReturnCall { info } => emit_return_call(info, buffer, context),
        MInst::Select {
            op,
            rd,
            rs1,
            rs2,
            if_true,
            if_false,
        } => {
            let word = SelectedWord {
                rd: *rd,
                if_true: *if_true,
                if_false: *if_false,
            };
            emit_select(condition(*op, *rs1, *rs2), &[word], buffer);
        }
        MInst::SelectWide {
            op,
            rs1,
            rs2,
            words,
        } => emit_select(condition(*op, *rs1, *rs2), words, buffer),
        MInst::TrapIf { op, rs1, rs2, code } => {
            emit_trap_if(condition(*op, *rs1, *rs2), *code, buffer);
        }
        _ => unreachable!("{inst:?} is one instruction"),
    }
}

fn dest(reg: Writable<Reg>) -> Gpr {
    gpr(reg.to_reg())
}

fn condition(op: Opcode, rs1: Reg, rs2: Reg) -> LabelUse {
    LabelUse::branch(op, gpr(rs1), gpr(rs2))
}

/// Branches to a trap behind the function.
pub(super) fn emit_trap_if(condition: LabelUse, code: TrapCode, buffer: &mut MachBuffer<MInst>) {
    let trap = buffer.defer_trap(code);
    buffer.use_label(condition, trap);
}

/// Appends one instruction, compressed where the target and its operands allow that.
pub(super) fn put(buffer: &mut MachBuffer<MInst>, inst: Inst) {
    match buffer.info().compress(inst) {
        Some(halfword) => buffer.put2(halfword),
        None => put_uncompressed(buffer, inst),
    }
}

/// Appends one instruction of 32 bits. Relocations fill in fields that compressed instructions do not have.
fn put_uncompressed(buffer: &mut MachBuffer<MInst>, inst: Inst) {
    buffer.put4(inst.to_word());
}

fn note_trap(trap: Option<TrapCode>, buffer: &mut MachBuffer<MInst>) {
    if let Some(code) = trap {
        buffer.add_trap(code);
    }
}

fn emit_move(rd: Gpr, rs: Gpr, buffer: &mut MachBuffer<MInst>) {
    if rd != rs {
        put(buffer, Inst::i(Opcode::Addi, rd, rs, Imm12::ZERO));
    }
}

/// `addi` for 12 bits, `lui` where the lower 12 are zero, else both.
pub(super) fn emit_constant(rd: Gpr, value: i32, buffer: &mut MachBuffer<MInst>) {
    let (high, low) = split_hi_lo(value);
    if high == Imm20::default() {
        put(buffer, Inst::i(Opcode::Addi, rd, Gpr::ZERO, low));
        return;
    }
    put(buffer, Inst::upper(Opcode::Lui, rd, high));
    if low != Imm12::ZERO {
        put(buffer, Inst::i(Opcode::Addi, rd, rd, low));
    }
}

fn emit_symbol_address(rd: Gpr, name: &ExternalName, offset: i32, buffer: &mut MachBuffer<MInst>) {
    let upper = buffer.cur_place();
    buffer.add_reloc(RelocKind::PcRelHi20, name, offset);
    put_uncompressed(buffer, Inst::upper(Opcode::Auipc, rd, Imm20::default()));
    buffer.add_local_reloc(RelocKind::PcRelLo12I, upper);
    put_uncompressed(buffer, Inst::i(Opcode::Addi, rd, rd, Imm12::ZERO));
}

fn emit_return_address(rd: Gpr, buffer: &mut MachBuffer<MInst>, context: &EmitContext<'_>) {
    let frame = context.frame;
    if frame.setup_area_size == 0 {
        emit_move(rd, Gpr::RA, buffer);
    } else {
        let offset = (frame.frame_size() - frame.word_bytes) as i32;
        emit_load(Opcode::Lw, rd, Address::Frame(offset), None, buffer);
    }
}

fn emit_jump(dest: MachLabel, buffer: &mut MachBuffer<MInst>, context: &EmitContext<'_>) {
    if !context.falls_through_to(buffer, dest) {
        buffer.use_label(LabelUse::Jump, dest);
    }
}

/// The shortest branch to two places: the one that comes next needs none.
fn emit_branch(
    branch: LabelUse,
    taken: MachLabel,
    not_taken: MachLabel,
    buffer: &mut MachBuffer<MInst>,
    context: &EmitContext<'_>,
) {
    if buffer.resolve_label(taken) == buffer.resolve_label(not_taken) {
        emit_jump(taken, buffer, context);
    } else if context.falls_through_to(buffer, taken) {
        buffer.use_label(branch.inverted(), not_taken);
    } else {
        buffer.use_label(branch, taken);
        emit_jump(not_taken, buffer, context);
    }
}

/// The table holds, for each target, its distance from the table.
#[cfg_attr(target_os = "none", inline(never))]
fn emit_br_table(
    index: Gpr,
    tmp1: Gpr,
    tmp2: Gpr,
    targets: &[MachLabel],
    buffer: &mut MachBuffer<MInst>,
    context: &EmitContext<'_>,
) {
    let (&default, targets) = targets.split_first().expect("there is a default");
    if targets.is_empty() {
        emit_jump(default, buffer, context);
        return;
    }
    let table = buffer.add_jump_table(targets);
    emit_constant(tmp1, targets.len() as i32, buffer);
    let beyond = LabelUse::branch(Opcode::Bgeu, index, tmp1);
    buffer.use_label(beyond, default);
    let word_shift = Imm12::maybe(2).expect("2 is small");
    put(buffer, Inst::i(Opcode::Slli, tmp1, index, word_shift));
    buffer.use_label(LabelUse::Address { rd: tmp2 }, table);
    put(buffer, Inst::r(Opcode::Add, tmp1, tmp1, tmp2));
    put(buffer, Inst::load(Opcode::Lw, tmp1, tmp1, Imm12::ZERO));
    put(buffer, Inst::r(Opcode::Add, tmp1, tmp1, tmp2));
    put(buffer, Inst::jalr(Gpr::ZERO, tmp1, Imm12::ZERO));
}

/// `auipc` and `jalr` by way of `temporary`, to be filled in by the linker.
fn emit_call_pair(link: Gpr, temporary: Gpr, name: &ExternalName, buffer: &mut MachBuffer<MInst>) {
    buffer.add_reloc(RelocKind::Call, name, 0);
    let upper = Inst::upper(Opcode::Auipc, temporary, Imm20::default());
    put_uncompressed(buffer, upper);
    put_uncompressed(buffer, Inst::jalr(link, temporary, Imm12::ZERO));
}

/// Goes to what is called with the return address in `link`, by way of `temporary` where that takes one.
fn emit_call_to(dest: &CallDest, link: Gpr, temporary: Gpr, buffer: &mut MachBuffer<MInst>) {
    match dest {
        CallDest::Function(name) => emit_call_pair(link, temporary, name, buffer),
        CallDest::Address(address) => put(buffer, Inst::jalr(link, gpr(*address), Imm12::ZERO)),
    }
}

fn emit_call(info: &CallInfo, buffer: &mut MachBuffer<MInst>, context: &EmitContext<'_>) {
    emit_call_to(&info.dest, Gpr::RA, Gpr::RA, buffer);
    finish_call(info.args_size, buffer, context);
}

/// Takes back the room of the arguments that the callee removed: offsets into the frame count from there.
fn finish_call(callee_pop_size: u32, buffer: &mut MachBuffer<MInst>, context: &EmitContext<'_>) {
    buffer.add_call_site();
    if callee_pop_size == 0 {
        return;
    }
    let frame_size = context.frame.sp_adjustment() as i32;
    let popped = callee_pop_size as i32;
    note_unwind(UnwindInst::DefCfaOffset(frame_size - popped), buffer);
    adjust_sp(-popped, Gpr::RA, buffer);
    note_unwind(UnwindInst::DefCfaOffset(frame_size), buffer);
}

fn emit_return_call(info: &CallInfo, buffer: &mut MachBuffer<MInst>, context: &EmitContext<'_>) {
    note_unwind(UnwindInst::RememberState, buffer);
    emit_tail_call_epilogue(context.frame, info.args_size, buffer);
    let temporary = gpr(TAIL_CALL_TARGET.to_reg());
    emit_call_to(&info.dest, Gpr::ZERO, temporary, buffer);
    note_unwind(UnwindInst::RestoreState, buffer);
}

/// A branch over moves. No result is in the register of another operand than its own `if_true`, but where there is just one.
fn emit_select(condition: LabelUse, words: &[SelectedWord], buffer: &mut MachBuffer<MInst>) {
    for word in words {
        emit_move(dest(word.rd), gpr(word.if_true), buffer);
    }
    if let [word] = words
        && word.rd.to_reg() == word.if_false
    {
        return;
    }
    let done = buffer.get_label();
    buffer.use_label(condition, done);
    for word in words {
        emit_move(dest(word.rd), gpr(word.if_false), buffer);
    }
    buffer.bind_label(done);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::vcode_text::parse_vcode;
    use alloc::vec;

    /// Each with what it becomes where everything is far away.
    #[test]
    fn worst_cases() {
        let text = "\
vcode %f {
block0:
    args v192=a0, v193=a1
    dummy_use v192
    mul v194, v192, v193
    trap_if.beq v193, zero, int_divz
    select.beq v195, v192, zero, v193, zero
    select.beq [v196, v197], v192, zero, [v193, zero], [zero, v193]
    call %g() clobbers a0
    atomic_rmw.nand v198, v199, v193, (v192)
    br_table v192, v200, v201, block1, [block1, block2]
block1:
    beq v192, zero, block1, block2
block2:
    rets v192=a0
}
";
        let functions = parse_vcode::<MInst>(text).unwrap();
        let insts = functions[0].vcode.insts().iter();
        let instructions: Vec<_> = insts.map(|inst| worst_case_size(inst) / 4).collect();
        assert_eq!(instructions, [0, 0, 3, 4, 5, 7, 5, 16, 18, 5, 24]);
    }

    #[test]
    fn as_few_nops_as_there_can_be() {
        let nops = |size| {
            let mut code = Vec::new();
            gen_nops(size, &mut code);
            code
        };
        assert_eq!(nops(0), []);
        assert_eq!(nops(2), [1, 0]);
        assert_eq!(nops(4), [0x13, 0, 0, 0]);
        assert_eq!(nops(10), [vec![1, 0], [0x13, 0, 0, 0].repeat(2)].concat());
    }
}
