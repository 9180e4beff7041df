//! Functions of the host: every number and type of arguments and results, and what is refused.

use lpc_codegen::Settings;
use lpc_jit::{EmulatorMemory, EmulatorOptions, HostFnPointer, HostFunctions, Jit, JitError};
use lpc_jit::{FunctionType, NativeCall, Pair, TypedFunction};
use lpc_lpir::ir::DataValue;
use lpc_lpir::text::parse_module;
use std::cell::RefCell;

thread_local! {
    static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn jit(host: HostFunctions) -> Jit<EmulatorMemory> {
    Jit::new(
        EmulatorMemory::new(EmulatorOptions::default()).unwrap(),
        host,
    )
}

/// The error of a module that imports `%host` as `declared`, where it is `function`.
fn import_error(declared: &str, function: impl HostFnPointer) -> Option<String> {
    let mut host = HostFunctions::new();
    host.add("host", function).unwrap();
    // The address is taken: no arguments are needed.
    let text = format!(
        "function %f() -> i32 system_v {{
    fn0 = %host{declared}
block0:
    v0 = func_addr.i32 fn0
    return v0
}}"
    );
    let module = parse_module(&text).unwrap();
    let result = jit(host).compile(module, &Settings::default());
    result.err().map(|error| error.to_string())
}

/// A function that calls `%host` with its own parameters, `types`, and returns its results.
fn forwarder(types: &[&str], returns: &str) -> String {
    let params = types.join(", ");
    let values: Vec<_> = (0..types.len()).map(|index| format!("v{index}")).collect();
    let block_params: Vec<_> = values
        .iter()
        .zip(types)
        .map(|(value, ty)| format!("{value}: {}", ty.split(' ').next().unwrap()))
        .collect();
    let count = returns.split_terminator(',').count();
    let results: Vec<_> = (100..100 + count)
        .map(|index| format!("v{index}"))
        .collect();
    let results = results.join(", ");
    let (arrow, assign) = match count {
        0 => (String::new(), String::new()),
        _ => (format!(" -> {returns}"), format!("{results} = ")),
    };
    format!(
        "function %forward({params}){arrow} {{
    fn0 = %host({params}){arrow} system_v
block0({block_params}):
    {assign}call fn0({values})
    return {results}
}}",
        block_params = block_params.join(", "),
        values = values.join(", ")
    )
}

/// What `call` gives for a function that forwards its arguments to `function`.
fn forwarded<F: FunctionType + NativeCall, R>(
    types: &[&str],
    returns: &str,
    function: impl HostFnPointer,
    call: impl FnOnce(TypedFunction<'_, F, lpc_jit::EmulatedMachine>) -> R,
) -> R {
    let mut host = HostFunctions::new();
    host.add("host", function).unwrap();
    let module = parse_module(&forwarder(types, returns)).unwrap();
    let module = jit(host).compile(module, &Settings::default()).unwrap();
    call(module.function::<F>("forward").unwrap())
}

macro_rules! sums {
    ($($name:ident($($arg:ident),*);)*) => { $(
        /// The sum of each argument times its number.
        extern "C" fn $name($($arg: i32),*) -> i32 {
            let arguments: &[i32] = &[$($arg),*];
            let products = (1..).zip(arguments).map(|(index, argument)| index * argument);
            products.sum()
        }
    )* };
}

sums! {
    sum0();
    sum1(a);
    sum2(a, b);
    sum3(a, b, c);
    sum4(a, b, c, d);
    sum5(a, b, c, d, e);
    sum6(a, b, c, d, e, f);
    sum7(a, b, c, d, e, f, g);
    sum8(a, b, c, d, e, f, g, h);
}

#[test]
fn every_number_of_arguments() {
    macro_rules! check {
        ($name:ident, [$($ty:ty),*], [$($value:expr),*], $expected:expr) => {
            let types: &[&str] = &[$(stringify!($ty)),*];
            let function = $name as extern "C" fn($($ty),*) -> i32;
            let sum = forwarded::<fn($($ty),*) -> i32, _>(types, "i32", function, |f| f.call($($value),*));
            assert_eq!(sum, Ok($expected));
        };
    }
    check!(sum0, [], [], 0);
    check!(sum1, [i32], [1], 1);
    check!(sum2, [i32, i32], [1, 10], 21);
    check!(sum3, [i32, i32, i32], [1, 10, 100], 321);
    check!(sum4, [i32, i32, i32, i32], [1, 10, 100, 1000], 4321);
    check!(
        sum5,
        [i32, i32, i32, i32, i32],
        [1, 10, 100, 1000, 10000],
        54321
    );
    check!(
        sum6,
        [i32, i32, i32, i32, i32, i32],
        [1, 10, 100, 1000, 10000, 100000],
        654321
    );
    check!(
        sum7,
        [i32, i32, i32, i32, i32, i32, i32],
        [1, 10, 100, 1000, 10000, 100000, 1000000],
        7654321
    );
    check!(
        sum8,
        [i32, i32, i32, i32, i32, i32, i32, i32],
        [1, 10, 100, 1000, 10000, 100000, 1000000, 10000000],
        87654321
    );
}

/// Wide values that are split between registers and the stack, and wholly on the stack.
#[test]
fn eight_wide_arguments() {
    #[allow(clippy::too_many_arguments, reason = "that is the point")]
    extern "C" fn wide(a: i32, b: i64, c: u64, d: i64, e: i64, f: u8, g: i64, h: i16) -> i64 {
        CALLS.with_borrow_mut(|calls| calls.push(format!("{:?}", (a, b, c, d, e, f, g, h))));
        a as i64 ^ b ^ c as i64 ^ d ^ e ^ i64::from(f) ^ g ^ i64::from(h)
    }
    type Wide = extern "C" fn(i32, i64, u64, i64, i64, u8, i64, i16) -> i64;
    let types = [
        "i32", "i64", "i64", "i64", "i64", "i8 uext", "i64", "i16 sext",
    ];
    let result = forwarded::<fn(i32, i64, u64, i64, i64, u8, i64, i16) -> i64, _>(
        &types,
        "i64",
        wide as Wide,
        |f| {
            f.call(
                -1,
                i64::MIN,
                u64::MAX,
                1 << 32,
                -2,
                0xff,
                0x1234_5678_9abc,
                -3,
            )
        },
    );
    let expected = -1 ^ i64::MIN ^ -1 ^ 1 << 32 ^ -2 ^ 0xff ^ 0x1234_5678_9abc ^ -3;
    assert_eq!(result, Ok(expected));
    let arguments =
        "(-1, -9223372036854775808, 18446744073709551615, 4294967296, -2, 255, 20015998343868, -3)";
    assert_eq!(CALLS.take(), [arguments]);
}

#[test]
fn every_type_as_argument_and_result() {
    macro_rules! check {
        ($($rust:ty, $declared:literal;)*) => { $( {
            extern "C" fn complement(value: $rust) -> $rust {
                !value
            }
            for value in [0, 1, <$rust>::MIN, <$rust>::MAX, 0x5a] {
                let function = complement as extern "C" fn($rust) -> $rust;
                let result = forwarded::<fn($rust) -> $rust, _>(
                    &[$declared],
                    $declared,
                    function,
                    |f| f.call(value),
                );
                assert_eq!(result, Ok(!value));
            }
        } )* };
    }
    check! {
        i8, "i8 sext";
        u8, "i8 uext";
        i16, "i16 sext";
        u16, "i16 uext";
        i32, "i32";
        u32, "i32";
        i64, "i64";
        u64, "i64";
    }
}

#[test]
fn no_result_and_two_results() {
    extern "C" fn note(value: i32) {
        CALLS.with_borrow_mut(|calls| calls.push(value.to_string()));
    }
    extern "C" fn divide(dividend: u32, divisor: u32) -> Pair<u32, u32> {
        Pair(dividend / divisor, dividend % divisor)
    }
    let function = note as extern "C" fn(i32);
    let result = forwarded::<fn(i32), _>(&["i32"], "", function, |f| f.call(-7));
    assert_eq!(result, Ok(()));
    assert_eq!(CALLS.take(), ["-7"]);

    let function = divide as extern "C" fn(u32, u32) -> Pair<u32, u32>;
    let result =
        forwarded::<fn(u32, u32) -> (u32, u32), _>(&["i32", "i32"], "i32, i32", function, |f| {
            f.call(47, 10)
        });
    assert_eq!(result, Ok((4, 7)));
}

#[test]
fn other_signatures_are_refused() {
    extern "C" fn host(_: i32, _: u8) -> i64 {
        0
    }
    let host = host as extern "C" fn(i32, u8) -> i64;
    let error = |declared| import_error(declared, host);
    for declared in [
        "(i32, i8 uext) -> i64 system_v",
        "(i32 sext, i8 uext) -> i64 fast",
        "(i32 vmctx, i8 uext) -> i64 tail",
    ] {
        assert_eq!(error(declared), None, "{declared}");
    }
    for (declared, reason) in [
        ("(i32, i8) -> i64 system_v", ""),
        ("(i32, i8 sext) -> i64 system_v", ""),
        ("(i32) -> i64 system_v", ""),
        ("(i32, i8 uext) system_v", ""),
        ("(i32, i8 uext) -> i32 system_v", ""),
        ("(i64, i8 uext) -> i64 fast", ""),
        (
            "(i32, i8 uext) -> i64, i32 fast",
            "; C returns two words at most",
        ),
        ("(i128, i8 uext) -> i64 fast", "; C passes no i128"),
        ("(i32 sret, i8 uext) fast", "; it returns a structure"),
        (
            "(i64, i64, i64, i64, i64) tail",
            "; it removes its stack arguments, which C does not",
        ),
    ] {
        let provided = "(i32, i8 uext) -> i64 system_v";
        let expected = format!("%host is imported as {declared}, and is {provided}{reason}");
        assert_eq!(error(declared).as_deref(), Some(&*expected));
    }
}

#[test]
fn narrow_results_need_not_be_extended() {
    extern "C" fn narrow() -> u8 {
        7
    }
    let narrow = narrow as extern "C" fn() -> u8;
    assert_eq!(import_error("() -> i8 system_v", narrow), None);
    assert_eq!(import_error("() -> i8 uext system_v", narrow), None);
    assert!(import_error("() -> i8 sext system_v", narrow).is_some());
}

/// The module's own function is meant, whatever the host has of that name.
#[test]
fn functions_of_the_module_come_first() {
    extern "C" fn host() -> i32 {
        1
    }
    let mut functions = HostFunctions::new();
    functions
        .add("host", host as extern "C" fn() -> i32)
        .unwrap();
    let text = "
function %f(i64) -> i64 {
    fn0 = %host(i64) -> i64
block0(v0: i64):
    v1 = call fn0(v0)
    return v1
}

function %host(i64) -> i64 {
block0(v0: i64):
    v1 = iadd v0, v0
    return v1
}";
    let mut jit = jit(functions);
    let module = jit.compile(parse_module(text).unwrap(), &Settings::default());
    let module = module.unwrap();
    let f = module.function::<fn(i64) -> i64>("f").unwrap();
    assert_eq!(f.call(1 << 40), Ok(1 << 41));
}

#[test]
fn names_that_nobody_has_and_names_that_are_taken() {
    let text = "
; data: %words readonly align 4 = { %missing_datum, %f }

function %f() {
    fn0 = %b(i32)
    fn1 = %a()
    fn2 = %unused()
block0:
    call fn1()
    v0 = iconst.i32 1
    call fn0(v0)
    call fn1()
    return
}";
    let mut jit = jit(HostFunctions::new());
    let free = jit.largest_free();
    let result = jit.compile(parse_module(text).unwrap(), &Settings::default());
    let error = result.unwrap_err();
    assert!(matches!(error, JitError::UnknownImports(_)));
    assert_eq!(
        error.to_string(),
        "%a, which %f refers to, is not defined; %b, which %f refers to, is not defined; \
         %missing_datum, which %words refers to, is not defined"
    );
    assert_eq!(jit.largest_free(), free);

    extern "C" fn host() {}
    let host = host as extern "C" fn();
    jit.host_mut().add("b", host).unwrap();
    let error = jit.host_mut().add("b", host).unwrap_err();
    assert_eq!(error.to_string(), "%b is defined twice");

    let function = parse_module("function %twice() {\nblock0:\n    return\n}").unwrap();
    let mut builder = jit.builder(&Settings::default()).unwrap();
    let (functions, _) = function.into_definitions();
    let (function, linkage) = functions.into_iter().next().unwrap();
    builder.add_function(function.clone(), linkage).unwrap();
    let error = builder.add_function(function, linkage).unwrap_err();
    assert!(matches!(error, JitError::DuplicateName(_)));
    drop(builder);
    assert_eq!(jit.largest_free(), free);
}

/// A host function may call code of the machine that calls it, on the same stack.
#[test]
fn calls_from_host_functions() {
    type Callback = Box<dyn Fn(i32) -> i32>;
    thread_local! {
        static CALLBACK: RefCell<Option<Callback>> = const { RefCell::new(None) };
    }
    extern "C" fn back(value: i32) -> i32 {
        CALLBACK.with_borrow(|callback| callback.as_ref().unwrap()(value))
    }
    let mut host = HostFunctions::new();
    host.add("back", back as extern "C" fn(i32) -> i32).unwrap();
    // 1 + 2 + … + n, with every second call through the host, and a value in a callee-saved register across it.
    let text = "function %sum(i32) -> i32 {
    fn0 = %back(i32) -> i32
block0(v0: i32):
    brif v0, block1, block2
block1:
    v1 = iconst.i32 -1
    v2 = iadd v0, v1
    v3 = call fn0(v2)
    v4 = iadd v3, v0
    return v4
block2:
    return v0
}";
    let memory = EmulatorMemory::new(EmulatorOptions::default()).unwrap();
    let mut jit = Jit::new(memory, host);
    let module = jit.compile(parse_module(text).unwrap(), &Settings::default());
    let module: &'static _ = Box::leak(Box::new(module.unwrap()));
    let sum = module.function::<fn(i32) -> i32>("sum").unwrap();
    let again = sum.clone();
    CALLBACK.set(Some(Box::new(move |value| again.call(value).unwrap())));
    assert_eq!(sum.call(20), Ok(210));
    let values = [DataValue::new(lpc_lpir::ir::Type::I32, 4)];
    let name = lpc_lpir::ir::ExternalName::symbol("sum");
    let results = module.call(&name, &values).unwrap();
    assert_eq!(results[0].signed(), 10);
}
