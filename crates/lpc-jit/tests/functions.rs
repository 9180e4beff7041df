//! Calls: by types, with values, and what becomes of those that trap.

use lpc_codegen::runtime::Routine;
use lpc_codegen::{CompileBudget, CompileError, Compiler, RegallocAlgorithm, Settings};
use lpc_jit::{
    CallError, EmulatorError, EmulatorMemory, EmulatorOptions, FunctionType, HostFunctions, Jit,
    JitError, JitModule,
};
use lpc_lpir::ir::{DataValue, ExternalName, Linkage, Module, SourceLoc, TrapCode, Type};
use lpc_lpir::text::{parse_module, parse_module_with_sources};

fn compile_module(module: Module) -> JitModule<EmulatorMemory> {
    let memory = EmulatorMemory::new(EmulatorOptions::default()).unwrap();
    let mut jit = Jit::new(memory, HostFunctions::new());
    jit.compile(module, &Settings::default()).unwrap()
}

fn compile(text: &str) -> JitModule<EmulatorMemory> {
    compile_module(parse_module(text).unwrap())
}

/// A function that gives back its parameters, of `types`, the last one first.
fn reverse(types: &[&str], convention: &str) -> String {
    let params: Vec<_> = (0..)
        .zip(types)
        .map(|(i, ty)| format!("v{i}: {ty}"))
        .collect();
    let results: Vec<_> = (0..types.len()).rev().map(|i| format!("v{i}")).collect();
    let reversed: Vec<_> = types.iter().rev().copied().collect();
    format!(
        "function %reverse({}) -> {} {convention} {{\nblock0({}):\n    return {}\n}}",
        types.join(", "),
        reversed.join(", "),
        params.join(", "),
        results.join(", ")
    )
}

#[test]
fn values_of_every_type_in_every_convention() {
    const TYPES: [(&str, Type); 5] = [
        ("i8", Type::I8),
        ("i64", Type::I64),
        ("i16", Type::I16),
        ("i128", Type::I128),
        ("i32", Type::I32),
    ];
    for convention in ["system_v", "fast", "tail"] {
        for count in 1..=20 {
            for rotation in 0..TYPES.len() {
                let types = (0..count).map(|index| TYPES[(index + rotation) % TYPES.len()]);
                let names: Vec<_> = types.clone().map(|(name, _)| name).collect();
                let values = (1..).zip(types).map(|(index, (_, ty))| {
                    DataValue::from_signed(
                        ty,
                        (-1_i128).pow(index) << (2 + index) | i128::from(index),
                    )
                });
                let mut values: Vec<_> = values.collect();
                let module = compile(&reverse(&names, convention));
                let results = module.call(&ExternalName::symbol("reverse"), &values);
                values.reverse();
                assert_eq!(results, Ok(values), "{names:?} {convention}");
            }
        }
    }
}

/// What a convention leaves undefined is garbage, and nothing that code could rely on.
#[test]
fn what_is_above_narrow_arguments() {
    let module = compile(
        "function %word(i32) -> i32 {
block0(v0: i32):
    return v0
}
function %word_of_byte(i8) -> i32 {
    sig0 = (i8) -> i32
    fn0 = %word(i32) -> i32
block0(v0: i8):
    v1 = func_addr.i32 fn0
    v2 = call_indirect sig0, v1(v0)
    return v2
}",
    );
    let byte = DataValue::new(Type::I8, 0x85);
    let results = module.call(&ExternalName::symbol("word_of_byte"), &[byte]);
    let word = results.unwrap()[0].unsigned();
    assert_eq!(word & 0xff, 0x85);
    assert_ne!(word, 0x85);
}

fn error<F: FunctionType>(signature: &str) -> Option<String> {
    let (params, _) = signature[1..].split_once(')').unwrap();
    let types: Vec<_> = params.split_terminator(", ").collect();
    let block_params: Vec<_> = (0..)
        .zip(&types)
        .map(|(index, ty)| format!("v{index}: {}", ty.split(' ').next().unwrap()))
        .collect();
    let block_params = match block_params.is_empty() {
        true => String::new(),
        false => format!("({})", block_params.join(", ")),
    };
    // The results do not matter: it traps.
    let text = format!("function %f{signature} {{\nblock0{block_params}:\n    trap user1\n}}");
    let module = compile(&text);
    module
        .function::<F>("f")
        .err()
        .map(|error| error.to_string())
}

#[test]
fn types_that_fit_and_types_that_do_not() {
    assert_eq!(error::<fn()>("()"), None);
    assert_eq!(error::<fn(i32, u64) -> i32>("(i32, i64) -> i32 fast"), None);
    assert_eq!(
        error::<fn(u32) -> (i8, u16)>("(i32) -> i8, i16 system_v"),
        None
    );
    assert_eq!(error::<fn(i8, u16)>("(i8, i16 uext) tail"), None);
    assert_eq!(error::<fn(u8)>("(i8)"), None);

    let mismatch = |signature: &str, requested: &str| {
        Some(format!(
            "%f is {signature} and cannot be called as {requested} system_v"
        ))
    };
    assert_eq!(
        error::<fn(i32) -> i32>("(i32, i32) -> i32 fast"),
        mismatch("(i32, i32) -> i32 fast", "(i32) -> i32")
    );
    assert_eq!(
        error::<fn(i64) -> i32>("(i32) -> i32 system_v"),
        mismatch("(i32) -> i32 system_v", "(i64) -> i32")
    );
    assert_eq!(
        error::<fn(i32)>("(i32) -> i32 system_v"),
        mismatch("(i32) -> i32 system_v", "(i32)")
    );
    assert_eq!(
        error::<fn(u8) -> i8>("(i8 sext) -> i8 fast"),
        mismatch("(i8 sext) -> i8 fast", "(i8 uext) -> i8 sext")
    );

    let not_c = |signature: &str, reason: &str| {
        Some(format!(
            "%f is {signature} and cannot be called as a C function: {reason}"
        ))
    };
    for (signature, reason) in [
        ("(i32) -> i32, i32, i32 fast", "C returns two words at most"),
        ("(i32) -> i64, i32 system_v", "C returns two words at most"),
        ("(i128) fast", "C passes no i128"),
        ("(i32 sret) system_v", "it returns a structure"),
        (
            "(i64, i64, i64, i64, i32) tail",
            "it removes its stack arguments, which C does not",
        ),
    ] {
        assert_eq!(error::<fn(i32) -> i32>(signature), not_c(signature, reason));
    }
}

#[test]
fn only_what_is_exported_is_found() {
    let mut module = parse_module(&reverse(&["i32"], "fast")).unwrap();
    let id = module.find(&ExternalName::symbol("reverse")).unwrap();
    let exported = compile_module(module.clone());
    let name = ExternalName::symbol("reverse");
    assert_eq!(exported.address_of(&name), Some(exported.map().base()));
    module.set_linkage(id, Linkage::Local);
    let local = compile_module(module);
    assert_eq!(local.address_of(&name), None);
    let error = local.function::<fn(i32) -> i32>("reverse").unwrap_err();
    assert_eq!(error.to_string(), "there is no function %reverse");
    let result = local.call(&name, &[]);
    assert_eq!(result, Err(CallError::UnknownFunction(name)));
}

#[test]
fn arguments_of_other_types_are_refused() {
    let module = compile(&reverse(&["i32", "i8"], "fast"));
    let name = ExternalName::symbol("reverse");
    let value = |ty| DataValue::new(ty, 1);
    let results = module.call(&name, &[value(Type::I32), value(Type::I8)]);
    assert_eq!(results, Ok(vec![value(Type::I8), value(Type::I32)]));
    for arguments in [&[value(Type::I32)][..], &[value(Type::I32); 2], &[]] {
        let error = module.call(&name, arguments).unwrap_err();
        assert_eq!(error.to_string(), "the function takes (i32, i8)");
    }
}

/// Two functions that trap, and one that does not end.
const TRAPS: &str = "
function %divide(i32, i32) -> i32 {
block0(v0: i32, v1: i32):
    v2 = sdiv v0, v1
    return v2
}

function %check(i32) -> i32 {
    fn0 = %divide(i32, i32) -> i32
block0(v0: i32):
    trapz v0, user7
    v1 = iconst.i32 12
    v2 = call fn0(v1, v0)
    return v2
}

function %forever() {
block0:
    jump block0
}
";

#[test]
fn traps_are_located() {
    let (mut module, _) = parse_module_with_sources(TRAPS).unwrap();
    let ids: Vec<_> = module.functions().map(|(id, _)| id).collect();
    for id in ids {
        let function = module.function_mut(id);
        for block in function.layout.blocks() {
            for inst in function.layout.block_insts(block) {
                let number = 100 * (id.as_u32() + 1) + inst.as_u32();
                function.srclocs[inst] = SourceLoc::new(number);
            }
        }
    }
    let module = compile_module(module);
    let place = |result: Result<i32, EmulatorError>| {
        let Err(EmulatorError::Stopped { pc, .. }) = result else {
            panic!("{result:?}");
        };
        let function = module.locate(pc).unwrap().function.to_string();
        (function, module.trap_at(pc), module.srcloc_at(pc))
    };
    let divide = module.function::<fn(i32, i32) -> i32>("divide").unwrap();
    let check = module.function::<fn(i32) -> i32>("check").unwrap();
    assert_eq!((divide.call(-12, 4), check.call(5)), (Ok(-3), Ok(2)));
    let expected = |function: &str, code, srcloc| {
        (
            function.to_string(),
            Some(code),
            Some(SourceLoc::new(srcloc)),
        )
    };
    let by_zero = expected("%divide", TrapCode::INTEGER_DIVISION_BY_ZERO, 100);
    assert_eq!(place(divide.call(1, 0)), by_zero);
    let overflow = expected("%divide", TrapCode::INTEGER_OVERFLOW, 100);
    assert_eq!(place(divide.call(i32::MIN, -1)), overflow);
    assert_eq!(
        place(check.call(0)),
        expected("%check", TrapCode::user(7).unwrap(), 200)
    );
    // After a trap everything goes on as before.
    assert_eq!(check.call(-3), Ok(-4));
    assert_eq!(module.trap_at(module.map().base() - 2), None);
    assert_eq!(module.trap_at(module.map().base()), None);
}

#[test]
fn a_function_that_does_not_end() {
    let memory = EmulatorMemory::new(EmulatorOptions {
        instruction_limit: 1_000,
        ..EmulatorOptions::default()
    })
    .unwrap();
    let mut jit = Jit::new(memory, HostFunctions::new());
    let module = jit
        .compile(parse_module(TRAPS).unwrap(), &Settings::default())
        .unwrap();
    let error = module
        .function::<fn()>("forever")
        .unwrap()
        .call()
        .unwrap_err();
    let address = module.address_of(&ExternalName::symbol("forever")).unwrap();
    let expected = format!("instruction limit reached at {address:#010x}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_cannot_be_compiled_is_named() {
    let text = "function %atomic(i32) -> i32 {\nblock0(v0: i32):\n    v1 = atomic_load.i32 v0\n    v2 = atomic_rmw.i32 add v0, v1\n    return v2\n}";
    let memory = EmulatorMemory::new(EmulatorOptions::default()).unwrap();
    let mut jit = Jit::new(memory, HostFunctions::new());
    let free = jit.largest_free();
    let settings = Settings {
        extensions: "rv32i".parse().unwrap(),
        regalloc: RegallocAlgorithm::SinglePass,
        ..Settings::default()
    };
    let result = jit.compile(parse_module(text).unwrap(), &settings);
    let error = result.unwrap_err().to_string();
    assert!(
        error.starts_with("%atomic: ") && error.ends_with(" is not supported"),
        "{error}"
    );
    assert_eq!(jit.largest_free(), free);
}

/// What the function of a module keeps to, the routine that it calls keeps to as well: it is larger.
#[test]
fn a_budget_is_for_routines_too() {
    let text = "function %divide(i128, i128) -> i128 {\nblock0(v0: i128, v1: i128):\n    v2 = udiv v0, v1\n    return v2\n}";
    let settings = Settings::default();
    let compile = |max_heap| {
        let memory = EmulatorMemory::new(EmulatorOptions::default()).unwrap();
        let compiler = Compiler::with_budget(CompileBudget::new(max_heap));
        let mut jit = Jit::with_compiler(memory, HostFunctions::new(), compiler);
        jit.compile(parse_module(text).unwrap(), &settings)
    };
    let (mut functions, _) = parse_module(text).unwrap().into_definitions();
    let (function, _) = functions.next().unwrap();
    let mut compiler = Compiler::with_budget(CompileBudget::new(1 << 20));
    let compiled = compiler.compile_owned(function, &settings).unwrap();
    let Err(JitError::Compile { function, error }) = compile(compiled.memory.peak_heap()) else {
        panic!("the routine takes no more than the function");
    };
    assert_eq!(Routine::from_name(&function), Some(Routine::Udivrem128));
    assert!(
        matches!(error, CompileError::OverBudget { .. }),
        "{error:?}"
    );
    let taken = compile(1 << 20).unwrap().compile_memory().peak_heap();
    assert!(taken > compiled.memory.peak_heap());
    assert!(compile(taken).is_ok());
}
