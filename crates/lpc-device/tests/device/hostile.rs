//! Programs that do what they should not: the device says what, and goes on.

use crate::support::{Device, HEAP, settings};
use lpc_device::Cause;
use lpc_lpir::ir::TrapCode;

/// The functions that misbehave, by their numbers.
const PROGRAM: &str = "
; data: %constant readonly = { i32 1 }
; data: %code = { i32 0x00008067 }

function %loop_forever() {
block0:
    jump block1
block1:
    jump block1
}

function %call_the_host_forever() {
    ss0 = explicit_slot 4
    fn0 = %write(i32, i32)
block0:
    v0 = stack_addr.i32 ss0
    v1 = iconst.i32 0
    jump block1
block1:
    call fn0(v0, v1)
    jump block1
}

function %print_what_is_not_there(i32) -> i32 {
    fn0 = %write(i32, i32)
block0(v0: i32):
    v1 = iconst.i32 16
    call fn0(v0, v1)
    return v0
}

function %recurse(i32) -> i32 {
    fn0 = %recurse(i32) -> i32
block0(v0: i32):
    v1 = call fn0(v0)
    v2 = iadd v1, v0
    return v2
}

function %large_frame(i32) -> i32 {
    ss0 = explicit_slot 1000000
block0(v0: i32):
    v1 = stack_addr.i32 ss0
    store v0, v1
    v2 = load.i32 v1
    return v2
}

function %divide(i32) -> i32 {
block0(v0: i32):
    v1 = iconst.i32 0
    v2 = sdiv v0, v1
    return v2
}

function %read(i32) -> i32 {
block0(v0: i32):
    v1 = load.i32 v0
    return v1
}

function %read_byte_for_sure(i32) -> i32 {
block0(v0: i32):
    v1 = load.i8 notrap v0
    v2 = uextend.i32 v1
    return v2
}

function %store(i32) -> i32 {
block0(v0: i32):
    v1 = iconst.i32 0x5555
    store v1, v0
    return v0
}

function %jump(i32) -> i32 {
    sig0 = (i32) -> i32
block0(v0: i32):
    v1 = call_indirect sig0, v0(v0)
    return v1
}

function %write_constant() {
    gv0 = symbol colocated %constant
block0:
    v0 = symbol_value.i32 gv0
    store v0, v0
    return
}

function %write_code() {
    fn0 = %write_code()
block0:
    v0 = func_addr.i32 fn0
    store v0, v0
    return
}

function %run_data() {
    gv0 = symbol colocated %code
    sig0 = ()
block0:
    v0 = symbol_value.i32 gv0
    call_indirect sig0, v0()
    return
}

function %trap() {
block0:
    trap user7
}
";

/// Addresses that are no business of programs: nothing at all, the device that ends the simulation, the timer, the serial line, the
/// code of the firmware, its stack and its heap.
const FORBIDDEN: [u32; 9] = [
    0,
    0x0010_0000,
    0x0200_4000,
    0x1000_0000,
    0x8000_0000,
    0x8080_0000,
    0x8080_fff0,
    0x80a0_0000,
    0xffff_fffc,
];

#[test]
fn every_misbehavior_ends_and_the_device_goes_on() {
    let Some(mut device) = Device::start() else {
        return;
    };
    let trap = |code: TrapCode| Some(Cause::Trap(code.as_raw().get()));
    let exception = |cause: u32, value: u32| Some(Cause::Exception { cause, value });
    let out_of_bounds = trap(TrapCode::HEAP_OUT_OF_BOUNDS);
    let overflow = trap(TrapCode::STACK_OVERFLOW);
    let mut cases = vec![
        ("%loop_forever", vec![], Some(Cause::Limit)),
        ("%call_the_host_forever", vec![], Some(Cause::Limit)),
        ("%recurse", vec![1], overflow),
        ("%large_frame", vec![1], overflow),
        ("%divide", vec![1], trap(TrapCode::INTEGER_DIVISION_BY_ZERO)),
        ("%write_constant", vec![], out_of_bounds),
        ("%write_code", vec![], out_of_bounds),
        ("%trap", vec![], Some(Cause::Trap(7))),
    ];
    for address in FORBIDDEN {
        let argument = vec![address as i32];
        cases.push(("%read", argument.clone(), out_of_bounds));
        cases.push(("%store", argument.clone(), out_of_bounds));
        cases.push(("%print_what_is_not_there", argument.clone(), out_of_bounds));
        cases.push((
            "%read_byte_for_sure",
            argument.clone(),
            exception(5, address),
        ));
        cases.push(("%jump", argument, exception(1, address)));
    }
    for (name, arguments, expected) in cases {
        device.load(PROGRAM).expect("the program is one");
        let outcome = device.call(number_of(name), &arguments, results_of(name));
        let cause = outcome.stopped.map(|(cause, _)| cause);
        assert_eq!(cause, expected, "{name}{arguments:x?}");
        device.check_alive();
    }
    device.load(PROGRAM).expect("the program is one");
    let outcome = device.call(number_of("%run_data"), &[], 0);
    let cause = outcome.stopped.map(|(cause, _)| cause);
    assert!(
        matches!(cause, Some(Cause::Exception { cause: 1, .. })),
        "{cause:?}"
    );
    device.check_alive();
}

/// A program that stopped can be called again, and stops where it did.
#[test]
fn places_of_traps_are_known() {
    let Some(mut device) = Device::start() else {
        return;
    };
    // Instructions of a text are numbered.
    let loaded = device.client.load(PROGRAM.as_bytes(), &settings(), HEAP);
    loaded.expect("the program is one");
    for _ in 0..3 {
        let outcome = device.call(number_of("%divide"), &[1], 1);
        let (_, place) = outcome.stopped.expect("it traps");
        let (function, offset) = place.function.expect("it is in a function");
        assert_eq!(function, number_of("%divide"));
        assert!((2..20).contains(&offset), "{offset}");
        assert_eq!(place.srcloc, Some(1), "the second instruction");
    }
}

/// The number of the function `name` in [`PROGRAM`].
fn number_of(name: &str) -> u32 {
    let mut names = functions();
    names
        .position(|line| line.starts_with(&format!("{name}(")))
        .expect("it is there") as u32
}

fn results_of(name: &str) -> usize {
    let mut names = functions();
    let signature = names.find(|line| line.starts_with(&format!("{name}(")));
    usize::from(signature.expect("it is there").contains("-> i32"))
}

fn functions() -> impl Iterator<Item = &'static str> {
    PROGRAM
        .lines()
        .filter_map(|line| line.strip_prefix("function "))
}
