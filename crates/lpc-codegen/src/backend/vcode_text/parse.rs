//! Parsing virtual-register code.
//!
//! What is accepted is fit for the register allocator, as far as can be seen without an analysis of the control flow: every
//! block can be reached, stands behind one of its predecessors and ends in its only terminator, branches lead to blocks with as many parameters as they pass arguments, every
//! register is defined once, and no instruction wants two values in one register. That definitions dominate their uses,
//! and that no edge is critical, is for [`regalloc::run_validated`](crate::backend::regalloc::run_validated) to say.

use super::MachInstText;
use super::cursor::{Cursor, VCodeParseError};
use super::inst_parser::{Edge, FunctionContext, InstParser, block_number, plain_number};
use crate::backend::constants::VCodeConstants;
use crate::backend::frame::{FrameRequirements, MAX_FRAME_SIZE, STACK_ALIGNMENT};
use crate::backend::machinst::MachTerminator;
use crate::backend::operands::{OperandShape, OperandVisitor};
use crate::backend::reg::{PINNED_REGS, RealReg, Reg};
use crate::backend::vcode::{BlockFlags, BlockIndex, VCode};
use crate::backend::vcode_builder::{VCodeBuildDirection, VCodeBuilder, VRegAllocator};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use lpc_lpir::ir::{ExternalName, SourceLoc};
use regalloc2::{OperandConstraint, OperandKind, OperandPos, PReg, PRegSet, VReg};

/// A function and its name.
#[derive(Clone, Debug)]
pub struct NamedVCode<I: MachInstText> {
    /// The name.
    pub name: ExternalName,
    /// The line that the function starts in, from 1.
    pub line: u32,
    /// The function.
    pub vcode: VCode<I>,
}

/// How many virtual registers a text may leave unnamed: memory is taken for each number up to the largest.
const UNNAMED_REGS: u32 = 1 << 16;

/// Parses the functions in `text`.
///
/// # Errors
/// The first place where the text is not virtual-register code.
pub fn parse_vcode<I: MachInstText>(text: &str) -> Result<Vec<NamedVCode<I>>, VCodeParseError> {
    let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let reg_limit = (PINNED_REGS + UNNAMED_REGS).saturating_add(size);
    let mut functions = Vec::new();
    let mut open: Option<FunctionParser<'_, I>> = None;
    let mut last = Cursor::new("", 1);
    for (line, number) in text.lines().zip(1..) {
        let mut cursor = Cursor::new(line, number);
        last = cursor;
        if cursor.at_end() {
            continue;
        }
        match &mut open {
            None => {
                cursor.expect("vcode")?;
                let name = cursor.external_name()?;
                cursor.expect("{")?;
                cursor.expect_end()?;
                open = Some(FunctionParser::new(name, number, reg_limit));
            }
            Some(_) if cursor.eat("}") => {
                cursor.expect_end()?;
                functions.extend(open.take().map(|open| open.finish(last)).transpose()?);
            }
            Some(function) => function.line(cursor)?,
        }
    }
    match open {
        Some(_) => last.error("the function has no closing `}`"),
        None => Ok(functions),
    }
}

/// A block whose instructions are being read.
struct OpenBlock<'t> {
    flags: BlockFlags,
    /// The last instruction, and where it stands.
    last: Option<(MachTerminator, Cursor<'t>)>,
    start: Cursor<'t>,
}

struct FunctionParser<'t, I: MachInstText> {
    name: ExternalName,
    first_line: u32,
    builder: VCodeBuilder<I>,
    context: FunctionContext<'t>,
    constants: VCodeConstants,
    block: Option<OpenBlock<'t>>,
    /// The parameters of each block that has started.
    params: Vec<Vec<Reg>>,
    /// Where each block starts.
    starts: Vec<Cursor<'t>>,
    stack_limit: Vec<I>,
    /// All edges of blocks that have ended.
    edges: Vec<Edge<'t>>,
    /// Where each register was named first, and whether it was defined.
    regs: BTreeMap<Reg, (Cursor<'t>, bool)>,
}

impl<'t, I: MachInstText> FunctionParser<'t, I> {
    fn new(name: ExternalName, first_line: u32, reg_limit: u32) -> Self {
        Self {
            name,
            first_line,
            builder: VCodeBuilder::new(VCodeBuildDirection::Forward, 0, 0),
            context: FunctionContext {
                reg_by_name: I::reg_by_name,
                allocatable: PRegSet::empty(),
                classes: BTreeMap::new(),
                reg_limit,
                num_constants: 0,
                frame: FrameRequirements::default(),
                edges: Vec::new(),
                named_targets: BTreeSet::new(),
            },
            constants: VCodeConstants::default(),
            stack_limit: Vec::new(),
            block: None,
            params: Vec::new(),
            starts: Vec::new(),
            edges: Vec::new(),
            regs: BTreeMap::new(),
        }
    }

    fn line(&mut self, mut cursor: Cursor<'t>) -> Result<(), VCodeParseError> {
        let start = cursor;
        let mut ahead = cursor;
        if ahead.word("").is_ok_and(|word| word.starts_with("block")) {
            return self.block_header(cursor);
        }
        if self.block.is_none() {
            return self.header_line(cursor);
        }
        let srcloc = match cursor.eat("@") {
            true => source_location(&mut cursor)?,
            false => SourceLoc::default(),
        };
        let mut inst = self.inst(cursor)?;
        self.note_terminator(inst.is_term(), start)?;
        self.note_operands(&mut inst, start)?;
        self.builder.push(inst, srcloc);
        Ok(())
    }

    /// Parses an instruction up to the end of the line.
    fn inst(&mut self, mut cursor: Cursor<'t>) -> Result<I, VCodeParseError> {
        let mnemonic_start = cursor;
        let mnemonic = cursor.word("an instruction")?;
        let mut parser = InstParser {
            cursor,
            mnemonic: mnemonic_start,
            function: &mut self.context,
        };
        let inst = I::parse(mnemonic, &mut parser)?;
        parser.cursor.expect_end()?;
        Ok(inst)
    }

    /// Parses an instruction that computes the stack limit. It stands before the prologue, and knows no virtual registers.
    fn stack_limit_inst(&mut self, cursor: Cursor<'t>) -> Result<(), VCodeParseError> {
        let mut inst = self.inst(cursor)?;
        let mut operands = CollectedOperands::default();
        inst.get_operands(&mut operands);
        if !operands.regs.is_empty() || inst.is_term() != MachTerminator::None {
            return cursor.error("expected an instruction with physical registers, and no branch");
        }
        self.stack_limit.push(inst);
        Ok(())
    }

    /// Parses a line in front of the first block.
    fn header_line(&mut self, mut cursor: Cursor<'t>) -> Result<(), VCodeParseError> {
        const MAX: i64 = MAX_FRAME_SIZE as i64;
        let start = cursor;
        if cursor.eat_word("stack_limit") {
            return self.stack_limit_inst(cursor);
        }
        let frame = &mut self.context.frame;
        match cursor.word("a requirement of the frame or a block")? {
            "incoming_args" => {
                frame.incoming_args_size = cursor.integer(0, MAX)? as u32;
                frame.tail_args_size = frame.tail_args_size.max(frame.incoming_args_size);
            }
            "tail_args" => {
                let min = frame.incoming_args_size.into();
                frame.tail_args_size = cursor.integer(min, MAX)? as u32;
            }
            "outgoing_args" => frame.outgoing_args_size = cursor.integer(0, MAX)? as u32,
            "unchecked_stack" => frame.unchecked_stack = cursor.integer(0, MAX)? as u32,
            "stackslots" => {
                frame.stackslots_size = cursor.integer(0, MAX)? as u32;
                cursor.expect(",")?;
                cursor.expect("align")?;
                let align = cursor;
                frame.stackslots_align = cursor.integer(1, STACK_ALIGNMENT.into())? as u32;
                if !frame.stackslots_align.is_power_of_two() {
                    return align.error("expected a power of two");
                }
            }
            "pops_incoming_args" => frame.pops_incoming_args = true,
            "preserve_frame_pointers" => frame.preserve_frame_pointers = true,
            word => {
                let number = word.strip_prefix("const").and_then(plain_number);
                if number != Some(self.context.num_constants) {
                    return start
                        .error("expected a requirement of the frame, or the next constant");
                }
                cursor.expect("=")?;
                let constant = self.constants.insert(&cursor.hex_bytes()?);
                if constant.index() != self.context.num_constants {
                    return start.error("there is an equal constant");
                }
                self.context.num_constants += 1;
            }
        }
        cursor.expect_end()
    }

    /// Parses `block1(v192) edge cold aligned:`.
    fn block_header(&mut self, mut cursor: Cursor<'t>) -> Result<(), VCodeParseError> {
        let start = cursor;
        self.end_block()?;
        if self.params.is_empty() {
            let env = &I::machine_env(self.context.frame.preserve_frame_pointers);
            self.context.allocatable = PRegSet::from(env);
        }
        let next = self.params.len();
        if block_number(&mut cursor)? as usize != next {
            return start.error(format!("expected `block{next}`"));
        }
        let mut params = Vec::new();
        let params_start = cursor;
        if cursor.eat("(") {
            let mut parser = InstParser {
                cursor,
                mnemonic: start,
                function: &mut self.context,
            };
            params = parser.virtual_regs()?;
            cursor = parser.cursor;
        }
        if next == 0 && !params.is_empty() {
            return params_start.error("the entry block has no parameters");
        }
        for &param in &params {
            self.note_reg(param, OperandKind::Def, params_start)?;
            let param = param.to_virtual_reg().expect("parameters are virtual");
            self.builder.add_block_param(param);
        }
        self.params.push(params);
        self.starts.push(start);
        let flags = BlockFlags {
            is_edge: cursor.eat_word("edge"),
            is_cold: cursor.eat_word("cold"),
            is_aligned: cursor.eat_word("aligned"),
        };
        cursor.expect(":")?;
        cursor.expect_end()?;
        self.block = Some(OpenBlock {
            flags,
            last: None,
            start,
        });
        Ok(())
    }

    fn note_terminator(
        &mut self,
        term: MachTerminator,
        cursor: Cursor<'t>,
    ) -> Result<(), VCodeParseError> {
        let block = self.block.as_mut().expect("instructions stand in blocks");
        match block.last {
            Some((MachTerminator::None, _)) | None => {}
            Some(_) => return cursor.error("the block has ended with the instruction before"),
        }
        block.last = Some((term, cursor));
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), VCodeParseError> {
        let Some(block) = self.block.take() else {
            return Ok(());
        };
        match block.last {
            None => return block.start.error("the block is empty"),
            Some((MachTerminator::None, cursor)) => {
                return cursor.error("the block does not end with a branch, a return or a trap");
            }
            Some(_) => {}
        }
        for edge in &self.context.edges {
            for &arg in &edge.args {
                self.builder.add_branch_arg(arg);
            }
            self.builder.add_succ(edge.target);
            for &arg in &edge.args {
                note_reg(&mut self.regs, arg, OperandKind::Use, edge.cursor)?;
            }
        }
        self.edges.append(&mut self.context.edges);
        self.context.named_targets.clear();
        self.builder.end_block(block.flags);
        Ok(())
    }

    fn note_reg(
        &mut self,
        reg: Reg,
        kind: OperandKind,
        cursor: Cursor<'t>,
    ) -> Result<(), VCodeParseError> {
        note_reg(&mut self.regs, reg, kind, cursor)
    }

    fn note_operands(&mut self, inst: &mut I, cursor: Cursor<'t>) -> Result<(), VCodeParseError> {
        let mut operands = CollectedOperands::default();
        inst.get_operands(&mut operands);
        operands.note_clobbers(inst.clobbers());
        for &(reg, kind) in &operands.regs {
            self.note_reg(reg, kind, cursor)?;
        }
        if let Some((preg, what)) = operands.conflict {
            let name = I::reg_name(RealReg::from(preg));
            return cursor.error(format!("`{name}` is to hold {what}"));
        }
        Ok(())
    }

    fn finish(mut self, end: Cursor<'t>) -> Result<NamedVCode<I>, VCodeParseError> {
        self.end_block()?;
        if self.params.is_empty() {
            return end.error("the function has no blocks");
        }
        for edge in &self.edges {
            self.check_edge(edge)?;
        }
        for (reg, &(cursor, is_defined)) in &self.regs {
            if !is_defined {
                return cursor.error(format!("{reg:?} is never defined"));
            }
        }
        let last = self.regs.keys().map(|reg| reg.index()).max();
        let num_vregs = last.map_or(0, |last| last + 1 - PINNED_REGS);
        *self.builder.frame() = self.context.frame;
        *self.builder.constants() = self.constants;
        self.builder.set_stack_limit(self.stack_limit);
        let vcode = self.builder.build(VRegAllocator::with_allocated(num_vregs));
        if let Some(block) = first_unreachable_block(&vcode) {
            return self.starts[block.index()].error("control never gets to this block");
        }
        let stands_first = |block: &BlockIndex| {
            let preds = vcode.block_preds(*block);
            *block != vcode.entry() && preds.iter().all(|pred| pred >= block)
        };
        if let Some(block) = vcode.blocks().find(stands_first) {
            return self.starts[block.index()]
                .error("the block stands before all blocks that lead to it");
        }
        Ok(NamedVCode {
            name: self.name,
            line: self.first_line,
            vcode,
        })
    }

    fn check_edge(&self, edge: &Edge<'t>) -> Result<(), VCodeParseError> {
        if edge.target.index() == 0 {
            return edge.cursor.error("nothing may branch to the entry block");
        }
        let Some(params) = self.params.get(edge.target.index()) else {
            return edge.cursor.error("no such block");
        };
        let classes = |regs: &[Reg]| regs.iter().map(|reg| reg.class()).collect::<Vec<_>>();
        if classes(params) != classes(&edge.args) {
            return edge
                .cursor
                .error("the arguments do not match the parameters of the block");
        }
        Ok(())
    }
}

fn first_unreachable_block<I: MachInstText>(vcode: &VCode<I>) -> Option<BlockIndex> {
    let mut is_reached = vec![false; vcode.num_blocks()];
    let mut pending = vec![vcode.entry()];
    while let Some(block) = pending.pop() {
        if !core::mem::replace(&mut is_reached[block.index()], true) {
            pending.extend(vcode.block_succs(block));
        }
    }
    vcode.blocks().find(|block| !is_reached[block.index()])
}

fn source_location(cursor: &mut Cursor<'_>) -> Result<SourceLoc, VCodeParseError> {
    let start = *cursor;
    let digits = cursor.word("a source location")?;
    match u32::from_str_radix(digits, 16) {
        Ok(bits) => Ok(SourceLoc::new(bits)),
        Err(_) => start.error("expected a source location such as `@0012`"),
    }
}

fn note_reg<'t>(
    regs: &mut BTreeMap<Reg, (Cursor<'t>, bool)>,
    reg: Reg,
    kind: OperandKind,
    cursor: Cursor<'t>,
) -> Result<(), VCodeParseError> {
    let (_, is_defined) = regs.entry(reg).or_insert((cursor, false));
    if kind == OperandKind::Def {
        if *is_defined {
            return cursor.error(format!("{reg:?} is defined twice"));
        }
        *is_defined = true;
    }
    Ok(())
}

/// What is wrong when two operands want one physical register at the same time.
const TWO_VALUES: &str = "two values at once";
const ONE_VALUE_TWICE: &str = "one value twice";

/// The registers of an instruction, and the first physical one that two operands want at the same time, with what is wrong.
#[derive(Default)]
struct CollectedOperands {
    regs: Vec<(Reg, OperandKind)>,
    /// What each physical register is to hold, early and late.
    fixed: BTreeMap<(PReg, u8), Reg>,
    conflict: Option<(PReg, &'static str)>,
}

impl OperandVisitor for CollectedOperands {
    fn add_operand(&mut self, reg: &mut Reg, shape: OperandShape) {
        let operand = shape.operand(VReg::new(0, reg.class()));
        self.regs.push((*reg, operand.kind()));
        if let OperandConstraint::FixedReg(preg) = operand.constraint()
            && let Some(other) = self.fixed.insert((preg, operand.pos() as u8), *reg)
        {
            // Allocators take each fixed register for a use of its own.
            let what = match other == *reg {
                true => ONE_VALUE_TWICE,
                false => TWO_VALUES,
            };
            self.conflict.get_or_insert((preg, what));
        }
    }
}

impl CollectedOperands {
    /// Notes what the instruction clobbers, which must not be what it defines.
    fn note_clobbers(&mut self, clobbers: PRegSet) {
        let late = OperandPos::Late as u8;
        let mut defined = self.fixed.keys().filter(|&&(_, pos)| pos == late);
        if let Some(&(preg, _)) = defined.find(|&&(preg, _)| clobbers.contains(preg)) {
            self.conflict.get_or_insert((preg, TWO_VALUES));
        }
    }
}
