//! Reading the operands of instructions.

use super::cursor::{Cursor, VCodeParseError};
use crate::backend::buffer::MachLabel;
use crate::backend::constants::VCodeConstant;
use crate::backend::frame::FrameRequirements;
use crate::backend::reg::{PINNED_REGS, RealReg, Reg, RegClass, VirtualReg, Writable};
use crate::backend::vcode::BlockIndex;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use regalloc2::PRegSet;

/// What the parser knows of the function that an instruction stands in.
pub(super) struct FunctionContext<'t> {
    pub(super) reg_by_name: fn(&str) -> Option<RealReg>,
    /// The physical registers that may be named only as constraints.
    pub(super) allocatable: PRegSet,
    /// The class of each virtual register that has been named.
    pub(super) classes: BTreeMap<u32, RegClass>,
    /// Virtual registers must be below this.
    pub(super) reg_limit: u32,
    pub(super) num_constants: u32,
    pub(super) frame: FrameRequirements,
    /// The edges that leave the current block.
    pub(super) edges: Vec<Edge<'t>>,
    /// The numbers of the blocks that they lead to.
    pub(super) named_targets: BTreeSet<u32>,
}

/// A target of a branch, where it is first named.
pub(super) struct Edge<'t> {
    pub(super) cursor: Cursor<'t>,
    pub(super) target: BlockIndex,
    pub(super) args: Vec<Reg>,
}

/// Reads the operands of one instruction.
pub struct InstParser<'a, 't> {
    /// What is left of the line.
    pub cursor: Cursor<'t>,
    /// Where the mnemonic starts.
    pub(super) mnemonic: Cursor<'t>,
    pub(super) function: &'a mut FunctionContext<'t>,
}

impl<'t> InstParser<'_, 't> {
    /// What the function needs of its frame.
    pub fn frame(&self) -> &FrameRequirements {
        &self.function.frame
    }

    /// The error `message` at the mnemonic.
    ///
    /// # Errors
    /// Always.
    pub fn mnemonic_error<T>(&self, message: impl Into<String>) -> Result<T, VCodeParseError> {
        self.mnemonic.error(message)
    }

    /// Reads the comma between two operands.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn comma(&mut self) -> Result<(), VCodeParseError> {
        self.cursor.expect(",")
    }

    /// Reads a register of the class `class` that an instruction may name: a virtual one, or a physical one that is never
    /// allocated.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn reg(&mut self, class: RegClass) -> Result<Reg, VCodeParseError> {
        let start = self.cursor;
        let reg = self.any_reg()?;
        if reg.class() != class {
            return start.error(format!("expected a register of the class {class:?}"));
        }
        match reg.to_real_reg() {
            Some(real) if self.function.allocatable.contains(real.preg()) => {
                start.error("an allocatable register can be named as a fixed constraint only")
            }
            _ => Ok(reg),
        }
    }

    /// Reads a register that is written.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn def(&mut self, class: RegClass) -> Result<Writable<Reg>, VCodeParseError> {
        Ok(Writable::from_reg(self.reg(class)?))
    }

    /// Reads a virtual register that is written.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn virtual_def(&mut self, class: RegClass) -> Result<Writable<Reg>, VCodeParseError> {
        let start = self.cursor;
        let reg = self.reg(class)?;
        if reg.is_real() {
            return start.error("expected a virtual register");
        }
        Ok(Writable::from_reg(reg))
    }

    /// Reads a virtual register and the physical one it must be in: `v192=a0`.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn fixed(&mut self) -> Result<(Reg, RealReg), VCodeParseError> {
        let start = self.cursor;
        let reg = self.any_reg()?;
        if reg.is_real() {
            return start.error("expected a virtual register");
        }
        self.cursor.expect("=")?;
        let start = self.cursor;
        let fixed = self.real_reg()?;
        if !self.function.allocatable.contains(fixed.preg()) {
            return start.error("this register is not allocatable");
        }
        if fixed.class() != reg.class() {
            return start.error("the two registers are of different classes");
        }
        Ok((reg, fixed))
    }

    /// Reads a list of virtual registers and the physical ones they must be in, which ends at `close` or, where that is
    /// empty, with the last comma.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn fixed_list(&mut self, close: &str) -> Result<Vec<(Reg, RealReg)>, VCodeParseError> {
        let mut list = Vec::new();
        if !close.is_empty() && self.cursor.eat(close) {
            return Ok(list);
        }
        loop {
            list.push(self.fixed()?);
            if !self.cursor.eat(",") {
                self.cursor.expect(close)?;
                return Ok(list);
            }
        }
    }

    /// Reads a set of allocatable registers: `a0-a7, t0`.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn reg_set(&mut self) -> Result<PRegSet, VCodeParseError> {
        let mut set = PRegSet::empty();
        loop {
            let start = self.cursor;
            let (prefix, first) = self.numbered_reg_name()?;
            let last = match self.cursor.eat("-") {
                true => self.numbered_reg_name()?,
                false => (prefix, first),
            };
            if prefix != last.0 || first > last.1 {
                return start.error("expected a range of registers");
            }
            for number in first..=last.1 {
                match (self.function.reg_by_name)(&format!("{prefix}{number}")) {
                    Some(reg) if self.function.allocatable.contains(reg.preg()) => {
                        set.add(reg.preg());
                    }
                    _ => return start.error("only allocatable registers can be clobbered"),
                }
            }
            if !self.cursor.eat(",") {
                return Ok(set);
            }
        }
    }

    fn numbered_reg_name(&mut self) -> Result<(&'t str, u32), VCodeParseError> {
        let start = self.cursor;
        let word = self.cursor.word("a register")?;
        match split_reg_name(word) {
            Some((prefix, number)) if (self.function.reg_by_name)(word).is_some() => {
                Ok((prefix, number))
            }
            _ => start.error("expected a register that can be clobbered"),
        }
    }

    fn real_reg(&mut self) -> Result<RealReg, VCodeParseError> {
        let start = self.cursor;
        match self.any_reg()?.to_real_reg() {
            Some(real) => Ok(real),
            None => start.error("expected a physical register"),
        }
    }

    /// Reads any register.
    pub(super) fn any_reg(&mut self) -> Result<Reg, VCodeParseError> {
        let start = self.cursor;
        let word = self.cursor.word("a register")?;
        if let Some(real) = (self.function.reg_by_name)(word) {
            return Ok(real.to_reg());
        }
        let Some((number, class)) = virtual_reg_name(word) else {
            return start.error("expected a register");
        };
        if number < PINNED_REGS {
            return start.error(format!("virtual registers start at v{PINNED_REGS}"));
        }
        if number >= self.function.reg_limit {
            return start.error("the number of the register is too large for this text");
        }
        let known = *self.function.classes.entry(number).or_insert(class);
        if known != class {
            return start.error("the register was named with another class before");
        }
        match VirtualReg::with_index(number, class) {
            Some(reg) => Ok(reg.to_reg()),
            None => start.error("the number of the register is too large"),
        }
    }

    /// Reads a target of a branch, with arguments where it is named first.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn target(&mut self) -> Result<MachLabel, VCodeParseError> {
        let start = self.cursor;
        let number = block_number(&mut self.cursor)?;
        let target = BlockIndex::new(number as usize);
        let is_known = !self.function.named_targets.insert(number);
        let args_start = self.cursor;
        let mut args = Vec::new();
        if self.cursor.eat("(") {
            if is_known {
                return args_start.error("arguments stand where a block is first named");
            }
            args = self.virtual_regs()?;
        }
        if !is_known {
            self.function.edges.push(Edge {
                cursor: start,
                target,
                args,
            });
        }
        Ok(MachLabel::from_block(target))
    }

    /// Reads virtual registers with commas between them, up to a closing parenthesis.
    pub(super) fn virtual_regs(&mut self) -> Result<Vec<Reg>, VCodeParseError> {
        let mut regs = Vec::new();
        loop {
            let start = self.cursor;
            let reg = self.any_reg()?;
            if reg.is_real() {
                return start.error("expected a virtual register");
            }
            regs.push(reg);
            if self.cursor.eat(")") {
                return Ok(regs);
            }
            self.comma()?;
        }
    }

    /// Reads a constant that the header of the function defines, such as `const0`.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn constant(&mut self) -> Result<VCodeConstant, VCodeParseError> {
        let start = self.cursor;
        let word = self.cursor.word("a constant")?;
        match word.strip_prefix("const").and_then(plain_number) {
            Some(number) if number < self.function.num_constants => Ok(VCodeConstant::new(number)),
            _ => start.error("no such constant"),
        }
    }
}

/// Reads `block` and a number.
pub(super) fn block_number(cursor: &mut Cursor<'_>) -> Result<u32, VCodeParseError> {
    let start = *cursor;
    let word = cursor.word("a block")?;
    match word.strip_prefix("block").and_then(plain_number) {
        Some(number) if number < u32::MAX => Ok(number),
        _ => start.error("expected a block such as `block0`"),
    }
}

/// The number and class of `v192`, `v192f` or `v192v`.
fn virtual_reg_name(word: &str) -> Option<(u32, RegClass)> {
    let digits = word.strip_prefix('v')?;
    let (digits, class) = if let Some(digits) = digits.strip_suffix('f') {
        (digits, RegClass::Float)
    } else if let Some(digits) = digits.strip_suffix('v') {
        (digits, RegClass::Vector)
    } else {
        (digits, RegClass::Int)
    };
    Some((plain_number(digits)?, class))
}

/// Splits the number from the name of a register, such as `a0`, of which ranges can be written.
pub(super) fn split_reg_name(name: &str) -> Option<(&str, u32)> {
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    Some((&name[..digits], plain_number(&name[digits..])?))
}

/// A decimal number without sign or leading zeros.
pub(super) fn plain_number(digits: &str) -> Option<u32> {
    let is_plain = digits == "0" || digits.starts_with(|c: char| ('1'..='9').contains(&c));
    if is_plain { digits.parse().ok() } else { None }
}
