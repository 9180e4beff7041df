//! Parsing RV32 instructions with virtual registers.

use crate::backend::buffer::MachLabel;
use crate::backend::frame::MAX_FRAME_SIZE;
use crate::backend::reg::{Reg, RegClass, SpillSlot, Writable};
use crate::backend::vcode_text::{InstParser, VCodeParseError};
use crate::isa::riscv32::inst::{
    AMode, AtomicLoopInfo, AtomicLoopOp, CallDest, CallInfo, FixedDef, FixedUse,
    MAX_SELECTED_WORDS, MInst, PartOfWord, SelectedWord, SelectedWords, SymbolOffset,
};
use crate::isa::riscv32::regs::zero_reg;
use alloc::format;
use alloc::vec::Vec;
use lpc_lpir::heap::Boxed;
use lpc_lpir::ir::{AtomicRmwOp, TrapCode};
use lpc_riscv32::immediate::ImmediateRange;
use lpc_riscv32::inst::{AtomicOrder, FenceSet};
use lpc_riscv32::{Format, Imm12, Imm20, Opcode, ShiftAmount};
use regalloc2::PRegSet;

type Parser<'a, 'b, 'c> = &'a mut InstParser<'b, 'c>;
type ParseResult<T> = Result<T, VCodeParseError>;

pub(super) fn parse(mnemonic: &str, p: Parser<'_, '_, '_>) -> ParseResult<MInst> {
    if let Some(inst) = parse_pseudo(mnemonic, p)? {
        return Ok(inst);
    }
    if let Some(condition) = mnemonic.strip_prefix("select.") {
        return parse_select(branch_opcode(condition, p)?, p);
    }
    if let Some(condition) = mnemonic.strip_prefix("trap_if.") {
        let op = branch_opcode(condition, p)?;
        let (rs1, rs2) = (reg(p)?, next_reg(p)?);
        p.comma()?;
        let code = trap_code(p)?;
        return Ok(MInst::TrapIf { op, rs1, rs2, code });
    }
    if let Some(op) = mnemonic.strip_prefix("atomic_rmw.") {
        return match op.parse() {
            Ok(op) => parse_atomic_rmw_loop(op, p),
            Err(_) => p.mnemonic_error(format!("`{op}` is not an atomic operation")),
        };
    }
    let (name, order) = split_order(mnemonic);
    match Opcode::from_mnemonic(name) {
        Some(op) if order == AtomicOrder::RELAXED || is_atomic(op) => parse_opcode(op, order, p),
        _ => p.mnemonic_error(format!("`{mnemonic}` is not an instruction")),
    }
}

/// Parses an instruction that is not one of the machine, if `name` is its name.
fn parse_pseudo(name: &str, p: Parser<'_, '_, '_>) -> ParseResult<Option<MInst>> {
    Ok(Some(match name {
        "args" => MInst::Args {
            args: fixed_defs(p, "")?,
        },
        "rets" => {
            let rets = match p.cursor.at_end() {
                true => Vec::new(),
                false => fixed_uses(p, "")?,
            };
            MInst::Rets { rets }
        }
        "li" => {
            let rd = def(p)?;
            p.comma()?;
            let value = integer(p, i32::MIN, i32::MAX)?;
            MInst::LoadConst32 { rd, value }
        }
        "mv" => MInst::Mov {
            rd: def(p)?,
            rs: next_reg(p)?,
        },
        "la" => parse_load_address(p)?,
        "return_address" => MInst::LoadReturnAddress { rd: def(p)? },
        "jump" => MInst::Jump { dest: p.target()? },
        "br_table" => parse_br_table(p)?,
        "call" => {
            let dest = CallDest::Function(p.cursor.external_name()?);
            let info = Boxed::from(call(dest, p)?);
            MInst::Call { info }
        }
        "call_indirect" => {
            let dest = CallDest::Address(reg(p)?);
            let info = Boxed::from(call(dest, p)?);
            MInst::Call { info }
        }
        "return_call" => {
            let dest = CallDest::Function(p.cursor.external_name()?);
            let info = Boxed::from(return_call(dest, p)?);
            MInst::ReturnCall { info }
        }
        "return_call_indirect" => {
            let dest = CallDest::Address(p.virtual_def(RegClass::Int)?.to_reg());
            let info = Boxed::from(return_call(dest, p)?);
            MInst::ReturnCall { info }
        }
        "udf" => MInst::Udf {
            code: trap_code(p)?,
        },
        "dummy_use" => MInst::DummyUse { reg: reg(p)? },
        "nop" => MInst::Nop,
        "atomic_cas" => parse_atomic_cas_loop(p)?,
        "fence" => MInst::Fence {
            predecessors: fence_set(p)?,
            successors: {
                p.comma()?;
                fence_set(p)?
            },
        },
        "ebreak" => MInst::Ebreak,
        _ => return Ok(None),
    }))
}

/// Parses the operands of an instruction of the machine.
fn parse_opcode(op: Opcode, order: AtomicOrder, p: Parser<'_, '_, '_>) -> ParseResult<MInst> {
    Ok(match op.format() {
        Format::R => MInst::AluRRR {
            op,
            rd: def(p)?,
            rs1: next_reg(p)?,
            rs2: next_reg(p)?,
        },
        Format::Unary => MInst::AluRR {
            op,
            rd: def(p)?,
            rs: next_reg(p)?,
        },
        Format::I => MInst::AluRRImm12 {
            op,
            rd: def(p)?,
            rs: next_reg(p)?,
            imm: next_imm12(p, Imm12::RANGE)?,
        },
        Format::Shift => MInst::AluRRImm12 {
            op,
            rd: def(p)?,
            rs: next_reg(p)?,
            imm: next_imm12(p, ShiftAmount::RANGE)?,
        },
        Format::Upper if op == Opcode::Lui => {
            let rd = def(p)?;
            p.comma()?;
            let imm = integer(p, Imm20::RANGE.min, Imm20::RANGE.max)?;
            let imm = Imm20::new(imm).expect("in the range");
            MInst::Lui { rd, imm }
        }
        Format::Load => {
            let rd = def(p)?;
            p.comma()?;
            let (addr, trap) = (accessed_address(p)?, trap_suffix(p)?);
            MInst::Load { op, rd, addr, trap }
        }
        Format::Store => {
            let src = reg(p)?;
            p.comma()?;
            let start = p.cursor;
            let (addr, trap) = (accessed_address(p)?, trap_suffix(p)?);
            if matches!(addr, AMode::Const(_)) {
                return start.error("constants cannot be stored to");
            }
            MInst::Store {
                op,
                src,
                addr,
                trap,
            }
        }
        Format::Branch => MInst::CondBr {
            op,
            rs1: reg(p)?,
            rs2: next_reg(p)?,
            taken: next_target(p)?,
            not_taken: next_target(p)?,
        },
        Format::LoadReserved | Format::StoreConditional | Format::AtomicMemory => {
            parse_atomic(op, order, p)?
        }
        _ => {
            return p.mnemonic_error("this instruction is not used in code with virtual registers");
        }
    })
}

fn reg(p: Parser<'_, '_, '_>) -> ParseResult<Reg> {
    p.reg(RegClass::Int)
}

fn next_reg(p: Parser<'_, '_, '_>) -> ParseResult<Reg> {
    p.comma()?;
    reg(p)
}

fn def(p: Parser<'_, '_, '_>) -> ParseResult<Writable<Reg>> {
    p.def(RegClass::Int)
}

fn integer(p: Parser<'_, '_, '_>, min: i32, max: i32) -> ParseResult<i32> {
    Ok(p.cursor.integer(min.into(), max.into())? as i32)
}

fn next_imm12(p: Parser<'_, '_, '_>, range: ImmediateRange) -> ParseResult<Imm12> {
    p.comma()?;
    let value = integer(p, range.min, range.max)?;
    Ok(Imm12::new(value).expect("in the range"))
}

fn next_target(p: Parser<'_, '_, '_>) -> ParseResult<MachLabel> {
    p.comma()?;
    p.target()
}

/// An offset into the frame: small enough that sums with offsets of areas do not overflow.
fn frame_offset(p: Parser<'_, '_, '_>) -> ParseResult<i32> {
    let max = MAX_FRAME_SIZE as i32;
    integer(p, -max, max)
}

fn address(p: Parser<'_, '_, '_>) -> ParseResult<AMode> {
    let start = p.cursor;
    let is_offset = |c: char| c.is_ascii_digit() || c == '-';
    if p.cursor.peek().is_some_and(is_offset) {
        let offset = integer(p, Imm12::RANGE.min, Imm12::RANGE.max)?;
        p.cursor.expect("(")?;
        let base = reg(p)?;
        p.cursor.expect(")")?;
        return Ok(AMode::reg_offset(base, offset).expect("in the range"));
    }
    let mut ahead = p.cursor;
    let word = ahead.word("an address")?;
    if word.starts_with("const") {
        return Ok(AMode::Const(p.constant()?));
    }
    p.cursor = ahead;
    if let Some(number) = word.strip_prefix("spillslot") {
        return match number.parse::<usize>() {
            Ok(number) if number < MAX_FRAME_SIZE as usize / 64 => {
                Ok(AMode::SpillSlot(SpillSlot::new(number)))
            }
            _ => start.error("no such spill slot"),
        };
    }
    Ok(match word {
        "slot" => AMode::SlotOffset(frame_offset(p)?),
        "incoming_arg" => AMode::IncomingArg(frame_offset(p)?),
        "outgoing_arg" => AMode::OutgoingArg(frame_offset(p)?),
        "tail_arg" => {
            p.cursor.expect("(")?;
            let args_size = tail_args_size(p)?;
            p.cursor.expect(")")?;
            let offset = frame_offset(p)?;
            AMode::TailArg { args_size, offset }
        }
        _ => return start.error("expected an address"),
    })
}

/// An address that is loaded from or stored to: what is in the frame must be in the part of it that it names, as farther away
/// it may take the register that only large frames save.
fn accessed_address(p: Parser<'_, '_, '_>) -> ParseResult<AMode> {
    let start = p.cursor;
    let addr = address(p)?;
    let frame = p.frame();
    let is_within = |offset: i32, size: u32| (0..=i64::from(size)).contains(&offset.into());
    let is_in_frame = match addr {
        AMode::RegOffset(..) | AMode::Const(_) => true,
        AMode::SlotOffset(offset) => is_within(offset, frame.stackslots_size),
        AMode::IncomingArg(offset) => is_within(offset, frame.incoming_args_size),
        AMode::OutgoingArg(offset) => is_within(offset, frame.outgoing_args_size),
        // The words below are those of the frame itself.
        AMode::TailArg { args_size, offset } => {
            offset >= -SMALL_DISTANCE && offset <= args_size as i32
        }
        // How many there are is up to the allocator.
        AMode::SpillSlot(slot) => slot.index() < SMALL_DISTANCE as usize / 4,
    };
    match is_in_frame {
        true => Ok(addr),
        false => start.error("this is not in the frame that the function asks for"),
    }
}

/// A distance, in bytes, that every frame allows.
const SMALL_DISTANCE: i32 = 128;

/// The bytes of the stack arguments of a tail call: no more than the function has room for.
fn tail_args_size(p: Parser<'_, '_, '_>) -> ParseResult<u32> {
    let max = p.frame().tail_args_size;
    Ok(p.cursor.integer(0, max.into())? as u32)
}

fn trap_code(p: Parser<'_, '_, '_>) -> ParseResult<TrapCode> {
    let start = p.cursor;
    match p.cursor.word("a trap code")?.parse() {
        Ok(code) => Ok(code),
        Err(()) => start.error("unknown trap code"),
    }
}

fn trap_suffix(p: Parser<'_, '_, '_>) -> ParseResult<Option<TrapCode>> {
    if !p.cursor.eat(",") {
        return Ok(None);
    }
    p.cursor.expect("trap")?;
    trap_code(p).map(Some)
}

fn branch_opcode(name: &str, p: Parser<'_, '_, '_>) -> ParseResult<Opcode> {
    match Opcode::from_mnemonic(name) {
        Some(op) if op.is_branch() => Ok(op),
        _ => p.mnemonic_error(format!("`{name}` is not a condition")),
    }
}

fn is_atomic(op: Opcode) -> bool {
    matches!(
        op.format(),
        Format::LoadReserved | Format::StoreConditional | Format::AtomicMemory
    )
}

/// Splits the ordering from the mnemonic of an atomic instruction.
fn split_order(mnemonic: &str) -> (&str, AtomicOrder) {
    let order = |acquire, release| AtomicOrder { acquire, release };
    for (suffix, order) in [
        (".aqrl", order(true, true)),
        (".aq", order(true, false)),
        (".rl", order(false, true)),
    ] {
        if let Some(name) = mnemonic.strip_suffix(suffix) {
            return (name, order);
        }
    }
    (mnemonic, AtomicOrder::RELAXED)
}

fn parse_atomic(op: Opcode, order: AtomicOrder, p: Parser<'_, '_, '_>) -> ParseResult<MInst> {
    let rd = def(p)?;
    let src = match op.format().has_rs2() {
        true => next_reg(p)?,
        false => zero_reg(),
    };
    let addr = next_register_address(p)?;
    let trap = trap_suffix(p)?;
    Ok(MInst::Atomic {
        op,
        order,
        rd,
        addr,
        src,
        trap,
    })
}

/// An address without an offset, after a comma.
fn next_register_address(p: Parser<'_, '_, '_>) -> ParseResult<Reg> {
    p.comma()?;
    p.cursor.expect("(")?;
    let addr = reg(p)?;
    p.cursor.expect(")")?;
    Ok(addr)
}

/// Parses `v192, v193, v194, (v195), part v196 below v197, trap heap_oob`; the part and the trap may be missing.
fn parse_atomic_rmw_loop(op: AtomicRmwOp, p: Parser<'_, '_, '_>) -> ParseResult<MInst> {
    let old = p.virtual_def(RegClass::Int)?;
    p.comma()?;
    let new = p.virtual_def(RegClass::Int)?;
    let operand = next_reg(p)?;
    let addr = next_register_address(p)?;
    let part = match next_mask(p)? {
        Some(mask) => {
            p.cursor.expect("below")?;
            let above = reg(p)?;
            Some(PartOfWord { mask, above })
        }
        None => None,
    };
    let info = Boxed::from(AtomicLoopInfo {
        op: AtomicLoopOp::Combine(op),
        old,
        new,
        addr,
        operand,
        part,
        trap: trap_suffix(p)?,
    });
    Ok(MInst::AtomicLoop { info })
}

/// Parses `v192, v193, v194, v195, (v196), part v197, trap heap_oob`; the part and the trap may be missing.
fn parse_atomic_cas_loop(p: Parser<'_, '_, '_>) -> ParseResult<MInst> {
    let old = p.virtual_def(RegClass::Int)?;
    p.comma()?;
    let new = p.virtual_def(RegClass::Int)?;
    let (expected, replacement) = (next_reg(p)?, next_reg(p)?);
    let addr = next_register_address(p)?;
    let above = zero_reg();
    let info = Boxed::from(AtomicLoopInfo {
        op: AtomicLoopOp::Replace { expected },
        old,
        new,
        addr,
        operand: replacement,
        part: next_mask(p)?.map(|mask| PartOfWord { mask, above }),
        trap: trap_suffix(p)?,
    });
    Ok(MInst::AtomicLoop { info })
}

/// The mask of a part of a word, if it comes after a comma.
fn next_mask(p: Parser<'_, '_, '_>) -> ParseResult<Option<Reg>> {
    let mut ahead = p.cursor;
    if !(ahead.eat(",") && ahead.eat_word("part")) {
        return Ok(None);
    }
    p.cursor = ahead;
    reg(p).map(Some)
}

fn fence_set(p: Parser<'_, '_, '_>) -> ParseResult<FenceSet> {
    let start = p.cursor;
    match FenceSet::from_letters(p.cursor.word("a set of accesses")?) {
        Some(set) => Ok(set),
        None => start.error("expected a set of accesses, such as `rw`"),
    }
}

fn parse_select(op: Opcode, p: Parser<'_, '_, '_>) -> ParseResult<MInst> {
    if p.cursor.eat("[") {
        return parse_select_wide(op, p);
    }
    Ok(MInst::Select {
        op,
        rd: p.virtual_def(RegClass::Int)?,
        rs1: next_reg(p)?,
        rs2: next_reg(p)?,
        if_true: next_reg(p)?,
        if_false: next_reg(p)?,
    })
}

/// Parses a selection of several words: `[v192, v193], v194, zero, [v195, zero], [v196, v197]`.
fn parse_select_wide(op: Opcode, p: Parser<'_, '_, '_>) -> ParseResult<MInst> {
    let mut results = Vec::new();
    loop {
        if results.len() == MAX_SELECTED_WORDS {
            return p.cursor.error("no value has more words");
        }
        results.push(p.virtual_def(RegClass::Int)?);
        if !p.cursor.eat(",") {
            break;
        }
    }
    p.cursor.expect("]")?;
    let (rs1, rs2) = (next_reg(p)?, next_reg(p)?);
    let if_true = next_group(results.len(), p)?;
    let if_false = next_group(results.len(), p)?;
    let words = results.into_iter().zip(if_true).zip(if_false);
    let words = words.map(|((rd, if_true), if_false)| SelectedWord {
        rd,
        if_true,
        if_false,
    });
    let words = SelectedWords::new(words.collect());
    Ok(MInst::SelectWide {
        op,
        rs1,
        rs2,
        words: words.expect("texts have selections of several words"),
    })
}

/// Parses a comma and `count` registers in brackets, of which there is at least one.
fn next_group(count: usize, p: Parser<'_, '_, '_>) -> ParseResult<Vec<Reg>> {
    p.comma()?;
    p.cursor.expect("[")?;
    let mut registers = Vec::from([reg(p)?]);
    for _ in 1..count {
        registers.push(next_reg(p)?);
    }
    p.cursor.expect("]")?;
    Ok(registers)
}

fn parse_load_address(p: Parser<'_, '_, '_>) -> ParseResult<MInst> {
    let rd = def(p)?;
    p.comma()?;
    let is_user_name = {
        let mut ahead = p.cursor;
        ahead.external_name().is_ok()
    };
    if p.cursor.peek() != Some('%') && !is_user_name {
        let addr = address(p)?;
        return Ok(MInst::LoadAddr { rd, addr });
    }
    let name = p.cursor.external_name()?;
    let offset = integer(p, i32::MIN, i32::MAX)?;
    let symbol = Boxed::from(SymbolOffset { name, offset });
    Ok(MInst::LoadSym { rd, symbol })
}

fn parse_br_table(p: Parser<'_, '_, '_>) -> ParseResult<MInst> {
    let index = reg(p)?;
    p.comma()?;
    let tmp1 = p.virtual_def(RegClass::Int)?;
    p.comma()?;
    let tmp2 = p.virtual_def(RegClass::Int)?;
    let default = next_target(p)?;
    p.comma()?;
    p.cursor.expect("[")?;
    let mut targets = Vec::from([default]);
    while !p.cursor.eat("]") {
        if targets.len() > 1 {
            p.comma()?;
        }
        targets.push(p.target()?);
    }
    Ok(MInst::BrTable {
        index,
        tmp1,
        tmp2,
        targets: targets.into(),
    })
}

fn fixed_uses(p: Parser<'_, '_, '_>, close: &str) -> ParseResult<Vec<FixedUse>> {
    let list = p.fixed_list(close)?.into_iter();
    Ok(list.map(|(vreg, preg)| FixedUse { vreg, preg }).collect())
}

fn fixed_defs(p: Parser<'_, '_, '_>, close: &str) -> ParseResult<Vec<FixedDef>> {
    let writable = |(vreg, preg)| FixedDef {
        vreg: Writable::from_reg(vreg),
        preg,
    };
    Ok(p.fixed_list(close)?.into_iter().map(writable).collect())
}

fn call(dest: CallDest, p: Parser<'_, '_, '_>) -> ParseResult<CallInfo> {
    p.cursor.expect("(")?;
    let uses = fixed_uses(p, ")")?;
    let defs = match p.cursor.eat("->") {
        true => fixed_defs(p, "")?,
        false => Vec::new(),
    };
    let clobbers = match p.cursor.eat_word("clobbers") {
        true => p.reg_set()?,
        false => PRegSet::empty(),
    };
    let args_size = match p.cursor.eat_word("pops") {
        true => p.cursor.integer(0, MAX_FRAME_SIZE.into())? as u32,
        false => 0,
    };
    Ok(CallInfo {
        dest,
        uses,
        defs,
        clobbers,
        args_size,
    })
}

fn return_call(dest: CallDest, p: Parser<'_, '_, '_>) -> ParseResult<CallInfo> {
    p.cursor.expect("(")?;
    let uses = fixed_uses(p, ")")?;
    let args_size = match p.cursor.eat_word("args_size") {
        true => tail_args_size(p)?,
        false => 0,
    };
    Ok(CallInfo {
        dest,
        uses,
        defs: Vec::new(),
        clobbers: PRegSet::empty(),
        args_size,
    })
}
