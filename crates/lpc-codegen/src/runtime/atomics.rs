//! Atomic changes of big-endian values.
//!
//! Between the two accesses of an `lr.w` and `sc.w` loop there may be 16 instructions at most, which do not suffice to turn
//! the bytes around twice. So these compute outside, and then replace what memory held by what it is to hold, unless it has
//! changed.

use super::{ByteOrderedOp, build};
use lpc_lpir::ir::{Endianness, Function, IntCC, MemFlags, Type};

/// Builds the change of a value of type `ty` by `op`.
pub(super) fn build_rmw_big(func: &mut Function, op: ByteOrderedOp, ty: Type) {
    build(func, |b, [address, operand, found]| {
        let [again, done] = [(); 2].map(|()| b.create_block());
        b.ins().jump(again, &[found]);

        b.switch_to_block(again);
        let expected = b.append_block_param(again, ty);
        let old = b.ins().bswap(expected);
        let new = match op {
            ByteOrderedOp::Add => b.ins().iadd(old, operand),
            ByteOrderedOp::Umin => b.ins().umin(old, operand),
            ByteOrderedOp::Umax => b.ins().umax(old, operand),
            ByteOrderedOp::Smin => b.ins().smin(old, operand),
            ByteOrderedOp::Smax => b.ins().smax(old, operand),
        };
        let replacement = b.ins().bswap(new);
        let flags = MemFlags::new().with_endianness(Endianness::Little);
        let found = b.ins().atomic_cas(flags, address, expected, replacement);
        let is_replaced = b.ins().icmp(IntCC::Equal, found, expected);
        b.ins().brif(is_replaced, done, &[], again, &[found]);

        b.switch_to_block(done);
        b.ins().return_(&[old]);
    });
}
