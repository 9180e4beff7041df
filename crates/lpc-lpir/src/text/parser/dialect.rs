//! Words of CLIF that LPIR does not have, and words that CLIF itself no longer has.
//!
//! The former make a function be skipped: its file is right, and its other functions can be used. The latter are errors with
//! a hint at what stands in their place today.

/// Opcodes of CLIF that LPIR lacks, sorted.
const MISSING_OPCODES: &[&str] = &[
    "avg_round",
    "blendv",
    "ceil",
    "dynamic_stack_addr",
    "extract_vector",
    "extractlane",
    "f128const",
    "f16const",
    "f32const",
    "f64const",
    "fabs",
    "fadd",
    "fcmp",
    "fcopysign",
    "fcvt_from_sint",
    "fcvt_from_uint",
    "fcvt_to_sint",
    "fcvt_to_sint_sat",
    "fcvt_to_uint",
    "fcvt_to_uint_sat",
    "fdemote",
    "fdiv",
    "floor",
    "fma",
    "fmax",
    "fmin",
    "fmul",
    "fneg",
    "fpromote",
    "fsub",
    "fvdemote",
    "fvpromote_low",
    "get_exception_handler_address",
    "get_pinned_reg",
    "iadd_pairwise",
    "insertlane",
    "nearest",
    "sadd_sat",
    "scalar_to_vector",
    "sequence_point",
    "set_pinned_reg",
    "shuffle",
    "sload16x4",
    "sload32x2",
    "sload8x8",
    "snarrow",
    "splat",
    "sqmul_round_sat",
    "sqrt",
    "ssub_sat",
    "stack_switch",
    "swiden_high",
    "swiden_low",
    "swizzle",
    "tls_value",
    "trunc",
    "try_call",
    "try_call_indirect",
    "uadd_sat",
    "uload16x4",
    "uload32x2",
    "uload8x8",
    "unarrow",
    "usub_sat",
    "uunarrow",
    "uwiden_high",
    "uwiden_low",
    "vall_true",
    "vany_true",
    "vconst",
    "vhigh_bits",
    "x86_cvtt2dq",
    "x86_pmaddubsw",
    "x86_pmulhrsw",
    "x86_pshufb",
];

/// Calling conventions of CLIF that are those of other machines.
const FOREIGN_CALL_CONVS: &[&str] = &[
    "apple_aarch64",
    "preserve_all",
    "probestack",
    "windows_fastcall",
    "winch",
];

/// Whether CLIF has an opcode `name` that LPIR lacks.
pub(super) fn is_missing_opcode(name: &str) -> bool {
    MISSING_OPCODES.binary_search(&name).is_ok()
}

/// Whether CLIF has a calling convention `name` that LPIR lacks.
pub(super) fn is_foreign_call_conv(name: &str) -> bool {
    FOREIGN_CALL_CONVS.contains(&name)
}

/// Whether `name` is a type of CLIF: a scalar, a vector `i32x4`, or a dynamic vector `dt0`.
pub(super) fn is_clif_type(name: &str) -> bool {
    if let Some(number) = name.strip_prefix("dt") {
        return is_number(number);
    }
    let (scalar, lanes) = match name.split_once('x') {
        Some((scalar, lanes)) => (scalar, Some(lanes)),
        None => (name, None),
    };
    let is_scalar = matches!(
        scalar,
        "i8" | "i16" | "i32" | "i64" | "i128" | "f16" | "f32" | "f64" | "f128"
    );
    is_scalar && lanes.is_none_or(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `word` starts a declaration in the preamble that CLIF has and LPIR lacks, and what it declares.
pub(super) fn missing_declaration(word: &str) -> Option<&'static str> {
    let prefix = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if prefix.len() == word.len() {
        return None;
    }
    match prefix {
        "const" => Some("a constant of a vector"),
        "dss" => Some("a dynamic stack slot"),
        "dt" => Some("a dynamic vector type"),
        "region" => Some("an alias region"),
        _ => None,
    }
}

/// What to write in place of `opcode`, when CLIF once had it.
pub(super) fn gone_opcode(opcode: &str) -> Option<&'static str> {
    Some(match opcode {
        "stack_load" => "use `stack_addr` and `load`",
        "stack_store" => "use `stack_addr` and `store`",
        "dynamic_stack_load" => "use `dynamic_stack_addr` and `load`",
        "dynamic_stack_store" => "use `dynamic_stack_addr` and `store`",
        "global_value" => "use `symbol_value`, or `load` and `iadd`",
        "band_not" => "use `bnot` and `band`",
        "bor_not" => "use `bnot` and `bor`",
        "bxor_not" => "use `bnot` and `bxor`",
        "uadd_overflow_trap_imm"
        | "iadd_imm"
        | "imul_imm"
        | "udiv_imm"
        | "sdiv_imm"
        | "urem_imm"
        | "srem_imm"
        | "irsub_imm"
        | "band_imm"
        | "bor_imm"
        | "bxor_imm"
        | "rotl_imm"
        | "rotr_imm"
        | "ishl_imm"
        | "ushr_imm"
        | "sshr_imm"
        | "icmp_imm" => "use `iconst` and the opcode without `_imm`",
        "iadd_cin" | "iadd_carry" | "iadd_cout" => "use `uadd_overflow_cin` or `uadd_overflow`",
        "isub_bin" | "isub_borrow" | "isub_bout" => "use `usub_overflow_bin` or `usub_overflow`",
        "bint" | "bconst" | "bextend" | "breduce" => "truth values are of type i8",
        "brz" | "brnz" | "br_icmp" => "use `brif`",
        "resumable_trap" | "resumable_trapnz" => "use `trap` or `trapnz`",
        "copy" => "use the operand",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Opcode;

    #[test]
    fn missing_opcodes_are_sorted_and_missing() {
        assert!(MISSING_OPCODES.is_sorted());
        for name in MISSING_OPCODES {
            assert!(name.parse::<Opcode>().is_err(), "{name}");
            assert_eq!(gone_opcode(name), None);
        }
    }

    #[test]
    fn types_of_clif() {
        for name in ["i8", "f128", "i32x4", "f64x2", "dt0"] {
            assert!(is_clif_type(name), "{name}");
        }
        for name in ["i24", "i32x", "x4", "dt", "r32", "void"] {
            assert!(!is_clif_type(name), "{name}");
        }
    }
}
