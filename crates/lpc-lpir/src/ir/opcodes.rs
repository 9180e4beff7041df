//! The opcode table: every opcode with its name, format, types and properties.
//!
//! This is the only place where these facts stand. The reader, the writer, the verifier and the builder are driven by the
//! rows below; [`for_each_opcode`] hands them to a macro where a fact is needed at compile time.
//!
//! A row reads
//!
//! ```text
//! /// What it does.
//! Variant method "name" Format [controlling type] (operand types) -> (result types) { properties }
//! ```
//!
//! The *controlling type* is the one that the type suffix of the text form (`iadd.i32`) states. `[infer N SET]`: it is the
//! type of operand N, so the suffix is redundant; `[explicit SET]`: it can only be stated; `[untyped]`: there is none.
//! `SET` is the set of types it may be. Operand types list the fixed value operands; variable ones (call arguments, branch
//! arguments, returned values) are checked against the signature or the block that they go to.

use super::types::{Type, TypeSet};
use core::fmt;
use core::str::FromStr;

/// Calls `$callback!` with all rows of the opcode table.
macro_rules! for_each_opcode {
    ($callback:ident) => { $callback! {
        /// Continues at a block, with arguments for its parameters.
        Jump jump "jump" Jump [untyped] () -> () { terminator branch }
        /// Continues at the first block when the condition is not zero, and at the second when it is.
        Brif brif "brif" Brif [infer 0 INT] (Same) -> () { terminator branch }
        /// Continues at the block that the index selects in a table, or at the default block when it is beyond the table.
        BrTable br_table "br_table" BranchTable [untyped] (I32) -> () { terminator branch }
        /// Traps.
        Trap trap "trap" Trap [untyped] () -> () { terminator traps }
        /// Traps when the operand is zero.
        Trapz trapz "trapz" CondTrap [infer 0 INT] (Same) -> () { traps idempotent }
        /// Traps when the operand is not zero.
        Trapnz trapnz "trapnz" CondTrap [infer 0 INT] (Same) -> () { traps idempotent }
        /// Stops in a debugger, if there is one.
        Debugtrap debugtrap "debugtrap" NullAry [untyped] () -> () { effects loads stores }
        /// Returns from the function.
        Return return_ "return" MultiAry [untyped] () -> () { terminator returns }
        /// Calls a function.
        Call call "call" Call [untyped] () -> () { call }
        /// Calls the function at an address, which must have the given signature.
        CallIndirect call_indirect "call_indirect" CallIndirect [infer 0 WORDS] (Same) -> () { call }
        /// Calls a function in place of this one: its results are returned to the caller of this one.
        ReturnCall return_call "return_call" Call [untyped] () -> () { terminator returns call }
        /// As `return_call`, to the function at an address.
        ReturnCallIndirect return_call_indirect "return_call_indirect" CallIndirect [infer 0 WORDS] (Same) -> () { terminator returns call }
        /// The address of a function.
        FuncAddr func_addr "func_addr" FuncAddr [explicit ADDRESS] () -> (Same) { }
        /// The address of a byte in an explicit stack slot.
        StackAddr stack_addr "stack_addr" StackAddr [explicit ADDRESS] () -> (Same) { }
        /// The address of the symbol that a global value names.
        SymbolValue symbol_value "symbol_value" UnaryGlobalValue [explicit ADDRESS] () -> (Same) { }
        /// The frame pointer of this function.
        GetFramePointer get_frame_pointer "get_frame_pointer" NullAry [explicit ADDRESS] () -> (Same) { }
        /// The stack pointer.
        GetStackPointer get_stack_pointer "get_stack_pointer" NullAry [explicit ADDRESS] () -> (Same) { }
        /// The address at which the caller of this function continues.
        GetReturnAddress get_return_address "get_return_address" NullAry [explicit ADDRESS] () -> (Same) { }

        /// Loads a value.
        Load load "load" Load [explicit ANY] (Address) -> (Same) { loads }
        /// Stores a value.
        Store store "store" Store [infer 0 ANY] (Same Address) -> () { stores }
        /// Loads a byte and zero-extends it.
        Uload8 uload8 "uload8" Load [explicit EXTEND8] (Address) -> (Same) { loads }
        /// Loads a byte and sign-extends it.
        Sload8 sload8 "sload8" Load [explicit EXTEND8] (Address) -> (Same) { loads }
        /// Stores the low byte.
        Istore8 istore8 "istore8" Store [infer 0 EXTEND8] (Same Address) -> () { stores }
        /// Loads two bytes and zero-extends them.
        Uload16 uload16 "uload16" Load [explicit EXTEND16] (Address) -> (Same) { loads }
        /// Loads two bytes and sign-extends them.
        Sload16 sload16 "sload16" Load [explicit EXTEND16] (Address) -> (Same) { loads }
        /// Stores the low two bytes.
        Istore16 istore16 "istore16" Store [infer 0 EXTEND16] (Same Address) -> () { stores }
        /// Loads four bytes and zero-extends them.
        Uload32 uload32 "uload32" Load [explicit EXTEND32] (Address) -> (Same) { loads }
        /// Loads four bytes and sign-extends them.
        Sload32 sload32 "sload32" Load [explicit EXTEND32] (Address) -> (Same) { loads }
        /// Stores the low four bytes.
        Istore32 istore32 "istore32" Store [infer 0 EXTEND32] (Same Address) -> () { stores }
        /// Atomically combines memory with a value; gives what the memory held before.
        AtomicRmw atomic_rmw "atomic_rmw" AtomicRmw [explicit INT] (Address Same) -> (Same) { loads stores effects }
        /// Atomically replaces memory with a value when it holds the expected one; gives what the memory held before.
        AtomicCas atomic_cas "atomic_cas" AtomicCas [infer 2 INT] (Address Same Same) -> (Same) { loads stores effects }
        /// Loads atomically, with sequential consistency.
        AtomicLoad atomic_load "atomic_load" LoadNoOffset [explicit INT] (Address) -> (Same) { loads effects }
        /// Stores atomically, with sequential consistency.
        AtomicStore atomic_store "atomic_store" StoreNoOffset [infer 0 INT] (Same Address) -> () { stores effects }
        /// Orders all memory accesses before it before all that come after.
        Fence fence "fence" NullAry [untyped] () -> () { effects }

        /// An integer constant.
        Iconst iconst "iconst" UnaryImm [explicit CONSTANT] () -> (Same) { }
        /// Does nothing.
        Nop nop "nop" NullAry [untyped] () -> () { }
        /// The second operand when the first is not zero, the third when it is.
        Select select "select" Ternary [infer 1 ANY] (AnyInt Same Same) -> (Same) { }
        /// As `select`, and never predicted: not by a branch.
        SelectSpectreGuard select_spectre_guard "select_spectre_guard" Ternary [infer 1 ANY] (AnyInt Same Same) -> (Same) { effects idempotent }
        /// For each bit, that of the second operand where the first has a one, that of the third where it has a zero.
        Bitselect bitselect "bitselect" Ternary [infer 0 ANY] (Same Same Same) -> (Same) { }
        /// 1 when the condition holds between the operands, otherwise 0.
        Icmp icmp "icmp" IntCompare [infer 0 INT] (Same Same) -> (I8) { }

        /// Sum, modulo the width.
        Iadd iadd "iadd" Binary [infer 0 INT] (Same Same) -> (Same) { commutative }
        /// Difference, modulo the width.
        Isub isub "isub" Binary [infer 0 INT] (Same Same) -> (Same) { }
        /// Negation, modulo the width.
        Ineg ineg "ineg" Unary [infer 0 INT] (Same) -> (Same) { }
        /// Absolute value, modulo the width: that of the least number is itself.
        Iabs iabs "iabs" Unary [infer 0 INT] (Same) -> (Same) { }
        /// Product, modulo the width.
        Imul imul "imul" Binary [infer 0 INT] (Same Same) -> (Same) { commutative }
        /// The high half of the unsigned product.
        Umulhi umulhi "umulhi" Binary [infer 0 INT] (Same Same) -> (Same) { commutative }
        /// The high half of the signed product.
        Smulhi smulhi "smulhi" Binary [infer 0 INT] (Same Same) -> (Same) { commutative }
        /// Unsigned quotient. Traps when the divisor is zero.
        Udiv udiv "udiv" Binary [infer 0 INT] (Same Same) -> (Same) { traps idempotent }
        /// Signed quotient, rounded to zero. Traps when the divisor is zero or the quotient does not fit.
        Sdiv sdiv "sdiv" Binary [infer 0 INT] (Same Same) -> (Same) { traps idempotent }
        /// Unsigned remainder. Traps when the divisor is zero.
        Urem urem "urem" Binary [infer 0 INT] (Same Same) -> (Same) { traps idempotent }
        /// Signed remainder, with the sign of the dividend. Traps when the divisor is zero.
        Srem srem "srem" Binary [infer 0 INT] (Same Same) -> (Same) { traps idempotent }
        /// The lesser of two signed numbers.
        Smin smin "smin" Binary [infer 0 INT] (Same Same) -> (Same) { commutative }
        /// The lesser of two unsigned numbers.
        Umin umin "umin" Binary [infer 0 INT] (Same Same) -> (Same) { commutative }
        /// The greater of two signed numbers.
        Smax smax "smax" Binary [infer 0 INT] (Same Same) -> (Same) { commutative }
        /// The greater of two unsigned numbers.
        Umax umax "umax" Binary [infer 0 INT] (Same Same) -> (Same) { commutative }
        /// Sum, and whether it overflows as unsigned.
        UaddOverflow uadd_overflow "uadd_overflow" Binary [infer 0 INT] (Same Same) -> (Same I8) { commutative }
        /// Sum, and whether it overflows as signed.
        SaddOverflow sadd_overflow "sadd_overflow" Binary [infer 0 INT] (Same Same) -> (Same I8) { commutative }
        /// Difference, and whether it overflows as unsigned.
        UsubOverflow usub_overflow "usub_overflow" Binary [infer 0 INT] (Same Same) -> (Same I8) { }
        /// Difference, and whether it overflows as signed.
        SsubOverflow ssub_overflow "ssub_overflow" Binary [infer 0 INT] (Same Same) -> (Same I8) { }
        /// Product, and whether it overflows as unsigned.
        UmulOverflow umul_overflow "umul_overflow" Binary [infer 0 NARROW] (Same Same) -> (Same I8) { commutative }
        /// Product, and whether it overflows as signed.
        SmulOverflow smul_overflow "smul_overflow" Binary [infer 0 NARROW] (Same Same) -> (Same I8) { commutative }
        /// Sum with a carry, and whether it overflows as unsigned. Any carry but zero is one.
        UaddOverflowCin uadd_overflow_cin "uadd_overflow_cin" Ternary [infer 0 INT] (Same Same I8) -> (Same I8) { }
        /// Sum with a carry, and whether it overflows as signed. Any carry but zero is one.
        SaddOverflowCin sadd_overflow_cin "sadd_overflow_cin" Ternary [infer 0 INT] (Same Same I8) -> (Same I8) { }
        /// Difference with a borrow, and whether it overflows as unsigned. Any borrow but zero is one.
        UsubOverflowBin usub_overflow_bin "usub_overflow_bin" Ternary [infer 0 INT] (Same Same I8) -> (Same I8) { }
        /// Difference with a borrow, and whether it overflows as signed. Any borrow but zero is one.
        SsubOverflowBin ssub_overflow_bin "ssub_overflow_bin" Ternary [infer 0 INT] (Same Same I8) -> (Same I8) { }
        /// Sum. Traps when it overflows as unsigned.
        UaddOverflowTrap uadd_overflow_trap "uadd_overflow_trap" IntAddTrap [infer 0 WORDS] (Same Same) -> (Same) { traps idempotent }

        /// Bitwise and.
        Band band "band" Binary [infer 0 ANY] (Same Same) -> (Same) { commutative }
        /// Bitwise or.
        Bor bor "bor" Binary [infer 0 ANY] (Same Same) -> (Same) { commutative }
        /// Bitwise exclusive or.
        Bxor bxor "bxor" Binary [infer 0 ANY] (Same Same) -> (Same) { commutative }
        /// Bitwise complement.
        Bnot bnot "bnot" Unary [infer 0 ANY] (Same) -> (Same) { }
        /// Rotates left. The amount is taken modulo the width.
        Rotl rotl "rotl" Binary [infer 0 INT] (Same AnyInt) -> (Same) { }
        /// Rotates right. The amount is taken modulo the width.
        Rotr rotr "rotr" Binary [infer 0 INT] (Same AnyInt) -> (Same) { }
        /// Shifts left. The amount is taken modulo the width.
        Ishl ishl "ishl" Binary [infer 0 INT] (Same AnyInt) -> (Same) { }
        /// Shifts right and fills with zeros. The amount is taken modulo the width.
        Ushr ushr "ushr" Binary [infer 0 INT] (Same AnyInt) -> (Same) { }
        /// Shifts right and fills with the sign. The amount is taken modulo the width.
        Sshr sshr "sshr" Binary [infer 0 INT] (Same AnyInt) -> (Same) { }
        /// Reverses the order of the bits.
        Bitrev bitrev "bitrev" Unary [infer 0 INT] (Same) -> (Same) { }
        /// The number of zeros above the highest one.
        Clz clz "clz" Unary [infer 0 INT] (Same) -> (Same) { }
        /// The number of bits below the sign that are equal to it.
        Cls cls "cls" Unary [infer 0 INT] (Same) -> (Same) { }
        /// The number of zeros below the lowest one.
        Ctz ctz "ctz" Unary [infer 0 INT] (Same) -> (Same) { }
        /// Reverses the order of the bytes.
        Bswap bswap "bswap" Unary [infer 0 SWAPPABLE] (Same) -> (Same) { }
        /// The number of ones.
        Popcnt popcnt "popcnt" Unary [infer 0 INT] (Same) -> (Same) { }

        /// The same bits as another type of the same width.
        Bitcast bitcast "bitcast" LoadNoOffset [explicit ANY] (SameWidth) -> (Same) { }
        /// All ones when the operand is not zero, otherwise zero.
        Bmask bmask "bmask" Unary [explicit INT] (AnyInt) -> (Same) { }
        /// The low bits.
        Ireduce ireduce "ireduce" Unary [explicit NARROW] (Wider) -> (Same) { }
        /// Extends with zeros.
        Uextend uextend "uextend" Unary [explicit EXTEND8_128] (Narrower) -> (Same) { }
        /// Extends with the sign.
        Sextend sextend "sextend" Unary [explicit EXTEND8_128] (Narrower) -> (Same) { }
        /// The low half and the high half.
        Isplit isplit "isplit" Unary [infer 0 SWAPPABLE] (Same) -> (Half Half) { }
        /// The first operand as the low half, the second as the high half.
        Iconcat iconcat "iconcat" Binary [infer 0 NARROW] (Same Same) -> (Double) { }
    } };
}
pub(crate) use for_each_opcode;

const INT: TypeSet = TypeSet::INT;
const ANY: TypeSet = TypeSet::ANY;
const ADDRESS: TypeSet = TypeSet::ints(Type::POINTER.bits(), Type::POINTER.bits());
const CONSTANT: TypeSet = TypeSet::ints(8, 64);
const NARROW: TypeSet = TypeSet::ints(8, 64);
const WORDS: TypeSet = TypeSet::ints(32, 64);
const SWAPPABLE: TypeSet = TypeSet::ints(16, 128);
const EXTEND8: TypeSet = TypeSet::ints(16, 64);
const EXTEND16: TypeSet = TypeSet::ints(32, 64);
const EXTEND32: TypeSet = TypeSet::ints(64, 64);
const EXTEND8_128: TypeSet = TypeSet::ints(16, 128);

/// Where the controlling type of an instruction comes from, and which types it may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControllingType {
    /// There is none.
    Untyped,
    /// It is stated.
    Explicit(TypeSet),
    /// It is the type of an operand.
    Operand(OperandIndex, TypeSet),
}

/// The same without the types, in a byte.
#[derive(Clone, Copy)]
enum ControllingSource {
    Nothing,
    Text,
    Operand(OperandIndex),
}

const _: () = assert!(size_of::<ControllingSource>() == 1);

/// The position of a fixed value operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OperandIndex {
    /// The operand number 0.
    First,
    /// The operand number 1.
    Second,
    /// The operand number 2.
    Third,
}

impl OperandIndex {
    const ALL: [Self; 3] = [Self::First, Self::Second, Self::Third];
}

impl fmt::Debug for OperandIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&usize::from(*self), f)
    }
}

impl From<OperandIndex> for usize {
    #[inline]
    fn from(index: OperandIndex) -> Self {
        index as Self
    }
}

impl ControllingType {
    const fn source(self) -> ControllingSource {
        match self {
            Self::Untyped => ControllingSource::Nothing,
            Self::Explicit(_) => ControllingSource::Text,
            Self::Operand(index, _) => ControllingSource::Operand(index),
        }
    }

    /// The types it may be.
    pub const fn types(self) -> TypeSet {
        match self {
            Self::Untyped => TypeSet::EMPTY,
            Self::Explicit(types) | Self::Operand(_, types) => types,
        }
    }
}

/// The type of a fixed operand or of a result, seen from the controlling type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperandType {
    /// The controlling type.
    Same,
    /// `i8`, as comparisons and carries have it.
    I8,
    /// `i32`.
    I32,
    /// The type of an address.
    Address,
    /// Any integer type.
    AnyInt,
    /// Any type as wide as the controlling type.
    SameWidth,
    /// The integer type of half the width.
    Half,
    /// The integer type of twice the width.
    Double,
    /// Any narrower integer type.
    Narrower,
    /// Any wider integer type.
    Wider,
}

impl OperandType {
    /// The one type that this is, where it is one.
    pub fn resolve(self, controlling: Option<Type>) -> Option<Type> {
        match self {
            Self::Same => controlling,
            Self::I8 => Some(Type::I8),
            Self::I32 => Some(Type::I32),
            Self::Address => Some(Type::POINTER),
            Self::Half => controlling?.half_width(),
            Self::Double => controlling?.double_width(),
            Self::AnyInt | Self::SameWidth | Self::Narrower | Self::Wider => None,
        }
    }

    /// Whether an operand may be of type `ty`.
    pub fn accepts(self, ty: Type, controlling: Option<Type>) -> bool {
        let width = controlling.map_or(0, Type::bits);
        match self {
            Self::AnyInt => ty.is_int(),
            Self::SameWidth => ty.bits() == width,
            Self::Narrower => ty.is_int() && ty.bits() < width,
            Self::Wider => ty.is_int() && ty.bits() > width,
            _ => self.resolve(controlling) == Some(ty),
        }
    }
}

/// What an instruction does besides computing its results. A set of the constants below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Properties(u16);

impl Properties {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// It ends its block.
    pub const TERMINATOR: Self = Self(1 << 0);
    /// It goes to other blocks.
    pub const BRANCH: Self = Self(1 << 1);
    /// It calls a function.
    pub const CALL: Self = Self(1 << 2);
    /// It leaves the function.
    pub const RETURNS: Self = Self(1 << 3);
    /// It may trap.
    pub const TRAPS: Self = Self(1 << 4);
    /// It reads memory.
    pub const LOADS: Self = Self(1 << 5);
    /// It writes memory.
    pub const STORES: Self = Self(1 << 6);
    /// It has an effect of another kind, so it must be executed even when its results are not used.
    pub const EFFECTS: Self = Self(1 << 7);
    /// Its effect is the same when it is executed again with the same operands.
    pub const IDEMPOTENT: Self = Self(1 << 8);
    /// Its first two operands may be exchanged.
    pub const COMMUTATIVE: Self = Self(1 << 9);

    /// Whether all of `other` are among these.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether some of `other` are among these.
    #[inline]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The kinds of operands of an instruction, and the form in which they are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InstructionFormat {
    /// `nop`
    NullAry,
    /// `ineg v0`
    Unary,
    /// `iconst.i32 5`
    UnaryImm,
    /// `symbol_value.i32 gv0`
    UnaryGlobalValue,
    /// `iadd v0, v1`
    Binary,
    /// `select v0, v1, v2`
    Ternary,
    /// `return v0, v1`
    MultiAry,
    /// `icmp slt v0, v1`
    IntCompare,
    /// `jump block1(v0)`
    Jump,
    /// `brif v0, block1(v1), block2`
    Brif,
    /// `br_table v0, block1, [block2, block3(v1)]`
    BranchTable,
    /// `call fn0(v0)`
    Call,
    /// `call_indirect sig0, v1(v0)`
    CallIndirect,
    /// `func_addr.i32 fn0`
    FuncAddr,
    /// `stack_addr.i32 ss0+4`
    StackAddr,
    /// `load.i32 notrap v0+4`
    Load,
    /// `atomic_load.i32 v0`
    LoadNoOffset,
    /// `store notrap v0, v1+4`
    Store,
    /// `atomic_store v0, v1`
    StoreNoOffset,
    /// `atomic_rmw.i32 add v0, v1`
    AtomicRmw,
    /// `atomic_cas v0, v1, v2`
    AtomicCas,
    /// `trap user1`
    Trap,
    /// `trapz v0, user1`
    CondTrap,
    /// `uadd_overflow_trap v0, v1, user1`
    IntAddTrap,
}

macro_rules! controlling_type {
    (untyped) => {
        ControllingType::Untyped
    };
    (explicit $types:ident) => {
        ControllingType::Explicit($types)
    };
    (infer $operand:literal $types:ident) => {
        ControllingType::Operand(OperandIndex::ALL[$operand], $types)
    };
}

macro_rules! property {
    (terminator) => {
        Properties::TERMINATOR
    };
    (branch) => {
        Properties::BRANCH
    };
    (call) => {
        Properties::CALL
    };
    (returns) => {
        Properties::RETURNS
    };
    (traps) => {
        Properties::TRAPS
    };
    (loads) => {
        Properties::LOADS
    };
    (stores) => {
        Properties::STORES
    };
    (effects) => {
        Properties::EFFECTS
    };
    (idempotent) => {
        Properties::IDEMPOTENT
    };
    (commutative) => {
        Properties::COMMUTATIVE
    };
}

macro_rules! define_opcodes {
    ($(
        $(#[doc = $doc:literal])*
        $variant:ident $method:ident $name:literal $format:ident [$($controlling:tt)*]
            ($($operand:ident)*) -> ($($result:ident)*) { $($property:ident)* }
    )*) => {
        /// What an instruction does.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Opcode {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Opcode {
            /// All opcodes, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
        }

        // Each column by itself, so that a program contains only those that it asks for.

        static NAMES: [&str; Opcode::ALL.len()] = [$($name),*];

        static DESCRIPTIONS: [&str; Opcode::ALL.len()] = [$(concat!($($doc),*)),*];

        static FORMATS: [InstructionFormat; Opcode::ALL.len()] = [$(InstructionFormat::$format),*];

        static CONTROLLING_SOURCES: [ControllingSource; Opcode::ALL.len()] =
            [$(controlling_type!($($controlling)*).source()),*];

        static CONTROLLING_TYPES: [TypeSet; Opcode::ALL.len()] =
            [$(controlling_type!($($controlling)*).types()),*];

        static OPERANDS: [&[OperandType]; Opcode::ALL.len()] = [$(&[$(OperandType::$operand),*]),*];

        static RESULTS: [[Option<OperandType>; MAX_RESULTS]; Opcode::ALL.len()] =
            [$(padded([$(OperandType::$result),*])),*];

        static PROPERTIES: [Properties; Opcode::ALL.len()] =
            [$(Properties::NONE $(.or(property!($property)))*),*];
    };
}

/// The most results of an instruction that is no call.
const MAX_RESULTS: usize = 2;

const fn padded<const N: usize>(results: [OperandType; N]) -> [Option<OperandType>; MAX_RESULTS] {
    let mut padded = [None; MAX_RESULTS];
    let mut index = 0;
    while index < N {
        padded[index] = Some(results[index]);
        index += 1;
    }
    padded
}

for_each_opcode!(define_opcodes);

impl Opcode {
    /// The name in the text form.
    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// What it does, in a sentence or two.
    pub fn description(self) -> &'static str {
        DESCRIPTIONS[self as usize].trim()
    }

    /// The kinds of its operands.
    #[inline]
    pub const fn format(self) -> InstructionFormat {
        FORMATS[self as usize]
    }

    /// Its controlling type.
    #[inline]
    pub const fn controlling_type(self) -> ControllingType {
        let types = CONTROLLING_TYPES[self as usize];
        match CONTROLLING_SOURCES[self as usize] {
            ControllingSource::Nothing => ControllingType::Untyped,
            ControllingSource::Text => ControllingType::Explicit(types),
            ControllingSource::Operand(index) => ControllingType::Operand(index, types),
        }
    }

    /// The types of its fixed value operands.
    pub const fn operands(self) -> &'static [OperandType] {
        OPERANDS[self as usize]
    }

    /// The type of its result number `index`, if it has so many. A call has those of its signature.
    #[inline]
    pub fn result(self, index: usize) -> Option<OperandType> {
        *RESULTS[self as usize].get(index)?
    }

    /// The types of its results.
    pub fn results(self) -> impl Iterator<Item = OperandType> {
        RESULTS[self as usize].into_iter().flatten()
    }

    /// What it does besides computing its results.
    #[inline]
    pub const fn properties(self) -> Properties {
        PROPERTIES[self as usize]
    }

    /// Whether it has all of `properties`.
    #[inline]
    pub const fn has(self, properties: Properties) -> bool {
        self.properties().contains(properties)
    }

    /// The bytes of memory that it loads for a result of type `ty`, or stores of a value of that type, if it is a load or
    /// a store.
    pub const fn accessed_bytes(self, ty: Type) -> u32 {
        match self {
            Self::Uload8 | Self::Sload8 | Self::Istore8 => 1,
            Self::Uload16 | Self::Sload16 | Self::Istore16 => 2,
            Self::Uload32 | Self::Sload32 | Self::Istore32 => 4,
            _ => ty.bytes(),
        }
    }

    /// Whether it ends its block.
    #[inline]
    pub fn is_terminator(self) -> bool {
        self.has(Properties::TERMINATOR)
    }

    /// Whether it goes to other blocks of the function.
    #[inline]
    pub fn is_branch(self) -> bool {
        self.has(Properties::BRANCH)
    }

    /// Whether it calls a function.
    #[inline]
    pub fn is_call(self) -> bool {
        self.has(Properties::CALL)
    }

    /// Whether it leaves the function, by a return or by a call in place of one.
    pub fn is_return(self) -> bool {
        self.has(Properties::RETURNS)
    }

    /// Whether its result is an address.
    pub fn gives_address(self) -> bool {
        self.controlling_type() == ControllingType::Explicit(ADDRESS)
    }

    /// Whether it must be executed even when nobody uses its results, whatever its operands.
    ///
    /// Loads are not among them: whether one may trap is up to its flags, so ask
    /// [`InstructionData::has_side_effects`](super::InstructionData::has_side_effects).
    #[inline]
    pub fn has_side_effects(self) -> bool {
        self.properties().intersects(
            Properties::TERMINATOR
                .or(Properties::CALL)
                .or(Properties::TRAPS)
                .or(Properties::STORES)
                .or(Properties::EFFECTS),
        )
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Opcode {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let position = BY_NAME.binary_search_by(|opcode| opcode.name().cmp(name));
        position.map(|index| BY_NAME[index]).map_err(|_| ())
    }
}

/// All opcodes, sorted by their names.
static BY_NAME: [Opcode; Opcode::ALL.len()] = sorted_by_name();

const fn sorted_by_name() -> [Opcode; Opcode::ALL.len()] {
    let mut sorted = [Opcode::Jump; Opcode::ALL.len()];
    let mut count = 0;
    while count < sorted.len() {
        let opcode = Opcode::ALL[count];
        let mut place = count;
        while place > 0 && is_before(name_of(opcode), name_of(sorted[place - 1])) {
            sorted[place] = sorted[place - 1];
            place -= 1;
        }
        sorted[place] = opcode;
        count += 1;
    }
    sorted
}

const fn name_of(opcode: Opcode) -> &'static [u8] {
    opcode.name().as_bytes()
}

const fn is_before(a: &[u8], b: &[u8]) -> bool {
    let mut index = 0;
    while index < a.len() && index < b.len() {
        if a[index] != b[index] {
            return a[index] < b[index];
        }
        index += 1;
    }
    a.len() < b.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_round_trip() {
        for &opcode in Opcode::ALL {
            assert_eq!(opcode.name().parse(), Ok(opcode));
        }
    }

    #[test]
    fn result_types_resolve_from_the_controlling_type() {
        for &opcode in Opcode::ALL {
            let controlling = opcode.controlling_type();
            for ty in controlling.types().iter() {
                for result in opcode.results() {
                    assert!(result.resolve(Some(ty)).is_some(), "{opcode}.{ty}");
                }
            }
            if controlling == ControllingType::Untyped {
                assert_eq!(opcode.result(0), None, "{opcode}");
            }
        }
    }

    #[test]
    fn an_inferred_controlling_type_is_the_type_of_that_operand() {
        for &opcode in Opcode::ALL {
            if let ControllingType::Operand(index, _) = opcode.controlling_type() {
                let operand = opcode.operands()[usize::from(index)];
                assert_eq!(operand, OperandType::Same, "{opcode}");
            }
        }
    }

    #[test]
    fn operand_types_accept() {
        let narrower = Opcode::Uextend.operands()[0];
        assert!(narrower.accepts(Type::I16, Some(Type::I32)));
        assert!(!narrower.accepts(Type::I32, Some(Type::I32)));
        let wider = Opcode::Ireduce.operands()[0];
        assert!(wider.accepts(Type::I128, Some(Type::I64)));
        let same_width = Opcode::Bitcast.operands()[0];
        assert!(same_width.accepts(Type::F32, Some(Type::I32)));
        assert!(!same_width.accepts(Type::F64, Some(Type::I32)));
    }

    #[test]
    fn side_effects() {
        assert!(Opcode::Store.has_side_effects());
        assert!(Opcode::Sdiv.has_side_effects());
        assert!(Opcode::Call.has_side_effects());
        assert!(Opcode::Fence.has_side_effects());
        assert!(!Opcode::Iadd.has_side_effects());
        assert!(!Opcode::Load.has_side_effects());
    }
}
