//! The functions of cases in C.
//!
//! ```c
//! u32 f7_2(u32 p0, struct f7_2_p1 *p1) {
//!     u32 *t = trace_next; trace_next = t + 5; u32 round = fuel;
//!     t[0] = (u32)p0; …                            what it receives
//!     u16 l0 = …;                                  values that it holds
//!     u8 r0 = f7_3((short)(…), …);                 its calls
//!     t[3] = (u32)r; …                             what came back, and what it still has
//!     p1->f0 ^= …; return …;
//! }
//! ```
//!
//! Wherever C has the type, the text uses it and leaves the rest to the compiler. What C does not have is spelled out in
//! words by means of [`Places`].

mod expression;
mod prototype;

use super::case::{Base, CallMode, Case, Function, Int, Language, Source, Struct, Type, Width};
use super::convention::{Place, Places};
use super::faults::Fault;
use super::trace::{Record, Site, TraceLayout};
use expression::{Expression, GARBAGE, constant, passed, received, unsigned};
use prototype::{CParam, Prototype, Role, View, produced};
use std::fmt::Write;

/// What is declared before all functions.
const PRELUDE: &str = "\
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
extern u32 *trace_next;
extern u32 fuel;
";

/// The C functions of `cases`, as one file.
pub fn c_text(cases: &[Case], fault: Option<Fault>) -> String {
    let mut text = PRELUDE.to_owned();
    for case in cases {
        let symbol = case.values_symbol();
        line(&mut text, format_args!("extern const u32 {symbol}[];"));
        for index in 0..case.functions.len() {
            declare(&mut text, case, index, fault);
        }
        for (index, function) in case.functions.iter().enumerate() {
            if function.language == Language::C {
                FunctionWriter::new(case, index, fault, &mut text).write();
            }
        }
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("strings take every text");
}

/// Declares the structures of a function, and the names that C functions call it by.
fn declare(text: &mut String, case: &Case, index: usize, fault: Option<Fault>) {
    let function = &case.functions[index];
    let name = case.symbol(index);
    let is_called = case
        .callers(index)
        .any(|caller| caller.language == Language::C);
    if !is_called && function.language != Language::C {
        return;
    }
    for (param, data) in function.params.iter().enumerate() {
        if let Type::Pointer(layout) | Type::Struct(layout) = &data.ty {
            declare_struct(text, &format!("{name}_p{param}"), layout);
        }
    }
    if let Some(layout) = function.returned_struct() {
        declare_struct(text, &format!("{name}_r"), layout);
    }
    if is_called {
        let prototype = Prototype::new(case, index, View::Caller, fault);
        let declaration = prototype.declaration(&case.called_symbol(index));
        line(text, format_args!("{declaration};"));
        let pointer = case.pointer_symbol(index);
        line(text, format_args!("extern void (*const {pointer})(void);"));
    }
}

fn declare_struct(text: &mut String, name: &str, layout: &Struct) {
    let members = layout.fields.iter().enumerate();
    let members: String = members
        .map(|(index, width)| format!(" {} f{index};", unsigned(*width)))
        .collect();
    line(text, format_args!("struct {name} {{{members} }};"));
}

/// Writes one function.
struct FunctionWriter<'a> {
    case: &'a Case,
    index: usize,
    function: &'a Function,
    fault: Option<Fault>,
    prototype: Prototype,
    text: &'a mut String,
}

impl<'a> FunctionWriter<'a> {
    fn new(case: &'a Case, index: usize, fault: Option<Fault>, text: &'a mut String) -> Self {
        Self {
            case,
            index,
            function: &case.functions[index],
            fault,
            prototype: Prototype::new(case, index, View::Callee, fault),
            text,
        }
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        line(self.text, text);
    }

    fn write(mut self) {
        let layout = TraceLayout::new(self.function, &self.case.callees(self.function));
        let declaration = self.prototype.declaration(&self.case.symbol(self.index));
        self.line(format_args!("__attribute__((noinline)) {declaration} {{"));
        self.line(format_args!(
            "u32 *t = trace_next; trace_next = t + {}; u32 round = fuel;",
            layout.words
        ));
        self.records(&layout.entry);
        for (index, live) in self.function.live.iter().enumerate() {
            let ty = unsigned(live.width);
            let value = self.source(live.source, Int::new(live.width));
            for (half, text) in value.halves.iter().enumerate() {
                self.line(format_args!("{ty} l{index}_{half} = {text};"));
            }
        }
        self.clobber_register();
        for (index, records) in layout.after_call.iter().enumerate() {
            self.call(index, records);
        }
        self.records(&layout.exit);
        self.change_structs();
        self.return_results();
        self.line(format_args!("}}"));
    }

    /// Breaks a register that belongs to the caller, if that is asked for.
    fn clobber_register(&mut self) {
        if self.fault == Some(Fault::ClobberedRegister) && self.index > 0 {
            self.line(format_args!("__asm__ volatile(\"li s5, 0x123\");"));
        }
    }

    fn call(&mut self, index: usize, records: &[Record]) {
        let call = &self.function.calls[index];
        if call.burns_fuel {
            self.line(format_args!("if (round) {{ fuel = round - 1;"));
        }
        let callee = &self.case.functions[call.callee];
        let prototype = Prototype::new(self.case, call.callee, View::Caller, self.fault);
        let area = Places::of_results(callee).memory;
        if area > 0 {
            self.line(format_args!("u32 rest{index}[{}];", area / 4));
        }
        let name = self.case.symbol(call.callee);
        for (param, data) in callee.params.iter().enumerate() {
            if data.ty.int().is_none() {
                let fields = self.initializers(&data.ty, &call.args[param]);
                self.line(format_args!(
                    "struct {name}_p{param} a{index}_{param} = {{ {fields} }};"
                ));
            }
        }
        let args = prototype.params.iter();
        let args: Vec<_> = args.map(|param| self.argument(index, param)).collect();
        let args = args.join(", ");
        let target = self.target(index, &prototype);
        match prototype.result.as_str() {
            "void" => self.line(format_args!("{target}({args});")),
            result => self.line(format_args!("{result} r{index} = {target}({args});")),
        }
        self.records(records);
        if call.burns_fuel {
            self.line(format_args!("}}"));
        }
    }

    /// The expression that is called.
    fn target(&mut self, index: usize, prototype: &Prototype) -> String {
        let call = &self.function.calls[index];
        let symbol = self.case.called_symbol(call.callee);
        let (result, params) = (&prototype.result, prototype.param_list());
        match call.mode {
            CallMode::Direct => symbol,
            CallMode::AddressOf => {
                self.line(format_args!(
                    "{result} (*volatile target{index}){params} = {symbol};"
                ));
                format!("target{index}")
            }
            CallMode::Pointer => {
                let pointer = self.case.pointer_symbol(call.callee);
                format!("(({result} (*){params}){pointer})")
            }
        }
    }

    /// The expression of an argument of the call `index`, for the parameter `param` of C.
    fn argument(&self, index: usize, param: &CParam) -> String {
        let call = &self.function.calls[index];
        let callee = &self.case.functions[call.callee];
        let scalar = |param: usize, int: Int| self.source(call.args[param][0], int);
        match param.role {
            Role::ReturnArea => format!("rest{index}"),
            Role::Padding => format!("{GARBAGE:#x}u"),
            Role::Whole(param) => match &callee.params[param].ty {
                Type::Int(int) => passed(*int, &scalar(param, *int)),
                Type::Pointer(_) => format!("&a{index}_{param}"),
                Type::Struct(_) => format!("a{index}_{param}"),
            },
            Role::Part { param, low, bits } => {
                let value = scalar(param, Int::new(Width::W128));
                let half = &value.halves[low as usize / 64];
                format!("(u{bits})(({half}) >> {})", low % 64)
            }
        }
    }

    fn change_structs(&mut self) {
        for (index, param) in self.function.params.iter().enumerate() {
            let access = match &param.ty {
                Type::Int(_) => continue,
                Type::Pointer(_) => "->",
                Type::Struct(_) => ".",
            };
            for (field, change) in param.changes.iter().enumerate() {
                let change = constant(*change as u64);
                self.line(format_args!("p{index}{access}f{field} ^= {change};"));
                if let Type::Struct(_) = param.ty {
                    // The compiler cannot know that nobody looks at it.
                    self.line(format_args!(
                        "__asm__ volatile(\"\" : : \"r\"(&p{index}) : \"memory\");"
                    ));
                }
            }
        }
    }

    fn return_results(&mut self) {
        let results = &self.function.results;
        if self.prototype.is_result_spelled_out {
            return self.return_words();
        }
        match results.as_slice() {
            [] => {}
            [result] => match result.ty {
                Type::Int(int) => {
                    let value = self.source(result.sources[0], int);
                    let value = passed(produced(int, self.fault), &value);
                    self.line(format_args!("return {value};"));
                }
                Type::Pointer(_) | Type::Struct(_) => {
                    let fields = self.initializers(&result.ty, &result.sources);
                    let name = self.case.symbol(self.index);
                    self.line(format_args!(
                        "struct {name}_r x = {{ {fields} }}; return x;"
                    ));
                }
            },
            _ => unreachable!("C returns one value"),
        }
    }

    fn return_words(&mut self) {
        let places = Places::of_results(self.function);
        let mut registers = ["0".to_owned(), "0".to_owned()];
        for (result, places) in self.function.results.iter().zip(&places.values) {
            let int = result
                .ty
                .int()
                .expect("structures are returned by C itself");
            let value = self.source(result.sources[0], int);
            let words = match int.width.is_narrow() {
                true => vec![format!(
                    "(u32)({})",
                    passed(produced(int, self.fault), &value)
                )],
                false => value.words(int.width),
            };
            for (word, place) in words.into_iter().zip(places) {
                match place {
                    Place::Register(register) => registers[*register as usize] = word,
                    Place::Memory(offset) => {
                        self.line(format_args!("area[{}] = {word};", offset / 4))
                    }
                }
            }
        }
        let [low, high] = registers;
        self.line(format_args!("return (u64)({low}) | (u64)({high}) << 32;"));
    }

    fn initializers(&self, ty: &Type, sources: &[Source]) -> String {
        let fields = ty.scalars().into_iter().zip(sources);
        let fields = fields.map(|(int, source)| self.source(*source, int).halves.swap_remove(0));
        fields.collect::<Vec<_>>().join(", ")
    }

    fn records(&mut self, records: &[Record]) {
        for record in records {
            let words = self.recorded(record);
            for (offset, word) in (record.offset..).zip(words) {
                self.line(format_args!("t[{offset}] = {word};"));
            }
        }
    }

    /// The words of a scalar that is to be written down.
    fn recorded(&self, record: &Record) -> Vec<String> {
        let Record { site, int, .. } = *record;
        match site {
            Site::Param(scalar) | Site::ParamAfterCall(scalar) => {
                let index = scalar.index;
                match &self.function.params[index].ty {
                    Type::Int(_) if int.width.is_narrow() => {
                        vec![received(int, &format!("p{index}"))]
                    }
                    Type::Int(_) => self.param(index, int).words(int.width),
                    Type::Pointer(_) => {
                        Expression::new(format!("p{index}->f{}", scalar.position()))
                            .words(int.width)
                    }
                    Type::Struct(_) => {
                        Expression::new(format!("p{index}.f{}", scalar.position())).words(int.width)
                    }
                }
            }
            Site::ArgumentAfterCall(call, scalar) => {
                let (index, member) = (scalar.index, scalar.position());
                Expression::new(format!("a{call}_{index}.f{member}")).words(int.width)
            }
            Site::CallResult(call, scalar) => match self.returned_words(call, scalar.index) {
                Some(words) if int.width.is_narrow() => vec![received(int, &words[0])],
                Some(words) => words,
                None if scalar.member.is_some() => {
                    Expression::new(format!("r{call}.f{}", scalar.position())).words(int.width)
                }
                None if int.width.is_narrow() => vec![received(int, &format!("r{call}"))],
                None => Expression::new(format!("r{call}")).words(int.width),
            },
            Site::Live(index) => self.live(index, int.width).words(int.width),
        }
    }

    /// The words of a result of a call, if they are spelled out.
    fn returned_words(&self, call: usize, result: usize) -> Option<Vec<String>> {
        let callee = self.function.calls[call].callee;
        let prototype = Prototype::new(self.case, callee, View::Caller, self.fault);
        if !prototype.is_result_spelled_out {
            return None;
        }
        let places = Places::of_results(&self.case.functions[callee]);
        let word = |place: &Place| match place {
            Place::Register(register) => format!("(u32)(r{call} >> {})", 32 * register),
            Place::Memory(offset) => format!("rest{call}[{}]", offset / 4),
        };
        Some(places.values[result].iter().map(word).collect())
    }

    fn live(&self, index: usize, width: Width) -> Expression {
        let halves = if width == Width::W128 { 2 } else { 1 };
        Expression {
            halves: (0..halves).map(|half| format!("l{index}_{half}")).collect(),
        }
    }

    /// A parameter, an integer.
    fn param(&self, index: usize, int: Int) -> Expression {
        if int.width != Width::W128 {
            return Expression::new(format!("({})p{index}", unsigned(int.width)));
        }
        let mut halves = [Vec::new(), Vec::new()];
        for part in &self.prototype.params {
            if let Role::Part { param, low, .. } = part.role
                && param == index
            {
                halves[low as usize / 64].push(format!("(u64){} << {}", part.name, low % 64));
            }
        }
        Expression {
            halves: halves.iter().map(|parts| parts.join(" | ")).collect(),
        }
    }

    /// A result of a call, an integer.
    fn call_result(&self, call: usize, index: usize, int: Int) -> Expression {
        let Some(words) = self.returned_words(call, index) else {
            return Expression::new(format!("({})r{call}", unsigned(int.width)));
        };
        if int.width.words() == 1 {
            return Expression::new(format!("({}){}", unsigned(int.width), words[0]));
        }
        let halves = words.chunks(2);
        let half = |pair: &[String]| format!("((u64){} | (u64){} << 32)", pair[0], pair[1]);
        Expression {
            halves: halves.map(half).collect(),
        }
    }

    /// What `source` is as an integer.
    fn source(&self, source: Source, int: Int) -> Expression {
        let base = match source.base {
            Base::Zero => None,
            Base::Load(first) => Some(self.load(first, int.width)),
            Base::Round => Some(Expression::new("round")),
            Base::Param(index) => Some(self.param(index, int)),
            Base::CallResult { call, index } => Some(self.call_result(call, index, int)),
        };
        let ty = unsigned(int.width);
        let halves = if int.width == Width::W128 { 2 } else { 1 };
        let half = |half: usize| {
            let bits = constant((source.xor >> (64 * half)) as u64 & int.width.mask() as u64);
            let value = match &base {
                None => bits,
                Some(base) => format!("({}) ^ {bits}", base.halves[half]),
            };
            match int.is_bool {
                true => format!("(({ty})(({value}) & 1))"),
                false => format!("(({ty})({value}))"),
            }
        };
        Expression {
            halves: (0..halves).map(half).collect(),
        }
    }

    fn load(&self, first: usize, width: Width) -> Expression {
        let values = self.case.values_symbol();
        let word = |index: usize| format!("{values}[{}]", first + index);
        let pair =
            |index: usize| format!("((u64){} | (u64){} << 32)", word(index), word(index + 1));
        Expression {
            halves: match width {
                Width::W8 | Width::W16 | Width::W32 => vec![word(0)],
                Width::W64 => vec![pair(0)],
                Width::W128 => vec![pair(0), pair(2)],
            },
        }
    }
}
