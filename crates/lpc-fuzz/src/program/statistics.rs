//! What occurs in programs.

use super::TestProgram;
use lpc_lpir::ir::{Function, InstructionData, Opcode, Type};
use std::collections::BTreeMap;
use std::fmt;

/// How often which instruction occurs, and how many programs have each of several properties.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    programs: u64,
    instructions: BTreeMap<(&'static str, Option<Type>), u64>,
    properties: BTreeMap<&'static str, u64>,
}

impl Statistics {
    /// Adds a program.
    pub fn add(&mut self, program: &TestProgram) {
        self.programs += 1;
        let mut properties: Vec<&'static str> = Vec::new();
        for (_, function) in program.module.functions() {
            self.add_instructions(function);
            properties.extend(properties_of(function));
        }
        if program.module.len() > 1 {
            properties.push("several functions");
        }
        if program.module.data_objects().next().is_some() {
            properties.push("data");
        }
        properties.sort_unstable();
        properties.dedup();
        for property in properties {
            *self.properties.entry(property).or_default() += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.programs += other.programs;
        for (&key, count) in &other.instructions {
            *self.instructions.entry(key).or_default() += count;
        }
        for (&key, count) in &other.properties {
            *self.properties.entry(key).or_default() += count;
        }
    }

    fn add_instructions(&mut self, function: &Function) {
        for block in function.layout.blocks() {
            for inst in function.layout.block_insts(block) {
                let opcode = function.dfg.inst(inst).opcode();
                let ty = function.dfg.controlling_type(inst);
                *self.instructions.entry((opcode.name(), ty)).or_default() += 1;
            }
        }
    }

    /// How often `opcode` occurs with the controlling type `ty`.
    pub fn count(&self, opcode: Opcode, ty: Option<Type>) -> u64 {
        let count = self.instructions.get(&(opcode.name(), ty));
        count.copied().unwrap_or_default()
    }

    /// How many programs have a property.
    pub fn programs_with(&self, property: &str) -> u64 {
        self.properties.get(property).copied().unwrap_or_default()
    }
}

fn properties_of(function: &Function) -> Vec<&'static str> {
    let mut properties = Vec::new();
    let pool = &function.dfg.value_lists;
    let mut count = 0;
    let mut seen = Vec::new();
    for block in function.layout.blocks() {
        seen.push(block);
        if function.layout.is_cold(block) {
            properties.push("cold block");
        }
        for inst in function.layout.block_insts(block) {
            count += 1;
            match function.dfg.inst(inst) {
                InstructionData::Brif { blocks, .. }
                    if blocks[0].block(pool) == blocks[1].block(pool) =>
                {
                    properties.push("both edges to one block");
                }
                InstructionData::BranchTable { table, .. } => {
                    properties.push(match function.dfg.jump_tables[*table].entries().len() {
                        0 => "table without entries",
                        1..=40 => "table",
                        _ => "long table",
                    });
                }
                InstructionData::Call { func_ref, .. }
                    if function.dfg.ext_funcs[*func_ref].name == function.name =>
                {
                    properties.push("recursion");
                }
                _ => {}
            }
        }
        if function
            .block_successors(block)
            .any(|successor| seen.contains(&successor))
        {
            properties.push("branch backward");
        }
    }
    let slots = function.stack_slots.values().map(|slot| slot.size);
    match slots.sum::<u32>() {
        0 => {}
        1..2_048 => properties.push("stack slots"),
        _ => properties.push("large frame"),
    }
    let words = |params: &[lpc_lpir::ir::AbiParam]| {
        let words = params
            .iter()
            .map(|param| param.value_type.bits().div_ceil(32));
        words.sum::<u32>()
    };
    if words(&function.signature.params) > 8 {
        properties.push("stack arguments");
    }
    if words(&function.signature.returns) > 8 {
        properties.push("results in the return area");
    }
    if count > 1_000 {
        properties.push("more than 1000 instructions");
    }
    properties
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u64 = self.instructions.values().sum();
        writeln!(
            f,
            "{} programs, {} instructions a program",
            self.programs,
            total / self.programs.max(1)
        )?;
        for (property, programs) in &self.properties {
            writeln!(f, "{programs:>8} {property}")?;
        }
        let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((opcode, ty), count) in &self.instructions {
            let cell = match ty {
                Some(ty) => format!("{ty} {count}"),
                None => count.to_string(),
            };
            rows.entry(opcode).or_default().push(cell);
        }
        for (opcode, cells) in rows {
            writeln!(f, "{opcode:>22}: {}", cells.join(", "))?;
        }
        Ok(())
    }
}
