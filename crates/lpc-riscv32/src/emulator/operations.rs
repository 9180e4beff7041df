//! The arithmetic of the instructions.

use crate::table::Opcode;

/// The result of an instruction for these operands, of which the second one may be an immediate: of every instruction that
/// computes something from them alone, and of atomic memory operations, which compute what they store from what is there.
///
/// Each caller in the hot loop knows the opcode when it is compiled.
#[inline(always)]
pub(super) fn evaluate(opcode: Opcode, a: u32, b: u32) -> u32 {
    match opcode {
        Opcode::Add | Opcode::Addi | Opcode::AmoaddW => a.wrapping_add(b),
        Opcode::Sub => a.wrapping_sub(b),
        Opcode::Slt | Opcode::Slti => u32::from((a as i32) < b as i32),
        Opcode::Sltu | Opcode::Sltiu => u32::from(a < b),
        Opcode::Xor | Opcode::Xori | Opcode::AmoxorW => a ^ b,
        Opcode::Or | Opcode::Ori | Opcode::AmoorW => a | b,
        Opcode::And | Opcode::Andi | Opcode::AmoandW => a & b,
        // Shifts use the low five bits of the amount.
        Opcode::Sll | Opcode::Slli => a.wrapping_shl(b),
        Opcode::Srl | Opcode::Srli => a.wrapping_shr(b),
        Opcode::Sra | Opcode::Srai => (a as i32).wrapping_shr(b) as u32,
        Opcode::AmoswapW => b,

        Opcode::Mul => a.wrapping_mul(b),
        Opcode::Mulh => mulh(a, b),
        Opcode::Mulhsu => mulhsu(a, b),
        Opcode::Mulhu => mulhu(a, b),
        Opcode::Div => div(a, b),
        Opcode::Divu => a.checked_div(b).unwrap_or(u32::MAX),
        Opcode::Rem => rem(a, b),
        Opcode::Remu => a.checked_rem(b).unwrap_or(a),

        Opcode::Sh1add => (a << 1).wrapping_add(b),
        Opcode::Sh2add => (a << 2).wrapping_add(b),
        Opcode::Sh3add => (a << 3).wrapping_add(b),
        Opcode::Andn => a & !b,
        Opcode::Orn => a | !b,
        Opcode::Xnor => !(a ^ b),
        Opcode::Clz => a.leading_zeros(),
        Opcode::Ctz => a.trailing_zeros(),
        Opcode::Cpop => a.count_ones(),
        Opcode::SextB => a as i8 as u32,
        Opcode::SextH => a as i16 as u32,
        Opcode::ZextH => a & 0xffff,
        Opcode::Max | Opcode::AmomaxW => (a as i32).max(b as i32) as u32,
        Opcode::Min | Opcode::AmominW => (a as i32).min(b as i32) as u32,
        Opcode::Maxu | Opcode::AmomaxuW => a.max(b),
        Opcode::Minu | Opcode::AmominuW => a.min(b),
        Opcode::Rol => a.rotate_left(b & 31),
        Opcode::Ror | Opcode::Rori => a.rotate_right(b & 31),
        Opcode::OrcB => orc_b(a),
        Opcode::Rev8 => a.swap_bytes(),
        Opcode::Pack => a & 0xffff | b << 16,
        Opcode::Packh => a & 0xff | (b & 0xff) << 8,
        // Reverses the bits within each byte.
        Opcode::Brev8 => a.reverse_bits().swap_bytes(),
        Opcode::Zip => zip(a),
        Opcode::Unzip => unzip(a),
        Opcode::Bclr | Opcode::Bclri => a & !bit(b),
        Opcode::Bext | Opcode::Bexti => a.wrapping_shr(b) & 1,
        Opcode::Binv | Opcode::Binvi => a ^ bit(b),
        Opcode::Bset | Opcode::Bseti => a | bit(b),
        Opcode::CzeroEqz => {
            if b == 0 {
                0
            } else {
                a
            }
        }
        Opcode::CzeroNez => {
            if b == 0 {
                a
            } else {
                0
            }
        }
        _ => unreachable!("{} computes nothing from operands alone", opcode.mnemonic()),
    }
}

/// Whether a conditional branch is taken.
#[inline(always)]
pub(super) fn holds(branch: Opcode, a: u32, b: u32) -> bool {
    match branch {
        Opcode::Beq => a == b,
        Opcode::Bne => a != b,
        Opcode::Blt => (a as i32) < b as i32,
        Opcode::Bge => (a as i32) >= b as i32,
        Opcode::Bltu => a < b,
        Opcode::Bgeu => a >= b,
        _ => unreachable!("{} is no branch", branch.mnemonic()),
    }
}

fn mulh(a: u32, b: u32) -> u32 {
    ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32
}

fn mulhsu(a: u32, b: u32) -> u32 {
    ((i64::from(a as i32) * i64::from(b)) >> 32) as u32
}

fn mulhu(a: u32, b: u32) -> u32 {
    ((u64::from(a) * u64::from(b)) >> 32) as u32
}

/// Division by zero gives all ones; the one overflow, `i32::MIN / -1`, wraps.
fn div(a: u32, b: u32) -> u32 {
    match b {
        0 => u32::MAX,
        _ => (a as i32).wrapping_div(b as i32) as u32,
    }
}

/// The remainder of a division by zero is the dividend; that of the overflow is zero.
fn rem(a: u32, b: u32) -> u32 {
    match b {
        0 => a,
        _ => (a as i32).wrapping_rem(b as i32) as u32,
    }
}

/// Each byte becomes all ones if it is not zero.
fn orc_b(a: u32) -> u32 {
    u32::from_ne_bytes(a.to_ne_bytes().map(|byte| if byte == 0 { 0 } else { 0xff }))
}

/// Interleaves: bit i of the lower half goes to bit 2i, bit i of the upper half to bit 2i + 1.
fn zip(a: u32) -> u32 {
    (0..16).fold(0, |zipped, i| {
        zipped | (a >> i & 1) << (2 * i) | (a >> (i + 16) & 1) << (2 * i + 1)
    })
}

/// The inverse of [`zip`].
fn unzip(a: u32) -> u32 {
    (0..16).fold(0, |unzipped, i| {
        unzipped | (a >> (2 * i) & 1) << i | (a >> (2 * i + 1) & 1) << (i + 16)
    })
}

/// The single bit that the low five bits of `b` number.
fn bit(b: u32) -> u32 {
    1 << (b & 31)
}
