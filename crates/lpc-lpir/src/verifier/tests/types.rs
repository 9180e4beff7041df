//! Types, numbers of operands, immediates, memory flags.

use super::*;

#[test]
fn controlling_type() {
    let errors = build(|cursor| {
        let a = cursor.ins().iconst(Type::I32, 0);
        cursor.ins().uload16(Type::I16, MemFlags::new(), a, 0);
        let b = cursor.ins().iconst(Type::I8, 0);
        cursor.ins().bswap(b);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "inst1 (v1 = uload16.i16 v0): has an invalid controlling type i16 (allowed set is {i32, i64})",
            "inst3 (v3 = bswap v2): has an invalid controlling type i8 (allowed set is {i16, i32, i64, i128})",
        ]
    );
}

#[test]
fn results() {
    check(
        "function %f(i64) {\nblock0(v0: i64):\n v1 = iadd.i32 v0, v0\n return\n}",
        &["inst0 (v1 = iadd.i32 v0, v0): expected result 0 (v1) to have type i64, found i32"],
    );
    let errors = build(|cursor| {
        insert_raw(
            cursor,
            InstructionData::UnaryImm {
                opcode: Opcode::Iconst,
                imm: Imm64::new(1),
            },
        );
        let a = cursor.ins().iconst(Type::I32, 0);
        let inst = cursor.func.dfg.value_inst(a).unwrap();
        cursor.func.dfg.append_result(inst, Type::I32);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "inst0 (iconst 1): expected 1 result values, found 0",
            "inst1 (v0, v1 = iconst.i32 0): expected 1 result values, found 2"
        ]
    );
}

#[test]
fn operands() {
    check(
        "function %f(i32, i8) {
        block0(v0: i32, v1: i8):
            v3 = iadd v0, v1
            v5, v6 = uadd_overflow_cin v0, v0, v0
            br_table v1, block1, []
        block1:
            return
        }",
        &[
            "inst0 (v3 = iadd v0, v1): arg 1 (v1) has type i8, expected i32",
            "inst1 (v5, v6 = uadd_overflow_cin v0, v0, v0): arg 2 (v0) has type i32, expected i8",
            "inst2 (br_table v1, block1, []): arg 0 (v1) has type i8, expected i32",
        ],
    );
    let errors = build(|cursor| {
        let a = cursor.ins().iconst(Type::I32, 0);
        let float = cursor.ins().bitcast(Type::F32, MemFlags::new(), a);
        cursor.ins().select(float, a, a);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "inst2 (v2 = select v1, v0, v0): arg 0 (v1) with type f32 failed to satisfy type set [i8, i16, i32, i64, i128]"
        ]
    );
}

#[test]
fn extensions_and_reductions() {
    check(
        "function %f(i32) {
        block0(v0: i32):
            v1 = uextend.i16 v0
            v2 = sextend.i32 v0
            v3 = ireduce.i32 v0
            v4 = ireduce.i64 v0
            return
        }",
        &[
            "inst0 (v1 = uextend.i16 v0): arg 0 (v0) with type i32 failed to satisfy type set [i8]",
            "inst1 (v2 = sextend.i32 v0): arg 0 (v0) with type i32 failed to satisfy type set [i8, i16]",
            "inst2 (v3 = ireduce.i32 v0): arg 0 (v0) with type i32 failed to satisfy type set [i64, i128]",
            "inst3 (v4 = ireduce.i64 v0): arg 0 (v0) with type i32 failed to satisfy type set [i128]",
        ],
    );
}

#[test]
fn bitcasts() {
    let errors = build(|cursor| {
        let a = cursor.ins().iconst(Type::I32, 0);
        let little = MemFlags::new().with_endianness(Endianness::Little);
        cursor.ins().bitcast(Type::F32, little, a);
        cursor.ins().bitcast(Type::F64, MemFlags::new(), a);
        cursor.ins().bitcast(Type::F32, little.with_notrap(), a);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "inst2 (v2 = bitcast.f64 v0): The bitcast argument v0 has a type of 32 bits, which doesn't match an expected type of 64 bits",
            "inst3 (v3 = bitcast.f32 notrap little v0): The bitcast instruction only accepts the `big` or `little` memory flags",
        ]
    );
}

#[test]
fn addresses() {
    let errors = build(|cursor| {
        let wide = cursor.ins().iconst(Type::I64, 0);
        let narrow = cursor.ins().ireduce(Type::I32, wide);
        let float = cursor.ins().bitcast(Type::F32, MemFlags::new(), narrow);
        cursor.ins().load(Type::I8, MemFlags::new(), wide, 0);
        cursor.ins().store(MemFlags::new(), wide, float, 0);
        let signature = cursor.func.dfg.signatures.push(Signature::default());
        cursor.ins().call_indirect(signature, wide, &[]);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "inst3 (v3 = load.i8 v0): invalid pointer width (got 64, expected 32) encountered v0",
            "inst4 (store v0, v2): arg 1 (v2) has type f32, expected i32",
            "inst5 (call_indirect sig0, v0()): invalid pointer width (got 64, expected 32) encountered v0",
        ]
    );
}

#[test]
fn read_only_stores() {
    check(
        "function %f(i32) {
        block0(v0: i32):
            v1 = load.i32 readonly v0
            store readonly v0, v0
            return
        }",
        &["inst1 (store readonly v0, v0): A store instruction cannot have the `readonly` MemFlag"],
    );
}

#[test]
fn constants_out_of_range() {
    let errors = build(|cursor| {
        for (ty, number) in [
            (Type::I8, 255),
            (Type::I8, 256),
            (Type::I16, -32_769),
            (Type::I32, -1),
            (Type::I64, i64::MIN),
        ] {
            cursor.ins().iconst(ty, number);
        }
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "inst1 (v1 = iconst.i8 256): constant immediate is out of bounds",
            "inst2 (v2 = iconst.i16 -32769): constant immediate is out of bounds",
        ]
    );
}

#[test]
fn calls() {
    check(
        "function %f(i32) {
            sig0 = (i64)
            fn0 = %g(i32, i8)
        block0(v0: i32):
            call fn0(v0, v0)
            call fn0()
            call_indirect sig0, v0(v0)
            call_indirect sig0, v0(v0, v0)
            return
        }",
        &[
            "inst0 (call fn0(v0, v0)): arg 1 (v0) has type i32, expected i8",
            "inst1 (call fn0()): mismatched argument count for `call fn0()`: got 0, expected 2",
            "inst2 (call_indirect sig0, v0(v0)): arg 0 (v0) has type i32, expected i64",
            "inst3 (call_indirect sig0, v0(v0, v0)): arg 0 (v0) has type i32, expected i64",
            "inst3 (call_indirect sig0, v0(v0, v0)): mismatched argument count for `call_indirect sig0, v0(v0, v0)`: got 2, expected 1",
        ],
    );
}

#[test]
fn results_of_calls() {
    let errors = build(|cursor| {
        let signature = Signature {
            returns: [Type::I32, Type::I8].map(AbiParam::new).to_vec(),
            ..Signature::default()
        };
        let signature = cursor.func.dfg.signatures.push(signature);
        let callee = cursor.ins().iconst(Type::I32, 0);
        let args = ValueList::from_slice(&[callee], &mut cursor.func.dfg.value_lists);
        let data = InstructionData::CallIndirect {
            opcode: Opcode::CallIndirect,
            sig_ref: signature,
            args,
        };
        let inst = cursor.func.dfg.make_inst(data);
        cursor.insert_inst(inst);
        cursor.func.dfg.append_result(inst, Type::I32);
        let inst = cursor.func.dfg.make_inst(data);
        cursor.insert_inst(inst);
        cursor.func.dfg.append_result(inst, Type::I32);
        cursor.func.dfg.append_result(inst, Type::I64);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "inst1 (v1 = call_indirect sig0, v0()): expected 2 result values, found 1",
            "inst2 (v2, v3 = call_indirect sig0, v0()): expected result 1 (v3) to have type i8, found i64",
        ]
    );
}

#[test]
fn returned_values() {
    check(
        "function %f() -> i32, i8 {
        block0:
            v0 = iconst.i32 1
            brif v0, block1, block2
        block1:
            return v0
        block2:
            return v0, v0
        }",
        &[
            "inst2 (return v0): arguments of return must match function signature",
            "inst3 (return v0, v0): result 1 has type i32, must match function signature of i8",
        ],
    );
}

#[test]
fn tail_calls() {
    let tail_call = |caller: &str, callee: &str| {
        std::format!(
            "function %f(i32) {caller} {{\n fn0 = %g(i32) {callee}\nblock0(v0: i32):\n return_call fn0(v0)\n}}"
        )
    };
    let inst = "inst0 (return_call fn0(v0)): ";
    let check_call = |caller, callee, expected: &[&str]| {
        let expected: Vec<_> = expected
            .iter()
            .map(|message| std::format!("{inst}{message}"))
            .collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        check(&tail_call(caller, callee), &expected);
    };
    check_call("-> i32 tail", "-> i32 tail", &[]);
    check_call(
        "-> i32 fast",
        "-> i32 tail",
        &["callee's calling convention must match caller"],
    );
    check_call(
        "-> i32 tail",
        "-> i32 fast",
        &[
            "calling convention `fast` does not support tail calls",
            "callee's calling convention must match caller",
        ],
    );
    check_call(
        "system_v",
        "system_v",
        &["calling convention `system_v` does not support tail calls"],
    );
    check_call(
        "tail",
        "-> i32 tail",
        &["results of callee must match caller"],
    );
    check_call(
        "-> i32 tail",
        "-> i64 tail",
        &["result 0 has type i64, must match function signature of i32"],
    );
}

#[test]
fn branch_arguments() {
    check(
        "function %f(i16, i64) {
        block0(v0: i16, v1: i64):
            brif v0, block1(v1, v0), block1(v0, v1)
        block1(v2: i64, v3: i16):
            jump block2(v2)
        block2:
            return
        }",
        &[
            "inst0 (brif v0, block1(v1, v0), block1(v0, v1)): arg v0 has type i16, expected i64",
            "inst0 (brif v0, block1(v1, v0), block1(v0, v1)): arg v1 has type i64, expected i16",
            "inst1 (jump block2(v2)): mismatched argument count for `jump block2(v2)`: got 1, expected 0",
        ],
    );
}

#[test]
fn long_branch_tables_are_cut_off() {
    let errors = build(|cursor| {
        let index = cursor.ins().iconst(Type::I32, 0);
        let exits: Vec<_> = (0..300)
            .map(|_| {
                let block = cursor.func.dfg.make_block();
                cursor.func.layout.append_block(block);
                BlockCall::new(block, [index], &mut cursor.func.dfg.value_lists)
            })
            .collect();
        let table = crate::ir::JumpTableData::new(exits[0], &exits[1..]);
        let table = cursor.func.dfg.jump_tables.push(table);
        cursor.ins().br_table(index, table);
        for exit in exits {
            let block = exit.block(&cursor.func.dfg.value_lists);
            cursor.goto_bottom(block);
            cursor.ins().return_(&[]);
        }
    });
    let [error] = &errors[..] else {
        panic!("all branches have the same error");
    };
    assert!(
        error.len() < 700 && error.ends_with("…`: got 1, expected 0"),
        "{error}"
    );
}
