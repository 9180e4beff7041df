//! Functions that check the stack limit: they trap before they write below it, and at no limit that leaves room.

use lpc_codegen::backend::regalloc::RegallocAlgorithm;
use lpc_codegen::{Settings, compile_module};
use lpc_harness::{MEMORY_BASE, MachineOptions, NoHost, Program, RunError};
use lpc_lpir::ir::{DataValue, ExternalName, TrapCode, Type};
use lpc_lpir::text::parse_module;
use lpc_riscv32::Gpr;

const STACK_SIZE: u32 = 4 << 20;
const STACK_TOP: u32 = MEMORY_BASE + STACK_SIZE;

/// What is passed beside the limit.
const ARGUMENT: u32 = 5;

/// The module `text`, compiled with each register allocator, and the bytes of a frame of each of its functions together.
fn programs(text: &str) -> Vec<(Program, u32)> {
    let module = parse_module(text).unwrap();
    let algorithms = RegallocAlgorithm::ALLOCATORS.into_iter();
    algorithms
        .map(|regalloc| {
            let settings = Settings {
                regalloc,
                ..Settings::default()
            };
            let compiled = compile_module(&module, &settings).unwrap();
            let frames = compiled
                .functions
                .iter()
                .map(|function| &function.code.frame);
            let size = frames.map(|frame| frame.sp_adjustment()).sum();
            let options = MachineOptions {
                stack_size: STACK_SIZE,
                ..MachineOptions::default()
            };
            let program = Program::load(&module, &compiled, &settings, options, &NoHost).unwrap();
            (program, size)
        })
        .collect()
}

fn name() -> ExternalName {
    ExternalName::symbol("f")
}

/// Calls `%f` with [`ARGUMENT`] and `context`. Gives whether there was room on the stack.
fn has_room(program: &mut Program, context: u32) -> bool {
    let words = [ARGUMENT, context].map(|word| DataValue::new(Type::I32, u128::from(word)));
    match program.call(&name(), &words, &mut NoHost) {
        Ok(results) => {
            assert_eq!(results, words[..1]);
            true
        }
        Err(RunError::Trap { code, .. }) => {
            assert_eq!(code, TrapCode::STACK_OVERFLOW);
            false
        }
        Err(error) => panic!("{error}"),
    }
}

/// A function whose limit is its context plus four.
fn function(slot: u32) -> String {
    format!(
        "function %f(i32, i32 vmctx) -> i32 system_v {{
    gv0 = vmctx
    gv1 = iadd_imm.i32 gv0, 4
    ss0 = explicit_slot {slot}, align = 4
    stack_limit = gv1

block0(v0: i32, v1: i32):
    v2 = stack_addr.i32 ss0
    store notrap v0, v2
    v3 = load.i32 notrap v2
    return v3
}}"
    )
}

#[test]
fn the_limit_is_exact_for_frames_of_any_size() {
    for slot in [4, 16, 2032, 2036, 4096, 1 << 20] {
        for (mut program, size) in programs(&function(slot)) {
            assert!(size >= slot);
            let lowest = STACK_TOP - size;
            for (limit, expected) in [
                (0, true),
                (MEMORY_BASE, true),
                (lowest - 4, true),
                (lowest, true),
                (lowest + 1, false),
                (lowest + 4, false),
                (STACK_TOP, false),
                (STACK_TOP + 4, false),
                (u32::MAX, false),
            ] {
                let context = limit.wrapping_sub(4);
                let found = has_room(&mut program, context);
                assert_eq!(found, expected, "{slot} {limit:#x}");
                if !found {
                    let stack_pointer = program.emulator().gpr(Gpr::SP);
                    assert_eq!(stack_pointer, STACK_TOP, "nothing was taken");
                }
            }
        }
    }
}

/// The limit is in memory, far from what the context points to.
#[test]
fn limits_that_are_loaded() {
    let text = "function %f(i32, i32 vmctx) -> i32 system_v {
    gv0 = vmctx
    gv1 = load.i32 notrap aligned gv0+8000
    gv2 = iadd_imm.i32 gv1, -10000
    ss0 = explicit_slot 64, align = 4
    stack_limit = gv2

block0(v0: i32, v1: i32):
    v2 = stack_addr.i32 ss0
    store notrap v0, v2
    v3 = load.i32 notrap v2
    return v3
}";
    for (mut program, size) in programs(text) {
        let context = program.free_memory().start;
        for (limit, expected) in [(STACK_TOP - size, true), (STACK_TOP - size + 1, false)] {
            let word = (limit + 10000).to_le_bytes();
            let emulator = program.emulator_mut();
            emulator.write_memory(context + 8000, &word).unwrap();
            assert_eq!(has_room(&mut program, context), expected);
        }
    }
}

/// The context travels on the stack, and the check leaves all arguments as they are.
#[test]
fn arguments_survive_the_check() {
    let text = "function %f(i32, i32) -> i32 system_v {
    fn0 = %g(i32, i32, i32, i32, i32, i32, i32, i32, i32 vmctx) -> i32 system_v

block0(v0: i32, v1: i32):
    v2 = iconst.i32 1
    v3 = iconst.i32 2
    v4 = call fn0(v0, v2, v3, v2, v3, v2, v3, v2, v1)
    return v4
}

function %g(i32, i32, i32, i32, i32, i32, i32, i32, i32 vmctx) -> i32 system_v {
    gv0 = vmctx
    ss0 = explicit_slot 16, align = 4
    stack_limit = gv0

block0(v0: i32, v1: i32, v2: i32, v3: i32, v4: i32, v5: i32, v6: i32, v7: i32, v8: i32):
    v9 = stack_addr.i32 ss0
    store notrap v0, v9
    v10 = isub v1, v2
    v11 = isub v3, v4
    v12 = isub v5, v6
    v13 = isub v7, v2
    v14 = isub v10, v11
    v15 = isub v12, v13
    v16 = iadd v14, v15
    v17 = load.i32 notrap v9
    v18 = iadd v16, v17
    return v18
}";
    for (mut program, size) in programs(text) {
        let lowest = STACK_TOP - size;
        assert!(has_room(&mut program, lowest));
        assert!(!has_room(&mut program, lowest + 1));
    }
}

/// A recursion ends at the limit, and has written nothing below it.
#[test]
fn a_recursion_stops_at_the_limit() {
    let text = "function %f(i32, i32 vmctx) -> i32 system_v {
    gv0 = vmctx
    fn0 = %f(i32, i32 vmctx) -> i32 system_v
    stack_limit = gv0

block0(v0: i32, v1: i32):
    v2 = call fn0(v0, v1)
    return v2
}";
    for (mut program, size) in programs(text) {
        let limit = STACK_TOP - 10 * size;
        let below = |program: &Program| {
            let memory = program.emulator().memory();
            let words = (limit - 4096..limit).step_by(4);
            words
                .map(|address| memory.read_u32(address).unwrap())
                .collect::<Vec<_>>()
        };
        let before = below(&program);
        assert!(!has_room(&mut program, limit));
        assert_eq!(below(&program), before);
        assert_eq!(program.emulator().gpr(Gpr::SP), limit, "ten frames fit");
    }
}

/// Routines of the runtime check nothing: their callers leave room for them.
#[test]
fn routines_have_room_above_the_limit() {
    let text = "function %f(i32, i32 vmctx) -> i32 system_v {
    gv0 = vmctx
    stack_limit = gv0

block0(v0: i32, v1: i32):
    v2 = uextend.i128 v0
    v3 = udiv v2, v2
    v4 = imul v3, v2
    v5 = ireduce.i32 v4
    return v5
}";
    for (mut program, _) in programs(text) {
        let memory = program.emulator().memory();
        let limit = (STACK_TOP - 4096..STACK_TOP)
            .rev()
            .find(|&limit| has_room(&mut program.clone(), limit))
            .unwrap();
        let before = memory.read(limit - 4096, 4096).unwrap().to_vec();
        assert!(has_room(&mut program, limit));
        let after = program.emulator().memory().read(limit - 4096, 4096);
        assert_eq!(after.unwrap(), before);
    }
}
