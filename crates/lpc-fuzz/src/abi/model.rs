//! What the functions of a case must see: an interpreter of cases.
//!
//! It knows nothing of how values travel. An argument is what it was when it was passed, a value that is held across a call
//! is still the same behind it.

use super::case::{Base, Call, Case, Function, Int, Language, Source, Type};
use super::trace::{Record, Site, TraceLayout};

/// What the trace is filled with before a case runs, and so what stays where nothing is written.
pub const UNTOUCHED: u32 = 0xdead_beef;

/// The trace of a case.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expectation {
    /// Its words.
    pub words: Vec<u32>,
    /// The function that each block belongs to, and where the block starts.
    pub blocks: Vec<(usize, usize)>,
    /// The number of calls between the functions.
    pub calls: u64,
}

/// A value: its scalars.
type Scalars = Vec<u128>;

struct Model<'a> {
    case: &'a Case,
    fuel: u32,
    expectation: Expectation,
}

/// A function that is being executed.
struct Activation<'a> {
    function: &'a Function,
    params: Vec<Scalars>,
    /// What each call left behind.
    calls: Vec<Outcome>,
    live: Scalars,
    round: u32,
    block: usize,
}

/// What a function leaves behind.
#[derive(Default)]
struct Outcome {
    results: Vec<Scalars>,
    /// The structures that its parameters were the addresses of.
    params: Vec<Scalars>,
}

/// Executes `case`.
pub fn expectation(case: &Case) -> Expectation {
    let mut model = Model {
        case,
        fuel: case.fuel,
        expectation: Expectation::default(),
    };
    model.execute(0, Vec::new());
    model.expectation
}

impl Model<'_> {
    fn execute(&mut self, index: usize, params: Vec<Scalars>) -> Outcome {
        let function = &self.case.functions[index];
        let layout = TraceLayout::new(function, &self.case.callees(function));
        let mut activation = Activation {
            function,
            params,
            calls: Vec::new(),
            live: Vec::new(),
            round: self.fuel,
            block: self.begin_block(index, &layout),
        };
        self.write(&activation, &layout.entry);
        for live in &function.live {
            let value = self.value(&activation, live.source, Int::new(live.width));
            activation.live.push(value);
        }
        for (call, records) in function.calls.iter().zip(&layout.after_call) {
            if call.burns_fuel && self.fuel == 0 {
                break;
            }
            let outcome = self.call(&activation, call);
            if call.is_tail {
                return Outcome {
                    results: outcome.results,
                    params: activation.params,
                };
            }
            activation.calls.push(outcome);
            self.write(&activation, records);
        }
        self.write(&activation, &layout.exit);
        self.return_from(&activation)
    }

    fn call(&mut self, activation: &Activation<'_>, call: &Call) -> Outcome {
        self.fuel -= u32::from(call.burns_fuel);
        self.expectation.calls += 1;
        let params = self.case.functions[call.callee].params.iter();
        let args = params
            .zip(&call.args)
            .map(|(param, sources)| self.values(activation, sources, &param.ty));
        let args = args.collect();
        self.execute(call.callee, args)
    }

    fn return_from(&self, activation: &Activation<'_>) -> Outcome {
        let function = activation.function;
        let results = function.results.iter();
        let results = results.map(|result| self.values(activation, &result.sources, &result.ty));
        let mut params = activation.params.clone();
        for (param, scalars) in function.params.iter().zip(&mut params) {
            // A structure that was passed by value is one of the callee, unlike that which its caller still has.
            if let Type::Pointer(_) = param.ty {
                for ((value, change), int) in scalars
                    .iter_mut()
                    .zip(&param.changes)
                    .zip(param.ty.scalars())
                {
                    *value = int.cut(*value ^ change);
                }
            }
        }
        Outcome {
            results: results.collect(),
            params,
        }
    }

    fn values(&self, activation: &Activation<'_>, sources: &[Source], ty: &Type) -> Scalars {
        let scalars = sources.iter().zip(ty.scalars());
        scalars
            .map(|(source, int)| self.value(activation, *source, int))
            .collect()
    }

    fn value(&self, activation: &Activation<'_>, source: Source, int: Int) -> u128 {
        let base = match source.base {
            Base::Zero => 0,
            Base::Load(first) => {
                let words = &self.case.values[first..first + int.width.words() as usize];
                let join = |high: u128, low: &u32| high << 32 | u128::from(*low);
                words.iter().rev().fold(0, join)
            }
            Base::Round => u128::from(activation.round),
            Base::Param(index) => activation.params[index][0],
            Base::CallResult { call, index } => activation.calls[call].results[index][0],
        };
        int.cut(base ^ source.xor)
    }

    /// Takes a block of the trace for a function, and returns where it starts.
    fn begin_block(&mut self, function: usize, layout: &TraceLayout) -> usize {
        let Expectation { words, blocks, .. } = &mut self.expectation;
        let start = words.len();
        blocks.push((function, start));
        words.resize(start + layout.words as usize, UNTOUCHED);
        start
    }

    fn write(&mut self, activation: &Activation<'_>, records: &[Record]) {
        for record in records {
            let value = match record.site {
                Site::Param(scalar) | Site::ParamAfterCall(scalar) => {
                    activation.params[scalar.index][scalar.position()]
                }
                Site::CallResult(call, scalar) => {
                    activation.calls[call].results[scalar.index][scalar.position()]
                }
                Site::ArgumentAfterCall(call, scalar) => {
                    activation.calls[call].params[scalar.index][scalar.position()]
                }
                Site::Live(index) => activation.live[index],
            };
            let start = activation.block + record.offset as usize;
            let words = record.int.words(value);
            self.expectation.words[start..start + words.len()].copy_from_slice(&words);
        }
    }
}

impl Expectation {
    /// What the word `index` of the trace of `case` is.
    pub fn describe(&self, case: &Case, index: usize) -> String {
        let block = self.blocks.partition_point(|(_, start)| *start <= index);
        let Some((function, start)) = block.checked_sub(1).map(|block| self.blocks[block]) else {
            return format!("word {index} of the trace");
        };
        let data = &case.functions[function];
        let layout = TraceLayout::new(data, &case.callees(data));
        let offset = (index - start) as u32;
        let activation = self.blocks[..block]
            .iter()
            .filter(|(other, _)| *other == function)
            .count();
        let place = format!("f{function} ({}), activation {activation}", language(data));
        let Some(record) = layout.find(offset) else {
            return place;
        };
        let (word, words) = (offset - record.offset, record.int.width.words());
        match words {
            1 => format!("{place}: {}", record.site),
            _ => format!("{place}: {}, word {word} of {words}", record.site),
        }
    }
}

/// Who compiles a function, and its convention.
fn language(function: &Function) -> String {
    match function.language {
        Language::C => "C".to_owned(),
        Language::Lpir => format!("LPIR, {}", function.call_conv),
    }
}
