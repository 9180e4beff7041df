//! Printing virtual-register code.

use super::MachInstText;
use super::inst_parser::split_reg_name;
use crate::backend::buffer::MachLabel;
use crate::backend::emit::{Move, gen_move, move_kind};
use crate::backend::frame::FrameRequirements;
use crate::backend::operands::{OperandShape, OperandVisitor};
use crate::backend::reg::{PINNED_REGS, RealReg, Reg, VirtualReg};
use crate::backend::vcode::{BlockIndex, InsnIndex, VCode};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use lpc_lpir::ir::ExternalName;
use regalloc2::{Edit, InstOrEdit, Output, PReg, PRegSet};

/// The text of a function.
pub fn print_vcode<I: MachInstText>(name: &ExternalName, vcode: &VCode<I>) -> String {
    print(name, vcode, None)
}

/// The text of a function with its allocation: beside each virtual register the one that was allocated, and between the
/// instructions the allocator's moves. This form does not parse.
pub fn print_allocated_vcode<I: MachInstText>(
    name: &ExternalName,
    vcode: &VCode<I>,
    allocation: &Output,
) -> String {
    print(name, vcode, Some(allocation))
}

fn print<I: MachInstText>(
    name: &ExternalName,
    vcode: &VCode<I>,
    allocation: Option<&Output>,
) -> String {
    let mut out = String::new();
    write_vcode(&mut out, name, vcode, allocation).expect("writing to a string cannot fail");
    out
}

fn write_vcode<I: MachInstText>(
    out: &mut String,
    name: &ExternalName,
    vcode: &VCode<I>,
    allocation: Option<&Output>,
) -> fmt::Result {
    writeln!(out, "vcode {name} {{")?;
    write_frame(out, vcode.frame())?;
    if let Some(allocation) = allocation {
        write_size(out, "spillslots", allocation.num_spillslots as u32)?;
    }
    for (constant, bytes) in vcode.constants().iter() {
        write!(out, "    const{} = 0x", constant.index())?;
        for byte in bytes {
            write!(out, "{byte:02x}")?;
        }
        writeln!(out)?;
    }
    for inst in vcode.stack_limit() {
        out.write_str("    stack_limit ")?;
        inst.print(&mut InstPrinter::new::<I>(out, &|_, _| Ok(()), &|_| None))?;
        out.write_str("\n")?;
    }
    for block in vcode.blocks() {
        write_block_header(out, vcode, block)?;
        match allocation {
            None => {
                for index in vcode.block_insns(block).iter() {
                    write_inst(out, vcode, block, index, None)?;
                }
            }
            Some(allocation) => write_allocated_block(out, vcode, block, allocation)?,
        }
    }
    writeln!(out, "}}")
}

fn write_frame(out: &mut String, frame: &FrameRequirements) -> fmt::Result {
    write_size(out, "incoming_args", frame.incoming_args_size)?;
    if frame.tail_args_size != frame.incoming_args_size {
        write_size(out, "tail_args", frame.tail_args_size)?;
    }
    write_size(out, "outgoing_args", frame.outgoing_args_size)?;
    write_size(out, "unchecked_stack", frame.unchecked_stack)?;
    if frame.stackslots_size != 0 {
        let align = frame.stackslots_align.max(1);
        writeln!(
            out,
            "    stackslots {}, align {align}",
            frame.stackslots_size
        )?;
    }
    if frame.pops_incoming_args {
        writeln!(out, "    pops_incoming_args")?;
    }
    if frame.preserve_frame_pointers {
        writeln!(out, "    preserve_frame_pointers")?;
    }
    Ok(())
}

fn write_size(out: &mut String, name: &str, size: u32) -> fmt::Result {
    match size {
        0 => Ok(()),
        _ => writeln!(out, "    {name} {size}"),
    }
}

fn write_block_header<I: MachInstText>(
    out: &mut String,
    vcode: &VCode<I>,
    block: BlockIndex,
) -> fmt::Result {
    write!(out, "\nblock{}", block.index())?;
    write_regs(out, vcode.block_params(block))?;
    let flags = vcode.block_flags(block);
    if flags.is_edge {
        out.write_str(" edge")?;
    }
    if flags.is_cold {
        out.write_str(" cold")?;
    }
    if flags.is_aligned {
        out.write_str(" aligned")?;
    }
    out.write_str(":\n")
}

fn write_regs(
    out: &mut dyn Write,
    mut regs: impl ExactSizeIterator<Item = VirtualReg>,
) -> fmt::Result {
    let Some(first) = regs.next() else {
        return Ok(());
    };
    write!(out, "({first}")?;
    for reg in regs {
        write!(out, ", {reg}")?;
    }
    out.write_str(")")
}

fn write_allocated_block<I: MachInstText>(
    out: &mut String,
    vcode: &VCode<I>,
    block: BlockIndex,
    allocation: &Output,
) -> fmt::Result {
    for inst_or_edit in allocation.block_insts_and_edits(vcode, block) {
        match inst_or_edit {
            InstOrEdit::Inst(index) => write_inst(out, vcode, block, index, Some(allocation))?,
            InstOrEdit::Edit(Edit::Move { from, to }) => {
                if let Some(kind) = move_kind(*from, *to) {
                    write_move::<I>(out, kind)?;
                }
            }
        }
    }
    Ok(())
}

fn write_move<I: MachInstText>(out: &mut String, kind: Move) -> fmt::Result {
    out.write_str("  + ")?;
    let mut printer = InstPrinter::new::<I>(out, &|_, _| Ok(()), &|_| None);
    gen_move::<I>(kind).print(&mut printer)?;
    out.write_str("\n")
}

fn write_inst<I: MachInstText>(
    out: &mut String,
    vcode: &VCode<I>,
    block: BlockIndex,
    index: InsnIndex,
    allocation: Option<&Output>,
) -> fmt::Result {
    out.write_str("    ")?;
    let srcloc = vcode.srcloc(index);
    if !srcloc.is_default() {
        write!(out, "{srcloc} ")?;
    }
    let write_args =
        |out: &mut dyn Write, succ: usize| write_regs(out, vcode.branch_args(block, succ));
    let mut inst = vcode.inst(index).clone();
    match allocation {
        None => inst.print(&mut InstPrinter::new::<I>(out, &write_args, &|_| None))?,
        Some(allocation) => {
            let operands = vcode.inst_operands(index);
            let allocations = allocation.inst_allocs(index);
            inst.get_operands(&mut MarkOperands { next: 0 });
            let marked = |reg: VirtualReg| {
                let operand = MarkOperands::number(reg);
                let vreg = VirtualReg::from_allocator_vreg(operands[operand].vreg());
                Some((vreg, allocations[operand].as_reg()))
            };
            inst.print(&mut InstPrinter::new::<I>(out, &write_args, &marked))?;
        }
    }
    out.write_str("\n")
}

/// Replaces each virtual register of an instruction by one whose number says which operand it is, so that the printer,
/// which meets registers in an order of its own, can find the allocation of each.
struct MarkOperands {
    next: u32,
}

impl MarkOperands {
    /// The operand that `mark` stands for.
    fn number(mark: VirtualReg) -> usize {
        (mark.index() - PINNED_REGS) as usize
    }
}

impl OperandVisitor for MarkOperands {
    fn add_operand(&mut self, reg: &mut Reg, _shape: OperandShape) {
        let mark = VirtualReg::with_index(PINNED_REGS + self.next, reg.class());
        *reg = mark.expect("instructions have few operands").to_reg();
        self.next += 1;
    }
}

/// What a marked register stands for: the virtual register and what it was allocated.
type Marked<'a> = &'a dyn Fn(VirtualReg) -> Option<(VirtualReg, Option<PReg>)>;

/// Prints one instruction: its mnemonic and then its operands, with commas between them.
pub struct InstPrinter<'a, 'b> {
    out: &'a mut dyn Write,
    write_args: &'b dyn Fn(&mut dyn Write, usize) -> fmt::Result,
    marked: Marked<'b>,
    reg_name: fn(RealReg) -> &'static str,
    /// Labels whose arguments have been printed.
    named: BTreeSet<MachLabel>,
    separator: &'static str,
}

impl<'a, 'b> InstPrinter<'a, 'b> {
    fn new<I: MachInstText>(
        out: &'a mut dyn Write,
        write_args: &'b dyn Fn(&mut dyn Write, usize) -> fmt::Result,
        marked: Marked<'b>,
    ) -> Self {
        Self {
            out,
            write_args,
            marked,
            reg_name: I::reg_name,
            named: BTreeSet::new(),
            separator: "",
        }
    }

    /// Prints the mnemonic; the first operand follows after a space.
    ///
    /// # Errors
    /// Those of the underlying writer.
    pub fn mnemonic(&mut self, mnemonic: fmt::Arguments<'_>) -> fmt::Result {
        self.separator = " ";
        self.out.write_fmt(mnemonic)
    }

    /// Prints an operand that is not a register.
    ///
    /// # Errors
    /// Those of the underlying writer.
    pub fn operand(&mut self, operand: fmt::Arguments<'_>) -> fmt::Result {
        self.separate()?;
        self.out.write_fmt(operand)
    }

    /// Prints text that belongs to the operand before it, or opens or closes a group of operands.
    ///
    /// # Errors
    /// Those of the underlying writer.
    pub fn text(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        self.out.write_fmt(text)
    }

    /// Makes the next operand the first of a group: no comma stands in front of it.
    pub fn start_group(&mut self) {
        self.separator = "";
    }

    /// Makes the next operand one after others, with a comma in front of it.
    pub fn end_group(&mut self) {
        self.separator = ", ";
    }

    /// Prints a register operand.
    ///
    /// # Errors
    /// Those of the underlying writer.
    pub fn reg(&mut self, reg: Reg) -> fmt::Result {
        self.separate()?;
        self.bare_reg(reg)
    }

    /// Prints a register inside of another operand.
    ///
    /// # Errors
    /// Those of the underlying writer.
    pub fn bare_reg(&mut self, reg: Reg) -> fmt::Result {
        match (reg.to_real_reg(), reg.to_virtual_reg()) {
            (Some(real), _) => self.out.write_str((self.reg_name)(real)),
            (None, Some(reg)) => match (self.marked)(reg) {
                Some((vreg, Some(preg))) => {
                    write!(self.out, "{vreg}:{}", (self.reg_name)(preg.into()))
                }
                Some((vreg, None)) => write!(self.out, "{vreg}:?"),
                None => write!(self.out, "{reg}"),
            },
            (None, None) => unreachable!("a register is physical or virtual"),
        }
    }

    /// Prints a virtual register with the physical one it must be in.
    ///
    /// # Errors
    /// Those of the underlying writer.
    pub fn fixed(&mut self, reg: Reg, fixed: RealReg) -> fmt::Result {
        self.separate()?;
        match reg.to_virtual_reg() {
            Some(reg) => {
                let vreg = (self.marked)(reg).map_or(reg, |(vreg, _)| vreg);
                write!(self.out, "{vreg}={}", (self.reg_name)(fixed))
            }
            None => write!(self.out, "{}", (self.reg_name)(fixed)),
        }
    }

    /// Prints a set of physical registers, with ranges of names that differ in a number.
    ///
    /// # Errors
    /// Those of the underlying writer.
    pub fn reg_set(&mut self, set: PRegSet) -> fmt::Result {
        let names = set.into_iter().map(|preg| (self.reg_name)(preg.into()));
        let mut names: Vec<_> = names
            .map(|name| split_reg_name(name).unwrap_or((name, 0)))
            .collect();
        names.sort_unstable();
        for range in names.chunk_by(|first, next| (first.0, first.1 + 1) == *next) {
            let (prefix, first) = range[0];
            self.operand(format_args!("{prefix}{first}"))?;
            if let [_, .., (_, last)] = range {
                self.text(format_args!("-{prefix}{last}"))?;
            }
        }
        Ok(())
    }

    /// Prints a target of a branch, with its arguments where it is named first.
    ///
    /// # Errors
    /// Those of the underlying writer.
    pub fn target(&mut self, label: MachLabel) -> fmt::Result {
        self.separate()?;
        write!(self.out, "block{}", label.to_block().index())?;
        if self.named.insert(label) {
            // Successors are in the order in which they are first named.
            (self.write_args)(self.out, self.named.len() - 1)?;
        }
        Ok(())
    }

    fn separate(&mut self) -> fmt::Result {
        self.out.write_str(self.separator)?;
        self.separator = ", ";
        Ok(())
    }
}
