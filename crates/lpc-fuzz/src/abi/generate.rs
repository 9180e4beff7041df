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

/// The sizes of stack slots that a value is kept in: offsets on both sides of what fits an immediate.
const SLOT_SIZES: [u32; 6] = [16, 64, 2032, 2064, 5008, 40_000];

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
    call: Option<Edge>,
}

/// A call before it has arguments.
#[derive(Clone, Copy)]
struct Edge {
    callee: usize,
    is_tail: bool,
    is_back: bool,
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
            fuel: self.rng.u32(1..=5),
        }
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.rng.u32(..count) == 0
    }

    // The chain.

    fn outlines(&mut self) -> Vec<Outline> {
        let mut languages = vec![Language::C, Language::Lpir];
        for _ in 0..self.rng.usize(..=4) {
            languages.push(match self.rng.u32(..5) {
                0 | 1 => Language::C,
                _ => Language::Lpir,
            });
        }
        let last = languages.len() - 1;
        let mut outlines: Vec<Outline> = Vec::new();
        for (index, language) in languages.into_iter().enumerate() {
            let caller = outlines
                .last()
                .map(|caller| (caller.language, caller.call_conv));
            let call_conv = match (caller, language) {
                (Some((Language::Lpir, caller)), Language::Lpir) => self.call_conv(caller),
                _ => CallConv::SystemV,
            };
            outlines.push(Outline {
                language,
                call_conv,
                call: (index < last).then_some(Edge {
                    callee: index + 1,
                    is_tail: false,
                    is_back: false,
                }),
            });
        }
        if self.one_in(3) {
            outlines[last].call = self.back_edge(&outlines, last);
        }
        for index in 0..=last {
            let Some(edge) = outlines[index].call else {
                continue;
            };
            let is_tail = |index: usize| outlines[index].call_conv == CallConv::Tail;
            if is_tail(index) && is_tail(edge.callee) && !self.one_in(3) {
                outlines[index].call = Some(Edge {
                    is_tail: true,
                    ..edge
                });
            }
        }
        outlines
    }

    /// The convention of a function that LPIR calls from a function of the convention `caller`.
    fn call_conv(&mut self, caller: CallConv) -> CallConv {
        match self.rng.u32(..6) {
            // Chains of tail calls would be rare otherwise.
            1..5 if caller == CallConv::Tail => CallConv::Tail,
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
                .filter(|caller| caller.call.is_some_and(|edge| edge.callee == index))
                .all(|caller| caller.language != outline.language);
            let mut signature = match index {
                0 => Signature::default(),
                _ => self.signature(outline.call_conv, is_foreign),
            };
            // A function that is called in the place of a return has the results of its caller, whose own are those of the
            // function before it and so on.
            let caller = index.checked_sub(1);
            let is_tail = |index: &usize| outlines[*index].call.is_some_and(|edge| edge.is_tail);
            if let Some(caller) = caller.filter(is_tail) {
                signature.results.clone_from(&signatures[caller].results);
            }
            if let Some(edge) = outline.call.filter(|edge| edge.is_back && edge.is_tail)
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
        let is_tail = |index: usize| outlines[index].call.is_some_and(|edge| edge.is_tail);
        for caller in (0..index).rev().take_while(|caller| is_tail(*caller)) {
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
            call: None,
            live: Vec::new(),
            is_checked: false,
        };
        function.call = outline.call.map(|edge| {
            let params = &signatures[edge.callee].params;
            let args = params
                .iter()
                .map(|param| self.sources(&param.ty, &function, &[]));
            let args = args.collect();
            Call {
                callee: edge.callee,
                mode: self.call_mode(),
                is_tail: edge.is_tail,
                burns_fuel: edge.is_back,
                args,
            }
        });
        if !function.never_returns_by_itself() {
            function.live = self.live(&function);
        }
        let call_results = match outline.call {
            Some(edge) if !edge.is_back && !edge.is_tail => &signatures[edge.callee].results[..],
            _ => &[],
        };
        let results = signature.results.iter();
        function.results = results
            .map(|TypeUse { ty, as_word }| FunctionResult {
                ty: ty.clone(),
                as_word: *as_word,
                sources: self.sources(ty, &function, call_results),
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
        let count = match (&function.call, self.rng.u32(..10)) {
            (None, _) => self.rng.usize(..=2),
            (Some(_), 0..5) => self.rng.usize(..=4),
            (Some(_), 5..8) => self.rng.usize(4..=14),
            (Some(_), _) => self.rng.usize(10..=30),
        };
        let mut live = |_| {
            let width = self.int().width;
            let is_in_slot = function.language == Language::Lpir && self.one_in(8);
            Live {
                width,
                source: self.source(Int::new(width), function, &[]),
                slot: is_in_slot.then(|| SLOT_SIZES[self.rng.usize(..SLOT_SIZES.len())]),
            }
        };
        (0..count).map(&mut live).collect()
    }

    fn sources(&mut self, ty: &Type, function: &Function, call_results: &[TypeUse]) -> Vec<Source> {
        let scalars = ty.scalars().into_iter();
        scalars
            .map(|int| self.source(int, function, call_results))
            .collect()
    }

    fn source(&mut self, int: Int, function: &Function, call_results: &[TypeUse]) -> Source {
        let base = match self.rng.u32(..10) {
            0..3 => Base::Zero,
            3..5 => Base::Load(self.rng.usize(..=VALUES - int.width.words() as usize)),
            5 if int.width == Width::W32 => Base::Round,
            5..9 => {
                let types = function.params.iter().map(|param| &param.ty);
                let param = self.choose_of_width(types, int.width);
                param.map_or(Base::Zero, Base::Param)
            }
            _ => {
                let types = call_results.iter().map(|result| &result.ty);
                let result = self.choose_of_width(types, int.width);
                result.map_or(Base::Zero, Base::CallResult)
            }
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
                for caller in case.callers(index) {
                    let call = caller.call.as_ref().unwrap();
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
