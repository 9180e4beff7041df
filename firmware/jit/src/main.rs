//! Compiles and calls functions on the board, and checks what comes of it: the smallest use of `lpc-jit` on a chip.
//!
//! The code runs as part of the program, with all that the machine can do. `lpc-firmware` is for code that is not trusted.
#![no_std]
#![no_main]

extern crate alloc;

mod programs;

use alloc::vec::Vec;
use board::exit::exit;
use board::recovery::{Fault, catch};
use board::{counters, heap, println};
use core::mem::MaybeUninit;
use lpc_codegen::Settings;
use lpc_jit::{HostFunctions, Jit, JitModule, Pair, RamMemory};
use lpc_lpir::ir::{DataValue, ExternalName, TrapCode, Type};
use lpc_lpir::text::parse_module;

board::entry!(main);

const CODE_SIZE: usize = 64 << 10;

/// Where the code goes.
static mut CODE: MaybeUninit<[u8; CODE_SIZE]> = MaybeUninit::uninit();

fn main() {
    // SAFETY: nothing is allocated yet.
    unsafe { heap::init(1 << 20) };
    let code = (&raw mut CODE).cast::<u8>();
    let address = code.addr() as u32;
    // SAFETY: nobody else uses `CODE`, all RAM of the board is executable, and the programs below do what they may.
    let memory = unsafe { RamMemory::with_alias(code, address, CODE_SIZE as u32) };
    let mut jit = Jit::new(memory, host_functions());
    let free = jit.largest_free();

    call_typed(&mut jit);
    call_host_functions(&mut jit);
    call_with_values(&mut jit);
    locate_a_trap(&mut jit);
    reuse_memory(&mut jit);
    check("memory is given back", &jit.largest_free(), &free);
    println!("all is well");
    exit(0);
}

/// Ends with an error where two values are not equal.
fn check<T: PartialEq + core::fmt::Debug>(what: &str, actual: &T, expected: &T) {
    if actual == expected {
        println!("{what}: {actual:?}");
    } else {
        println!("error: {what}: {actual:?}, and not {expected:?}");
        exit(1);
    }
}

/// Compiles a program that has no errors.
fn compile(jit: &mut Jit<RamMemory>, text: &str) -> JitModule<RamMemory> {
    let module = parse_module(text).expect("the programs are LPIR");
    heap::reset_peak();
    let before = heap::usage().current;
    let start = counters::instructions();
    let compiled = jit.compile(module, &Settings::default());
    let instructions = counters::instructions() - start;
    let compiled = compiled.expect("the programs can be compiled");
    println!(
        "{} bytes, in {instructions} instructions and {} bytes of heap",
        compiled.memory_size(),
        heap::usage().peak - before
    );
    compiled
}

fn call_typed(jit: &mut Jit<RamMemory>) {
    let module = compile(jit, programs::TYPED);
    let gcd = module.function::<fn(u32, u32) -> u32>("gcd");
    let Ok(gcd) = gcd.unwrap().call(1_000_003 * 6, 1_000_003 * 15);
    check("gcd", &gcd, &3_000_009);
    let narrow = module.function::<fn(i8, u8, i16, u16) -> (i8, u16)>("narrow");
    let Ok(narrow) = narrow.unwrap().call(-1, 255, -2, 65_535);
    check("narrow", &narrow, &(-3, 254));
    let wide = module.function::<fn(i32, i64, i64, i64, i64, i32, i64, i32) -> i64>("wide");
    let Ok(wide) = wide
        .unwrap()
        .call(1, 10, 100, 1_000, 10_000, 2, 100_000, -3);
    check("wide", &wide, &(10 + 200 + 3_000 + 40_000 + 500_000));
    let Ok(()) = module.function::<fn()>("nothing").unwrap().call();
    let error = module.function::<fn(i32) -> u32>("gcd").unwrap_err();
    println!("{error}");
}

extern "C" fn add_wide(a: i32, b: i64, c: u8, d: i64, e: i16, f: i64, g: i64, h: i32) -> i64 {
    let narrow = i64::from(a) + i64::from(c) + i64::from(e) + i64::from(h);
    narrow + b + d + f + g
}

extern "C" fn divide(dividend: u32, divisor: u32) -> Pair<u32, u32> {
    Pair(dividend / divisor, dividend % divisor)
}

extern "C" fn complement(value: i8) -> i8 {
    !value
}

fn host_functions() -> HostFunctions {
    type AddWide = extern "C" fn(i32, i64, u8, i64, i16, i64, i64, i32) -> i64;
    let mut host = HostFunctions::new();
    host.add("add_wide", add_wide as AddWide)
        .and_then(|()| {
            host.add(
                "divide",
                divide as extern "C" fn(u32, u32) -> Pair<u32, u32>,
            )
        })
        .and_then(|()| host.add("complement", complement as extern "C" fn(i8) -> i8))
        .expect("the names are different");
    host
}

fn call_host_functions(jit: &mut Jit<RamMemory>) {
    let module = compile(jit, programs::HOST);
    let add = module.function::<fn(i32, i64) -> i64>("add");
    let Ok(sum) = add.unwrap().call(-5, 1 << 40);
    check("add", &sum, &(-5 + 255 - 3 + 7 + 4 * (1 << 40)));
    let digits = module.function::<fn(u32) -> u32>("digits");
    let Ok(digits) = digits.unwrap().call(4_294_967_295);
    check("sum of digits", &digits, &57);
    let complement = module.function::<fn(i8) -> i32>("complement_of");
    let Ok(complement) = complement.unwrap().call(100);
    check("complement", &complement, &-101);
}

fn call_with_values(jit: &mut Jit<RamMemory>) {
    let module = compile(jit, programs::VALUES);
    let values = |ty, numbers: &[i128]| -> Vec<_> {
        let numbers = numbers.iter();
        numbers
            .map(|number| DataValue::from_signed(ty, *number))
            .collect()
    };
    let call = |name, arguments: &[DataValue]| {
        let Ok(results) = module.call(&ExternalName::symbol(name), arguments) else {
            println!("error: {name} is not called");
            exit(1);
        };
        results
    };
    let arguments: Vec<_> = (1..=12).collect();
    let reversed: Vec<_> = arguments.iter().rev().copied().collect();
    for convention in ["reverse_system_v", "reverse_fast", "reverse_tail"] {
        let results = call(convention, &values(Type::I32, &arguments));
        check(convention, &results, &values(Type::I32, &reversed));
    }
    let product = call("square", &values(Type::I128, &[(1 << 60) + 1]));
    let expected = ((1_i128 << 60) + 1) * ((1 << 60) + 1);
    check("square", &product, &values(Type::I128, &[expected]));
}

fn locate_a_trap(jit: &mut Jit<RamMemory>) {
    let module = compile(jit, programs::TRAP);
    let divide = module.function::<fn(i32, i32) -> i32>("quotient").unwrap();
    let Ok(quotient) = divide.call(42, -6);
    check("quotient", &quotient, &-7);
    for (divisor, expected) in [
        (0, TrapCode::INTEGER_DIVISION_BY_ZERO),
        (-1, TrapCode::INTEGER_OVERFLOW),
    ] {
        let Err(Fault::Trap { pc, .. }) = catch(|| divide.call(i32::MIN, divisor)) else {
            println!("error: no trap");
            exit(1);
        };
        check("trap", &module.trap_at(pc as u32), &Some(expected));
        let place = module.locate(pc as u32).map(|place| place.function);
        check("in", &place, &Some(&ExternalName::symbol("quotient")));
    }
}

/// Loads modules to the same memory again and again: the processor must see the new code.
fn reuse_memory(jit: &mut Jit<RamMemory>) {
    let mut used = 0;
    for round in 0..50 {
        let text = programs::constant(round);
        let module = parse_module(&text).expect("the programs are LPIR");
        let module = jit.compile(module, &Settings::default());
        let module = module.expect("there is room for each");
        let constant = module.function::<fn() -> i32>("constant").unwrap();
        if used == 0 {
            used = constant.address();
        }
        if (constant.address(), constant.call()) != (used, Ok(round)) {
            check("constant", &constant.call(), &Ok(round));
            exit(1);
        }
    }
    println!("50 modules at {used:#010x}");
}
