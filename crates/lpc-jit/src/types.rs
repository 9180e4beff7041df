//! Rust's types, and how they travel in calls of the C convention (RISC-V psABI, ilp32).
//!
//! A function type such as `fn(i32, u8) -> i64` stands for a [`CSignature`], which is compared with the signature of a function in
//! LPIR once: when a handle is made, or when an import is linked. What must be the same is where every word travels, and what the bits
//! above a narrow value are; the names of the conventions need not be. `fast` is that of C up to two words of results, and `tail` too as
//! long as all arguments are in registers.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use lpc_codegen::backend::abi::words_of;
use lpc_lpir::ir::{
    AbiParam, ArgumentExtension, ArgumentPurpose, CallConv, DataValue, Signature, Type,
};

/// An argument or result of a C function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CValue {
    /// Its type in LPIR.
    pub ty: Type,
    /// What C guarantees of the bits above a narrow value: [`ArgumentExtension::None`] for a value of a word or more.
    pub extension: ArgumentExtension,
}

/// The signature of a C function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CSignature {
    /// Its parameters.
    pub params: &'static [CValue],
    /// Its results. C has one at most; two of a word each are what a structure of two words is.
    pub results: &'static [CValue],
}

/// Why a function cannot be called, or cannot be, as a C function: whatever the types are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotC {
    /// C passes values of this type otherwise.
    Type(Type),
    /// A parameter is not an ordinary one: `sret` or `sarg`.
    Purpose(ArgumentPurpose),
    /// The results take more than the two registers in which C returns.
    Results,
    /// The callee removes its stack arguments.
    CalleePops,
}

impl CSignature {
    /// Checks that a function of `signature` can be called as one of this C signature.
    ///
    /// A narrow result may be extended in any way: its upper bits are ignored.
    pub(crate) fn can_call(&self, signature: &Signature) -> Result<bool, NotC> {
        check_is_c(signature)?;
        let passes = |param: &AbiParam, value: &CValue| {
            is_of_type(param, value)
                && (param.extension == ArgumentExtension::None || is_extended(param, value))
        };
        let types = |param: &AbiParam, value: &CValue| is_of_type(param, value);
        Ok(all(&signature.params, self.params, &passes)
            && all(&signature.returns, self.results, &types))
    }

    /// Checks that a C function of this signature can be called as one of `signature`.
    ///
    /// C takes narrow arguments to be extended, so `signature` must promise that.
    pub(crate) fn can_serve(&self, signature: &Signature) -> Result<bool, NotC> {
        check_is_c(signature)?;
        let takes = |param: &AbiParam, value: &CValue| {
            is_of_type(param, value) && is_extended(param, value)
        };
        let gives = |param: &AbiParam, value: &CValue| {
            is_of_type(param, value)
                && (param.extension == ArgumentExtension::None || is_extended(param, value))
        };
        Ok(all(&signature.params, self.params, &takes)
            && all(&signature.returns, self.results, &gives))
    }

    /// The same as a signature of LPIR.
    pub fn to_signature(&self) -> Signature {
        let list = |values: &[CValue]| {
            let params = values.iter().map(|value| AbiParam {
                extension: value.extension,
                ..AbiParam::new(value.ty)
            });
            params.collect()
        };
        Signature {
            params: list(self.params),
            returns: list(self.results),
            call_conv: CallConv::SystemV,
        }
    }
}

/// Checks that everything of `signature` travels as in C.
fn check_is_c(signature: &Signature) -> Result<(), NotC> {
    let mut params = signature.params.iter().chain(&signature.returns);
    params.try_for_each(|param| match param.purpose {
        ArgumentPurpose::StructReturn | ArgumentPurpose::StructArgument(_) => {
            Err(NotC::Purpose(param.purpose))
        }
        _ if param.value_type == Type::I128 => Err(NotC::Type(Type::I128)),
        _ => Ok(()),
    })?;
    let words = |params: &[AbiParam]| -> u32 {
        let words = params.iter().map(|param| words_of(param.value_type));
        words.sum()
    };
    if words(&signature.returns) > 2 {
        Err(NotC::Results)
    } else if signature.call_conv == CallConv::Tail && words(&signature.params) > 8 {
        Err(NotC::CalleePops)
    } else {
        Ok(())
    }
}

fn all(params: &[AbiParam], values: &[CValue], holds: &dyn Fn(&AbiParam, &CValue) -> bool) -> bool {
    params.len() == values.len() && params.iter().zip(values).all(|(p, v)| holds(p, v))
}

fn is_of_type(param: &AbiParam, value: &CValue) -> bool {
    param.value_type == value.ty
}

/// Whether the bits above the value are known to be the same on both sides.
fn is_extended(param: &AbiParam, value: &CValue) -> bool {
    value.extension == ArgumentExtension::None || param.extension == value.extension
}

impl fmt::Display for CSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_signature().fmt(f)
    }
}

impl fmt::Display for NotC {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(ty) => write!(f, "C passes no {ty}"),
            Self::Purpose(ArgumentPurpose::StructReturn) => f.write_str("it returns a structure"),
            Self::Purpose(_) => f.write_str("it takes a structure"),
            Self::Results => f.write_str("C returns two words at most"),
            Self::CalleePops => f.write_str("it removes its stack arguments, which C does not"),
        }
    }
}

/// A Rust type whose values are arguments and results: an integer of 8 to 64 bits.
pub trait Value: Copy + 'static {
    /// How it travels.
    const C: CValue;
    /// What a C function that returns such a value is declared to return. For narrow values that is a word, whose upper bits need not
    /// be what C demands of them.
    type Returned;

    /// The value that was returned.
    fn from_returned(returned: Self::Returned) -> Self;
    /// As a value of LPIR.
    fn to_data(self) -> DataValue;
    /// From a value of LPIR, which is of this type.
    fn from_data(data: DataValue) -> Self;
}

macro_rules! values {
    ($($rust:ty, $ty:ident, $extension:ident, $returned:ty;)*) => { $(
        impl Value for $rust {
            const C: CValue = CValue { ty: Type::$ty, extension: ArgumentExtension::$extension };
            type Returned = $returned;

            #[inline]
            fn from_returned(returned: $returned) -> Self {
                returned as Self
            }

            fn to_data(self) -> DataValue {
                DataValue::new(Type::$ty, self as u128)
            }

            fn from_data(data: DataValue) -> Self {
                data.unsigned() as Self
            }
        }
    )* };
}

values! {
    i8, I8, Sext, u32;
    u8, I8, Uext, u32;
    i16, I16, Sext, u32;
    u16, I16, Uext, u32;
    i32, I32, None, u32;
    u32, I32, None, u32;
    i64, I64, None, u64;
    u64, I64, None, u64;
}

/// Two results of one word each, as C returns a structure of two words: the first in `a0`, the second in `a1`. So host functions
/// give two results; the types are `i32` or `u32`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Pair<A, B>(
    /// The first result.
    pub A,
    /// The second result.
    pub B,
);

/// The results of a call of compiled code: none, `()`; one [`Value`]; or a tuple of two that are not wider than a word.
pub trait Results {
    /// How they travel.
    const C: &'static [CValue];
    /// What the C function is declared to return.
    type Returned;

    /// The results that were returned.
    fn from_returned(returned: Self::Returned) -> Self;
    /// From as many values of LPIR, of these types.
    fn from_data(data: &[DataValue]) -> Self;
}

impl Results for () {
    const C: &'static [CValue] = &[];
    type Returned = ();

    fn from_returned((): ()) {}

    fn from_data(_: &[DataValue]) {}
}

impl<A: Value> Results for A {
    const C: &'static [CValue] = &[A::C];
    type Returned = A::Returned;

    #[inline]
    fn from_returned(returned: A::Returned) -> Self {
        <A as Value>::from_returned(returned)
    }

    fn from_data(data: &[DataValue]) -> Self {
        <A as Value>::from_data(data[0])
    }
}

impl<A: Value<Returned = u32>, B: Value<Returned = u32>> Results for (A, B) {
    const C: &'static [CValue] = &[A::C, B::C];
    type Returned = Pair<u32, u32>;

    #[inline]
    fn from_returned(returned: Pair<u32, u32>) -> Self {
        (A::from_returned(returned.0), B::from_returned(returned.1))
    }

    fn from_data(data: &[DataValue]) -> Self {
        (A::from_data(data[0]), B::from_data(data[1]))
    }
}

/// The results of a host function: none, `()`; one [`Value`]; or a [`Pair`] of words.
pub trait HostResults {
    /// How they travel.
    const C: &'static [CValue];

    /// As values of LPIR.
    fn to_data(self) -> Vec<DataValue>;
}

impl HostResults for () {
    const C: &'static [CValue] = &[];

    fn to_data(self) -> Vec<DataValue> {
        Vec::new()
    }
}

impl<A: Value> HostResults for A {
    const C: &'static [CValue] = &[A::C];

    fn to_data(self) -> Vec<DataValue> {
        vec![<A as Value>::to_data(self)]
    }
}

/// A type of one whole word.
pub trait Word: Value {}

impl Word for i32 {}
impl Word for u32 {}

impl<A: Word, B: Word> HostResults for Pair<A, B> {
    const C: &'static [CValue] = &[A::C, B::C];

    fn to_data(self) -> Vec<DataValue> {
        vec![self.0.to_data(), self.1.to_data()]
    }
}

/// A function type by which compiled code is called: `fn(i32, u8) -> i64`, with up to eight arguments.
pub trait FunctionType {
    /// The arguments, as a tuple.
    type Arguments;
    /// The results.
    type Results: Results;
    /// How everything travels.
    const SIGNATURE: CSignature;

    /// The arguments as values of LPIR.
    fn to_data(arguments: Self::Arguments) -> Vec<DataValue>;
}

/// A pointer to a function that compiled code calls: `extern "C" fn(i32, u8) -> i64`, with up to eight arguments.
pub trait HostFnPointer: Copy + 'static {
    /// How everything travels.
    const SIGNATURE: CSignature;

    /// The address of the function.
    fn address(self) -> usize;
    /// Calls the function with these arguments, which are of its types.
    fn call(self, arguments: &[DataValue]) -> Vec<DataValue>;
}

/// Calls `$do! { (A a, B b, …) }` for each number of arguments.
macro_rules! for_each_arity {
    ($do:ident) => {
        $do! { () }
        $do! { (A a) }
        $do! { (A a, B b) }
        $do! { (A a, B b, C c) }
        $do! { (A a, B b, C c, D d) }
        $do! { (A a, B b, C c, D d, E e) }
        $do! { (A a, B b, C c, D d, E e, F f) }
        $do! { (A a, B b, C c, D d, E e, F f, G g) }
        $do! { (A a, B b, C c, D d, E e, F f, G g, H h) }
    };
}
pub(crate) use for_each_arity;

macro_rules! function_types {
    (($($ty:ident $arg:ident),*)) => {
        impl<R: Results, $($ty: Value),*> FunctionType for fn($($ty),*) -> R {
            type Arguments = ($($ty,)*);
            type Results = R;
            const SIGNATURE: CSignature = CSignature { params: &[$($ty::C),*], results: R::C };

            fn to_data(($($arg,)*): Self::Arguments) -> Vec<DataValue> {
                vec![$($arg.to_data()),*]
            }
        }

        impl<R: HostResults + 'static, $($ty: Value),*> HostFnPointer for extern "C" fn($($ty),*) -> R {
            const SIGNATURE: CSignature = CSignature { params: &[$($ty::C),*], results: R::C };

            fn address(self) -> usize {
                self as usize
            }

            fn call(self, arguments: &[DataValue]) -> Vec<DataValue> {
                let mut arguments = arguments.iter();
                $(let $arg = arguments.next();)*
                debug_assert!(arguments.next().is_none());
                self($($ty::from_data(*$arg.expect("there is a value for each parameter"))),*).to_data()
            }
        }
    };
}

for_each_arity!(function_types);
