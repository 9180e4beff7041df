//! Calls of compiled functions: arguments, results, traps and the host.

use lpc_codegen::{RegallocAlgorithm, Settings};
use lpc_harness::{HostFunctions, MachineOptions, NoHost, Program, RunError};
use lpc_lpir::ir::{DataValue, ExternalName, Signature, TrapCode, Type};
use lpc_lpir::text::parse_module;
use lpc_riscv32::Emulator;
use lpc_riscv32::emulator::{Misaligned, Stop, TrapCause};

const STRICT: MachineOptions = MachineOptions {
    memory_size: 1 << 20,
    stack_size: 1 << 16,
    misaligned: Misaligned::Trap,
    instruction_limit: 1_000_000,
    check_stack_alignment: true,
    section_alignment: 1,
};

/// The program that `text` is, under both register allocators.
fn programs(text: &str, host: &dyn HostFunctions) -> Vec<Program> {
    let module = parse_module(text).expect("the text is a module");
    let settings = RegallocAlgorithm::ALLOCATORS.map(|regalloc| Settings {
        regalloc,
        ..Settings::default()
    });
    let program = |settings| Program::new(&module, &settings, STRICT, host);
    let programs = settings.into_iter().map(program);
    programs.collect::<Result<_, _>>().expect("it compiles")
}

fn words(numbers: &[i64]) -> Vec<DataValue> {
    numbers
        .iter()
        .map(|number| DataValue::from_signed(Type::I32, (*number).into()))
        .collect()
}

/// Calls `%f` of `text`.
fn call(text: &str, arguments: &[i64]) -> Result<Vec<i128>, RunError> {
    let [first, second] = [0, 1].map(|index| {
        let program = &mut programs(text, &NoHost)[index];
        let results = program.call(&ExternalName::symbol("f"), &words(arguments), &mut NoHost)?;
        Ok(results.iter().map(|result| result.signed()).collect())
    });
    assert_eq!(describe(&first), describe(&second), "both allocators");
    first
}

/// The part of a result that does not depend on where the code lies.
fn describe(result: &Result<Vec<i128>, RunError>) -> String {
    match result {
        Ok(results) => format!("{results:?}"),
        Err(RunError::Trap { code, place }) => {
            let function = place.function.as_ref().map(|(name, _)| name.to_string());
            format!("{code} in {function:?}")
        }
        Err(RunError::Fault { .. }) => "fault".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// `%f` returns its `count` arguments in the order of `rotation`.
fn rotating(count: usize, rotation: usize, call_conv: &str) -> String {
    let list = |item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(", ");
    let types = list(&|_| "i32".to_owned());
    let params = list(&|index| format!("v{index}: i32"));
    let rotated = list(&|index| format!("v{}", (index + rotation) % count));
    format!(
        "function %f({types}) -> {types} {call_conv} {{\nblock0({params}):\n    return {rotated}\n}}\n"
    )
}

#[test]
fn arguments_and_results_in_every_rotation_and_convention() {
    for call_conv in ["fast", "tail", "system_v"] {
        for count in 1..=12 {
            for rotation in 0..count {
                let text = rotating(count, rotation, call_conv);
                let arguments: Vec<i64> = (0..count).map(|index| 1 << index).collect();
                let mut expected: Vec<i128> = arguments.iter().map(|word| (*word).into()).collect();
                expected.rotate_left(rotation);
                assert_eq!(call(&text, &arguments), Ok(expected), "{text}");
            }
        }
    }
}

#[test]
fn wide_and_narrow_values() {
    let text = "
        function %f(i8, i64, i16, i8 sext, i16 uext, i64) -> i64, i8, i16, i8 sext, i16 uext, i64 {
        block0(v0: i8, v1: i64, v2: i16, v3: i8, v4: i16, v5: i64):
            return v5, v0, v2, v3, v4, v1
        }";
    let values = |order: [usize; 6]| {
        let all = [
            DataValue::from_signed(Type::I8, -1),
            DataValue::new(Type::I64, 0x1234_5678_9abc_def0),
            DataValue::new(Type::I16, 0x8001),
            DataValue::from_signed(Type::I8, -128),
            DataValue::new(Type::I16, 0xffff),
            DataValue::from_signed(Type::I64, -2),
        ];
        order.map(|index| all[index]).to_vec()
    };
    for mut program in programs(text, &NoHost) {
        let arguments = values([0, 1, 2, 3, 4, 5]);
        let results = program.call(&ExternalName::symbol("f"), &arguments, &mut NoHost);
        assert_eq!(results, Ok(values([5, 0, 2, 3, 4, 1])));
    }
}

#[test]
fn traps_have_their_code_and_function() {
    let text = "
        function %divide(i32, i32) -> i32 {
        block0(v0: i32, v1: i32):
            v2 = sdiv v0, v1
            return v2
        }
        function %f(i32, i32, i32) -> i32 {
            fn0 = %divide(i32, i32) -> i32
        block0(v0: i32, v1: i32, v2: i32):
            brif v2, block1, block2
        block1:
            trap user7
        block2:
            v3 = call fn0(v0, v1)
            return v3
        }";
    let describe = |arguments: &[i64]| describe(&call(text, arguments));
    assert_eq!(describe(&[7, 2, 0]), "[3]");
    assert_eq!(describe(&[7, 0, 0]), r#"int_divz in Some("%divide")"#);
    assert_eq!(
        describe(&[i32::MIN.into(), -1, 0]),
        r#"int_ovf in Some("%divide")"#
    );
    assert_eq!(describe(&[7, 2, 1]), r#"user7 in Some("%f")"#);
}

#[test]
fn memory_faults_are_traps_where_the_program_says_so() {
    let load = |flags: &str| {
        format!(
            "function %f(i32) -> i32 {{\nblock0(v0: i32):\n    v1 = load.i32 {flags} v0\n    return v1\n}}\n"
        )
    };
    let trap = |flags| describe(&call(&load(flags), &[16]));
    assert_eq!(trap("aligned"), r#"heap_oob in Some("%f")"#);
    assert_eq!(trap("aligned user3"), r#"user3 in Some("%f")"#);
    let Err(RunError::Fault { stop, place }) = call(&load("notrap aligned"), &[16]) else {
        panic!("a fault was expected");
    };
    let Stop::Trap(trap) = stop else {
        panic!("{stop}");
    };
    assert_eq!((trap.cause, trap.value), (TrapCause::LoadAccessFault, 16));
    assert_eq!(place.to_string(), "%f+0x0");
}

#[test]
fn endless_recursion_overflows_the_stack_and_endless_loops_reach_the_limit() {
    let recursion = "
        function %f(i32) -> i32 {
            fn0 = %f(i32) -> i32
        block0(v0: i32):
            v1 = call fn0(v0)
            v2 = iadd v1, v0
            return v2
        }";
    assert_eq!(describe(&call(recursion, &[1])), r#"stk_ovf in Some("%f")"#);
    let large_frame = "
        function %f() -> i32 {
            ss0 = explicit_slot 100000
        block0:
            v0 = stack_addr.i32 ss0
            v1 = load.i32 notrap aligned v0
            return v1
        }";
    assert_eq!(
        describe(&call(large_frame, &[])),
        r#"stk_ovf in Some("%f")"#
    );
    let endless = "function %f() {\nblock0:\n    jump block1\nblock1:\n    jump block1\n}\n";
    let Err(RunError::LimitReached { place, .. }) = call(endless, &[]) else {
        panic!("the limit is reached");
    };
    assert_eq!(place.function, Some((ExternalName::symbol("f"), 0)));
}

#[test]
fn calls_that_cannot_be_made() {
    let text = rotating(2, 1, "fast");
    for program in &mut programs(&text, &NoHost) {
        let mut call = |name, arguments: &[DataValue]| {
            program.call(&ExternalName::symbol(name), arguments, &mut NoHost)
        };
        let unknown = RunError::UnknownFunction(ExternalName::symbol("g"));
        assert_eq!(call("g", &[]), Err(unknown));
        let types = RunError::BadArguments(vec![Type::I32, Type::I32]);
        assert_eq!(types.to_string(), "the function takes (i32, i32)");
        assert_eq!(call("f", &words(&[1])), Err(types.clone()));
        let narrow = [DataValue::new(Type::I8, 1), DataValue::new(Type::I32, 1)];
        assert_eq!(call("f", &narrow), Err(types));
    }
}

#[test]
fn undefined_functions_are_named() {
    let text = "
        function %f() {
            fn0 = %nowhere()
        block0:
            call fn0()
            return
        }";
    let module = parse_module(text).unwrap();
    let error = Program::new(&module, &Settings::default(), STRICT, &NoHost);
    let error = error.map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "%nowhere, which %f refers to, is not defined"
    );
}

/// Provides `%sum`, which returns the sum of its arguments and remembers them, and `%stop`, which traps.
#[derive(Default)]
struct Sum {
    calls: Vec<Vec<i128>>,
}

impl HostFunctions for Sum {
    fn provides(&self, name: &ExternalName, _: &Signature) -> bool {
        [ExternalName::symbol("sum"), ExternalName::symbol("stop")].contains(name)
    }

    fn call(
        &mut self,
        name: &ExternalName,
        arguments: &[DataValue],
        _: &mut Emulator,
    ) -> Result<Vec<DataValue>, TrapCode> {
        if *name == ExternalName::symbol("stop") {
            return Err(TrapCode::user(9).unwrap());
        }
        let arguments: Vec<_> = arguments.iter().map(|data| data.signed()).collect();
        let sum = arguments.iter().sum();
        self.calls.push(arguments);
        Ok(vec![DataValue::from_signed(Type::I32, sum)])
    }
}

#[test]
fn the_host_is_called_with_register_and_stack_arguments() {
    for call_conv in ["fast", "tail", "system_v"] {
        let text = format!(
            "function %f(i32, i32) -> i32 {{
                fn0 = %sum(i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32 {call_conv}
                fn1 = %stop()
            block0(v0: i32, v1: i32):
                v2 = call fn0(v0, v0, v0, v0, v0, v0, v0, v0, v0, v1)
                v3 = call fn0(v2, v0, v0, v0, v0, v0, v0, v0, v1, v0)
                v4 = iadd v1, v3
                brif v0, block1, block2
            block1:
                return v4
            block2:
                call fn1()
                return v4
            }}"
        );
        let mut host = Sum::default();
        for program in &mut programs(&text, &host) {
            let f = ExternalName::symbol("f");
            let result = program.call(&f, &words(&[1, 100]), &mut host);
            assert_eq!(result, Ok(words(&[109 + 108 + 100])));
            assert_eq!(host.calls[0], [1, 1, 1, 1, 1, 1, 1, 1, 1, 100]);
            assert_eq!(host.calls[1], [109, 1, 1, 1, 1, 1, 1, 1, 100, 1]);
            let Err(error) = program.call(&f, &words(&[0, 0]), &mut host) else {
                panic!("the host stops the program");
            };
            assert!(
                error.to_string().starts_with("trap user9 at %f+"),
                "{error}"
            );
            host.calls.clear();
        }
    }
}

#[test]
fn host_results_of_other_types_are_refused() {
    let text = "
        function %f() -> i64 {
            fn0 = %sum() -> i64
        block0:
            v0 = call fn0()
            return v0
        }";
    let mut host = Sum::default();
    for program in &mut programs(text, &host) {
        let result = program.call(&ExternalName::symbol("f"), &[], &mut host);
        let name = ExternalName::symbol("sum");
        assert_eq!(result, Err(RunError::BadHostResults(name)));
    }
}

#[test]
fn counters_count_what_the_program_executes() {
    let text = rotating(1, 0, "fast");
    let program = &mut programs(&text, &NoHost)[0];
    let f = ExternalName::symbol("f");
    program.call(&f, &words(&[1]), &mut NoHost).unwrap();
    assert_eq!(program.counters().instructions, 1, "just the return");
    program.reset_counters();
    assert_eq!(program.counters().instructions, 0);
}
