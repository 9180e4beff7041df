//! Wrong calling conventions, to see that the fuzzer notices them.

/// A mistake that the C side makes on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Two words of the parameters are exchanged.
    SwappedArguments,
    /// Wide values that are in the stack as a whole are not aligned.
    NoStackAlignment,
    /// The address of the return area is the last argument.
    ReturnAreaLast,
    /// A function changes a register that it has to preserve.
    ClobberedRegister,
    /// Narrow results come unextended.
    UnextendedResult,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::SwappedArguments,
        Self::NoStackAlignment,
        Self::ReturnAreaLast,
        Self::ClobberedRegister,
        Self::UnextendedResult,
    ];
}
