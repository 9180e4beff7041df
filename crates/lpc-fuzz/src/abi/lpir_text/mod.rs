//! The functions of cases in LPIR.
//!
//! They have the structure of those in [`c_text`](super::c_text). The calling convention is the business of the compiler,
//! except for structures: a structure by value is one or two integers or the address of a copy, a returned one of more than
//! two words is written to the address in a parameter with the flag `sret`.

mod signature;
mod values;

use super::case::{CallMode, Case, Extension, Function, Int, Language, Source, Type, Width};
use super::trace::{Record, Site, TraceLayout};
use signature::{View, int_type, lpir_types, signature};
use std::fmt::Write;

/// The LPIR functions of `cases`, as one module.
pub fn lpir_text(cases: &[Case]) -> String {
    let mut text = String::new();
    for case in cases {
        if case.data_language == Language::Lpir {
            text.push_str(&data(case));
        }
        for (index, function) in case.functions.iter().enumerate() {
            if function.language == Language::Lpir {
                text.push_str(&FunctionWriter::new(case, function).write(index));
            }
        }
    }
    text
}

/// The values of a case and the pointers to its functions, as data of the module.
fn data(case: &Case) -> String {
    let values: Vec<_> = case
        .values
        .iter()
        .map(|value| format!("{value:#x}"))
        .collect();
    let (symbol, values) = (case.values_symbol(), values.join(", "));
    let mut text = format!("; data: %{symbol} readonly align 4 = {{ i32 [{values}] }}\n");
    for index in 0..case.functions.len() {
        let (pointer, called) = (case.pointer_symbol(index), case.called_symbol(index));
        text.push_str(&format!(
            "; data: %{pointer} readonly align 4 = {{ %{called} }}\n"
        ));
    }
    text
}

/// A value of LPIR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Value(u32);

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// Writes one function.
struct FunctionWriter<'a> {
    case: &'a Case,
    function: &'a Function,
    declarations: String,
    body: String,
    values: u32,
    slots: u32,
    /// The values of each parameter.
    params: Vec<Vec<Value>>,
    struct_return: Option<Value>,
    /// The block of the trace.
    trace: Value,
    /// The fuel at entry.
    round: Value,
    /// The address of the values in memory.
    memory: Value,
    /// For each call the values of each result, or the address of the structure that it has returned.
    call_results: Vec<Vec<Vec<Value>>>,
    /// For each call the addresses of the arguments that are structures in memory.
    arg_addresses: Vec<Vec<Option<Value>>>,
    live: Vec<Value>,
}

impl<'a> FunctionWriter<'a> {
    fn new(case: &'a Case, function: &'a Function) -> Self {
        let unset = Value(u32::MAX);
        Self {
            case,
            function,
            declarations: String::new(),
            body: String::new(),
            values: 0,
            slots: 0,
            params: Vec::new(),
            struct_return: None,
            trace: unset,
            round: unset,
            memory: unset,
            call_results: Vec::new(),
            arg_addresses: Vec::new(),
            live: Vec::new(),
        }
    }

    fn write(mut self, index: usize) -> String {
        let layout = TraceLayout::new(self.function, &self.case.callees(self.function));
        let entry = self.entry_params();
        self.prologue(&layout);
        self.records(&layout.entry);
        self.make_live();
        for (index, records) in layout.after_call.iter().enumerate() {
            self.call(index, records);
        }
        if !self.function.never_returns_by_itself() {
            self.records(&layout.exit);
            self.change_structs();
            self.return_results();
        }
        let name = self.case.symbol(index);
        let signature = signature(self.function, View::Callee);
        let Self {
            declarations, body, ..
        } = self;
        format!("function %{name}{signature} {{\n{declarations}\nblock0{entry}:\n{body}}}\n\n")
    }

    // Text.

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        writeln!(self.body, "    {text}").expect("strings take every text");
    }

    fn declare(&mut self, text: std::fmt::Arguments<'_>) {
        writeln!(self.declarations, "    {text}").expect("strings take every text");
    }

    fn value(&mut self) -> Value {
        self.values += 1;
        Value(self.values - 1)
    }

    /// An instruction with one result.
    fn inst(&mut self, text: std::fmt::Arguments<'_>) -> Value {
        let value = self.value();
        self.line(format_args!("{value} = {text}"));
        value
    }

    fn slot(&mut self, size: u32, alignment: u32) -> Value {
        let slot = self.slots;
        self.slots += 1;
        self.declare(format_args!(
            "ss{slot} = explicit_slot {size}, align = {alignment}"
        ));
        self.inst(format_args!("stack_addr.i32 ss{slot}"))
    }

    fn symbol(&mut self, index: u32, name: &str) -> Value {
        self.declare(format_args!("gv{index} = symbol %{name}"));
        self.inst(format_args!("symbol_value.i32 gv{index}"))
    }

    fn iconst(&mut self, width: Width, value: u128) -> Value {
        let bits = value & width.mask();
        if width == Width::W128 {
            let low = self.iconst(Width::W64, bits);
            let high = self.iconst(Width::W64, bits >> 64);
            return self.inst(format_args!("iconcat {low}, {high}"));
        }
        self.inst(format_args!("iconst.{} {bits:#x}", int_type(width)))
    }

    // The parts of the function.

    /// The parameters of the entry block.
    fn entry_params(&mut self) -> String {
        let mut list = Vec::new();
        if self.function.struct_return().is_some() {
            let value = self.value();
            self.struct_return = Some(value);
            list.push(format!("{value}: i32"));
        }
        for param in &self.function.params {
            let mut values = Vec::new();
            for ty in lpir_types(&param.ty, param.as_word) {
                let value = self.value();
                let ty = ty.split(' ').next().unwrap_or_default();
                list.push(format!("{value}: {ty}"));
                values.push(value);
            }
            self.params.push(values);
        }
        match list.as_slice() {
            [] => String::new(),
            _ => format!("({})", list.join(", ")),
        }
    }

    fn prologue(&mut self, layout: &TraceLayout) {
        let next = self.symbol(0, "trace_next");
        let trace = self.inst(format_args!("load.i32 notrap aligned {next}"));
        self.trace = trace;
        let bytes = self.iconst(Width::W32, u128::from(4 * layout.words));
        let end = self.inst(format_args!("iadd {trace}, {bytes}"));
        self.line(format_args!("store notrap aligned {end}, {next}"));
        let fuel = self.symbol(1, "fuel");
        self.round = self.inst(format_args!("load.i32 notrap aligned {fuel}"));
        let values = self.case.values_symbol();
        self.memory = self.symbol(2, &values);
    }

    fn make_live(&mut self) {
        for live in &self.function.live {
            let value = self.source(live.source, Int::new(live.width));
            let value = match live.slot {
                None => value,
                Some(size) => {
                    let address = self.slot(size, 8);
                    let offset = size - live.width.bytes();
                    self.line(format_args!("store notrap {value}, {address}+{offset}"));
                    address
                }
            };
            self.live.push(value);
        }
    }

    fn call(&mut self, index: usize, records: &[Record]) {
        let call = &self.function.calls[index];
        if call.burns_fuel {
            let round = self.round;
            self.line(format_args!("brif {round}, block1, block2"));
            self.body.push_str("\nblock1:\n");
            let one = self.iconst(Width::W32, 1);
            let less = self.inst(format_args!("isub {round}, {one}"));
            let fuel = self.inst(format_args!("symbol_value.i32 gv1"));
            self.line(format_args!("store notrap aligned {less}, {fuel}"));
        }
        let callee = &self.case.functions[call.callee];
        let mut args = Vec::new();
        let returned = callee.struct_return();
        let returned = returned.map(|layout| self.slot(layout.size(), layout.alignment()));
        args.extend(returned);
        self.arg_addresses.push(Vec::new());
        for (param, sources) in callee.params.iter().zip(&call.args) {
            self.argument(&param.ty, sources, &mut args);
        }
        let results = self.call_inst(index, callee, &args);
        if !call.is_tail {
            self.call_results.push(match returned {
                Some(address) => vec![vec![address]],
                None => results,
            });
            self.records(records);
        }
        if call.burns_fuel {
            if !call.is_tail {
                self.line(format_args!("jump block2"));
            }
            self.body.push_str("\nblock2:\n");
        }
    }

    /// The call itself. Returns the values of its results.
    fn call_inst(&mut self, index: usize, callee: &Function, args: &[Value]) -> Vec<Vec<Value>> {
        let call = &self.function.calls[index];
        let signature = signature(callee, View::Caller);
        self.declare(format_args!("sig{index} = {signature}"));
        let name = self.case.called_symbol(call.callee);
        let target = match call.mode {
            CallMode::Direct | CallMode::AddressOf => {
                self.declare(format_args!("fn{index} = %{name} sig{index}"));
                match call.mode {
                    CallMode::AddressOf => Some(self.inst(format_args!("func_addr.i32 fn{index}"))),
                    _ => None,
                }
            }
            CallMode::Pointer => {
                let pointer = self.symbol(3 + index as u32, &self.case.pointer_symbol(call.callee));
                Some(self.inst(format_args!("load.i32 notrap aligned {pointer}")))
            }
        };
        let args: Vec<_> = args.iter().map(Value::to_string).collect();
        let args = args.join(", ");
        let operation = match (call.is_tail, target) {
            (false, None) => format!("call fn{index}({args})"),
            (false, Some(target)) => format!("call_indirect sig{index}, {target}({args})"),
            (true, None) => format!("return_call fn{index}({args})"),
            (true, Some(target)) => format!("return_call_indirect sig{index}, {target}({args})"),
        };
        let mut results: Vec<Vec<Value>> = Vec::new();
        if !call.is_tail && callee.struct_return().is_none() {
            for result in &callee.results {
                let types = lpir_types(&result.ty, result.as_word);
                results.push(types.iter().map(|_| self.value()).collect());
            }
        }
        let list: Vec<_> = results.iter().flatten().map(Value::to_string).collect();
        match list.as_slice() {
            [] => self.line(format_args!("{operation}")),
            _ => self.line(format_args!("{} = {operation}", list.join(", "))),
        }
        results
    }

    /// Adds the values of an argument to `args`.
    fn argument(&mut self, ty: &Type, sources: &[Source], args: &mut Vec<Value>) {
        let mut address = None;
        match ty {
            Type::Int(int) => args.push(self.produced(sources[0], *int)),
            Type::Struct(layout) if !layout.is_by_reference() => {
                args.extend(self.struct_words(ty, layout, sources));
            }
            Type::Pointer(layout) | Type::Struct(layout) => {
                let slot = self.slot(layout.size(), layout.alignment());
                self.store_fields(layout, sources, slot);
                args.push(slot);
                address = Some(slot);
            }
        }
        let addresses = self.arg_addresses.last_mut();
        addresses.expect("the call was begun").push(address);
    }

    fn change_structs(&mut self) {
        for (index, param) in self.function.params.iter().enumerate() {
            let Some(layout) = param.ty.in_memory() else {
                continue;
            };
            let address = self.params[index][0];
            let fields = layout.fields.iter().zip(layout.offsets());
            for ((width, offset), change) in fields.zip(&param.changes) {
                let ty = int_type(*width);
                let old = self.inst(format_args!("load.{ty} notrap {address}+{offset}"));
                let change = self.iconst(*width, *change);
                let new = self.inst(format_args!("bxor {old}, {change}"));
                self.line(format_args!("store notrap {new}, {address}+{offset}"));
            }
        }
    }

    fn return_results(&mut self) {
        let results = &self.function.results;
        let mut values = Vec::new();
        for result in results {
            match (&result.ty, self.struct_return) {
                (Type::Int(int), _) => values.push(self.produced(result.sources[0], *int)),
                (Type::Struct(layout), Some(address)) => {
                    self.store_fields(layout, &result.sources, address);
                }
                (Type::Struct(layout), None) => {
                    values.extend(self.struct_words(&result.ty, layout, &result.sources));
                }
                (Type::Pointer(_), _) => unreachable!("no function returns an address"),
            }
        }
        let values: Vec<_> = values.iter().map(Value::to_string).collect();
        self.line(format_args!("return {}", values.join(", ")));
    }

    // The trace.

    fn records(&mut self, records: &[Record]) {
        for record in records {
            let (value, is_word) = self.recorded(record);
            let value = match record.int.extension {
                _ if is_word || !record.int.width.is_narrow() => value,
                Extension::Sign => self.inst(format_args!("sextend.i32 {value}")),
                Extension::Zero | Extension::None => self.inst(format_args!("uextend.i32 {value}")),
            };
            let offset = 4 * record.offset;
            let trace = self.trace;
            self.line(format_args!("store notrap {value}, {trace}+{offset}"));
        }
    }

    /// The value that is to be written down, and whether it is a word in the place of a narrow integer.
    fn recorded(&mut self, record: &Record) -> (Value, bool) {
        let function = self.function;
        match record.site {
            Site::Param(scalar) | Site::ParamAfterCall(scalar) => {
                let param = &function.params[scalar.index];
                let values = self.params[scalar.index].clone();
                (
                    self.part(&param.ty, &values, scalar.position()),
                    param.as_word,
                )
            }
            Site::CallResult(call, scalar) => {
                let result = &self.callee(call).results[scalar.index];
                let values = self.call_results[call][scalar.index].clone();
                (
                    self.part(&result.ty, &values, scalar.position()),
                    result.as_word,
                )
            }
            Site::ArgumentAfterCall(call, scalar) => {
                let ty = &self.callee(call).params[scalar.index].ty;
                let address = self.arg_addresses[call][scalar.index];
                let address = address.expect("it is in memory");
                (self.part(ty, &[address], scalar.position()), false)
            }
            Site::Live(index) => {
                let live = &function.live[index];
                let value = self.live[index];
                let value = match live.slot {
                    None => value,
                    Some(size) => {
                        let (ty, offset) = (int_type(live.width), size - live.width.bytes());
                        self.inst(format_args!("load.{ty} notrap {value}+{offset}"))
                    }
                };
                (value, false)
            }
        }
    }
}
