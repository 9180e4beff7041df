//! What executed instructions are.

use lpc_riscv32::{Format, Gpr, Inst, Opcode};

/// A kind of instruction. Each instruction is of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// Loads, but for those from the frame; atomic accesses too.
    Load,
    /// Stores, but for those to the frame.
    Store,
    /// Loads relative to `sp`: of spilled values, saved registers, stack slots and arguments on the stack.
    FrameLoad,
    /// Stores relative to `sp`.
    FrameStore,
    /// Conditional branches.
    Branch,
    /// Jumps, calls and returns.
    Jump,
    /// Copies of registers.
    Move,
    /// Constants and addresses: `li`, `lui` and `auipc`.
    Constant,
    /// Everything else, which computes.
    Other,
}

impl Class {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Class; 9] = [
        Class::Load,
        Class::Store,
        Class::FrameLoad,
        Class::FrameStore,
        Class::Branch,
        Class::Jump,
        Class::Move,
        Class::Constant,
        Class::Other,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Class::Load => "loads",
            Class::Store => "stores",
            Class::FrameLoad => "sp loads",
            Class::FrameStore => "sp stores",
            Class::Branch => "branches",
            Class::Jump => "jumps",
            Class::Move => "moves",
            Class::Constant => "constants",
            Class::Other => "rest",
        }
    }

    /// The kind of `inst`.
    pub fn of(inst: &Inst) -> Class {
        let is_frame = inst.rs1 == Gpr::SP;
        match inst.opcode.format() {
            Format::Load if is_frame => Class::FrameLoad,
            Format::Store if is_frame => Class::FrameStore,
            Format::Load | Format::LoadReserved | Format::AtomicMemory => Class::Load,
            Format::Store | Format::StoreConditional => Class::Store,
            Format::Branch => Class::Branch,
            Format::Jump | Format::JumpRegister => Class::Jump,
            Format::Upper => Class::Constant,
            _ => match (inst.opcode, inst.rs1, inst.rs2, inst.imm) {
                (Opcode::Addi, Gpr::ZERO, ..) => Class::Constant,
                // `c.mv` stands for an addition to zero.
                (Opcode::Addi, _, _, 0) | (Opcode::Add, Gpr::ZERO, ..) => Class::Move,
                _ => Class::Other,
            },
        }
    }
}

/// Counts of instructions by their kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mix([u64; Class::ALL.len()]);

impl Mix {
    /// Adds `count` instructions of the kind `class`.
    pub fn add(&mut self, class: Class, count: u64) {
        self.0[class as usize] += count;
    }

    /// How many of the kind `class` there are.
    pub fn count(&self, class: Class) -> u64 {
        self.0[class as usize]
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Mix};
    use lpc_riscv32::{ExtensionSet, fetch::fetch};

    #[test]
    fn classes() {
        let class = |bits: u32| {
            let bytes = bits.to_le_bytes();
            let fetched = fetch(&bytes, ExtensionSet::all()).unwrap();
            Class::of(&fetched.inst)
        };
        let expected = [
            (0x0005_2503, Class::Load),      // lw a0,0(a0)
            (0x0081_2083, Class::FrameLoad), // lw ra,8(sp)
            (0x4532, Class::FrameLoad),      // c.lwsp a0,12
            (0x00b5_2023, Class::Store),     // sw a1,0(a0)
            (0xc606, Class::FrameStore),     // c.swsp ra,12
            (0x00b5_0463, Class::Branch),    // beq a0,a1,8
            (0xc111, Class::Branch),         // c.beqz a0,4
            (0x8082, Class::Jump),           // ret
            (0x0080_00ef, Class::Jump),      // jal 8
            (0x0005_8513, Class::Move),      // mv a0,a1
            (0x852e, Class::Move),           // c.mv a0,a1
            (0x4505, Class::Constant),       // c.li a0,1
            (0x0001_2537, Class::Constant),  // lui a0,18
            (0x0001_2517, Class::Constant),  // auipc a0,18
            (0x00b5_0533, Class::Other),     // add a0,a0,a1
            (0x0505, Class::Other),          // c.addi a0,1
            (0x02b5_0533, Class::Other),     // mul a0,a0,a1
        ];
        for (bits, expected) in expected {
            assert_eq!(class(bits), expected, "{bits:#x}");
        }
    }

    #[test]
    fn classes_are_numbered_in_order() {
        let mut mix = Mix::default();
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
            mix.add(class, 1 << index);
        }
        assert_eq!(mix.count(Class::Move), 64);
        assert_eq!(mix.total(), 511);
    }
}
