//! What instructions refer to.

use super::*;

/// Checks that an instruction with the operands `data` gives `expected`, and otherwise the function is right.
fn check_inst(data: InstructionData, expected: &str) {
    let errors = build(|cursor| {
        insert_raw(cursor, data);
        cursor.ins().return_(&[]);
    });
    assert_eq!(errors, [expected]);
}

#[test]
fn values_that_do_not_exist_or_are_not_defined() {
    let wrong = Value::from_u32(7);
    let data = InstructionData::CondTrap {
        opcode: Opcode::Trapz,
        arg: wrong,
        code: TrapCode::INTEGER_OVERFLOW,
    };
    check_inst(data, "inst0: invalid value reference v7");
    let errors = build(|cursor| {
        let reserved = cursor.func.dfg.reserve_value();
        insert_raw(
            cursor,
            InstructionData::Unary {
                opcode: Opcode::Ineg,
                arg: reserved,
            },
        );
        cursor.ins().return_(&[]);
    });
    assert_eq!(errors, ["inst0: invalid value reference v0"]);
}

#[test]
fn value_that_was_removed_from_its_block() {
    let errors = build(|cursor| {
        let other = cursor.func.dfg.make_block();
        cursor.func.layout.append_block(other);
        cursor.ins().jump(other, &[]);
        cursor.goto_bottom(other);
        let param = cursor.func.dfg.append_block_param(other, Type::I32);
        cursor.func.dfg.remove_block_param(param);
        cursor.ins().ineg(param);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        ["inst1 (v1 = ineg v0): argument v0 -> v0 is not attached"]
    );
}

#[test]
fn result_that_has_become_an_alias() {
    let errors = build(|cursor| {
        let a = cursor.ins().iconst(Type::I32, 1);
        let b = cursor.ins().iconst(Type::I32, 2);
        cursor.func.dfg.change_to_alias(b, a);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        ["inst1 (v1 = iconst.i32 2): instruction result v1 is not defined by the instruction"]
    );
}

#[test]
fn alias_of_another_type_than_its_value() {
    let errors = build(|cursor| {
        let a = cursor.ins().iconst(Type::I32, 1);
        let b = cursor.func.dfg.make_alias(a);
        let c = cursor.func.dfg.make_alias(b);
        cursor.func.dfg.set_value_type(b, Type::I64);
        cursor.ins().iadd(b, b);
        cursor.ins().iadd(c, c);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        ["v1: alias has type i64, and stands for a value of type i32"]
    );
}

/// The text form takes names without characters for gaps between the numbers of declarations.
#[test]
fn functions_and_symbols_without_names() {
    let errors = build(|cursor| {
        let signature = cursor.func.dfg.signatures.push(Signature::default());
        let function = cursor.func.dfg.ext_funcs.push(ExtFuncData {
            name: ExternalName::symbol(""),
            signature,
            colocated: false,
        });
        let symbol = cursor.func.global_values.push(GlobalValueData::Symbol {
            name: ExternalName::symbol(""),
            offset: Imm64::new(0),
            colocated: false,
        });
        cursor.ins().call(function, &[]);
        cursor.ins().symbol_value(Type::I32, symbol);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "inst0 (call fn0()): invalid function reference fn0",
            "inst1 (v0 = symbol_value.i32 gv0): gv0 is not a symbol"
        ]
    );
}

#[test]
fn alias_cycle() {
    let errors = build(|cursor| {
        let a = cursor.ins().iconst(Type::I32, 1);
        let b = cursor.func.dfg.make_alias(a);
        let c = cursor.func.dfg.make_alias(b);
        let d = cursor.func.dfg.make_alias(c);
        cursor.func.dfg.change_to_alias(b, c);
        cursor.ins().ineg(a);
        insert_raw(
            cursor,
            InstructionData::Unary {
                opcode: Opcode::Ineg,
                arg: d,
            },
        );
        cursor.ins().return_(&[]);
    });
    assert_eq!(errors, ["v1: alias cycle: [v1, v2]"]);
}

#[test]
fn opcode_of_another_format() {
    check_inst(
        InstructionData::NullAry {
            opcode: Opcode::Ineg,
        },
        "inst0 (ineg): instruction opcode doesn't match instruction format",
    );
}

#[test]
fn branches_to_the_entry_block_and_to_no_block() {
    check(
        "function %f() {\nblock0:\n jump block1\nblock1:\n jump block0\n}",
        &["inst1 (jump block0): invalid reference to entry block block0"],
    );
    check(
        "function %f(i32) {\nblock0(v0: i32):\n br_table v0, block2, [block1, block9]\nblock1:\n return\n}",
        &[
            "inst0 (br_table v0, block2, [block1, block9]): invalid block reference block2",
            "inst0 (br_table v0, block2, [block1, block9]): invalid block reference block9",
        ],
    );
}

#[test]
fn the_same_wrong_branch_many_times_is_one_error() {
    check(
        "function %f(i32) {\nblock0(v0: i32):\n br_table v0, block1, [block9, block9, block9]\nblock1:\n return\n}",
        &["inst0 (br_table v0, block1, [block9, block9, block9]): invalid block reference block9"],
    );
}

#[test]
fn declarations_that_do_not_exist() {
    let args = ValueList::new();
    let func_ref = FuncRef::from_u32(3);
    for (data, expected) in [
        (
            InstructionData::Call {
                opcode: Opcode::Call,
                func_ref,
                args,
            },
            "inst0 (call fn3()): invalid function reference fn3",
        ),
        (
            InstructionData::FuncAddr {
                opcode: Opcode::FuncAddr,
                func_ref,
            },
            "inst0 (func_addr fn3): invalid function reference fn3",
        ),
        (
            InstructionData::StackAddr {
                opcode: Opcode::StackAddr,
                stack_slot: StackSlot::from_u32(4),
                offset: Offset32::new(0),
            },
            "inst0 (stack_addr ss4): invalid stack slot ss4",
        ),
        (
            InstructionData::UnaryGlobalValue {
                opcode: Opcode::SymbolValue,
                global_value: GlobalValue::from_u32(5),
            },
            "inst0 (symbol_value gv5): invalid global value gv5",
        ),
    ] {
        check_inst(data, expected);
    }
    let errors = build(|cursor| {
        let callee = cursor.ins().iconst(Type::I32, 0);
        cursor.ins().call_indirect(SigRef::from_u32(2), callee, &[]);
        cursor.ins().br_table(callee, JumpTable::from_u32(1));
    });
    let messages = errors.iter().filter_map(|error| error.split("): ").nth(1));
    assert_eq!(
        messages.collect::<Vec<_>>(),
        [
            "invalid signature reference sig2",
            "invalid jump table reference jt1"
        ]
    );
}

#[test]
fn indirect_call_without_callee() {
    let errors = build(|cursor| {
        let sig_ref = cursor.func.dfg.signatures.push(Signature::default());
        insert_raw(
            cursor,
            InstructionData::CallIndirect {
                opcode: Opcode::CallIndirect,
                sig_ref,
                args: ValueList::new(),
            },
        );
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        ["inst0 (call_indirect sig0, ()): indirect call without a callee"]
    );
}

#[test]
fn symbol_value_of_something_else() {
    check(
        "function %f(i32 vmctx) {\n gv0 = vmctx\nblock0(v0: i32):\n v1 = symbol_value.i32 gv0\n return\n}",
        &["inst0 (v1 = symbol_value.i32 gv0): gv0 is not a symbol"],
    );
}
