//! Instructions that compute: results from operands, and nothing else.
//!
//! | file | computes |
//! |---|---|
//! | `arithmetic` | sums, products, quotients, minima, comparisons |
//! | `overflow` | the same with carries and overflow flags |
//! | `bits` | logic, shifts, counts, orders of bits and bytes |
//! | `convert` | from one type to another |
//!
//! A number is a [`DataValue`]; its [`unsigned`](DataValue::unsigned) and [`signed`](DataValue::signed) views are 128 bits
//! wide, and [`DataValue::new`] takes the result modulo the width of its type.

mod arithmetic;
mod bits;
mod convert;
mod overflow;

pub(crate) use arithmetic::compare;

use arithmetic as int;
use lpc_lpir::ir::{AtomicRmwOp, DataValue, Opcode, TrapCode, Type};

/// The results of an instruction: one or two.
pub(crate) type Results = (DataValue, Option<DataValue>);

fn one(result: DataValue) -> Results {
    (result, None)
}

fn two(first: DataValue, second: DataValue) -> Results {
    (first, Some(second))
}

/// The value of the type of `like` with the low bits of `bits`.
fn same_type(like: DataValue, bits: u128) -> DataValue {
    DataValue::new(like.ty(), bits)
}

/// The results of `opcode` with one operand. `ty` is its controlling type.
pub(crate) fn unary(opcode: Opcode, ty: Type, x: DataValue) -> Results {
    one(match opcode {
        Opcode::Ineg => int::ineg(x),
        Opcode::Iabs => int::iabs(x),
        Opcode::Bnot => bits::bnot(x),
        Opcode::Bitrev => bits::bitrev(x),
        Opcode::Clz => bits::clz(x),
        Opcode::Cls => bits::cls(x),
        Opcode::Ctz => bits::ctz(x),
        Opcode::Bswap => bits::bswap(x),
        Opcode::Popcnt => bits::popcnt(x),
        Opcode::Bmask => convert::bmask(ty, x),
        Opcode::Bitcast | Opcode::Ireduce | Opcode::Uextend => DataValue::new(ty, x.unsigned()),
        Opcode::Sextend => DataValue::from_signed(ty, x.signed()),
        Opcode::Isplit => {
            let (low, high) = convert::isplit(x);
            return two(low, high);
        }
        _ => unreachable!("{opcode} has not one operand"),
    })
}

/// The results of `opcode` with two operands.
///
/// # Errors
/// The trap of a division.
pub(crate) fn binary(opcode: Opcode, x: DataValue, y: DataValue) -> Result<Results, TrapCode> {
    Ok(one(match opcode {
        Opcode::Iadd => int::iadd(x, y),
        Opcode::Isub => int::isub(x, y),
        Opcode::Imul => int::imul(x, y),
        Opcode::Umulhi => int::umulhi(x, y),
        Opcode::Smulhi => int::smulhi(x, y),
        Opcode::Udiv => int::udiv(x, y)?,
        Opcode::Sdiv => int::sdiv(x, y)?,
        Opcode::Urem => int::urem(x, y)?,
        Opcode::Srem => int::srem(x, y)?,
        Opcode::Smin => int::smin(x, y),
        Opcode::Umin => int::umin(x, y),
        Opcode::Smax => int::smax(x, y),
        Opcode::Umax => int::umax(x, y),
        Opcode::Band => bits::band(x, y),
        Opcode::Bor => bits::bor(x, y),
        Opcode::Bxor => bits::bxor(x, y),
        Opcode::Rotl => bits::rotl(x, y),
        Opcode::Rotr => bits::rotr(x, y),
        Opcode::Ishl => bits::ishl(x, y),
        Opcode::Ushr => bits::ushr(x, y),
        Opcode::Sshr => bits::sshr(x, y),
        Opcode::Iconcat => convert::iconcat(x, y),
        _ => return Ok(with_overflow(opcode, x, y)),
    }))
}

/// The results of `opcode` with two operands and a flag among its results.
fn with_overflow(opcode: Opcode, x: DataValue, y: DataValue) -> Results {
    let no_carry = DataValue::from_bool(false);
    let (result, overflows) = match opcode {
        Opcode::UaddOverflow => overflow::uadd(x, y, no_carry),
        Opcode::SaddOverflow => overflow::sadd(x, y, no_carry),
        Opcode::UsubOverflow => overflow::usub(x, y, no_carry),
        Opcode::SsubOverflow => overflow::ssub(x, y, no_carry),
        Opcode::UmulOverflow => overflow::umul(x, y),
        Opcode::SmulOverflow => overflow::smul(x, y),
        _ => unreachable!("{opcode} has not two operands"),
    };
    two(result, DataValue::from_bool(overflows))
}

/// The results of `opcode` with three operands.
pub(crate) fn ternary(opcode: Opcode, x: DataValue, y: DataValue, z: DataValue) -> Results {
    let (result, overflows) = match opcode {
        Opcode::Select | Opcode::SelectSpectreGuard => return one(if x.is_true() { y } else { z }),
        Opcode::Bitselect => return one(bits::bitselect(x, y, z)),
        Opcode::UaddOverflowCin => overflow::uadd(x, y, z),
        Opcode::SaddOverflowCin => overflow::sadd(x, y, z),
        Opcode::UsubOverflowBin => overflow::usub(x, y, z),
        Opcode::SsubOverflowBin => overflow::ssub(x, y, z),
        _ => unreachable!("{opcode} has not three operands"),
    };
    two(result, DataValue::from_bool(overflows))
}

/// The sum.
///
/// # Errors
/// `code`, when it overflows as unsigned.
pub(crate) fn uadd_overflow_trap(
    x: DataValue,
    y: DataValue,
    code: TrapCode,
) -> Result<DataValue, TrapCode> {
    match overflow::uadd(x, y, DataValue::from_bool(false)) {
        (_, true) => Err(code),
        (sum, false) => Ok(sum),
    }
}

/// What an `atomic_rmw` writes where memory holds `old`.
pub(crate) fn atomic_rmw(op: AtomicRmwOp, old: DataValue, x: DataValue) -> DataValue {
    match op {
        AtomicRmwOp::Add => int::iadd(old, x),
        AtomicRmwOp::Sub => int::isub(old, x),
        AtomicRmwOp::And => bits::band(old, x),
        AtomicRmwOp::Nand => bits::bnot(bits::band(old, x)),
        AtomicRmwOp::Or => bits::bor(old, x),
        AtomicRmwOp::Xor => bits::bxor(old, x),
        AtomicRmwOp::Xchg => x,
        AtomicRmwOp::Umin => int::umin(old, x),
        AtomicRmwOp::Umax => int::umax(old, x),
        AtomicRmwOp::Smin => int::smin(old, x),
        AtomicRmwOp::Smax => int::smax(old, x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every opcode whose operands are only values is computed by one of the functions above.
    #[test]
    fn every_computing_opcode_has_its_function() {
        use lpc_lpir::ir::InstructionFormat;
        let x = DataValue::new(Type::I16, 3);
        let carry = DataValue::from_bool(true);
        for &opcode in Opcode::ALL {
            let (first, second) = match opcode.format() {
                InstructionFormat::Unary => unary(opcode, Type::I16, x),
                InstructionFormat::Binary => binary(opcode, x, x).unwrap(),
                InstructionFormat::Ternary => ternary(opcode, x, x, carry),
                _ => continue,
            };
            assert_eq!(
                1 + usize::from(second.is_some()),
                opcode.results().count(),
                "{opcode}: {first:?} {second:?}"
            );
        }
    }

    #[test]
    fn select_takes_conditions_of_any_type() {
        let [y, z] = [1, 2].map(|number| DataValue::new(Type::I32, number));
        for ty in [Type::I8, Type::I64, Type::I128] {
            let high_bit = DataValue::new(ty, 1 << (ty.bits() - 1));
            assert_eq!(ternary(Opcode::Select, high_bit, y, z), one(y));
            assert_eq!(ternary(Opcode::Select, DataValue::new(ty, 0), y, z), one(z));
        }
    }

    #[test]
    fn uadd_overflow_trap_traps_with_its_code() {
        let [max, one, two] = [u128::MAX, 1, 2].map(|number| DataValue::new(Type::I32, number));
        let code = TrapCode::user(7).unwrap();
        assert_eq!(uadd_overflow_trap(max, one, code), Err(code));
        assert_eq!(uadd_overflow_trap(one, one, code), Ok(two));
    }

    #[test]
    fn atomic_operations() {
        let byte = |number| DataValue::from_signed(Type::I8, number);
        for (op, result) in [
            (AtomicRmwOp::Add, 121),
            (AtomicRmwOp::Sub, 127),
            (AtomicRmwOp::And, 124),
            (AtomicRmwOp::Nand, -125),
            (AtomicRmwOp::Or, -3),
            (AtomicRmwOp::Xor, -127),
            (AtomicRmwOp::Xchg, -3),
            (AtomicRmwOp::Umin, 124),
            (AtomicRmwOp::Umax, -3),
            (AtomicRmwOp::Smin, -3),
            (AtomicRmwOp::Smax, 124),
        ] {
            assert_eq!(atomic_rmw(op, byte(124), byte(-3)), byte(result), "{op}");
        }
    }
}
