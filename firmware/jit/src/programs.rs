//! What is compiled.

use alloc::format;
use alloc::string::String;

/// Functions that are called by their types.
pub(crate) const TYPED: &str = "
function %gcd(i32, i32) -> i32 system_v {
block0(v0: i32, v1: i32):
    jump block1(v0, v1)
block1(v2: i32, v3: i32):
    brif v3, block2, block3
block2:
    v4 = urem v2, v3
    jump block1(v3, v4)
block3:
    return v2
}

function %narrow(i8 sext, i8 uext, i16 sext, i16 uext) -> i8, i16 system_v {
block0(v0: i8, v1: i8, v2: i16, v3: i16):
    v4 = ireduce.i8 v2
    v5 = iadd v0, v4
    v6 = uextend.i16 v1
    v7 = iadd v6, v3
    return v5, v7
}

function %wide(i32, i64, i64, i64, i64, i32, i64, i32) -> i64 system_v {
block0(v0: i32, v1: i64, v2: i64, v3: i64, v4: i64, v5: i32, v6: i64, v7: i32):
    v8 = iadd v0, v5
    v9 = iadd v8, v7            ; 0
    v10 = sextend.i64 v9
    v11 = iadd v10, v1
    v12 = iadd v2, v2
    v13 = iadd v11, v12
    v14 = iconst.i64 3
    v15 = imul v3, v14
    v16 = iadd v13, v15
    v17 = iconst.i64 4
    v18 = imul v4, v17
    v19 = iadd v16, v18
    v20 = iconst.i64 5
    v21 = imul v6, v20
    v22 = iadd v19, v21
    return v22
}

function %nothing() {
block0:
    return
}
";

/// Functions that call those of the host.
pub(crate) const HOST: &str = "
function %add(i32, i64) -> i64 {
    fn0 = %add_wide(i32, i64, i8 uext, i64, i16 sext, i64, i64, i32) -> i64 system_v
block0(v0: i32, v1: i64):
    v2 = iconst.i8 255
    v3 = iconst.i16 -3
    v4 = iconst.i32 7
    v5 = call fn0(v0, v1, v2, v1, v3, v1, v1, v4)
    return v5
}

function %digits(i32) -> i32 {
    fn0 = %divide(i32, i32) -> i32, i32
block0(v0: i32):
    v1 = iconst.i32 0
    jump block1(v0, v1)
block1(v2: i32, v3: i32):
    v4 = iconst.i32 10
    v5, v6 = call fn0(v2, v4)
    v7 = iadd v3, v6
    brif v5, block1(v5, v7), block2
block2:
    return v7
}

function %complement_of(i8) -> i32 {
    fn0 = %complement(i8 sext) -> i8 system_v
block0(v0: i8):
    v1 = call fn0(v0)
    v2 = sextend.i32 v1
    return v2
}
";

/// Functions that C cannot call.
pub(crate) const VALUES: &str = "
function %reverse_system_v(i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32 system_v {
block0(v0: i32, v1: i32, v2: i32, v3: i32, v4: i32, v5: i32, v6: i32, v7: i32, v8: i32, v9: i32, v10: i32, v11: i32):
    return v11, v10, v9, v8, v7, v6, v5, v4, v3, v2, v1, v0
}

function %reverse_fast(i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32 fast {
block0(v0: i32, v1: i32, v2: i32, v3: i32, v4: i32, v5: i32, v6: i32, v7: i32, v8: i32, v9: i32, v10: i32, v11: i32):
    return v11, v10, v9, v8, v7, v6, v5, v4, v3, v2, v1, v0
}

function %reverse_tail(i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32 tail {
block0(v0: i32, v1: i32, v2: i32, v3: i32, v4: i32, v5: i32, v6: i32, v7: i32, v8: i32, v9: i32, v10: i32, v11: i32):
    return v11, v10, v9, v8, v7, v6, v5, v4, v3, v2, v1, v0
}

function %square(i128) -> i128 {
block0(v0: i128):
    v1 = imul v0, v0
    return v1
}
";

/// A function that may trap.
pub(crate) const TRAP: &str = "
function %quotient(i32, i32) -> i32 {
block0(v0: i32, v1: i32):
    v2 = sdiv v0, v1
    return v2
}
";

/// A function that gives `value`.
pub(crate) fn constant(value: i32) -> String {
    format!(
        "function %constant() -> i32 {{\nblock0:\n    v0 = iconst.i32 {value}\n    return v0\n}}"
    )
}
