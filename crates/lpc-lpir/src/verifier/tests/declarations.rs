//! What functions declare.

use super::*;

#[test]
fn extensions_of_floats() {
    let errors = build(|cursor| {
        let signature = Signature {
            params: [AbiParam::new(Type::F32).sext()].to_vec(),
            returns: [AbiParam::new(Type::F64).uext()].to_vec(),
            ..Signature::default()
        };
        let block = cursor.current_block().unwrap();
        cursor.func.dfg.append_block_param(block, Type::F32);
        cursor.func.dfg.signatures.push(signature.clone());
        cursor.func.signature = signature;
        cursor.ins().trap(TrapCode::STACK_OVERFLOW);
    });
    assert_eq!(
        errors,
        [
            "function: Parameter at position 0 has invalid extension Sext",
            "function: Return value at position 0 has invalid extension Uext",
            "sig0: Parameter at position 0 has invalid extension Sext",
            "sig0: Return value at position 0 has invalid extension Uext",
        ],
    );
}

#[test]
fn structures_are_passed_by_address_and_not_returned() {
    let errors = build(|cursor| {
        cursor.func.signature = Signature {
            params: [AbiParam::special(Type::I64, ArgumentPurpose::StructReturn)].to_vec(),
            returns: [AbiParam::special(
                Type::I32,
                ArgumentPurpose::StructArgument(8),
            )]
            .to_vec(),
            ..Signature::default()
        };
        let block = cursor.current_block().unwrap();
        cursor.func.dfg.append_block_param(block, Type::I64);
        cursor.ins().trap(TrapCode::STACK_OVERFLOW);
    });
    assert_eq!(
        errors,
        [
            "function: Parameter at position 0 has type i64, but is an address, of type i32",
            "function: Return value at position 0 can't be an struct argument",
        ],
    );
}

#[test]
fn contexts_are_addresses() {
    let errors = build(|cursor| {
        let context = AbiParam::special(Type::I64, ArgumentPurpose::VMContext);
        cursor.func.signature.params = [context].to_vec();
        let block = cursor.current_block().unwrap();
        cursor.func.dfg.append_block_param(block, Type::I64);
        cursor.ins().trap(TrapCode::STACK_OVERFLOW);
    });
    assert_eq!(
        errors,
        ["function: Parameter at position 0 has type i64, but is an address, of type i32"],
    );
}

#[test]
fn imported_function_without_signature() {
    let errors = build(|cursor| {
        cursor.func.dfg.ext_funcs.push(ExtFuncData {
            name: ExternalName::symbol("g"),
            signature: SigRef::from_u32(6),
            colocated: false,
        });
        cursor.ins().return_(&[]);
    });
    assert_eq!(errors, ["fn0: invalid signature reference sig6"]);
}

#[test]
fn too_many_parameters() {
    let errors = build(|cursor| {
        let mut signature = Signature::default();
        signature.params.resize(0x1_0000, AbiParam::new(Type::I8));
        cursor.func.dfg.signatures.push(signature);
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        ["sig0: Parameter at position 65535 is one too many"]
    );
}

#[test]
fn stack_slots() {
    let errors = build(|cursor| {
        for data in [
            StackSlotData::new(8, 32),
            StackSlotData::new(0x4000_0000, 31),
            StackSlotData::new(0x4000_0000, 0),
            StackSlotData::new(u32::MAX, 0),
            StackSlotData::new(0x3fff_fff7, 0),
        ] {
            cursor.func.stack_slots.push(data);
        }
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "ss0: alignment of 2^32 bytes is too large",
            "ss2: stack slots take more than 2147483647 bytes",
            "ss3: stack slots take more than 2147483647 bytes",
        ]
    );
}

#[test]
fn global_value_cycles() {
    check(
        "function %f() {
            gv0 = load.i32 notrap aligned gv1
            gv1 = load.i32 notrap aligned gv0-32
            gv2 = load.i32 notrap aligned gv0
            gv3 = iadd_imm.i32 gv3, 1
        block0:
            return
        }",
        &[
            "gv0: global value cycle: [gv0, gv1]",
            "gv3: global value cycle: [gv3]",
        ],
    );
}

#[test]
fn undeclared_vmctx() {
    check(
        "function %f(i32) {\n gv4 = vmctx\nblock0(v0: i32):\n return\n}",
        &["gv4: undeclared vmctx reference gv4"],
    );
}

#[test]
fn types_of_global_values() {
    check(
        "function %f(i32 vmctx) {
            gv0 = vmctx
            gv1 = load.i64 notrap aligned gv0
            gv2 = load.i32 notrap aligned gv1
            gv3 = iadd_imm.i64 gv0, 1
            stack_limit = gv1
        block0(v0: i32):
            return
        }",
        &[
            "gv2: base gv1 has type i64, which is not the pointer type i32",
            "gv3: iadd_imm type i64 differs from operand type i32",
            "stack_limit: base gv1 has type i64, which is not the pointer type i32",
        ],
    );
    let errors = build(|cursor| {
        cursor.func.global_values.push(GlobalValueData::IAddImm {
            base: GlobalValue::from_u32(0),
            offset: Imm64::new(0),
            global_type: Type::F32,
        });
        cursor.func.global_values.push(GlobalValueData::Load {
            base: GlobalValue::from_u32(8),
            offset: Offset32::new(0),
            global_type: Type::I32,
            flags: MemFlags::new(),
        });
        cursor.func.stack_limit = GlobalValue::from_u32(9).into();
        cursor.ins().return_(&[]);
    });
    assert_eq!(
        errors,
        [
            "gv0: global value cycle: [gv0]",
            "gv0: iadd_imm global value with non-int type f32",
            "gv1: invalid global value gv8",
            "stack_limit: invalid global value gv9",
        ]
    );
}
