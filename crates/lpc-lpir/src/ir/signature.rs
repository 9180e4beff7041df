//! Signatures and calling conventions.

use super::Type;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// How a call passes its arguments and gets its results.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum CallConv {
    /// Between functions that this compiler compiled: up to eight words of results in registers.
    #[default]
    Fast,
    /// As `fast`, and the callee pops its stack arguments, so that any call in tail position can be a jump.
    Tail,
    /// The convention of C on this machine: RISC-V psABI, ilp32.
    SystemV,
}

impl CallConv {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Tail, Self::SystemV];

    /// The name in the text form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Tail => "tail",
            Self::SystemV => "system_v",
        }
    }
}

impl fmt::Display for CallConv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CallConv {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|conv| conv.name() == name)
            .ok_or(())
    }
}

/// What is known of the bits above a value that is narrower than the register it travels in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ArgumentExtension {
    /// Nothing: they are undefined.
    #[default]
    None,
    /// They are zero.
    Uext,
    /// They are copies of the sign bit.
    Sext,
}

/// What a parameter is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ArgumentPurpose {
    /// An ordinary argument.
    #[default]
    Normal,
    /// The address of the memory into which C's convention returns a structure.
    StructReturn,
    /// A structure of so many bytes that is passed by value in the stack.
    StructArgument(u32),
    /// The context pointer.
    VMContext,
}

/// A parameter or a result of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AbiParam {
    /// Its type.
    pub value_type: Type,
    /// What it is for.
    pub purpose: ArgumentPurpose,
    /// How it is extended to a register.
    pub extension: ArgumentExtension,
}

impl AbiParam {
    /// An ordinary parameter or result, not extended.
    pub const fn new(value_type: Type) -> Self {
        Self {
            value_type,
            purpose: ArgumentPurpose::Normal,
            extension: ArgumentExtension::None,
        }
    }

    /// A parameter with a purpose.
    pub const fn special(value_type: Type, purpose: ArgumentPurpose) -> Self {
        Self {
            value_type,
            purpose,
            extension: ArgumentExtension::None,
        }
    }

    /// The same, zero-extended to a register.
    pub const fn uext(self) -> Self {
        Self {
            extension: ArgumentExtension::Uext,
            ..self
        }
    }

    /// The same, sign-extended to a register.
    pub const fn sext(self) -> Self {
        Self {
            extension: ArgumentExtension::Sext,
            ..self
        }
    }
}

impl fmt::Display for AbiParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value_type)?;
        f.write_str(match self.extension {
            ArgumentExtension::None => "",
            ArgumentExtension::Uext => " uext",
            ArgumentExtension::Sext => " sext",
        })?;
        match self.purpose {
            ArgumentPurpose::Normal => Ok(()),
            ArgumentPurpose::StructReturn => f.write_str(" sret"),
            ArgumentPurpose::StructArgument(size) => write!(f, " sarg({size})"),
            ArgumentPurpose::VMContext => f.write_str(" vmctx"),
        }
    }
}

/// The parameters, results and calling convention of a function.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Signature {
    /// The parameters.
    pub params: Vec<AbiParam>,
    /// The results.
    pub returns: Vec<AbiParam>,
    /// The calling convention.
    pub call_conv: CallConv,
}

impl Signature {
    /// A signature without parameters and results.
    pub const fn new(call_conv: CallConv) -> Self {
        Self {
            params: Vec::new(),
            returns: Vec::new(),
            call_conv,
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        write_list(f, &self.params)?;
        f.write_str(")")?;
        if !self.returns.is_empty() {
            f.write_str(" -> ")?;
            write_list(f, &self.returns)?;
        }
        write!(f, " {}", self.call_conv)
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, params: &[AbiParam]) -> fmt::Result {
    for (index, param) in params.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}{param}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn display() {
        let mut signature = Signature::new(CallConv::SystemV);
        assert_eq!(signature.to_string(), "() system_v");
        signature.params = vec![
            AbiParam::special(Type::I32, ArgumentPurpose::StructReturn),
            AbiParam::new(Type::I8).uext(),
            AbiParam::special(Type::I32, ArgumentPurpose::StructArgument(12)),
        ];
        signature.returns = vec![AbiParam::new(Type::I16).sext(), AbiParam::new(Type::I64)];
        assert_eq!(
            signature.to_string(),
            "(i32 sret, i8 uext, i32 sarg(12)) -> i16 sext, i64 system_v"
        );
    }
}
