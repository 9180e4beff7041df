//! The immediates of compressed instructions: which values each kind can hold, and where their bits lie.

use crate::immediate::ImmediateRange;

/// How an immediate is scattered over the 16 bits.
pub(super) struct Immediate {
    /// The last ones are empty.
    runs: [Run; MAX_RUNS],
    /// The least and the largest value that it can hold.
    min: i16,
    max: i16,
    /// What the values are multiples of.
    multiple_of: u8,
    /// Whether 0 is reserved.
    not_zero: bool,
}

/// Bits of an immediate that lie side by side in the instruction too: the lowest bit in the instruction, the lowest bit of the
/// immediate, and how many there are, in four bits each.
#[derive(Clone, Copy)]
struct Run(u16);

const MAX_RUNS: usize = 8;

/// Where each group of instruction bits starts, from the top, and the bits of the immediate that it holds, as the manual lists
/// them.
type ImmediateGroups<'a> = &'a [(u8, &'a [u8])];

/// Defines [`ImmediateKind`] and what each kind is.
macro_rules! immediates {
    ($($kind:ident $immediate:expr;)*) => {
        /// Immediates, named after the forms that have them (unprivileged manual, "RVC Instruction Set Listings").
        #[derive(Clone, Copy)]
        pub(super) enum ImmediateKind {
            $($kind,)*
        }

        static IMMEDIATES: &[Immediate] = &[$($immediate),*];
    };
}

const SIGNED_6: Immediate = signed(&[(12, &[5]), (6, &[4, 3, 2, 1, 0])]);
const JUMP: Immediate = signed(&[(12, &[11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5])]);
const BRANCH: Immediate = signed(&[(12, &[8, 4, 3]), (6, &[7, 6, 2, 1, 5])]);

immediates! {
    Signed6       SIGNED_6;
    ShiftAmount   unsigned(&[(6, &[4, 3, 2, 1, 0])]);
    Upper         not_zero(SIGNED_6);
    Addi4spn      not_zero(unsigned(&[(12, &[5, 4, 9, 8, 7, 6, 2, 3])]));
    Addi16sp      not_zero(signed(&[(12, &[9]), (6, &[4, 6, 8, 7, 5])]));
    WordOffset    unsigned(&[(12, &[5, 4, 3]), (6, &[2, 6])]);
    LoadFromStack unsigned(&[(12, &[5]), (6, &[4, 3, 2, 7, 6])]);
    StoreToStack  unsigned(&[(12, &[5, 4, 3, 2, 7, 6])]);
    Jump          JUMP;
    Branch        BRANCH;
    ByteOffset    unsigned(&[(6, &[0, 1])]);
    HalfOffset    unsigned(&[(5, &[1])]);
}

/// The distances that `c.j` and `c.jal` reach.
pub const JUMP_RANGE: ImmediateRange = JUMP.range();

/// The distances that `c.beqz` and `c.bnez` reach.
pub const BRANCH_RANGE: ImmediateRange = BRANCH.range();

const fn unsigned(groups: ImmediateGroups<'_>) -> Immediate {
    let mut runs = [Run(0); MAX_RUNS];
    let mut count = 0;
    let mut values = 0_u16;
    let mut i = 0;
    while i < groups.len() {
        let (top, bits) = groups[i];
        let mut j = 0;
        while j < bits.len() {
            values |= 1 << bits[j];
            if j == 0 || bits[j] + 1 != bits[j - 1] {
                count += 1;
            }
            let len = runs[count - 1].len() + 1;
            runs[count - 1] = Run::new(top as u16 - j as u16, bits[j] as u16, len);
            j += 1;
        }
        i += 1;
    }
    Immediate {
        runs,
        min: 0,
        max: values as i16,
        multiple_of: 1 << values.trailing_zeros(),
        not_zero: false,
    }
}

const fn signed(groups: ImmediateGroups<'_>) -> Immediate {
    let immediate = unsigned(groups);
    let values = immediate.max;
    let sign = 1 << values.ilog2();
    Immediate {
        min: -sign,
        max: values - sign,
        ..immediate
    }
}

const fn not_zero(immediate: Immediate) -> Immediate {
    Immediate {
        not_zero: true,
        ..immediate
    }
}

impl ImmediateKind {
    pub(super) const fn immediate(self) -> &'static Immediate {
        &IMMEDIATES[self as usize]
    }
}

impl Immediate {
    pub(super) const fn mask(&self) -> u16 {
        let mut mask = 0;
        let mut i = 0;
        while i < MAX_RUNS {
            mask |= (self.runs[i].mask() << self.runs[i].position()) as u16;
            i += 1;
        }
        mask
    }

    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn insert(&self, value: i32) -> Option<u16> {
        if !self.can_be(value) {
            return None;
        }
        let mut bits = 0;
        let runs = self.runs.iter().take_while(|run| run.len() != 0);
        for run in runs {
            bits |= (value as u32 >> run.bit() & run.mask()) << run.position();
        }
        Some(bits as u16)
    }

    pub(super) fn extract(&self, encoding: u32) -> Option<i32> {
        let value = self.runs.iter().fold(0, |value, run| {
            value | (encoding >> run.position() & run.mask()) << run.bit()
        }) as i32;
        // The largest value of a signed immediate has all bits but the sign.
        let range = self.range();
        let value = match value > range.max {
            true => value + 2 * range.min,
            false => value,
        };
        self.can_be(value).then_some(value)
    }

    fn can_be(&self, value: i32) -> bool {
        self.range().contains(value) && (value != 0 || !self.not_zero)
    }

    /// The values that it can hold.
    const fn range(&self) -> ImmediateRange {
        ImmediateRange {
            min: self.min as i32,
            max: self.max as i32,
            multiple_of: self.multiple_of as i32,
        }
    }
}

impl Run {
    const fn new(position: u16, bit: u16, len: u16) -> Self {
        Self(position | bit << 4 | len << 8)
    }

    const fn position(self) -> u32 {
        (self.0 & 0xf) as u32
    }

    const fn bit(self) -> u32 {
        (self.0 >> 4 & 0xf) as u32
    }

    const fn len(self) -> u16 {
        self.0 >> 8
    }

    /// As many ones as it has bits.
    const fn mask(self) -> u32 {
        (1 << self.len()) - 1
    }
}
