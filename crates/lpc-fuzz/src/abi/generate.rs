//! Random cases.
//!
//! A case depends on the seed and on its number only, so that one of ten thousand can be made again by itself. The values
//! are random bits: two words that are exchanged, or one that comes from elsewhere, differ from what is expected.

use super::case::{
    Base, Call, CallMode, Case, Extension, Function, FunctionResult, Int, Language, Live, Param,
    Source, Struct, Type, Width,
};
use fastrand::Rng;
use lpc_lpir::ir::CallConv;

/// The most parameters of a function.
pub const MAX_PARAMS: usize = 40;

/// The most results of a function.
pub const MAX_RESULTS: usize = 20;

/// The number of words in memory that a case reads.
const VALUES: usize = 64;

/// The sizes of stack slots that a value is kept in: offsets on both sides of what fits an immediate. With up to 30 slots in a
/// function and some 40 functions that are active at once, the stack of the guest program holds them all.
const SLOT_SIZES: [u32; 5] = [16, 64, 2032, 2064, 5008];

/// The size of a stack slot that makes a frame large by itself. A function has one of them at most.
const LARGE_SLOT_SIZE: u32 = 40_000;

/// The case `number` of `seed`.
pub fn case(seed: u64, number: u64) -> Case {
    // The generator mixes its seed well enough for consecutive numbers; the multiplication keeps two seeds apart.
    let rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
    Generator { rng }.case(number)
}

/// The functions of a case before they have signatures.
struct Outline {
    language: Language,
    call_conv: CallConv,
    calls: Vec<Edge>,
}

impl Outline {
    /// The call in the place of a return.
    fn tail_call(&self) -> Option<Edge> {
        self.calls.last().copied().filter(|edge| edge.is_tail)
    }
}

/// A call before it has arguments.
#[derive(Clone, Copy)]
struct Edge {
    callee: usize,
    is_tail: bool,
    is_back: bool,
}

impl Edge {
    fn to(callee: usize) -> Self {
        Self {
            callee,
            is_tail: false,
            is_back: false,
        }
    }
}

struct Generator {
    rng: Rng,
}

impl Generator {
    fn case(mut self, number: u64) -> Case {
        let outlines = self.outlines();
        let signatures = self.signatures(&outlines);
        let mut functions = Vec::new();
        for (index, outline) in outlines.iter().enumerate() {
            let function = self.function(outline, &signatures[index], &signatures);
            functions.push(Function {
                is_checked: index > 0 && self.rng.bool(),
                ..function
            });
        }
        Case {
            number,
            functions,
            values: (0..VALUES).map(|_| self.rng.u32(..)).collect(),
            data_language: match self.rng.bool() {
                true => Language::C,
                false => Language::Lpir,
            },
            fuel: self.rng.u32(1..=5),
        }
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.rng.u32(..count) == 0
    }

    // The chain.

    fn outlines(&mut self) -> Vec<Outline> {
        let last = 1 + self.rng.usize(..=4);
        let mut outlines: Vec<Outline> = Vec::new();
        for index in 0..=last {
            let caller = outlines
                .last()
                .map(|caller| (caller.language, caller.call_conv));
            let language = match (index, caller) {
                (0, _) => Language::C,
                (1, _) => Language::Lpir,
                // Chains of tail calls would be rare otherwise.
                (_, Some((_, CallConv::Tail))) if !self.one_in(8) => Language::Lpir,
                _ if self.one_in(2) => Language::C,
                _ => Language::Lpir,
            };
            let call_conv = match (caller, language) {
                (Some((Language::Lpir, caller)), Language::Lpir) => self.call_conv(caller),
                _ => CallConv::SystemV,
            };
            let calls = match index < last {
                true => vec![Edge::to(index + 1)],
                false => Vec::new(),
            };
            outlines.push(Outline {
                language,
                call_conv,
                calls,
            });
        }
        if self.one_in(3) {
            let edge = self.back_edge(&outlines, last);
            outlines[last].calls.extend(edge);
        }
        for index in 0..=last {
            let is_tail = |index: usize| outlines[index].call_conv == CallConv::Tail;
            let callee = outlines[index].calls.last().map(|edge| edge.callee);
            let can_be_tail = is_tail(index) && callee.is_some_and(is_tail);
            if can_be_tail && !self.one_in(3) {
                let edge = outlines[index].calls.last_mut();
                edge.expect("there is a callee").is_tail = true;
            }
        }
        for caller in 0..=last {
            while self.one_in(3) {
                self.add_side_call(&mut outlines, caller);
            }
        }
        outlines
    }

    /// Adds a function that calls nothing, and a call of it before or behind the calls that `caller` has.
    fn add_side_call(&mut self, outlines: &mut Vec<Outline>, caller: usize) {
        let callee = outlines.len();
        let language = match outlines[caller].language {
            Language::Lpir if self.rng.bool() => Language::C,
            _ => Language::Lpir,
        };
        let call_conv = match (outlines[caller].language, language) {
            (Language::Lpir, Language::Lpir) => self.call_conv(outlines[caller].call_conv),
            _ => CallConv::SystemV,
        };
        outlines.push(Outline {
            language,
            call_conv,
            calls: Vec::new(),
        });
        let calls = &mut outlines[caller].calls;
        let must_be_last = |edge: &Edge| edge.is_tail || edge.is_back;
        let end = calls.len() - usize::from(calls.last().is_some_and(must_be_last));
        calls.insert(self.rng.usize(..=end), Edge::to(callee));
    }

    /// The convention of a function that LPIR calls from a function of the convention `caller`.
    fn call_conv(&mut self, caller: CallConv) -> CallConv {
        match self.rng.u32(..6) {
            1..6 if caller == CallConv::Tail => CallConv::Tail,
            0 => CallConv::SystemV,
            1 | 2 => CallConv::Fast,
            _ => CallConv::Tail,
        }
    }

    /// A call of the last function to itself or to an earlier one that it can call.
    fn back_edge(&mut self, outlines: &[Outline], last: usize) -> Option<Edge> {
        let can_call = |callee: &usize| {
            outlines[last].language == Language::Lpir
                || outlines[*callee].call_conv == CallConv::SystemV
        };
        let callees: Vec<usize> = (1..=last).filter(can_call).collect();
        let callee = self.rng.choice(callees)?;
        Some(Edge {
            callee,
            is_tail: false,
            is_back: true,
        })
    }

    // Signatures.

    fn signatures(&mut self, outlines: &[Outline]) -> Vec<Signature> {
        let mut signatures: Vec<Signature> = Vec::new();
        for (index, outline) in outlines.iter().enumerate() {
            let is_foreign = outlines
                .iter()
                .filter(|caller| caller.calls.iter().any(|edge| edge.callee == index))
                .all(|caller| caller.language != outline.language);
            let mut signature = match index {
                0 => Signature::default(),
                _ => self.signature(outline.call_conv, is_foreign),
            };
            // A function that is called in the place of a return has the results of its caller, whose own are those of the
            // function before it and so on.
            let ends_in_call = |caller: &Outline| {
                let edge = caller.tail_call();
                edge.is_some_and(|edge| edge.callee == index && !edge.is_back)
            };
            if let Some(caller) = outlines[..index].iter().position(ends_in_call) {
                signature.results.clone_from(&signatures[caller].results);
            }
            if let Some(edge) = outline.tail_call().filter(|edge| edge.is_back)
                && edge.callee < index
            {
                signature
                    .results
                    .clone_from(&signatures[edge.callee].results);
                self.align_results(outlines, &mut signatures, index, &signature.results);
            }
            signatures.push(signature);
        }
        signatures
    }

    /// Gives the functions that end in a chain of tail calls to `index` the results `results`.
    fn align_results(
        &self,
        outlines: &[Outline],
        signatures: &mut [Signature],
        index: usize,
        results: &[TypeUse],
    ) {
        let is_tail = |index: &usize| outlines[*index].tail_call().is_some();
        for caller in (0..index).rev().take_while(is_tail) {
            signatures[caller].results = results.to_vec();
        }
    }

    fn signature(&mut self, call_conv: CallConv, is_foreign: bool) -> Signature {
        let params = match self.rng.u32(..10) {
            0..4 => self.rng.usize(..=8),
            4..7 => self.rng.usize(6..=14),
            _ => self.rng.usize(..=MAX_PARAMS),
        };
        let params = (0..params).map(|_| self.param_type(call_conv));
        let params: Vec<Type> = params.collect();
        let results = self.result_types(call_conv);
        let mut word_uses = |types: Vec<Type>| -> Vec<TypeUse> {
            let uses = types.into_iter().map(|ty| {
                let int = ty.int().filter(|int| int.width.is_narrow());
                let is_extended = int.is_some_and(|int| int.extension != Extension::None);
                let as_word = is_foreign && is_extended && self.one_in(3);
                TypeUse { ty, as_word }
            });
            uses.collect()
        };
        Signature {
            params: word_uses(params),
            results: word_uses(results),
        }
    }

    fn param_type(&mut self, call_conv: CallConv) -> Type {
        match (self.rng.u32(..20), call_conv) {
            // The frame that an address points to is gone when the callee of a tail call runs.
            (0 | 1, CallConv::SystemV | CallConv::Fast) => Type::Pointer(self.structure()),
            (2..5, CallConv::SystemV) => Type::Struct(self.structure()),
            _ => Type::Int(self.int()),
        }
    }

    fn result_types(&mut self, call_conv: CallConv) -> Vec<Type> {
        let count = match self.rng.u32(..20) {
            0 | 1 => 0,
            2..5 if call_conv == CallConv::SystemV => return vec![Type::Struct(self.structure())],
            2..10 => 1,
            10..15 => self.rng.usize(2..=4),
            _ => self.rng.usize(2..=MAX_RESULTS),
        };
        (0..count).map(|_| Type::Int(self.int())).collect()
    }

    fn int(&mut self) -> Int {
        let width = match self.rng.u32(..20) {
            0..4 => Width::W8,
            4..7 => Width::W16,
            7..13 => Width::W32,
            13..18 => Width::W64,
            _ => Width::W128,
        };
        let extension = match self.rng.u32(..3) {
            _ if !width.is_narrow() => Extension::None,
            0 => Extension::None,
            1 => Extension::Zero,
            _ => Extension::Sign,
        };
        Int {
            width,
            extension,
            is_bool: width == Width::W8 && extension == Extension::Zero && self.one_in(3),
        }
    }

    fn structure(&mut self) -> Struct {
        let count = match self.rng.u32(..10) {
            0..5 => self.rng.usize(1..=3),
            5..9 => self.rng.usize(2..=6),
            _ => self.rng.usize(1..=12),
        };
        let narrow = self.rng.bool();
        let mut width = || match self.rng.u32(..10) {
            0..4 => Width::W8,
            4..7 => Width::W16,
            7 | 8 => Width::W32,
            _ if narrow => Width::W8,
            _ => Width::W64,
        };
        Struct {
            fields: (0..count).map(|_| width()).collect(),
        }
    }

    // Functions.

    fn function(
        &mut self,
        outline: &Outline,
        signature: &Signature,
        signatures: &[Signature],
    ) -> Function {
        let mut function = Function {
            language: outline.language,
            call_conv: outline.call_conv,
            params: signature
                .params
                .iter()
                .map(|param| self.param(param))
                .collect(),
            results: Vec::new(),
            calls: Vec::new(),
            live: Vec::new(),
            is_checked: false,
        };
        let mut call_results = Vec::new();
        for (index, edge) in outline.calls.iter().enumerate() {
            let callee = &signatures[edge.callee];
            let params = callee.params.iter();
            let args = params.map(|param| self.sources(&param.ty, &function, &call_results));
            let args = args.collect();
            let call = Call {
                callee: edge.callee,
                mode: self.call_mode(),
                is_tail: edge.is_tail,
                burns_fuel: edge.is_back,
                args,
            };
            function.calls.push(call);
            if !edge.is_back && !edge.is_tail {
                call_results.push(CallResults {
                    call: index,
                    results: &callee.results,
                });
            }
        }
        if !function.never_returns_by_itself() {
            function.live = self.live(&function);
        }
        let results = signature.results.iter();
        function.results = results
            .map(|TypeUse { ty, as_word }| FunctionResult {
                ty: ty.clone(),
                as_word: *as_word,
                sources: self.sources(ty, &function, &call_results),
            })
            .collect();
        function
    }

    fn param(&mut self, param: &TypeUse) -> Param {
        let changes = match param.ty.in_memory() {
            Some(_) => param
                .ty
                .scalars()
                .iter()
                .map(|int| int.cut(self.rng.u128(..)))
                .collect(),
            None => Vec::new(),
        };
        Param {
            ty: param.ty.clone(),
            as_word: param.as_word,
            is_live: self.one_in(3),
            changes,
        }
    }

    fn call_mode(&mut self) -> CallMode {
        match self.rng.u32(..4) {
            0 => CallMode::AddressOf,
            1 => CallMode::Pointer,
            _ => CallMode::Direct,
        }
    }

    fn live(&mut self, function: &Function) -> Vec<Live> {
        let count = match self.rng.u32(..10) {
            _ if function.calls.is_empty() => self.rng.usize(..=2),
            0..5 => self.rng.usize(..=4),
            5..8 => self.rng.usize(4..=14),
            _ => self.rng.usize(10..=30),
        };
        let live = |index| {
            let width = self.int().width;
            let is_in_slot = function.language == Language::Lpir && self.one_in(8);
            let slot = match self.rng.usize(..=SLOT_SIZES.len()) {
                _ if !is_in_slot => None,
                size if size < SLOT_SIZES.len() => Some(SLOT_SIZES[size]),
                _ if index == 0 => Some(LARGE_SLOT_SIZE),
                _ => None,
            };
            Live {
                width,
                source: self.source(Int::new(width), function, &[]),
                slot,
            }
        };
        (0..count).map(live).collect()
    }

    fn sources(
        &mut self,
        ty: &Type,
        function: &Function,
        call_results: &[CallResults<'_>],
    ) -> Vec<Source> {
        let scalars = ty.scalars().into_iter();
        scalars
            .map(|int| self.source(int, function, call_results))
            .collect()
    }

    fn source(
        &mut self,
        int: Int,
        function: &Function,
        call_results: &[CallResults<'_>],
    ) -> Source {
        let base = match self.rng.u32(..10) {
            0..3 => Base::Zero,
            3..5 => Base::Load(self.rng.usize(..=VALUES - int.width.words() as usize)),
            5 if int.width == Width::W32 => Base::Round,
            5..8 => {
                let types = function.params.iter().map(|param| &param.ty);
                let param = self.choose_of_width(types, int.width);
                param.map_or(Base::Zero, Base::Param)
            }
            _ => self.call_result(int.width, call_results),
        };
        let xor = match base {
            Base::Zero | Base::Round => self.rng.u128(..),
            _ if self.rng.bool() => 0,
            _ => self.rng.u128(..),
        };
        Source {
            base,
            xor: xor & int.width.mask(),
        }
    }

    fn call_result(&mut self, width: Width, call_results: &[CallResults<'_>]) -> Base {
        let Some(CallResults { call, results }) = self.rng.choice(call_results) else {
            return Base::Zero;
        };
        let types = results.iter().map(|result| &result.ty);
        match self.choose_of_width(types, width) {
            Some(index) => Base::CallResult { call: *call, index },
            None => Base::Zero,
        }
    }

    /// The index of an integer of a width.
    fn choose_of_width<'a>(
        &mut self,
        types: impl Iterator<Item = &'a Type>,
        width: Width,
    ) -> Option<usize> {
        let has_width = |ty: &Type| ty.int().is_some_and(|int| int.width == width);
        let indices = types.enumerate().filter(|(_, ty)| has_width(ty));
        let indices: Vec<usize> = indices.map(|(index, _)| index).collect();
        self.rng.choice(indices)
    }
}

/// A signature of which the sources of values are not known yet.
#[derive(Clone, Default)]
struct Signature {
    params: Vec<TypeUse>,
    results: Vec<TypeUse>,
}

/// The results of a call that was made already.
struct CallResults<'a> {
    call: usize,
    results: &'a [TypeUse],
}

/// A type, and whether one side takes it as a word.
#[derive(Clone)]
struct TypeUse {
    ty: Type,
    as_word: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::statistics::Statistics;

    #[test]
    fn a_case_is_determined_by_seed_and_number() {
        assert_eq!(case(3, 17), case(3, 17));
        assert_ne!(case(3, 17).functions, case(3, 18).functions);
        assert_ne!(case(3, 17).functions, case(4, 17).functions);
    }

    #[test]
    fn everything_occurs() {
        let mut statistics = Statistics::default();
        for number in 0..1000 {
            statistics.add(&case(1, number));
        }
        for property in Statistics::PROPERTIES {
            let count = statistics.count(property);
            assert!(count >= 20, "{count} cases with: {property}");
        }
    }

    #[test]
    fn numbers_of_parameters_and_results_reach_their_limits() {
        let cases = (0..1000).map(|number| case(1, number));
        let (mut params, mut results) = ([0; MAX_PARAMS + 1], [0; MAX_RESULTS + 1]);
        for function in cases.flat_map(|case| case.functions) {
            params[function.params.len()] += 1;
            results[function.results.len()] += 1;
        }
        assert!(!params.contains(&0), "{params:?}");
        assert!(!results.contains(&0), "{results:?}");
    }

    #[test]
    fn the_language_of_a_function_decides_what_it_can_be() {
        for case in (0..500).map(|number| case(2, number)) {
            for (index, function) in case.functions.iter().enumerate() {
                let is_c = function.language == Language::C;
                assert!(!is_c || function.call_conv == CallConv::SystemV);
                let calls = case.callers(index).flat_map(|caller| {
                    let calls = caller.calls.iter().filter(|call| call.callee == index);
                    calls.map(move |call| (caller, call))
                });
                for (caller, call) in calls {
                    assert_eq!(call.args.len(), function.params.len());
                    assert!(
                        caller.language == Language::Lpir
                            || function.call_conv == CallConv::SystemV
                    );
                    if call.is_tail {
                        assert_eq!(caller.call_conv, CallConv::Tail);
                        assert_eq!(function.call_conv, CallConv::Tail);
                        let types = |function: &Function| -> Vec<Type> {
                            function
                                .results
                                .iter()
                                .map(|result| result.ty.clone())
                                .collect()
                        };
                        assert_eq!(types(caller), types(function));
                    }
                }
            }
        }
    }
}
