//! Registers as instructions name them.
//!
//! A [`Reg`] is one number that names either a physical or a virtual register, so that an instruction has the same shape
//! before and after register allocation. The numbers are cut as follows; the register class stands in the two low bits.
//!
//! ```text
//!  index   0 ..  63   physical integer registers      ┐
//!         64 .. 127   physical float registers        ├ pinned: RealReg
//!        128 .. 191   physical vector registers       ┘
//!        192 ..       virtual registers                 VirtualReg
//! ```
//!
//! The register allocator numbers virtual registers from zero ([`VirtualReg::to_allocator_vreg`]): its memory grows with
//! the number of registers it is told of, and physical ones reach it only as constraints.

use core::fmt;
use regalloc2::{PReg, VReg};

/// Which bank of registers a value needs. Classes are disjoint.
pub use regalloc2::RegClass;

/// A word of the frame in which the register allocator keeps a value.
pub use regalloc2::SpillSlot;

/// How many register numbers are pinned to physical registers: 64 of each class.
pub const PINNED_REGS: u32 = PReg::NUM_INDEX as u32 / 4 * 3;

const CLASS_BITS: u32 = 2;

/// What the bits of a virtual register are more than those of the [`VReg`] that the allocator knows it as: both have the class in
/// the same low bits.
const ALLOCATOR_OFFSET: u32 = PINNED_REGS << CLASS_BITS;

/// A physical or virtual register, as an operand of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg(u32);

impl Reg {
    const fn new(index: u32, class: RegClass) -> Self {
        Self(index << CLASS_BITS | class as u32)
    }

    /// The register's number among all registers: below [`PINNED_REGS`] for a physical one.
    pub const fn index(self) -> u32 {
        self.0 >> CLASS_BITS
    }

    /// The class of the register.
    pub const fn class(self) -> RegClass {
        match self.0 & ((1 << CLASS_BITS) - 1) {
            0 => RegClass::Int,
            1 => RegClass::Float,
            _ => RegClass::Vector,
        }
    }

    /// Whether this is a physical register.
    pub const fn is_real(self) -> bool {
        self.index() < PINNED_REGS
    }

    /// Whether this is a virtual register.
    pub const fn is_virtual(self) -> bool {
        !self.is_real()
    }

    /// The physical register, if it is one.
    pub const fn to_real_reg(self) -> Option<RealReg> {
        if self.is_real() {
            Some(RealReg(PReg::from_index(self.index() as usize)))
        } else {
            None
        }
    }

    /// The virtual register, if it is one.
    pub const fn to_virtual_reg(self) -> Option<VirtualReg> {
        if self.is_virtual() {
            Some(VirtualReg(self))
        } else {
            None
        }
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_real_reg() {
            Some(real) => fmt::Debug::fmt(&real, f),
            None => fmt::Debug::fmt(&VirtualReg(*self), f),
        }
    }
}

/// A physical register.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RealReg(PReg);

impl RealReg {
    /// The register that the register allocator names `preg`.
    pub const fn new(preg: PReg) -> Self {
        Self(preg)
    }

    /// The class of the register.
    pub const fn class(self) -> RegClass {
        self.0.class()
    }

    /// The number of the register within its class: the order in which the allocator tries registers. The machine's own
    /// number may be another.
    pub const fn index_in_class(self) -> u8 {
        self.0.hw_enc() as u8
    }

    /// The register as the register allocator names it.
    pub const fn preg(self) -> PReg {
        self.0
    }

    /// The register as an operand.
    #[inline]
    pub const fn to_reg(self) -> Reg {
        // The registers of all classes are numbered through.
        let index = self.0.index() as u32;
        Reg(index << CLASS_BITS | index >> PReg::MAX_BITS)
    }
}

impl From<PReg> for RealReg {
    fn from(preg: PReg) -> Self {
        Self(preg)
    }
}

impl From<RealReg> for PReg {
    fn from(real: RealReg) -> Self {
        real.0
    }
}

impl From<RealReg> for Reg {
    fn from(real: RealReg) -> Self {
        real.to_reg()
    }
}

impl From<PReg> for Reg {
    fn from(preg: PReg) -> Self {
        RealReg(preg).to_reg()
    }
}

impl fmt::Debug for RealReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A virtual register: a value for which the register allocator will find a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualReg(Reg);

impl VirtualReg {
    /// The largest number that a virtual register can have.
    pub const MAX_INDEX: u32 = VReg::MAX as u32;

    /// The virtual register with the number `index` (from [`PINNED_REGS`]) and the class `class`, or `None` if no virtual
    /// register has that number.
    pub const fn with_index(index: u32, class: RegClass) -> Option<Self> {
        if index >= PINNED_REGS && index <= Self::MAX_INDEX {
            Some(Self(Reg::new(index, class)))
        } else {
            None
        }
    }

    /// The number of the register among all registers.
    pub const fn index(self) -> u32 {
        self.0.index()
    }

    /// The class of the register.
    pub const fn class(self) -> RegClass {
        self.0.class()
    }

    /// The register as an operand.
    pub const fn to_reg(self) -> Reg {
        self.0
    }

    /// The register as the register allocator knows it, counted from zero.
    pub fn to_allocator_vreg(self) -> VReg {
        VReg::from_bits(self.0.0 - ALLOCATOR_OFFSET)
    }

    /// The register that the register allocator knows as `vreg`.
    pub fn from_allocator_vreg(vreg: VReg) -> Self {
        Self(Reg(vreg.bits() as u32 + ALLOCATOR_OFFSET))
    }
}

impl From<VirtualReg> for Reg {
    fn from(virtual_reg: VirtualReg) -> Self {
        virtual_reg.0
    }
}

impl fmt::Display for VirtualReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class() {
            RegClass::Int => "",
            RegClass::Float => "f",
            RegClass::Vector => "v",
        };
        write!(f, "v{}{class}", self.index())
    }
}

impl fmt::Debug for VirtualReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A register that an instruction writes.
///
/// Anybody may make one, but has to say so: a function that takes a `Writable<Reg>` writes it, one that takes a [`Reg`]
/// does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Writable<T> {
    reg: T,
}

impl<T: Copy> Writable<T> {
    /// Declares that `reg` is written.
    pub const fn from_reg(reg: T) -> Self {
        Self { reg }
    }

    /// The register, to be read.
    pub const fn to_reg(self) -> T {
        self.reg
    }

    /// The register, to be renamed.
    pub const fn reg_mut(&mut self) -> &mut T {
        &mut self.reg
    }

    /// The same register under another type.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Writable<U> {
        Writable {
            reg: convert(self.reg),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Writable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reg.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn every_physical_register_is_pinned() {
        for (class_number, class) in [RegClass::Int, RegClass::Float, RegClass::Vector]
            .into_iter()
            .enumerate()
        {
            for hw_enc in 0..64 {
                let preg = PReg::new(hw_enc, class);
                let reg = Reg::from(preg);
                assert_eq!(reg.index() as usize, class_number * 64 + hw_enc);
                assert_eq!(reg.class(), class);
                assert!(reg.is_real() && !reg.is_virtual());
                assert_eq!(reg.to_virtual_reg(), None);
                let real = reg.to_real_reg().unwrap();
                assert_eq!(
                    (real.index_in_class() as usize, real.class()),
                    (hw_enc, class)
                );
                assert_eq!(PReg::from(real), preg);
                assert_eq!(Reg::from(real), reg);
            }
        }
    }

    #[test]
    fn virtual_registers_start_after_the_pinned_ones() {
        assert_eq!(PINNED_REGS, 192);
        assert_eq!(VirtualReg::with_index(191, RegClass::Int), None);
        let first = VirtualReg::with_index(192, RegClass::Int).unwrap();
        assert_eq!(first.index(), 192);
        let reg = Reg::from(first);
        assert!(reg.is_virtual() && !reg.is_real());
        assert_eq!(reg.to_virtual_reg(), Some(first));
        assert_eq!(reg.to_real_reg(), None);
        assert!(VirtualReg::with_index(VirtualReg::MAX_INDEX, RegClass::Float).is_some());
        assert_eq!(
            VirtualReg::with_index(VirtualReg::MAX_INDEX + 1, RegClass::Float),
            None
        );
    }

    #[test]
    fn the_allocator_counts_from_zero() {
        for (index, class) in [(192, RegClass::Int), (300, RegClass::Float)] {
            let virtual_reg = VirtualReg::with_index(index, class).unwrap();
            let vreg = virtual_reg.to_allocator_vreg();
            assert_eq!(vreg.vreg() as u32, index - 192);
            assert_eq!(vreg.class(), class);
            assert_eq!(VirtualReg::from_allocator_vreg(vreg), virtual_reg);
        }
    }

    #[test]
    fn registers_print_their_index_and_class() {
        let print = |index, class| format!("{}", VirtualReg::with_index(index, class).unwrap());
        assert_eq!(print(192, RegClass::Int), "v192");
        assert_eq!(print(200, RegClass::Float), "v200f");
        assert_eq!(print(201, RegClass::Vector), "v201v");
        assert_eq!(
            format!("{:?}", Reg::from(PReg::new(10, RegClass::Int))),
            "p10i"
        );
    }

    #[test]
    fn a_writable_register_reads_back() {
        let reg = Reg::from(PReg::new(10, RegClass::Int));
        let mut writable = Writable::from_reg(reg);
        assert_eq!(writable.to_reg(), reg);
        assert_eq!(writable.map(|reg| reg.index()).to_reg(), 10);
        *writable.reg_mut() = Reg::from(PReg::new(11, RegClass::Int));
        assert_eq!(writable.to_reg().index(), 11);
    }
}
