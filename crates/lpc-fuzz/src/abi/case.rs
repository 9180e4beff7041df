//! What one case of the ABI fuzzer is: functions that call each other, and the values that travel between them.
//!
//! A [`Case`] is a chain. Its first function is written in C, takes nothing and is called by the guest program; each
//! function calls the next one, and the last may call an earlier one again as long as there is fuel. On the way they may
//! call functions that call nothing:
//!
//! ```text
//!   f0 (C) ──► f1 (LPIR) ──► f2 (C) ──► f3 (LPIR)
//!                │ ▲          │             │
//!                ▼ │          ▼             │
//!               f4 │         f5             │
//!                  └──── while fuel > 0 ────┘
//! ```
//!
//! Every shape that a program can have between the two languages occurs in such chains: C that calls LPIR and the other way
//! round, calls nested in calls with values live across them, recursion, calls through pointers, chains of tail calls.
//!
//! A case says nothing of registers and stack: where things travel is the question. `c_text` and `lpir_text` write the
//! functions down, and `model` says what each of them must see.

use lpc_lpir::ir::CallConv;

/// A number of functions that call each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// The number of the case, from which it was made together with the seed.
    pub number: u64,
    /// The functions. The first one is the entry.
    pub functions: Vec<Function>,
    /// Words in memory that [`Base::Load`] reads.
    pub values: Vec<u32>,
    /// Who defines the values and the pointers to functions: they are tables in assembly for C, and data of LPIR.
    pub data_language: Language,
    /// How many calls back there are; see [`Call::burns_fuel`].
    pub fuel: u32,
}

/// Who compiles a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Language {
    /// GCC or Clang.
    C,
    /// lpc.
    Lpir,
}

/// A function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// Who compiles it.
    pub language: Language,
    /// Its calling convention; `system_v` for C.
    pub call_conv: CallConv,
    /// What it takes.
    pub params: Vec<Param>,
    /// What it returns. A structure is the only result.
    pub results: Vec<FunctionResult>,
    /// Its calls, one after the other. Only the last one may be a tail call or burn fuel.
    pub calls: Vec<Call>,
    /// Values that it holds from before its calls until after them.
    pub live: Vec<Live>,
    /// Whether it is called through code that checks and destroys registers.
    pub is_checked: bool,
}

/// A parameter of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Param {
    /// Its type.
    pub ty: Type,
    /// Whether the function takes a narrow integer as the 32-bit word that the caller has to make of it.
    pub as_word: bool,
    /// Whether it is looked at a second time after the calls.
    pub is_live: bool,
    /// With what the function changes the scalars of a structure that it got the address of, when it is about to return.
    pub changes: Vec<u128>,
}

/// A result of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionResult {
    /// Its type.
    pub ty: Type,
    /// Whether callers take a narrow integer as the 32-bit word that the function has to make of it.
    pub as_word: bool,
    /// What it is, scalar by scalar. Not used if the function ends in a tail call.
    pub sources: Vec<Source>,
}

/// The type of a parameter or result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// An integer.
    Int(Int),
    /// The address of a structure of the caller, which the callee changes.
    Pointer(Struct),
    /// A structure by value.
    Struct(Struct),
}

/// An integer type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Int {
    /// Its width.
    pub width: Width,
    /// What is known of the bits above a narrow integer.
    pub extension: Extension,
    /// Whether it is a `_Bool`, which is 0 or 1.
    pub is_bool: bool,
}

/// The number of bits of an integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Width {
    W8,
    W16,
    W32,
    W64,
    W128,
}

/// Who a narrow integer is extended by, and how.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Extension {
    /// By nobody: the bits above are garbage.
    None,
    /// By who produces it, with zeros.
    Zero,
    /// By who produces it, with the sign.
    Sign,
}

/// A structure of C.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Struct {
    /// The widths of its members, up to 64 bits each.
    pub fields: Vec<Width>,
}

/// A call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The index of the function that is called.
    pub callee: usize,
    /// How its address is found.
    pub mode: CallMode,
    /// Whether the call takes the place of the return. Both functions are LPIR of the convention `tail` then.
    pub is_tail: bool,
    /// Whether the call happens only if there is fuel, of which it burns one unit.
    pub burns_fuel: bool,
    /// The arguments, scalar by scalar.
    pub args: Vec<Vec<Source>>,
}

/// How the address of a function is found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CallMode {
    /// By its name.
    Direct,
    /// By its name, at run time: the call is indirect.
    AddressOf,
    /// In memory.
    Pointer,
}

/// A value that a function holds across its calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Live {
    /// Its width.
    pub width: Width,
    /// What it is.
    pub source: Source,
    /// The size of the stack slot at whose end it is kept, if it is not a value.
    pub slot: Option<u32>,
}

/// Where a scalar comes from: a base, changed by a constant, and cut to the width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source {
    /// What it is made of.
    pub base: Base,
    /// What it is combined with by exclusive or.
    pub xor: u128,
}

/// What a scalar is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// Nothing: it is a constant.
    Zero,
    /// The words of [`Case::values`] from this index on.
    Load(usize),
    /// The fuel that there was when the function was entered. Has 32 bits.
    Round,
    /// A parameter of the function, an integer of the same width.
    Param(usize),
    /// A result of a call, an integer of the same width.
    CallResult {
        /// Which call.
        call: usize,
        /// Which result.
        index: usize,
    },
}

impl Case {
    /// The functions that the calls of `caller` go to.
    pub fn callees(&self, caller: &Function) -> Vec<&Function> {
        let callees = caller.calls.iter();
        callees.map(|call| &self.functions[call.callee]).collect()
    }

    /// The functions that call the function `callee`.
    pub fn callers(&self, callee: usize) -> impl Iterator<Item = &Function> {
        let calls = move |call: &Call| call.callee == callee;
        self.functions
            .iter()
            .filter(move |function| function.calls.iter().any(calls))
    }

    /// The name of a function in the texts.
    pub fn symbol(&self, function: usize) -> String {
        format!("f{}_{function}", self.number)
    }

    /// The name under which a function is called.
    pub fn called_symbol(&self, function: usize) -> String {
        let prefix = match self.functions[function].is_checked {
            true => "checked_",
            false => "",
        };
        format!("{prefix}{}", self.symbol(function))
    }

    /// The name of the pointer to a function.
    pub fn pointer_symbol(&self, function: usize) -> String {
        format!("pointer_{}", self.symbol(function))
    }

    /// The name of [`Case::values`].
    pub fn values_symbol(&self) -> String {
        format!("values_{}", self.number)
    }
}

impl Function {
    /// The structure that it returns, if it returns one.
    pub fn returned_struct(&self) -> Option<&Struct> {
        match self.results.as_slice() {
            [result] => result.ty.by_value_struct(),
            _ => None,
        }
    }

    /// The structure that it writes to memory of the caller: the hidden pointer of C.
    pub fn struct_return(&self) -> Option<&Struct> {
        self.returned_struct()
            .filter(|layout| layout.is_by_reference())
    }

    /// Whether it ends in a call, always.
    pub fn never_returns_by_itself(&self) -> bool {
        let last = self.calls.last();
        last.is_some_and(|call| call.is_tail && !call.burns_fuel)
    }
}

impl Param {
    /// A parameter that is used in the simplest way.
    pub fn new(ty: Type) -> Self {
        Self {
            ty,
            as_word: false,
            is_live: false,
            changes: Vec::new(),
        }
    }
}

impl Type {
    /// The 32-bit integer.
    pub const I32: Self = Self::Int(Int::new(Width::W32));

    /// The integers that a value of this type consists of.
    pub fn scalars(&self) -> Vec<Int> {
        match self {
            Self::Int(int) => vec![*int],
            Self::Pointer(layout) | Self::Struct(layout) => {
                layout.fields.iter().copied().map(Int::new).collect()
            }
        }
    }

    /// The integer that it is, if it is one.
    pub fn int(&self) -> Option<Int> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The structure that it is, if it is one by value.
    pub fn by_value_struct(&self) -> Option<&Struct> {
        match self {
            Self::Struct(layout) => Some(layout),
            _ => None,
        }
    }

    /// The structure that is in memory when a value of this type is passed as an argument.
    pub fn in_memory(&self) -> Option<&Struct> {
        match self {
            Self::Int(_) => None,
            Self::Pointer(layout) => Some(layout),
            Self::Struct(layout) => Some(layout).filter(|layout| layout.is_by_reference()),
        }
    }
}

impl Int {
    /// An integer of which nobody cares for the bits above.
    pub const fn new(width: Width) -> Self {
        Self {
            width,
            extension: Extension::None,
            is_bool: false,
        }
    }

    /// `value`, cut to the width.
    pub fn cut(self, value: u128) -> u128 {
        if self.is_bool {
            return value & 1;
        }
        value & self.width.mask()
    }

    /// The words that a function writes down when it sees `value`.
    ///
    /// A narrow integer is extended, so that wrong bits above one that must come extended are seen.
    pub fn words(self, value: u128) -> Vec<u32> {
        let bits = self.width.bits();
        if self.extension == Extension::Sign && bits < 32 {
            let above = 32 - bits;
            return vec![((value as i32) << above >> above) as u32];
        }
        let words = self.width.words();
        (0..words)
            .map(|word| (value >> (32 * word)) as u32)
            .collect()
    }
}

impl Width {
    /// All widths.
    pub const ALL: [Self; 5] = [Self::W8, Self::W16, Self::W32, Self::W64, Self::W128];

    /// The number of bits.
    pub const fn bits(self) -> u32 {
        8 << self as u32
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u32 {
        1 << self as u32
    }

    /// The number of 32-bit words that a value takes.
    pub const fn words(self) -> u32 {
        self.bytes().div_ceil(4)
    }

    /// All ones.
    pub const fn mask(self) -> u128 {
        u128::MAX >> (128 - self.bits())
    }

    /// Whether it is less than a word.
    pub const fn is_narrow(self) -> bool {
        self.bits() < 32
    }
}

impl Struct {
    /// The offset of each member: the next multiple of its size.
    pub fn offsets(&self) -> Vec<u32> {
        let mut end: u32 = 0;
        let place = |field: &Width| {
            let offset = end.next_multiple_of(field.bytes());
            end = offset + field.bytes();
            offset
        };
        self.fields.iter().map(place).collect()
    }

    /// What its address is a multiple of.
    pub fn alignment(&self) -> u32 {
        let alignments = self.fields.iter().map(|field| field.bytes());
        alignments.max().unwrap_or(1)
    }

    /// Its size in bytes, the padding at its end included.
    pub fn size(&self) -> u32 {
        let mut fields = self.offsets().into_iter().zip(&self.fields);
        let end = fields
            .next_back()
            .map_or(0, |(offset, field)| offset + field.bytes());
        end.next_multiple_of(self.alignment())
    }

    /// Whether the address of a copy is passed in its place (RISC-V psABI: "aggregates larger than 2×XLEN bits").
    pub fn is_by_reference(&self) -> bool {
        self.size() > 8
    }
}

impl Source {
    /// A constant.
    pub const fn constant(value: u128) -> Self {
        Self {
            base: Base::Zero,
            xor: value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_laid_out_as_in_c() {
        use Width::{W8, W16, W32, W64};
        for (fields, offsets, size) in [
            (&[W8][..], &[0][..], 1),
            (&[W8, W16, W8], &[0, 2, 4], 6),
            (&[W8, W8, W8], &[0, 1, 2], 3),
            (&[W32, W8], &[0, 4], 8),
            (&[W64], &[0], 8),
            (&[W8, W64, W16], &[0, 8, 16], 24),
        ] {
            let layout = Struct {
                fields: fields.to_vec(),
            };
            assert_eq!(layout.offsets(), offsets);
            assert_eq!(layout.size(), size);
            assert_eq!(layout.is_by_reference(), size > 8);
        }
    }

    #[test]
    fn narrow_integers_are_written_down_extended() {
        let int = |extension| Int {
            extension,
            ..Int::new(Width::W16)
        };
        assert_eq!(int(Extension::None).words(0x8001), [0x8001]);
        assert_eq!(int(Extension::Zero).words(0x8001), [0x8001]);
        assert_eq!(int(Extension::Sign).words(0x8001), [0xffff_8001]);
        let wide = Int::new(Width::W64);
        assert_eq!(wide.words(0x1_0000_0002), [2, 1]);
    }
}
