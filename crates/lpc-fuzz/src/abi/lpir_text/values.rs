//! What the instructions of a function are about: integers from their sources, and structures in words and in memory.

use super::signature::int_type;
use super::{FunctionWriter, Value};
use crate::abi::case::{Base, Extension, Function, Int, Source, Struct, Type, Width};
use crate::abi::convention::words_of_struct;

/// The bits that nobody may look at.
const GARBAGE: u32 = 0x9d3b_57c4;

impl<'a> FunctionWriter<'a> {
    /// What `source` is, as LPIR passes it: with garbage above it if nobody extends it.
    pub(super) fn produced(&mut self, source: Source, int: Int) -> Value {
        let value = self.source(source, int);
        if !int.width.is_narrow() || int.extension != Extension::None {
            return value;
        }
        // Garbage in the upper bits of the register, as far as the compiler does not see through it.
        let wide = self.inst(format_args!("uextend.i32 {value}"));
        let garbage = GARBAGE & !(int.width.mask() as u32);
        let garbage = self.iconst(Width::W32, u128::from(garbage));
        let wide = self.inst(format_args!("bor {wide}, {garbage}"));
        self.inst(format_args!("ireduce.{} {wide}", int_type(int.width)))
    }

    /// What `source` is as an integer.
    pub(super) fn source(&mut self, source: Source, int: Int) -> Value {
        let width = int.width;
        let base = match source.base {
            Base::Zero => None,
            Base::Load(first) => Some(self.load_value(first, width)),
            Base::Round => Some(self.round),
            Base::Param(index) => Some(self.narrowed_param(index, width)),
            Base::CallResult { call, index } => Some(self.narrowed_result(call, index, width)),
        };
        let value = match (base, source.xor) {
            (Some(base), 0) => base,
            (None, bits) => self.iconst(width, bits),
            (Some(base), bits) => {
                let bits = self.iconst(width, bits);
                self.inst(format_args!("bxor {base}, {bits}"))
            }
        };
        if !int.is_bool {
            return value;
        }
        let one = self.iconst(width, 1);
        self.inst(format_args!("band {value}, {one}"))
    }

    fn load_value(&mut self, first: usize, width: Width) -> Value {
        let ty = int_type(width.max(Width::W32));
        let (memory, offset) = (self.memory, 4 * first);
        let loaded = self.inst(format_args!("load.{ty} notrap {memory}+{offset}"));
        self.narrowed(loaded, width.is_narrow(), width)
    }

    fn narrowed_param(&mut self, index: usize, width: Width) -> Value {
        let value = self.params[index][0];
        let as_word = self.function.params[index].as_word;
        self.narrowed(value, as_word, width)
    }

    fn narrowed_result(&mut self, call: usize, index: usize, width: Width) -> Value {
        let value = self.call_results[call][index][0];
        let as_word = self.callee(call).results[index].as_word;
        self.narrowed(value, as_word, width)
    }

    pub(super) fn callee(&self, call: usize) -> &'a Function {
        &self.case.functions[self.function.calls[call].callee]
    }

    /// The low bits of `value`, if it is a word.
    fn narrowed(&mut self, value: Value, is_word: bool, width: Width) -> Value {
        match is_word && width.is_narrow() {
            true => self.inst(format_args!("ireduce.{} {value}", int_type(width))),
            false => value,
        }
    }

    /// The integers that a structure is passed as. What is between its members is garbage.
    pub(super) fn struct_words(
        &mut self,
        ty: &Type,
        layout: &Struct,
        sources: &[Source],
    ) -> Vec<Value> {
        let fields: Vec<_> = layout.fields.iter().zip(layout.offsets()).collect();
        let mut start = 0;
        let mut words = Vec::new();
        for word in words_of_struct(ty) {
            let end = start + word.bytes();
            let mut unused = word.mask();
            let mut value = None;
            for ((width, offset), source) in fields.iter().zip(sources) {
                if !(start..end).contains(offset) {
                    continue;
                }
                let shift = 8 * (offset - start);
                unused &= !(width.mask() << shift);
                let field = self.source(*source, Int::new(**width));
                let field = self.shifted_to(field, **width, word, shift);
                value = Some(match value {
                    None => field,
                    Some(value) => self.inst(format_args!("bor {value}, {field}")),
                });
            }
            let value = match value {
                Some(value) if unused == 0 => value,
                Some(value) => {
                    let garbage = self.iconst(word, u128::from(GARBAGE) & unused);
                    self.inst(format_args!("bor {value}, {garbage}"))
                }
                None => self.iconst(word, u128::from(GARBAGE)),
            };
            words.push(value);
            start = end;
        }
        words
    }

    fn shifted_to(&mut self, field: Value, width: Width, word: Width, shift: u32) -> Value {
        let ty = int_type(word);
        let wide = match width == word {
            true => field,
            false => self.inst(format_args!("uextend.{ty} {field}")),
        };
        if shift == 0 {
            return wide;
        }
        let amount = self.iconst(Width::W32, u128::from(shift));
        self.inst(format_args!("ishl {wide}, {amount}"))
    }

    /// A member of a structure that was passed as integers.
    fn field_of_words(
        &mut self,
        ty: &Type,
        layout: &Struct,
        words: &[Value],
        field: usize,
    ) -> Value {
        let (width, offset) = (layout.fields[field], layout.offsets()[field]);
        let mut start = 0;
        for (word, value) in words_of_struct(ty).into_iter().zip(words) {
            let end = start + word.bytes();
            if (start..end).contains(&offset) {
                let amount = self.iconst(Width::W32, u128::from(8 * (offset - start)));
                let shifted = self.inst(format_args!("ushr {value}, {amount}"));
                return match width == word {
                    true => shifted,
                    false => self.inst(format_args!("ireduce.{} {shifted}", int_type(width))),
                };
            }
            start = end;
        }
        unreachable!("the words of a structure hold all of its members")
    }

    pub(super) fn store_fields(&mut self, layout: &Struct, sources: &[Source], address: Value) {
        let fields = layout.fields.iter().zip(layout.offsets());
        for ((width, offset), source) in fields.zip(sources) {
            let value = self.source(*source, Int::new(*width));
            self.line(format_args!("store notrap {value}, {address}+{offset}"));
        }
    }

    fn load_field(&mut self, layout: &Struct, address: Value, field: usize) -> Value {
        let (ty, offset) = (int_type(layout.fields[field]), layout.offsets()[field]);
        self.inst(format_args!("load.{ty} notrap {address}+{offset}"))
    }

    /// A scalar of what `values` represent.
    pub(super) fn part(&mut self, ty: &Type, values: &[Value], field: usize) -> Value {
        match ty {
            Type::Int(_) => values[0],
            Type::Struct(layout) if !layout.is_by_reference() => {
                self.field_of_words(ty, layout, values, field)
            }
            Type::Pointer(layout) | Type::Struct(layout) => {
                self.load_field(layout, values[0], field)
            }
        }
    }
}
