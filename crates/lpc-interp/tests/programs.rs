//! Programs in text, interpreted.

use lpc_interp::{Error, HostFunctions, Interpreter, Limits, Memory, NoHost, Trap};
use lpc_lpir::ir::{
    AbiParam, CallConv, DataValue, ExternalName, Inst, Module, Signature, TrapCode, Type,
};
use lpc_lpir::text::parse_module;

fn module(text: &str) -> Module {
    parse_module(text).unwrap_or_else(|error| panic!("{}", error.in_text("test", text)))
}

fn int(number: i128) -> DataValue {
    DataValue::from_signed(Type::I32, number)
}

fn call_with(
    module: &Module,
    limits: Limits,
    name: &str,
    arguments: &[i128],
) -> Result<Vec<DataValue>, Error> {
    let arguments: Vec<_> = arguments.iter().map(|&number| int(number)).collect();
    let mut interpreter = Interpreter::new(module, limits);
    interpreter.call(&ExternalName::symbol(name), &arguments, &mut NoHost)
}

/// Calls the function `%f` of `text` with arguments of type `i32`.
fn call(text: &str, arguments: &[i128]) -> Result<Vec<DataValue>, Error> {
    call_with(&module(text), Limits::default(), "f", arguments)
}

/// The `i32` results of such a call.
fn results(text: &str, arguments: &[i128]) -> Vec<i128> {
    let results = call(text, arguments).unwrap();
    results.iter().map(|result| result.signed()).collect()
}

fn trap_code(result: Result<Vec<DataValue>, Error>) -> TrapCode {
    match result {
        Err(Error::Trap(trap)) => trap.code,
        other => panic!("expected a trap, got {other:?}"),
    }
}

fn undefined(result: Result<Vec<DataValue>, Error>) -> &'static str {
    match result {
        Err(Error::Undefined { what, .. }) => what,
        other => panic!("expected undefined behavior, got {other:?}"),
    }
}

#[test]
fn block_arguments_are_assigned_at_once() {
    let fibonacci = "function %f(i32) -> i32, i32 {
    block0(v0: i32):
        v1 = iconst.i32 0
        v2 = iconst.i32 1
        jump block1(v0, v1, v2)
    block1(v3: i32, v4: i32, v5: i32):
        v6 = iadd v4, v5
        v7 = iconst.i32 -1
        v8 = iadd v3, v7
        brif v8, block1(v8, v5, v6), block2
    block2:
        return v4, v5
    }";
    assert_eq!(results(fibonacci, &[10]), [34, 55]);
    let swap = "function %f(i32, i32, i32) -> i32, i32 {
    block0(v0: i32, v1: i32, v2: i32):
        jump block1(v0, v1, v2)
    block1(v3: i32, v4: i32, v5: i32):
        v6 = iconst.i32 1
        v7 = isub v5, v6
        brif v5, block1(v4, v3, v7), block2
    block2:
        return v3, v4
    }";
    assert_eq!(results(swap, &[7, 8, 2]), [7, 8]);
    assert_eq!(results(swap, &[7, 8, 3]), [8, 7]);
}

#[test]
fn branch_tables_have_a_default() {
    let text = "function %f(i32) -> i32 {
    block0(v0: i32):
        v1 = iconst.i32 10
        v2 = iconst.i32 20
        br_table v0, block1(v0), [block1(v1), block2, block1(v2)]
    block1(v3: i32):
        return v3
    block2:
        v4 = iconst.i32 30
        return v4
    }";
    for (index, result) in [(0, 10), (1, 30), (2, 20), (3, 3), (-1, -1)] {
        assert_eq!(results(text, &[index]), [result]);
    }
}

#[test]
fn traps_name_their_code_function_and_instruction() {
    let text = "function %f(i32) -> i32 {
        fn0 = %g(i32) -> i32
    block0(v0: i32):
        v1 = call fn0(v0)
        return v1
    }
    function %g(i32) -> i32 {
    block0(v0: i32):
        trapz v0, user1
        v1 = iconst.i32 2
        v2 = isub v0, v1
        trapnz v2, user2
        trap user3
    }";
    for (argument, number, inst) in [(0, 1, 0), (1, 2, 3), (2, 3, 4)] {
        let trap = Trap {
            code: TrapCode::user(number).unwrap(),
            function: ExternalName::symbol("g"),
            inst: Inst::from_u32(inst),
        };
        assert_eq!(call(text, &[argument]), Err(Error::Trap(trap)));
    }
}

#[test]
fn aliases_stand_for_their_originals() {
    let text = "function %f(i32) -> i32 {
    block0(v0: i32):
        v5 -> v0
        v6 -> v5
        v1 = iadd v5, v6
        return v1
    }";
    assert_eq!(results(text, &[21]), [42]);
}

#[test]
fn recursion_has_slots_of_its_own() {
    let factorial = "function %f(i32) -> i32 {
        ss0 = explicit_slot 4
        fn0 = %f(i32) -> i32
    block0(v0: i32):
        v1 = stack_addr.i32 ss0
        store v0, v1
        brif v0, block1, block2
    block1:
        v2 = iconst.i32 1
        v3 = isub v0, v2
        v4 = call fn0(v3)
        v5 = load.i32 v1
        v6 = imul v4, v5
        return v6
    block2:
        v7 = iconst.i32 1
        return v7
    }";
    assert_eq!(results(factorial, &[10]), [3_628_800]);
}

#[test]
fn deep_recursion_needs_no_host_stack() {
    let text = "function %f(i32) -> i32 {
        fn0 = %f(i32) -> i32
    block0(v0: i32):
        v1 = iconst.i32 1
        v2 = isub v0, v1
        brif v2, block1, block2
    block1:
        v3 = call fn0(v2)
        v4 = iadd v3, v1
        return v4
    block2:
        return v1
    }";
    let limits = Limits {
        stack_size: 16 * 100_000,
        call_depth: u32::MAX,
        ..Limits::default()
    };
    let module = module(text);
    let deep = call_with(&module, limits, "f", &[100_000]);
    assert_eq!(deep, Ok(vec![int(100_000)]));
    // The stack has no room for one more frame.
    let deeper = call_with(&module, limits, "f", &[100_001]);
    assert_eq!(trap_code(deeper), TrapCode::STACK_OVERFLOW);
    let shallow = Limits {
        call_depth: 5,
        ..limits
    };
    assert!(call_with(&module, shallow, "f", &[5]).is_ok());
    let too_deep = call_with(&module, shallow, "f", &[6]);
    assert_eq!(trap_code(too_deep), TrapCode::STACK_OVERFLOW);
}

#[test]
fn stack_slots_are_aligned_and_apart() {
    let text = "function %f() -> i32, i32, i32 {
        ss0 = explicit_slot 3
        ss1 = explicit_slot 4, align = 256
        ss2 = explicit_slot 1
    block0:
        v0 = stack_addr.i32 ss0
        v1 = stack_addr.i32 ss1
        v2 = stack_addr.i32 ss2
        return v0, v1, v2
    }";
    let [a, b, c] = results(text, &[])[..] else {
        panic!("three results");
    };
    assert_eq!(b % 256, 0);
    assert!(a >= b + 4 && b > c);
    let large = "function %f() {
        ss0 = explicit_slot 0x40_0000
    block0:
        return
    }";
    assert_eq!(trap_code(call(large, &[])), TrapCode::STACK_OVERFLOW);
}

#[test]
fn out_of_bounds_accesses() {
    let text = "function %f(i32) -> i32 {
    block0(v0: i32):
        v1 = load.i32 v0
        return v1
    }";
    assert_eq!(trap_code(call(text, &[0])), TrapCode::HEAP_OUT_OF_BOUNDS);
    let user = text.replace("load.i32", "load.i32 user5");
    assert_eq!(trap_code(call(&user, &[0])), TrapCode::user(5).unwrap());
    let notrap = text.replace("load.i32", "load.i32 notrap");
    let what = undefined(call(&notrap, &[0]));
    assert_eq!(what, "`notrap` access outside of the memory");
}

#[test]
fn the_heap_is_for_the_user() {
    let module = module(
        "function %f(i32) -> i32 {
        block0(v0: i32):
            v1 = atomic_rmw.i32 add v0, v0
            v2 = load.i32 v0
            return v2
        }",
    );
    let mut interpreter = Interpreter::new(&module, Limits::default());
    let address = interpreter.heap().end - 4;
    let last = interpreter.memory_mut().bytes_mut(address, 4).unwrap();
    last.copy_from_slice(&1u32.to_le_bytes());
    let argument = [int(address.into())];
    let results = interpreter.call(&ExternalName::symbol("f"), &argument, &mut NoHost);
    assert_eq!(results, Ok(vec![int(i128::from(address) + 1)]));
    let stored = interpreter.memory().bytes(address, 4);
    assert_eq!(stored, Ok(&(address + 1).to_le_bytes()[..]));
    assert_eq!(interpreter.executed_instructions(), 3);
}

const INDIRECT: &str = "function %f(i32, i32) -> i32 {
        sig0 = (i32) -> i32
        fn0 = %double(i32) -> i32
        fn1 = %square(i32) -> i32
    block0(v0: i32, v1: i32):
        v2 = func_addr.i32 fn0
        v3 = func_addr.i32 fn1
        v4 = select v0, v2, v3
        v5 = call_indirect sig0, v4(v1)
        return v5
    }
    function %double(i32) -> i32 {
    block0(v0: i32):
        v1 = iadd v0, v0
        return v1
    }
    function %square(i32) -> i32 {
    block0(v0: i32):
        v1 = imul v0, v0
        return v1
    }";

#[test]
fn indirect_calls() {
    assert_eq!(results(INDIRECT, &[1, 9]), [18]);
    assert_eq!(results(INDIRECT, &[0, 9]), [81]);
    let offset = INDIRECT.replace("select v0, v2, v3", "iadd v2, v1");
    let what = undefined(call(&offset, &[1, 9]));
    assert_eq!(what, "call of an address that is no function");
    let other = INDIRECT.replace("sig0 = (i32) -> i32", "sig0 = (i32) -> i32 system_v");
    let what = undefined(call(&other, &[1, 9]));
    assert_eq!(
        what,
        "call with another signature than that of the function"
    );
}

#[test]
fn tail_calls_take_no_stack() {
    let text = "function %f(i32) -> i32 tail {
        fn0 = %even(i32) -> i32 tail
    block0(v0: i32):
        return_call fn0(v0)
    }
    function %even(i32) -> i32 tail {
        sig0 = (i32) -> i32 tail
        fn0 = %odd(i32) -> i32 tail
    block0(v0: i32):
        v1 = iconst.i32 1
        v2 = isub v0, v1
        v3 = func_addr.i32 fn0
        brif v0, block1, block2
    block1:
        return_call_indirect sig0, v3(v2)
    block2:
        return v1
    }
    function %odd(i32) -> i32 tail {
        fn0 = %even(i32) -> i32 tail
    block0(v0: i32):
        v1 = iconst.i32 1
        v2 = isub v0, v1
        v3 = iconst.i32 0
        brif v0, block1, block2
    block1:
        return_call fn0(v2)
    block2:
        return v3
    }";
    let limits = Limits {
        call_depth: 1,
        ..Limits::default()
    };
    let module = module(text);
    for (number, even) in [(100_000, 1), (100_001, 0)] {
        let result = call_with(&module, limits, "f", &[number]);
        assert_eq!(result, Ok(vec![int(even)]));
    }
}

#[test]
fn fuel_runs_out() {
    let text = "function %f() {
    block0:
        jump block0
    }";
    let limits = Limits {
        instructions: 1000,
        ..Limits::default()
    };
    let result = call_with(&module(text), limits, "f", &[]);
    assert_eq!(result, Err(Error::OutOfFuel));
}

#[test]
fn stack_slots_start_with_a_pattern() {
    let text = "function %f() -> i32 {
        ss0 = explicit_slot 8
    block0:
        v0 = stack_addr.i32 ss0+4
        v1 = load.i32 v0
        return v1
    }";
    assert_eq!(results(text, &[]), [0xa5a5_a5a5_u32 as i32 as i128]);
}

#[test]
fn the_environment_of_a_function() {
    let text = "function %f() -> i32, i32, i32 {
        ss0 = explicit_slot 20
        gv0 = symbol %f+4
        fn0 = %f() -> i32, i32, i32
    block0:
        v0 = get_stack_pointer.i32
        v1 = get_frame_pointer.i32
        v2 = isub v1, v0
        v3 = stack_addr.i32 ss0
        v4 = icmp ule v0, v3
        v5 = uextend.i32 v4
        v6 = func_addr.i32 fn0
        v7 = symbol_value.i32 gv0
        v8 = isub v7, v6
        debugtrap
        fence
        nop
        return v2, v5, v8
    }";
    // The slot and the overhead, rounded up to a multiple of 16.
    assert_eq!(results(text, &[]), [48, 1, 4]);
    let unknown = text.replace("symbol %f", "symbol %data");
    let data = ExternalName::symbol("data");
    assert_eq!(call(&unknown, &[]), Err(Error::UnknownName(data)));
    let unsupported = text.replace("get_stack_pointer", "get_return_address");
    let error = Error::Unsupported {
        function: ExternalName::symbol("f"),
        inst: Inst::from_u32(0),
    };
    assert_eq!(call(&unsupported, &[]), Err(error));
}

#[test]
fn misuse_is_an_error() {
    let module = module(INDIRECT);
    let unknown = call_with(&module, Limits::default(), "g", &[]);
    assert_eq!(unknown, Err(Error::UnknownName(ExternalName::symbol("g"))));
    let few = call_with(&module, Limits::default(), "f", &[1]);
    assert_eq!(few, Err(Error::BadArguments(vec![Type::I32; 2])));
}

/// `%add(i32, i32) -> i32`, `%peek(i32) -> i8`, and `%fail()`, which traps.
#[derive(Default)]
struct Host {
    calls: Vec<String>,
}

impl HostFunctions for Host {
    fn provides(&self, name: &ExternalName, signature: &Signature) -> bool {
        let types = |params: &[AbiParam]| params.iter().map(|param| param.value_type).collect();
        let params: Vec<Type> = types(&signature.params);
        let returns: Vec<Type> = types(&signature.returns);
        let (expected_params, expected_returns) = match &*name.to_string() {
            "%add" => (vec![Type::I32; 2], vec![Type::I32]),
            "%peek" => (vec![Type::I32], vec![Type::I8]),
            "%fail" => (vec![], vec![]),
            _ => return false,
        };
        let conv = signature.call_conv == CallConv::SystemV;
        params == expected_params && returns == expected_returns && conv
    }

    fn call(
        &mut self,
        name: &ExternalName,
        arguments: &[DataValue],
        memory: &mut Memory,
    ) -> Result<Vec<DataValue>, TrapCode> {
        self.calls.push(format!("{name}{arguments:?}"));
        match &*name.to_string() {
            "%add" => Ok(vec![int(arguments[0].signed() + arguments[1].signed())]),
            "%peek" => {
                let address = arguments[0].unsigned() as u32;
                let bytes = memory.bytes(address, 1);
                let byte = bytes.map_err(|_| TrapCode::HEAP_OUT_OF_BOUNDS)?[0];
                Ok(vec![DataValue::new(Type::I8, byte.into())])
            }
            _ => Err(TrapCode::user(4).unwrap()),
        }
    }
}

#[test]
fn host_functions() {
    let module = module(
        "function %f(i32) -> i32, i8 {
            ss0 = explicit_slot 4
            sig0 = (i32, i32) -> i32 system_v
            fn0 = %add sig0
            fn1 = %peek(i32) -> i8 system_v
        block0(v0: i32):
            v1 = stack_addr.i32 ss0
            store v0, v1
            v2 = func_addr.i32 fn0
            v3 = call_indirect sig0, v2(v0, v0)
            v4 = call fn1(v1)
            return v3, v4
        }
        function %g() {
            fn0 = %fail() system_v
        block0:
            call fn0()
            return
        }
        function %h() -> i32 {
            fn0 = %fail() -> i32 system_v
        block0:
            v0 = call fn0()
            return v0
        }
        function %tail(i32, i32) -> i32 system_v {
            fn0 = %add(i32, i32) -> i32 system_v
        block0(v0: i32, v1: i32):
            return_call fn0(v0, v1)
        }",
    );
    let mut interpreter = Interpreter::new(&module, Limits::default());
    let mut host = Host::default();
    let mut call = |name: &str, arguments: &[DataValue]| {
        interpreter.call(&ExternalName::symbol(name), arguments, &mut host)
    };
    let byte = DataValue::new(Type::I8, 0x34);
    assert_eq!(call("f", &[int(0x1234)]), Ok(vec![int(0x2468), byte]));
    assert_eq!(trap_code(call("g", &[])), TrapCode::user(4).unwrap());
    let fail = ExternalName::symbol("fail");
    assert_eq!(call("h", &[]), Err(Error::UnknownName(fail)));
    assert_eq!(call("tail", &[int(2), int(3)]), Ok(vec![int(5)]));
    assert_eq!(host.calls[0], "%add[4660:i32, 4660:i32]");
}

#[test]
fn data_stays_from_call_to_call() {
    let module = module(
        "; data: %counter zeroed 4 align 4
        function %count() -> i32 {
            gv0 = symbol colocated %counter
        block0:
            v0 = symbol_value.i32 gv0
            v1 = load.i32 aligned v0
            v2 = iconst.i32 1
            v3 = iadd v1, v2
            store aligned v3, v0
            return v3
        }",
    );
    let mut interpreter = Interpreter::new(&module, Limits::default());
    let count = ExternalName::symbol("count");
    for number in 1..4 {
        let results = interpreter.call(&count, &[], &mut NoHost);
        assert_eq!(results, Ok(vec![int(number)]));
    }
    let counter = interpreter.data_address(&ExternalName::symbol("counter"));
    let bytes = interpreter.memory().bytes(counter.unwrap(), 4);
    assert_eq!(bytes, Ok(&[3, 0, 0, 0][..]));
    // Another interpreter starts from the beginning.
    let mut interpreter = Interpreter::new(&module, Limits::default());
    let results = interpreter.call(&count, &[], &mut NoHost);
    assert_eq!(results, Ok(vec![int(1)]));
}

#[test]
fn read_only_data_is_read_and_not_written() {
    let module = module(
        "; data: %constant readonly align 4 = { i32 7 }
        function %get() -> i32 {
            gv0 = symbol colocated %constant
        block0:
            v0 = symbol_value.i32 gv0
            v1 = load.i32 notrap aligned v0
            return v1
        }
        function %set() {
            gv0 = symbol colocated %constant
        block0:
            v0 = symbol_value.i32 gv0
            store v0, v0
            return
        }
        function %set_notrap() {
            gv0 = symbol colocated %constant
        block0:
            v0 = symbol_value.i32 gv0
            store notrap v0, v0
            return
        }",
    );
    let mut interpreter = Interpreter::new(&module, Limits::default());
    let mut call = |name: &str| interpreter.call(&ExternalName::symbol(name), &[], &mut NoHost);
    assert_eq!(trap_code(call("set")), TrapCode::HEAP_OUT_OF_BOUNDS);
    let error = call("set_notrap").unwrap_err();
    assert_eq!(
        error.to_string(),
        "undefined behavior at inst1 of %set_notrap: `notrap` store to read-only data"
    );
    assert_eq!(call("get"), Ok(vec![int(7)]));
}

#[test]
fn addresses_of_functions_in_data_can_be_called() {
    let module = module(
        "; import: %fail() system_v
        ; import: %absent() system_v
        ; data: %table readonly align 4 = { %double, %add, %nobody }
        function %double(i32, i32) -> i32 system_v {
        block0(v0: i32, v1: i32):
            v2 = iadd v0, v0
            return v2
        }
        function %call(i32, i32, i32) -> i32 {
            gv0 = symbol colocated %table
            sig0 = (i32, i32) -> i32 system_v
        block0(v0: i32, v1: i32, v2: i32):
            v3 = symbol_value.i32 gv0
            v4 = iadd v3, v0
            v5 = load.i32 v4
            v6 = call_indirect sig0, v5(v1, v2)
            return v6
        }
        function %call_import() {
            gv0 = symbol %fail
            sig0 = () system_v
        block0:
            v0 = symbol_value.i32 gv0
            call_indirect sig0, v0()
            return
        }
        function %absent_import() {
            gv0 = symbol %absent
        block0:
            v0 = symbol_value.i32 gv0
            return
        }",
    );
    let mut interpreter = Interpreter::new(&module, Limits::default());
    let mut host = Host::default();
    let mut call = |name: &str, arguments: &[DataValue]| {
        interpreter.call(&ExternalName::symbol(name), arguments, &mut host)
    };
    assert_eq!(call("call", &[int(0), int(5), int(6)]), Ok(vec![int(10)]));
    assert_eq!(call("call", &[int(4), int(5), int(6)]), Ok(vec![int(11)]));
    let unknown = |name| Err(Error::UnknownName(ExternalName::symbol(name)));
    assert_eq!(call("call", &[int(8), int(5), int(6)]), unknown("nobody"));
    assert_eq!(
        trap_code(call("call_import", &[])),
        TrapCode::user(4).unwrap()
    );
    assert_eq!(call("absent_import", &[]), unknown("absent"));
}
