//! What occurs in cases.

use super::case::{Call, CallMode, Case, Function, Language, Type};
use super::convention::{Place, Places};
use lpc_lpir::ir::CallConv;
use std::collections::BTreeMap;
use std::fmt;

/// How many cases there are with each of several properties.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    cases: BTreeMap<&'static str, u64>,
}

impl Statistics {
    /// All properties that are counted, except calls from C to C, which say nothing of lpc.
    pub const PROPERTIES: [&'static str; 32] = [
        "C to LPIR",
        "LPIR to C",
        "LPIR to system_v",
        "LPIR to fast",
        "LPIR to tail",
        "call through a pointer in C",
        "call through a pointer in LPIR",
        "several calls in a function",
        "recursion",
        "tail call",
        "tail call with more stack arguments than received",
        "more than 12 values live across a call",
        "call with checked registers",
        "data in assembly",
        "data in LPIR",
        "stack arguments",
        "padding between stack arguments",
        "a value in both registers and memory",
        "results in the return area",
        "return area and stack arguments",
        "_Bool",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "narrow integer taken as a word",
        "address of a structure",
        "structure by value, in registers",
        "structure by value, in memory",
        "returned structure, in registers",
        "returned structure, in memory",
    ];

    /// Adds a case.
    pub fn add(&mut self, case: &Case) {
        let mut properties: Vec<&'static str> = Vec::new();
        for function in &case.functions {
            for (call, callee) in function.calls.iter().zip(case.callees(function)) {
                properties.extend(of_call(function, call, callee));
                properties.extend(of_signature(callee));
            }
        }
        properties.push(match case.data_language {
            Language::C => "data in assembly",
            Language::Lpir => "data in LPIR",
        });
        properties.sort_unstable();
        properties.dedup();
        for property in properties {
            *self.cases.entry(property).or_default() += 1;
        }
    }

    /// The number of cases with a property.
    pub fn count(&self, property: &str) -> u64 {
        self.cases.get(property).copied().unwrap_or_default()
    }
}

fn of_call(caller: &Function, call: &Call, callee: &Function) -> Vec<&'static str> {
    let direction = match (caller.language, callee.language, callee.call_conv) {
        (Language::C, Language::C, _) => "C to C",
        (Language::C, Language::Lpir, _) => "C to LPIR",
        (Language::Lpir, Language::C, _) => "LPIR to C",
        (Language::Lpir, Language::Lpir, CallConv::SystemV) => "LPIR to system_v",
        (Language::Lpir, Language::Lpir, CallConv::Fast) => "LPIR to fast",
        (Language::Lpir, Language::Lpir, CallConv::Tail) => "LPIR to tail",
    };
    let (received, passed) = (Places::of_arguments(caller), Places::of_arguments(callee));
    [
        (true, direction),
        (
            call.mode != CallMode::Direct && caller.language == Language::C,
            "call through a pointer in C",
        ),
        (
            call.mode != CallMode::Direct && caller.language == Language::Lpir,
            "call through a pointer in LPIR",
        ),
        (caller.calls.len() > 1, "several calls in a function"),
        (call.burns_fuel, "recursion"),
        (call.is_tail, "tail call"),
        (
            call.is_tail && passed.memory > received.memory,
            "tail call with more stack arguments than received",
        ),
        (
            caller.live.len() > 12,
            "more than 12 values live across a call",
        ),
        (callee.is_checked, "call with checked registers"),
    ]
    .into_iter()
    .filter_map(|(holds, property)| holds.then_some(property))
    .collect()
}

fn of_signature(function: &Function) -> Vec<&'static str> {
    let mut properties = Vec::new();
    let arguments = Places::of_arguments(function);
    let results = Places::of_results(function);
    let in_memory = |place: &&Place| matches!(place, Place::Memory(_));
    let words = arguments.values.iter().flatten().filter(in_memory).count();
    if arguments.memory > 0 {
        properties.push("stack arguments");
    }
    if arguments.memory as usize > 4 * words {
        properties.push("padding between stack arguments");
    }
    let is_split = |places: &Vec<Place>| {
        places.iter().any(|place| in_memory(&place))
            && !places.iter().all(|place| in_memory(&place))
    };
    if arguments.values.iter().any(is_split) {
        properties.push("a value in both registers and memory");
    }
    if results.memory > 0 {
        properties.push("results in the return area");
        if arguments.memory > 0 {
            properties.push("return area and stack arguments");
        }
    }
    let params = function.params.iter().map(|param| param.as_word);
    let results = function.results.iter().map(|result| result.as_word);
    if params.chain(results).any(|as_word| as_word) {
        properties.push("narrow integer taken as a word");
    }
    for param in &function.params {
        properties.push(match &param.ty {
            Type::Int(int) if int.is_bool => "_Bool",
            Type::Int(int) => match int.width.bits() {
                8 => "i8",
                16 => "i16",
                32 => "i32",
                64 => "i64",
                _ => "i128",
            },
            Type::Pointer(_) => "address of a structure",
            Type::Struct(layout) if layout.is_by_reference() => "structure by value, in memory",
            Type::Struct(_) => "structure by value, in registers",
        });
    }
    match (function.returned_struct(), function.struct_return()) {
        (_, Some(_)) => properties.push("returned structure, in memory"),
        (Some(_), None) => properties.push("returned structure, in registers"),
        (None, None) => {}
    }
    properties
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (property, cases) in &self.cases {
            writeln!(f, "{cases:>8} {property}")?;
        }
        Ok(())
    }
}
