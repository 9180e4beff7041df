//! Printing RV32 instructions with virtual registers.

use crate::backend::buffer::MachLabel;
use crate::backend::reg::{Reg, Writable};
use crate::backend::vcode_text::InstPrinter;
use crate::isa::riscv32::inst::{
    AMode, AtomicLoopInfo, AtomicLoopOp, CallDest, CallInfo, FixedUse, MInst,
};
use core::fmt;
use lpc_lpir::ir::TrapCode;
use lpc_riscv32::Opcode;
use lpc_riscv32::inst::AtomicOrder;
use regalloc2::PRegSet;

type Printer<'a, 'b, 'c> = &'a mut InstPrinter<'b, 'c>;

pub(super) fn print(inst: &MInst, p: Printer<'_, '_, '_>) -> fmt::Result {
    match inst {
        MInst::AluRRR { op, rd, rs1, rs2 } => opcode(p, *op, &[rd.to_reg(), *rs1, *rs2]),
        MInst::AluRRImm12 { op, rd, rs, imm } => {
            opcode(p, *op, &[rd.to_reg(), *rs])?;
            p.operand(format_args!("{imm}"))
        }
        MInst::AluRR { op, rd, rs } => opcode(p, *op, &[rd.to_reg(), *rs]),
        MInst::Lui { rd, imm } => {
            opcode(p, Opcode::Lui, &[rd.to_reg()])?;
            p.operand(format_args!("{:#x}", imm.get()))
        }
        MInst::LoadConst32 { rd, value } => {
            named(p, "li", &[rd.to_reg()])?;
            p.operand(format_args!("{value}"))
        }
        MInst::Mov { rd, rs } => named(p, "mv", &[rd.to_reg(), *rs]),
        MInst::Load { op, rd, addr, trap } => access(p, *op, rd.to_reg(), addr, *trap),
        MInst::Store {
            op,
            src,
            addr,
            trap,
        } => access(p, *op, *src, addr, *trap),
        MInst::LoadAddr { rd, addr } => {
            named(p, "la", &[rd.to_reg()])?;
            address(p, addr)
        }
        MInst::LoadSym { rd, symbol } => {
            named(p, "la", &[rd.to_reg()])?;
            p.operand(format_args!("{}{:+}", symbol.name, symbol.offset))
        }
        MInst::LoadReturnAddress { rd } => named(p, "return_address", &[rd.to_reg()]),
        MInst::Atomic {
            op,
            order,
            rd,
            addr,
            src,
            trap,
        } => atomic(p, *op, *order, *rd, *addr, *src, *trap),
        MInst::Nop => named(p, "nop", &[]),
        MInst::AtomicLoop { info } => atomic_loop(p, info),
        MInst::Fence {
            predecessors,
            successors,
        } => {
            named(p, "fence", &[])?;
            p.operand(format_args!("{predecessors}"))?;
            p.operand(format_args!("{successors}"))
        }
        MInst::Ebreak => named(p, "ebreak", &[]),
        MInst::DummyUse { reg } => named(p, "dummy_use", &[*reg]),
        _ => print_control(inst, p),
    }
}

/// Prints an instruction that has to do with control.
fn print_control(inst: &MInst, p: Printer<'_, '_, '_>) -> fmt::Result {
    match inst {
        MInst::Args { args } => {
            named(p, "args", &[])?;
            args.iter()
                .try_for_each(|arg| p.fixed(arg.vreg.to_reg(), arg.preg))
        }
        MInst::Rets { rets } => {
            named(p, "rets", &[])?;
            rets.iter().try_for_each(|ret| p.fixed(ret.vreg, ret.preg))
        }
        MInst::CondBr {
            op,
            rs1,
            rs2,
            taken,
            not_taken,
        } => {
            opcode(p, *op, &[*rs1, *rs2])?;
            p.target(*taken)?;
            p.target(*not_taken)
        }
        MInst::Jump { dest } => {
            named(p, "jump", &[])?;
            p.target(*dest)
        }
        MInst::BrTable {
            index,
            tmp1,
            tmp2,
            targets,
        } => br_table(p, [*index, tmp1.to_reg(), tmp2.to_reg()], targets),
        MInst::Call { info } => {
            call_dest(p, ["call", "call_indirect"], &info.dest)?;
            call(p, info)
        }
        MInst::ReturnCall { info } => {
            let mnemonics = ["return_call", "return_call_indirect"];
            call_dest(p, mnemonics, &info.dest)?;
            arguments(p, &info.uses)?;
            size_unless_zero(p, "args_size", info.args_size)
        }
        MInst::Select {
            op,
            rd,
            rs1,
            rs2,
            if_true,
            if_false,
        } => {
            p.mnemonic(format_args!("select.{}", op.mnemonic()))?;
            regs(p, &[rd.to_reg(), *rs1, *rs2, *if_true, *if_false])
        }
        MInst::SelectWide {
            op,
            rs1,
            rs2,
            words,
        } => {
            p.mnemonic(format_args!("select.{}", op.mnemonic()))?;
            group(p, words.iter().map(|word| word.rd.to_reg()))?;
            regs(p, &[*rs1, *rs2])?;
            group(p, words.iter().map(|word| word.if_true))?;
            group(p, words.iter().map(|word| word.if_false))
        }
        MInst::TrapIf { op, rs1, rs2, code } => {
            p.mnemonic(format_args!("trap_if.{}", op.mnemonic()))?;
            regs(p, &[*rs1, *rs2])?;
            p.operand(format_args!("{code}"))
        }
        MInst::Udf { code } => {
            named(p, "udf", &[])?;
            p.operand(format_args!("{code}"))
        }
        _ => unreachable!("{inst:?} has nothing to do with control"),
    }
}

fn named(p: Printer<'_, '_, '_>, name: &str, operands: &[Reg]) -> fmt::Result {
    p.mnemonic(format_args!("{name}"))?;
    regs(p, operands)
}

fn opcode(p: Printer<'_, '_, '_>, op: Opcode, operands: &[Reg]) -> fmt::Result {
    named(p, op.mnemonic(), operands)
}

fn regs(p: Printer<'_, '_, '_>, operands: &[Reg]) -> fmt::Result {
    operands.iter().try_for_each(|&reg| p.reg(reg))
}

/// Registers in brackets.
fn group(p: Printer<'_, '_, '_>, mut registers: impl Iterator<Item = Reg>) -> fmt::Result {
    p.operand(format_args!("["))?;
    p.start_group();
    registers.try_for_each(|reg| p.reg(reg))?;
    p.end_group();
    p.text(format_args!("]"))
}

fn access(
    p: Printer<'_, '_, '_>,
    op: Opcode,
    reg: Reg,
    addr: &AMode,
    trap: Option<TrapCode>,
) -> fmt::Result {
    opcode(p, op, &[reg])?;
    address(p, addr)?;
    trap_code(p, trap)
}

fn trap_code(p: Printer<'_, '_, '_>, trap: Option<TrapCode>) -> fmt::Result {
    match trap {
        Some(code) => p.operand(format_args!("trap {code}")),
        None => Ok(()),
    }
}

fn address(p: Printer<'_, '_, '_>, addr: &AMode) -> fmt::Result {
    match *addr {
        AMode::RegOffset(base, offset) => {
            p.operand(format_args!("{offset}("))?;
            p.bare_reg(base)?;
            p.text(format_args!(")"))
        }
        AMode::SlotOffset(offset) => p.operand(format_args!("slot{offset:+}")),
        AMode::IncomingArg(offset) => p.operand(format_args!("incoming_arg{offset:+}")),
        AMode::OutgoingArg(offset) => p.operand(format_args!("outgoing_arg{offset:+}")),
        AMode::TailArg { args_size, offset } => {
            p.operand(format_args!("tail_arg({args_size}){offset:+}"))
        }
        AMode::SpillSlot(slot) => p.operand(format_args!("spillslot{}", slot.index())),
        AMode::Const(constant) => p.operand(format_args!("const{}", constant.index())),
    }
}

fn atomic(
    p: Printer<'_, '_, '_>,
    op: Opcode,
    order: AtomicOrder,
    rd: Writable<Reg>,
    addr: Reg,
    src: Reg,
    trap: Option<TrapCode>,
) -> fmt::Result {
    let suffix = match (order.acquire, order.release) {
        (false, false) => "",
        (true, false) => ".aq",
        (false, true) => ".rl",
        (true, true) => ".aqrl",
    };
    p.mnemonic(format_args!("{}{suffix}", op.mnemonic()))?;
    p.reg(rd.to_reg())?;
    if op.format().has_rs2() {
        p.reg(src)?;
    }
    register_address(p, addr)?;
    trap_code(p, trap)
}

/// An address without an offset.
fn register_address(p: Printer<'_, '_, '_>, addr: Reg) -> fmt::Result {
    p.operand(format_args!("("))?;
    p.bare_reg(addr)?;
    p.text(format_args!(")"))
}

fn atomic_loop(p: Printer<'_, '_, '_>, info: &AtomicLoopInfo) -> fmt::Result {
    let [old, new] = [info.old, info.new].map(Writable::to_reg);
    match info.op {
        AtomicLoopOp::Combine(op) => {
            p.mnemonic(format_args!("atomic_rmw.{op}"))?;
            regs(p, &[old, new, info.operand])?;
        }
        AtomicLoopOp::Replace { expected } => {
            named(p, "atomic_cas", &[old, new, expected, info.operand])?;
        }
    }
    register_address(p, info.addr)?;
    if let Some(part) = info.part {
        p.operand(format_args!("part "))?;
        p.bare_reg(part.mask)?;
        if let AtomicLoopOp::Combine(_) = info.op {
            p.text(format_args!(" below "))?;
            p.bare_reg(part.above)?;
        }
    }
    trap_code(p, info.trap)
}

fn br_table(p: Printer<'_, '_, '_>, operands: [Reg; 3], targets: &[MachLabel]) -> fmt::Result {
    named(p, "br_table", &operands)?;
    let (default, targets) = targets.split_first().expect("there is a default");
    p.target(*default)?;
    p.operand(format_args!("["))?;
    p.start_group();
    for &target in targets {
        p.target(target)?;
    }
    p.text(format_args!("]"))
}

/// One of two mnemonics, and what is called: a function by its name, or by its address.
fn call_dest(
    p: Printer<'_, '_, '_>,
    [by_name, by_address]: [&str; 2],
    dest: &CallDest,
) -> fmt::Result {
    match dest {
        CallDest::Function(name) => p.mnemonic(format_args!("{by_name} {name}")),
        CallDest::Address(address) => named(p, by_address, &[*address]),
    }
}

fn call(p: Printer<'_, '_, '_>, info: &CallInfo) -> fmt::Result {
    arguments(p, &info.uses)?;
    if !info.defs.is_empty() {
        p.text(format_args!(" -> "))?;
        p.start_group();
        for def in &info.defs {
            p.fixed(def.vreg.to_reg(), def.preg)?;
        }
    }
    if info.clobbers != PRegSet::empty() {
        p.text(format_args!(" clobbers "))?;
        p.start_group();
        p.reg_set(info.clobbers)?;
    }
    size_unless_zero(p, "pops", info.args_size)
}

fn size_unless_zero(p: Printer<'_, '_, '_>, what: &str, size: u32) -> fmt::Result {
    match size {
        0 => Ok(()),
        _ => p.text(format_args!(" {what} {size}")),
    }
}

fn arguments(p: Printer<'_, '_, '_>, uses: &[FixedUse]) -> fmt::Result {
    p.text(format_args!("("))?;
    p.start_group();
    for fixed in uses {
        p.fixed(fixed.vreg, fixed.preg)?;
    }
    p.text(format_args!(")"))
}
