//! Writes functions as text.
//!
//! A type suffix is left out where the reader can tell the type without looking at another block: where the operand that
//! decides is defined earlier in the same block. The value of a constant is repeated in a comment where it is used.

use crate::entity::SecondaryMap;
use crate::ir::{
    Block, BlockCall, ControllingType, ExtFuncData, Function, GlobalValueData, Inst,
    InstructionData, OperandType, Type, Value, ValueDef,
};
use alloc::vec::Vec;
use core::fmt;

/// The column of instructions.
const INDENT: usize = 4;
/// The column of instructions in a function with source locations, which stand before them.
const WIDE_INDENT: usize = 36;

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Writer::new(self).write_function(f)
    }
}

impl Function {
    /// An instruction as text, for messages: its results, opcode and operands.
    pub fn display_inst(&self, inst: Inst) -> DisplayInst<'_> {
        DisplayInst {
            function: self,
            inst,
        }
    }
}

/// An instruction that prints itself. See [`Function::display_inst`].
#[derive(Clone, Copy)]
pub struct DisplayInst<'a> {
    function: &'a Function,
    inst: Inst,
}

impl fmt::Display for DisplayInst<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = needed_suffix(self.function, self.inst, |_| true);
        write_inst(f, self.function, self.inst, suffix)
    }
}

/// Writes a function.
struct Writer<'a> {
    function: &'a Function,
    indent: usize,
    /// Of each value that is an alias's original, the first alias; then of each alias the next of the same original.
    first_alias: SecondaryMap<Value, Option<Value>>,
    next_alias: SecondaryMap<Value, Option<Value>>,
    /// Instructions that were written.
    written: SecondaryMap<Inst, bool>,
}

impl<'a> Writer<'a> {
    fn new(function: &'a Function) -> Self {
        let mut first_alias = SecondaryMap::new();
        let mut next_alias = SecondaryMap::new();
        for value in function.dfg.values().rev() {
            if let Some(original) = function.dfg.alias_target(value) {
                next_alias[value] = first_alias[original];
                first_alias[original] = Some(value);
            }
        }
        let indent = if function.srclocs.is_empty() {
            INDENT
        } else {
            WIDE_INDENT
        };
        Self {
            function,
            indent,
            first_alias,
            next_alias,
            written: SecondaryMap::new(),
        }
    }

    fn write_function(&mut self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Function {
            name, signature, ..
        } = self.function;
        writeln!(f, "function {name}{signature} {{")?;
        let mut separate = self.write_preamble(f)?;
        for block in self.function.layout.blocks() {
            if separate {
                writeln!(f)?;
            }
            separate = true;
            self.write_block(f, block)?;
        }
        f.write_str("}\n")
    }

    /// Writes the declarations, and returns whether there were any.
    fn write_preamble(&self, f: &mut fmt::Formatter<'_>) -> Result<bool, fmt::Error> {
        let Function {
            stack_slots,
            global_values,
            dfg,
            stack_limit,
            ..
        } = self.function;
        let mut any = false;
        for (slot, data) in stack_slots.iter() {
            any = true;
            writeln!(f, "    {slot} = {data}")?;
        }
        for (global_value, data) in global_values.iter() {
            if !data.is_gap() {
                any = true;
                writeln!(f, "    {global_value} = {data}")?;
            }
        }
        for (sig_ref, signature) in dfg.signatures.iter() {
            any = true;
            writeln!(f, "    {sig_ref} = {signature}")?;
        }
        for (func_ref, data) in dfg.ext_funcs.iter() {
            if !data.is_gap() {
                any = true;
                writeln!(f, "    {func_ref} = {data}")?;
            }
        }
        if let Some(limit) = stack_limit.expand() {
            any = true;
            writeln!(f, "    stack_limit = {limit}")?;
        }
        Ok(any)
    }

    fn write_block(&mut self, f: &mut fmt::Formatter<'_>, block: Block) -> fmt::Result {
        let function = self.function;
        write!(f, "{:1$}{block}", "", self.indent - INDENT)?;
        for (index, param) in function.dfg.block_params(block).enumerate() {
            let separator = if index == 0 { "(" } else { ", " };
            let ty = function.dfg.value_type(param);
            write!(f, "{separator}{param}: {ty}")?;
        }
        if function.dfg.num_block_params(block) > 0 {
            f.write_str(")")?;
        }
        if function.layout.is_cold(block) {
            f.write_str(" cold")?;
        }
        f.write_str(":\n")?;
        for param in function.dfg.block_params(block) {
            self.write_aliases(f, param)?;
        }
        for inst in function.layout.block_insts(block) {
            self.write_inst_line(f, inst)?;
        }
        Ok(())
    }

    fn write_inst_line(&mut self, f: &mut fmt::Formatter<'_>, inst: Inst) -> fmt::Result {
        let srcloc = self.function.srclocs[inst];
        let mut width = 0;
        if !srcloc.is_default() {
            let digits = (srcloc.bits().max(1).ilog2() as usize / 4 + 1).max(4);
            write!(f, "{srcloc} ")?;
            width = digits + 2;
        }
        write!(f, "{:1$}", "", self.indent - width)?;
        let suffix = needed_suffix(self.function, inst, |definition| self.written[definition]);
        write_inst(f, self.function, inst, suffix)?;
        write_constants(f, self.function, inst)?;
        f.write_str("\n")?;
        self.written[inst] = true;
        for result in self.function.dfg.inst_results(inst) {
            self.write_aliases(f, result)?;
        }
        Ok(())
    }

    /// Writes the aliases of `original`, with those of the aliases, in the order of their numbers. All are written as names of
    /// `original`, as they are read; each once, also if they form a cycle.
    fn write_aliases(&mut self, f: &mut fmt::Formatter<'_>, original: Value) -> fmt::Result {
        let mut aliases = Vec::new();
        let mut next = self.first_alias[original].take();
        let mut followed = 0;
        loop {
            while let Some(alias) = next {
                aliases.push(alias);
                next = self.next_alias[alias];
            }
            let Some(&alias) = aliases.get(followed) else {
                break;
            };
            next = self.first_alias[alias].take();
            followed += 1;
        }
        aliases.sort_unstable();
        for alias in aliases {
            writeln!(f, "{:1$}{alias} -> {original}", "", self.indent)?;
        }
        Ok(())
    }
}

/// The type suffix that the reader needs for `inst`. `is_written` says whether an instruction of the same block stands before.
fn needed_suffix(
    function: &Function,
    inst: Inst,
    is_written: impl FnOnce(Inst) -> bool,
) -> Option<Type> {
    let dfg = &function.dfg;
    let opcode = dfg.inst(inst).opcode();
    let controlling = dfg.controlling_type(inst)?;
    let ControllingType::Operand(index, _) = opcode.controlling_type() else {
        return Some(controlling);
    };
    // Where operand and result disagree, as the verifier will say, the result has the type that was stated.
    if opcode.result(0) == Some(OperandType::Same)
        && let Some(result) = dfg.inst_results(inst).next()
        && dfg.value_type(result) != controlling
    {
        return Some(dfg.value_type(result));
    }
    let operand = dfg.inst_args(inst).nth(usize::from(index))?;
    let block = function.layout.inst_block(inst);
    let is_inferred = match dfg.value_def(operand) {
        ValueDef::Param(definition, _) => block == Some(definition),
        ValueDef::Result(definition, _) => {
            block == function.layout.inst_block(definition) && is_written(definition)
        }
    };
    (!is_inferred).then_some(controlling)
}

/// Writes results, opcode and operands.
fn write_inst(
    f: &mut fmt::Formatter<'_>,
    function: &Function,
    inst: Inst,
    suffix: Option<Type>,
) -> fmt::Result {
    let dfg = &function.dfg;
    write_list(f, dfg.inst_results(inst))?;
    if dfg.has_results(inst) {
        f.write_str(" = ")?;
    }
    write!(f, "{}", dfg.inst(inst).opcode())?;
    if let Some(ty) = suffix {
        write!(f, ".{ty}")?;
    }
    write_operands(f, function, dfg.inst(inst))
}

/// Writes the operands with a space before them.
fn write_operands(
    f: &mut fmt::Formatter<'_>,
    function: &Function,
    data: &InstructionData,
) -> fmt::Result {
    use InstructionData::*;
    let pool = &function.dfg.value_lists;
    match *data {
        NullAry { .. } => Ok(()),
        Unary { arg, .. } => write!(f, " {arg}"),
        UnaryImm { imm, .. } => write!(f, " {imm}"),
        UnaryGlobalValue { global_value, .. } => write!(f, " {global_value}"),
        Binary { args: [a, b], .. } => write!(f, " {a}, {b}"),
        Ternary {
            args: [a, b, c], ..
        } => write!(f, " {a}, {b}, {c}"),
        MultiAry { args, .. } => {
            if !args.is_empty() {
                f.write_str(" ")?;
            }
            write_list(f, args.iter(pool))
        }
        IntCompare {
            cond, args: [a, b], ..
        } => write!(f, " {cond} {a}, {b}"),
        Jump { .. } | Brif { .. } | BranchTable { .. } => write_branch(f, function, data),
        Call { func_ref, args, .. } => {
            write!(f, " {func_ref}(")?;
            write_list(f, args.iter(pool))?;
            f.write_str(")")
        }
        CallIndirect { sig_ref, args, .. } => {
            let mut values = args.iter(pool);
            write!(f, " {sig_ref}, ")?;
            write_list(f, values.next().into_iter())?;
            f.write_str("(")?;
            write_list(f, values)?;
            f.write_str(")")
        }
        FuncAddr { func_ref, .. } => write!(f, " {func_ref}"),
        StackAddr {
            stack_slot, offset, ..
        } => write!(f, " {stack_slot}{offset}"),
        Load {
            flags, arg, offset, ..
        } => write!(f, "{flags} {arg}{offset}"),
        LoadNoOffset { flags, arg, .. } => write!(f, "{flags} {arg}"),
        Store {
            flags,
            args: [value, address],
            offset,
            ..
        } => {
            write!(f, "{flags} {value}, {address}{offset}")
        }
        StoreNoOffset {
            flags,
            args: [value, address],
            ..
        } => {
            write!(f, "{flags} {value}, {address}")
        }
        AtomicRmw {
            op,
            flags,
            args: [address, operand],
            ..
        } => {
            write!(f, "{flags} {op} {address}, {operand}")
        }
        AtomicCas {
            flags,
            args: [address, expected, replacement],
            ..
        } => {
            write!(f, "{flags} {address}, {expected}, {replacement}")
        }
        Trap { code, .. } => write!(f, " {code}"),
        CondTrap { arg, code, .. } => write!(f, " {arg}, {code}"),
        IntAddTrap {
            args: [a, b], code, ..
        } => write!(f, " {a}, {b}, {code}"),
    }
}

fn write_branch(
    f: &mut fmt::Formatter<'_>,
    function: &Function,
    data: &InstructionData,
) -> fmt::Result {
    let branches = data.branch_destinations(&function.dfg.jump_tables);
    let is_table = matches!(data, InstructionData::BranchTable { .. });
    for operand in data.arguments(&function.dfg.value_lists) {
        write!(f, " {operand},")?;
    }
    for (index, &branch) in branches.iter().enumerate() {
        f.write_str(match index {
            0 => " ",
            1 if is_table => ", [",
            _ => ", ",
        })?;
        write_block_call(f, function, branch)?;
    }
    if is_table {
        f.write_str(if branches.len() > 1 { "]" } else { ", []" })?;
    }
    Ok(())
}

fn write_block_call(
    f: &mut fmt::Formatter<'_>,
    function: &Function,
    call: BlockCall,
) -> fmt::Result {
    let pool = &function.dfg.value_lists;
    write!(f, "{}", call.block(pool))?;
    if call.num_args(pool) > 0 {
        f.write_str("(")?;
        write_list(f, call.args(pool))?;
        f.write_str(")")?;
    }
    Ok(())
}

fn write_list(f: &mut fmt::Formatter<'_>, values: impl Iterator<Item = Value>) -> fmt::Result {
    for (index, value) in values.enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}{value}")?;
    }
    Ok(())
}

/// Writes a comment with the operands that are constants.
fn write_constants(f: &mut fmt::Formatter<'_>, function: &Function, inst: Inst) -> fmt::Result {
    let mut separator = "  ; ";
    for value in function.dfg.inst_values(inst) {
        let Some(definition) = function.dfg.value_inst(value) else {
            continue;
        };
        if let InstructionData::UnaryImm { imm, .. } = function.dfg.inst(definition) {
            write!(f, "{separator}{value} = {imm}")?;
            separator = ", ";
        }
    }
    Ok(())
}

impl ExtFuncData {
    /// Whether this is not a declaration, but fills a gap in the numbers of a text: a function has a name.
    fn is_gap(&self) -> bool {
        self.name.is_empty()
    }
}

impl GlobalValueData {
    /// Whether this is not a declaration, but fills a gap in the numbers of a text: a symbol has a name.
    fn is_gap(&self) -> bool {
        matches!(self, Self::Symbol { name, .. } if name.is_empty())
    }
}

impl fmt::Display for ExtFuncData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colocated = if self.colocated { "colocated " } else { "" };
        write!(f, "{colocated}{} {}", self.name, self.signature)
    }
}

impl fmt::Display for GlobalValueData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VMContext => f.write_str("vmctx"),
            Self::Load {
                base,
                offset,
                global_type,
                flags,
            } => write!(f, "load.{global_type}{flags} {base}{offset}"),
            Self::IAddImm {
                base,
                offset,
                global_type,
            } => write!(f, "iadd_imm.{global_type} {base}, {offset}"),
            Self::Symbol {
                name,
                offset,
                colocated,
            } => {
                let colocated = if *colocated { "colocated " } else { "" };
                write!(f, "symbol {colocated}{name}")?;
                match offset.bits() {
                    0 => Ok(()),
                    bits if bits > 0 => write!(f, "+{offset}"),
                    _ => write!(f, "{offset}"),
                }
            }
        }
    }
}
