//! Division of values that are wider than a register.
//!
//! The algorithms for 64 bits are those of Hacker's Delight, second edition, sections 9-3 to 9-5: Knuth's algorithm D with
//! two digits of 16 bits, and an estimate of the quotient that is at most one too large. 128 bits, which are rare, are
//! divided bit by bit where they do not fit 64.

use super::{Routine, build};
use lpc_lpir::builder::{FunctionBuilder, Variable};
use lpc_lpir::ir::{ExtFuncData, FuncRef, Function, IntCC, Type, Value};

fn import(b: &mut FunctionBuilder, routine: Routine) -> FuncRef {
    let signature = b.import_signature(routine.signature());
    b.import_function(ExtFuncData {
        name: routine.name(),
        signature,
        colocated: true,
    })
}

/// Calls a routine that gives a quotient and a remainder.
fn call(b: &mut FunctionBuilder, routine: FuncRef, args: &[Value]) -> (Value, Value) {
    let inst = b.ins().call(routine, args);
    let results = b.inst_results(inst);
    (results[0], results[1])
}

/// Divides two words by one, digit by digit.
pub(super) fn build_divide_two_words(func: &mut Function) {
    build(func, |b, [high, low, divisor]| {
        // Shifted so that the divisor's highest bit is set, its upper digit estimates well.
        let shift = b.ins().clz(divisor);
        let v = b.ins().ishl(divisor, shift);
        let dividend = b.ins().iconcat(low, high);
        let dividend = b.ins().ishl(dividend, shift);
        let (low, high) = b.ins().isplit(dividend);
        let sixteen = b.ins().iconst(Type::I32, 16);
        let digit_mask = b.ins().iconst(Type::I32, 0xffff);
        let digit_1 = b.ins().ushr(low, sixteen);
        let digit_0 = b.ins().band(low, digit_mask);
        let (q1, rest) = divide_digit(b, high, digit_1, v);
        let (q0, rest) = divide_digit(b, rest, digit_0, v);
        let quotient = b.ins().ishl(q1, sixteen);
        let quotient = b.ins().bor(quotient, q0);
        let remainder = b.ins().ushr(rest, shift);
        b.ins().return_(&[quotient, remainder]);
    });
}

/// One digit of the quotient of `rest` followed by `digit`, divided by `v`, and the new rest.
///
/// The upper digit of `v` gives an estimate that is at most two too large, and is corrected downwards.
fn divide_digit(b: &mut FunctionBuilder, rest: Value, digit: Value, v: Value) -> (Value, Value) {
    let [quotient, estimate_rest] = [Type::I32; 2].map(|ty| b.declare_var(ty));
    let [check, correct, done] = [(); 3].map(|()| b.create_block());
    let sixteen = b.ins().iconst(Type::I32, 16);
    let digit_mask = b.ins().iconst(Type::I32, 0xffff);
    let v1 = b.ins().ushr(v, sixteen);
    let v0 = b.ins().band(v, digit_mask);
    let q = b.ins().udiv(rest, v1);
    let r = b.ins().urem(rest, v1);
    b.def_var(quotient, q);
    b.def_var(estimate_rest, r);
    b.ins().jump(check, &[]);

    b.switch_to_block(check);
    let (q, r) = (b.use_var(quotient), b.use_var(estimate_rest));
    let product = b.ins().imul(q, v0);
    let available = b.ins().ishl(r, sixteen);
    let available = b.ins().bor(available, digit);
    let exceeds = b.ins().icmp(IntCC::UnsignedGreaterThan, product, available);
    let overflows = b.ins().icmp(IntCC::UnsignedGreaterThan, q, digit_mask);
    let is_too_large = b.ins().bor(exceeds, overflows);
    b.ins().brif(is_too_large, correct, &[], done, &[]);

    b.switch_to_block(correct);
    let minus_one = b.ins().iconst(Type::I32, -1);
    let less = b.ins().iadd(q, minus_one);
    let more = b.ins().iadd(r, v1);
    b.def_var(quotient, less);
    b.def_var(estimate_rest, more);
    let is_digit = b
        .ins()
        .icmp(IntCC::UnsignedLessThanOrEqual, more, digit_mask);
    b.ins().brif(is_digit, check, &[], done, &[]);

    b.switch_to_block(done);
    let q = b.use_var(quotient);
    let total = b.ins().ishl(rest, sixteen);
    let total = b.ins().bor(total, digit);
    let product = b.ins().imul(q, v);
    (q, b.ins().isub(total, product))
}

pub(super) fn build_udivrem64(func: &mut Function) {
    build(func, |b, [dividend, divisor]| {
        let divide_two_words = import(b, Routine::DivideTwoWords);
        let (n0, n1) = b.ins().isplit(dividend);
        let (d0, d1) = b.ins().isplit(divisor);
        let [words, pairs, by_word, by_pair] = [(); 4].map(|()| b.create_block());
        let upper = b.ins().bor(n1, d1);
        b.ins().brif(upper, pairs, &[], words, &[]);

        b.switch_to_block(words);
        let q = b.ins().udiv(n0, d0);
        let r = b.ins().urem(n0, d0);
        let [q, r] = [q, r].map(|word| b.ins().uextend(Type::I64, word));
        b.ins().return_(&[q, r]);

        b.switch_to_block(pairs);
        b.ins().brif(d1, by_pair, &[], by_word, &[]);

        b.switch_to_block(by_word);
        let q1 = b.ins().udiv(n1, d0);
        let r1 = b.ins().urem(n1, d0);
        let (q0, r) = call(b, divide_two_words, &[r1, n0, d0]);
        let q = b.ins().iconcat(q0, q1);
        let r = b.ins().uextend(Type::I64, r);
        b.ins().return_(&[q, r]);

        b.switch_to_block(by_pair);
        let (q, r) = divide_by_pair(b, divide_two_words, dividend, divisor);
        b.ins().return_(&[q, r]);
    });
}

/// Divides by a divisor whose upper word `d1` is not zero, so that the quotient fits a word.
///
/// Half the dividend divided by the upper word of the normalized divisor, scaled back, is the quotient or one more. The
/// estimate is made one less, if it can be, and corrected upwards.
fn divide_by_pair(
    b: &mut FunctionBuilder,
    divide_two_words: FuncRef,
    dividend: Value,
    divisor: Value,
) -> (Value, Value) {
    let shift = b.ins().clz(divisor);
    let shift = b.ins().ireduce(Type::I32, shift);
    let normalized = b.ins().ishl(divisor, shift);
    let (_, v1) = b.ins().isplit(normalized);
    let one = b.ins().iconst(Type::I32, 1);
    let half = b.ins().ushr(dividend, one);
    let (h0, h1) = b.ins().isplit(half);
    let (estimate, _) = call(b, divide_two_words, &[h1, h0, v1]);
    let estimate = b.ins().uextend(Type::I64, estimate);
    let scaled = b.ins().ishl(estimate, shift);
    let thirty_one = b.ins().iconst(Type::I32, 31);
    let scaled = b.ins().ushr(scaled, thirty_one);
    let zero = b.ins().iconst(Type::I64, 0);
    let one = b.ins().iconst(Type::I64, 1);
    let is_positive = b.ins().icmp(IntCC::NotEqual, scaled, zero);
    let less = b.ins().uextend(Type::I64, is_positive);
    let low = b.ins().isub(scaled, less);
    let product = b.ins().imul(low, divisor);
    let rest = b.ins().isub(dividend, product);
    let is_low = b
        .ins()
        .icmp(IntCC::UnsignedGreaterThanOrEqual, rest, divisor);
    let next = b.ins().iadd(low, one);
    let next_rest = b.ins().isub(rest, divisor);
    let quotient = b.ins().select(is_low, next, low);
    let remainder = b.ins().select(is_low, next_rest, rest);
    (quotient, remainder)
}

pub(super) fn build_udivrem128(func: &mut Function) {
    build(func, |b, [dividend, divisor]| {
        let udivrem64 = import(b, Routine::Udivrem64);
        let (n0, n1) = b.ins().isplit(dividend);
        let (d0, d1) = b.ins().isplit(divisor);
        let [halves, wholes] = [(); 2].map(|()| b.create_block());
        let upper = b.ins().bor(n1, d1);
        b.ins().brif(upper, wholes, &[], halves, &[]);

        b.switch_to_block(halves);
        let (q, r) = call(b, udivrem64, &[n0, d0]);
        let [q, r] = [q, r].map(|half| b.ins().uextend(Type::I128, half));
        b.ins().return_(&[q, r]);

        b.switch_to_block(wholes);
        divide_bit_by_bit(b, dividend, divisor);
    });
}

/// Subtracts the divisor, shifted to each place where it can be subtracted, and returns quotient and remainder.
fn divide_bit_by_bit(b: &mut FunctionBuilder, dividend: Value, divisor: Value) {
    let ty = Type::I128;
    let [quotient, rest, shifted] = [ty; 3].map(|ty| b.declare_var(ty));
    let count: Variable = b.declare_var(Type::I32);
    let [start, step, done] = [(); 3].map(|()| b.create_block());
    let zero = b.ins().iconst(Type::I64, 0);
    let zero = b.ins().uextend(ty, zero);
    b.def_var(quotient, zero);
    b.def_var(rest, dividend);
    let fits = b
        .ins()
        .icmp(IntCC::UnsignedGreaterThanOrEqual, dividend, divisor);
    b.ins().brif(fits, start, &[], done, &[]);

    b.switch_to_block(start);
    let [n, d] = [dividend, divisor].map(|value| {
        let zeros = b.ins().clz(value);
        b.ins().ireduce(Type::I32, zeros)
    });
    let distance = b.ins().isub(d, n);
    let aligned = b.ins().ishl(divisor, distance);
    b.def_var(count, distance);
    b.def_var(shifted, aligned);
    b.ins().jump(step, &[]);

    b.switch_to_block(step);
    let [q, r, d] = [quotient, rest, shifted].map(|variable| b.use_var(variable));
    let one = b.ins().iconst(Type::I32, 1);
    let fits = b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, r, d);
    let bit = b.ins().uextend(ty, fits);
    let q = b.ins().ishl(q, one);
    let q = b.ins().bor(q, bit);
    let less = b.ins().isub(r, d);
    let r = b.ins().select(fits, less, r);
    let d = b.ins().ushr(d, one);
    b.def_var(quotient, q);
    b.def_var(rest, r);
    b.def_var(shifted, d);
    let left = b.use_var(count);
    let minus_one = b.ins().iconst(Type::I32, -1);
    let next = b.ins().iadd(left, minus_one);
    b.def_var(count, next);
    b.ins().brif(left, step, &[], done, &[]);

    b.switch_to_block(done);
    let [q, r] = [quotient, rest].map(|variable| b.use_var(variable));
    b.ins().return_(&[q, r]);
}

/// Divides the magnitudes by `unsigned`; the quotient is negative if the signs differ, the remainder if the dividend is.
pub(super) fn build_sdivrem(func: &mut Function, ty: Type, unsigned: Routine) {
    build(func, |b, [dividend, divisor]| {
        let unsigned = import(b, unsigned);
        let last_bit = b.ins().iconst(Type::I32, i64::from(ty.bits()) - 1);
        let [n_sign, d_sign] = [dividend, divisor].map(|value| b.ins().sshr(value, last_bit));
        let [n, d] = [dividend, divisor].map(|value| b.ins().iabs(value));
        let (quotient, remainder) = call(b, unsigned, &[n, d]);
        let sign = b.ins().bxor(n_sign, d_sign);
        let quotient = negate_if(b, quotient, sign);
        let remainder = negate_if(b, remainder, n_sign);
        b.ins().return_(&[quotient, remainder]);
    });
}

/// `-value` where `sign` is all ones, `value` where it is zero.
fn negate_if(b: &mut FunctionBuilder, value: Value, sign: Value) -> Value {
    let flipped = b.ins().bxor(value, sign);
    b.ins().isub(flipped, sign)
}
