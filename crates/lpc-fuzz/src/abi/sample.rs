//! A small case whose texts and trace the tests of this module look at.

use super::c_text::c_text;
use super::case::{
    Base, Call, CallMode, Case, Extension, Function, FunctionResult, Int, Language, Live, Param,
    Source, Struct, Type, Width,
};
use super::lpir_text::lpir_text;
use super::model::expectation;
use lpc_lpir::ir::CallConv;

/// A C function calls one in LPIR, with an integer, and the address of a structure that the callee changes.
fn sample() -> Case {
    let narrow = Int {
        extension: Extension::Sign,
        ..Int::new(Width::W16)
    };
    let structure = Struct {
        fields: vec![Width::W8, Width::W32],
    };
    let mut address = Param::new(Type::Pointer(structure));
    address.changes = vec![0xff, 1];
    let param = Source {
        base: Base::Param(0),
        xor: 0xf,
    };
    let caller = Function {
        language: Language::C,
        call_conv: CallConv::SystemV,
        params: Vec::new(),
        results: Vec::new(),
        calls: vec![Call {
            callee: 1,
            mode: CallMode::Direct,
            is_tail: false,
            burns_fuel: false,
            args: vec![
                vec![Source::constant(0x8001)],
                vec![Source::constant(0x12), Source::constant(0x3456_789a)],
            ],
        }],
        live: vec![Live {
            width: Width::W64,
            source: Source {
                base: Base::Load(1),
                xor: 0,
            },
            slot: None,
        }],
        is_checked: false,
    };
    let callee = Function {
        language: Language::Lpir,
        params: vec![Param::new(Type::Int(narrow)), address],
        results: vec![FunctionResult {
            ty: Type::Int(narrow),
            as_word: true,
            sources: vec![param],
        }],
        calls: Vec::new(),
        live: Vec::new(),
        is_checked: true,
        ..caller.clone()
    };
    Case {
        number: 5,
        functions: vec![caller, callee],
        values: vec![0, 0x1111_1111, 0x2222_2222],
        data_language: Language::C,
        fuel: 1,
    }
}

#[test]
fn in_c() {
    let text = c_text(&[sample()], None);
    let functions = text.split_once("extern u32 fuel;\n").unwrap().1;
    let expected = "\
extern const u32 values_5[];
struct f5_1_p1 { u8 f0; u32 f1; };
u32 checked_f5_1(short p0, struct f5_1_p1 * p1);
extern void (*const pointer_f5_1)(void);
__attribute__((noinline)) void f5_0(void) {
u32 *t = trace_next; trace_next = t + 5; u32 round = fuel;
u64 l0_0 = ((u64)((((u64)values_5[1] | (u64)values_5[2] << 32)) ^ 0x0ull));
struct f5_1_p1 a0_1 = { ((u8)(0x12ull)), ((u32)(0x3456789aull)) };
u32 r0 = checked_f5_1(((short)(((u16)(0x8001ull)))), &a0_1);
t[0] = (u32)(r0);
t[1] = (u32)(a0_1.f0);
t[2] = (u32)(a0_1.f1);
t[3] = (u32)(l0_0);
t[4] = (u32)((l0_0) >> 32);
}
";
    assert_eq!(functions, expected);
}

#[test]
fn in_lpir() {
    let expected = "\
function %f5_1(i16 sext, i32) -> i16 sext system_v {
    gv0 = symbol %trace_next
    gv1 = symbol %fuel
    gv2 = symbol %values_5

block0(v0: i16, v1: i32):
    v2 = symbol_value.i32 gv0
    v3 = load.i32 notrap aligned v2
    v4 = iconst.i32 0xc
    v5 = iadd v3, v4
    store notrap aligned v5, v2
    v6 = symbol_value.i32 gv1
    v7 = load.i32 notrap aligned v6
    v8 = symbol_value.i32 gv2
    v9 = sextend.i32 v0
    store notrap v9, v3+0
    v10 = load.i8 notrap v1+0
    v11 = uextend.i32 v10
    store notrap v11, v3+4
    v12 = load.i32 notrap v1+4
    store notrap v12, v3+8
    v13 = load.i8 notrap v1+0
    v14 = iconst.i8 0xff
    v15 = bxor v13, v14
    store notrap v15, v1+0
    v16 = load.i32 notrap v1+4
    v17 = iconst.i32 0x1
    v18 = bxor v16, v17
    store notrap v18, v1+4
    v19 = iconst.i16 0xf
    v20 = bxor v0, v19
    return v20
}

";
    assert_eq!(lpir_text(&[sample()]), expected);
}

#[test]
fn what_is_expected() {
    let case = sample();
    let expectation = expectation(&case);
    // The caller takes its block of the trace first, and fills it last.
    let caller = [0xffff_800e, 0xed, 0x3456_789b, 0x1111_1111, 0x2222_2222];
    let callee = [0xffff_8001, 0x12, 0x3456_789a];
    assert_eq!(expectation.words, [&caller[..], &callee].concat());
    assert_eq!(expectation.calls, 1);
    for (word, text) in [
        (0, "f0 (C), activation 1: result 0 of call 0"),
        (
            2,
            "f0 (C), activation 1: member 1 of argument 1 of call 0, after it",
        ),
        (
            4,
            "f0 (C), activation 1: live value 0 after the calls, word 1 of 2",
        ),
        (
            6,
            "f1 (LPIR, system_v), activation 1: member 0 of parameter 1",
        ),
    ] {
        assert_eq!(expectation.describe(&case, word), text);
    }
}
