//! Functions as LLVM IR, for [`llc`](super::llc).
//!
//! What becomes of an instruction is what a front end of LLVM writes for it. Constants are operands there, block parameters are phis,
//! addresses are pointers, and a comparison has one bit:
//!
//! ```text
//!     block1(v4: i32):                        block1:
//!                                               %v4 = phi i32 [ %v1, %block0 ], [ %v6, %block1 ]
//!         v5 = iconst.i32 -1
//!         v6 = iadd v4, v5                      %v6 = add i32 %v4, -1
//!         brif v6, block1(v6), block2           %t0 = icmp ne i32 %v6, 0
//!                                               br i1 %t0, label %block1, label %block2
//! ```
//!
//! Functions are `nounwind`, so that nothing is written for unwinding.
//!
//! Only what [generated functions](super::generate) consist of is translated. Everything else is refused.

use crate::{Error, Result};
use lpc_lpir::ir::{
    Block, ExternalName, FuncRef, Function, Inst, InstructionData, MemFlags, Offset32, Opcode,
    Signature, Type, Value,
};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

/// A module with `copies` of each of `functions`, every one under a name of its own.
///
/// # Errors
/// When a function has something that is not translated.
pub(super) fn module<'f>(
    functions: impl Iterator<Item = &'f Function>,
    copies: usize,
) -> Result<String> {
    let mut text = String::new();
    let mut declarations = BTreeSet::new();
    for (number, func) in functions.enumerate() {
        for (_, callee) in func.dfg.ext_funcs.iter() {
            let signature = &func.dfg.signatures[callee.signature];
            let params: Vec<_> = signature
                .params
                .iter()
                .map(|param| param.value_type)
                .collect();
            let (result, name) = (result_type(signature)?, symbol(&callee.name)?);
            declarations.insert(format!("declare {result} @{name}({})", list(&params)));
        }
        for copy in 0..copies {
            Translation::new(func).function(&format!("f{number}_{copy}"), &mut text)?;
        }
    }
    for declaration in declarations {
        line(&mut text, &declaration);
    }
    Ok(text)
}

/// The translation of one function.
struct Translation<'f> {
    func: &'f Function,
    /// The branches to each block: from where, with what.
    branches: HashMap<Block, Vec<(Block, Vec<Value>)>>,
    /// The instructions of LLVM that compute something which has no name in the function.
    num_temporaries: usize,
}

impl<'f> Translation<'f> {
    fn new(func: &'f Function) -> Self {
        let mut branches: HashMap<_, Vec<_>> = HashMap::new();
        let pool = &func.dfg.value_lists;
        for block in func.layout.blocks() {
            let last = func.layout.last_inst(block);
            let calls = last.map_or(&[][..], |last| func.dfg.branch_destinations(last));
            for call in calls {
                let branch = (block, call.args(pool).collect());
                branches.entry(call.block(pool)).or_default().push(branch);
            }
        }
        Self {
            func,
            branches,
            num_temporaries: 0,
        }
    }

    /// Writes the function, with the name `name`.
    fn function(mut self, name: &str, text: &mut String) -> Result<()> {
        let func = self.func;
        let entry = func.entry_block();
        let params = entry
            .into_iter()
            .flat_map(|entry| func.dfg.block_params(entry));
        let params: Vec<_> = params
            .map(|param| format!("{} %{param}", func.dfg.value_type(param)))
            .collect();
        let result = result_type(&func.signature)?;
        line(
            text,
            &format!("define {result} @{name}({}) nounwind {{", list(&params)),
        );
        for block in func.layout.blocks() {
            line(text, &format!("{block}:"));
            if entry != Some(block) {
                self.phis(block, text)?;
            }
            for inst in func.layout.block_insts(block) {
                self.inst(inst, text)?;
            }
        }
        line(text, "}");
        Ok(())
    }

    fn phis(&self, block: Block, text: &mut String) -> Result<()> {
        let branches = self.branches.get(&block).map_or(&[][..], Vec::as_slice);
        for (index, param) in self.func.dfg.block_params(block).enumerate() {
            let values = branches
                .iter()
                .map(|(from, args)| Ok(format!("[ {}, %{from} ]", self.operand(args[index])?)));
            let values: Vec<_> = values.collect::<Result<_>>()?;
            let ty = self.func.dfg.value_type(param);
            line(text, &format!("  %{param} = phi {ty} {}", list(&values)));
        }
        Ok(())
    }

    fn inst(&mut self, inst: Inst, text: &mut String) -> Result<()> {
        let dfg = &self.func.dfg;
        let pool = &dfg.value_lists;
        match *dfg.inst(inst) {
            InstructionData::UnaryImm {
                opcode: Opcode::Iconst,
                ..
            } => {}
            InstructionData::Binary { opcode, args } => {
                let operator = self.operator(opcode, args)?;
                self.define(inst, &format!("{operator} {}", self.operands(args)?), text);
            }
            InstructionData::IntCompare { cond, args, .. } => {
                self.define(inst, &format!("icmp {cond} {}", self.operands(args)?), text);
            }
            InstructionData::Ternary {
                opcode: Opcode::Select,
                args: [condition, one, other],
            } => {
                let condition = self.condition(condition, text)?;
                let [one, other] = [self.typed_operand(one)?, self.typed_operand(other)?];
                self.define(
                    inst,
                    &format!("select i1 {condition}, {one}, {other}"),
                    text,
                );
            }
            InstructionData::Load {
                opcode: Opcode::Load,
                flags,
                arg,
                offset,
            } => {
                let ty = dfg.value_type(dfg.first_result(inst));
                let pointer = self.pointer(flags, arg, offset, text)?;
                self.define(
                    inst,
                    &format!("load {ty}, {pointer}, align {}", ty.bytes()),
                    text,
                );
            }
            InstructionData::Store {
                opcode: Opcode::Store,
                flags,
                args: [value, address],
                offset,
            } => {
                let align = dfg.value_type(value).bytes();
                let value = self.typed_operand(value)?;
                let pointer = self.pointer(flags, address, offset, text)?;
                line(text, &format!("  store {value}, {pointer}, align {align}"));
            }
            InstructionData::Call {
                opcode: Opcode::Call,
                func_ref,
                ..
            } => self.call(inst, func_ref, text)?,
            InstructionData::Jump { destination, .. } => {
                line(text, &format!("  br label %{}", destination.block(pool)));
            }
            InstructionData::Brif { arg, blocks, .. } => {
                let condition = self.condition(arg, text)?;
                let [then, otherwise] = blocks.map(|call| call.block(pool));
                if then == otherwise {
                    return Err(refusal("a branch with one destination"));
                }
                let labels = format!("label %{then}, label %{otherwise}");
                line(text, &format!("  br i1 {condition}, {labels}"));
            }
            InstructionData::MultiAry {
                opcode: Opcode::Return,
                ..
            } => match dfg.inst_args(inst).next() {
                Some(value) => line(text, &format!("  ret {}", self.typed_operand(value)?)),
                None => line(text, "  ret void"),
            },
            ref other => return Err(refusal(other.opcode())),
        }
        Ok(())
    }

    fn call(&self, inst: Inst, func_ref: FuncRef, text: &mut String) -> Result<()> {
        let dfg = &self.func.dfg;
        let callee = &dfg.ext_funcs[func_ref];
        let args = dfg.inst_args(inst).map(|arg| self.typed_operand(arg));
        let args: Vec<_> = args.collect::<Result<_>>()?;
        let result = result_type(&dfg.signatures[callee.signature])?;
        let call = format!("call {result} @{}({})", symbol(&callee.name)?, list(&args));
        match dfg.has_results(inst) {
            true => self.define(inst, &call, text),
            false => line(text, &format!("  {call}")),
        }
        Ok(())
    }

    /// LLVM's instruction for `opcode`. Its shifts have no result for an amount that is not below the number of bits.
    fn operator(&self, opcode: Opcode, [value, amount]: [Value; 2]) -> Result<&'static str> {
        let operator = match opcode {
            Opcode::Iadd => "add",
            Opcode::Isub => "sub",
            Opcode::Imul => "mul",
            Opcode::Band => "and",
            Opcode::Bor => "or",
            Opcode::Bxor => "xor",
            Opcode::Ishl => "shl",
            Opcode::Ushr => "lshr",
            Opcode::Sshr => "ashr",
            _ => return Err(refusal(opcode)),
        };
        let is_shift = matches!(opcode, Opcode::Ishl | Opcode::Ushr | Opcode::Sshr);
        let bits = i64::from(self.func.dfg.value_type(value).bits());
        let is_in_range = |amount| (0..bits).contains(&amount);
        if is_shift && !self.constant(amount).is_some_and(is_in_range) {
            return Err(refusal("a shift by an amount that is not known"));
        }
        Ok(operator)
    }

    /// The number that `value` always is.
    fn constant(&self, value: Value) -> Option<i64> {
        match *self.func.dfg.inst(self.func.dfg.value_inst(value)?) {
            InstructionData::UnaryImm {
                opcode: Opcode::Iconst,
                imm,
            } => Some(imm.bits()),
            _ => None,
        }
    }

    /// Whether `value` is the result of a comparison, which has one bit in LLVM IR.
    fn is_comparison(&self, value: Value) -> bool {
        let inst = self.func.dfg.value_inst(value);
        inst.is_some_and(|inst| {
            matches!(self.func.dfg.inst(inst), InstructionData::IntCompare { .. })
        })
    }

    /// `value` as an operand that is a number.
    fn operand(&self, value: Value) -> Result<String> {
        if self.is_comparison(value) {
            return Err(refusal("a comparison that is used as a number"));
        }
        Ok(match self.constant(value) {
            Some(number) => number.to_string(),
            None => format!("%{}", self.func.dfg.resolve_aliases(value)),
        })
    }

    fn typed_operand(&self, value: Value) -> Result<String> {
        let ty = self.func.dfg.value_type(value);
        Ok(format!("{ty} {}", self.operand(value)?))
    }

    /// Two operands of the same type.
    fn operands(&self, [one, other]: [Value; 2]) -> Result<String> {
        Ok(format!(
            "{}, {}",
            self.typed_operand(one)?,
            self.operand(other)?
        ))
    }

    /// Whether `value` is not zero, in one bit.
    fn condition(&mut self, value: Value, text: &mut String) -> Result<String> {
        if self.is_comparison(value) {
            return Ok(format!("%{}", self.func.dfg.resolve_aliases(value)));
        }
        let value = self.typed_operand(value)?;
        Ok(self.temporary(&format!("icmp ne {value}, 0"), text))
    }

    /// The pointer to what is accessed.
    fn pointer(
        &mut self,
        flags: MemFlags,
        address: Value,
        offset: Offset32,
        text: &mut String,
    ) -> Result<String> {
        if flags != MemFlags::trusted() {
            return Err(refusal("an access that is not `notrap aligned`"));
        }
        let address = self.typed_operand(address)?;
        let mut pointer = self.temporary(&format!("inttoptr {address} to ptr"), text);
        let offset = offset.bytes();
        if offset != 0 {
            let element = format!(
                "getelementptr i8, ptr {pointer}, {} {offset}",
                Type::POINTER
            );
            pointer = self.temporary(&element, text);
        }
        Ok(format!("ptr {pointer}"))
    }

    /// Writes an instruction whose result is that of `inst`.
    fn define(&self, inst: Inst, right: &str, text: &mut String) {
        let result = self.func.dfg.first_result(inst);
        line(text, &format!("  %{result} = {right}"));
    }

    /// Writes an instruction whose result gets a new name.
    fn temporary(&mut self, right: &str, text: &mut String) -> String {
        let name = format!("%t{}", self.num_temporaries);
        self.num_temporaries += 1;
        line(text, &format!("  {name} = {right}"));
        name
    }
}

fn result_type(signature: &Signature) -> Result<String> {
    match signature.returns[..] {
        [] => Ok("void".into()),
        [ref result] => Ok(result.value_type.to_string()),
        _ => Err(refusal("a function with several results")),
    }
}

fn symbol(name: &ExternalName) -> Result<&str> {
    match name {
        ExternalName::Symbol(name) => Ok(name),
        ExternalName::User { .. } => Err(refusal("a name without text")),
    }
}

fn refusal(what: impl std::fmt::Display) -> Error {
    Error::Other(format!("{what} has no translation to LLVM IR"))
}

/// `items` with commas between them.
fn list(items: &[impl ToString]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::module;
    use lpc_lpir::text::parse_functions;

    fn translated(text: &str, copies: usize) -> Result<String, String> {
        let functions = parse_functions(text).unwrap();
        module(functions.iter(), copies).map_err(|error| error.to_string())
    }

    #[test]
    fn all_kinds_of_instructions() {
        let text = "\
function %f(i32, i64, i32) -> i32 {
    fn0 = %g(i32, i64) -> i32

block0(v0: i32, v1: i64, v2: i32):
    v3 = iconst.i32 5
    v4 = ushr v2, v3
    v5 = icmp ult v4, v2
    brif v5, block1(v3, v4), block2

block1(v6: i32, v7: i32):
    v8 = load.i64 notrap aligned v0
    store notrap aligned v8, v0+16
    v9 = iconst.i32 -1
    v10 = iadd v6, v9
    brif v10, block1(v10, v7), block2

block2:
    v11 = call fn0(v2, v1)
    v12 = icmp slt v1, v1
    v13 = select v12, v11, v2
    return v13
}
";
        let function = |name| {
            format!(
                "\
define i32 @{name}(i32 %v0, i64 %v1, i32 %v2) nounwind {{
block0:
  %v4 = lshr i32 %v2, 5
  %v5 = icmp ult i32 %v4, %v2
  br i1 %v5, label %block1, label %block2
block1:
  %v6 = phi i32 [ 5, %block0 ], [ %v10, %block1 ]
  %v7 = phi i32 [ %v4, %block0 ], [ %v7, %block1 ]
  %t0 = inttoptr i32 %v0 to ptr
  %v8 = load i64, ptr %t0, align 8
  %t1 = inttoptr i32 %v0 to ptr
  %t2 = getelementptr i8, ptr %t1, i32 16
  store i64 %v8, ptr %t2, align 8
  %v10 = add i32 %v6, -1
  %t3 = icmp ne i32 %v10, 0
  br i1 %t3, label %block1, label %block2
block2:
  %v11 = call i32 @g(i32 %v2, i64 %v1)
  %v12 = icmp slt i64 %v1, %v1
  %v13 = select i1 %v12, i32 %v11, i32 %v2
  ret i32 %v13
}}
"
            )
        };
        let copies = [function("f0_0"), function("f0_1")].concat();
        let expected = copies + "declare i32 @g(i32, i64)\n";
        assert_eq!(translated(text, 2), Ok(expected));
    }

    #[test]
    fn what_is_not_translated_is_refused() {
        let refused = |inst: &str| {
            let text = format!(
                "function %f(i32, i32) -> i32 {{\nblock0(v0: i32, v1: i32):\n    {inst}\n    return v2\n}}\n"
            );
            translated(&text, 1).unwrap_err()
        };
        for (inst, what) in [
            ("v2 = clz v0", "clz"),
            ("v2 = udiv v0, v1", "udiv"),
            ("v2 = ishl v0, v1", "a shift by an amount that is not known"),
            ("v2 = load.i32 v0", "an access that is not `notrap aligned`"),
        ] {
            assert_eq!(
                refused(inst),
                format!("{what} has no translation to LLVM IR")
            );
        }
    }
}
