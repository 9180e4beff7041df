//! Frames: their numbers, and that nothing in them is overwritten when code runs.

mod support;

use lpc_codegen::backend::emit::{EmitError, emit};
use lpc_codegen::backend::frame::FrameTooLarge;
use lpc_codegen::backend::machinst::CallType;
use lpc_codegen::backend::regalloc::{RegallocAlgorithm, run_validated};
use lpc_codegen::isa::riscv32::emit::EmitInfo;
use lpc_codegen::isa::riscv32::regs::gpr;
use lpc_codegen::{CompileError, Settings, compile_function};
use lpc_lpir::text::parse_module;
use support::{Program, compile_one, extensions, parse_one, run};

/// The numbers of a frame that has everything.
#[test]
fn layout_of_a_frame() {
    let text = "\
vcode %f {
    incoming_args 16
    tail_args 32
    outgoing_args 40
    stackslots 20, align 8
    pops_incoming_args

block0:
    args v192=a0, v193=a1
    call %g() clobbers a0-a7, t0-t6
    rets v192=a0, v193=a1
}
";
    let frame = compile_one(text).frame;
    assert_eq!(frame.word_bytes, 4);
    assert_eq!((frame.incoming_args_size, frame.tail_args_size), (16, 32));
    assert_eq!((frame.setup_area_size, frame.clobber_size), (8, 4));
    assert_eq!((frame.stackslots_size, frame.stackslots_offset), (20, 40));
    assert_eq!(
        (frame.outgoing_args_size, frame.fixed_frame_storage_size),
        (40, 28)
    );
    assert_eq!((frame.frame_size(), frame.sp_adjustment()), (80, 96));
    assert_eq!(frame.clobbered_callee_saves.len(), 1);
    assert!(frame.saves_frame_pointer && !frame.preserve_frame_pointers);
    assert_eq!(frame.function_calls, CallType::Regular);
}

/// The sizes of a frame, all others of which are zero.
#[derive(Debug, PartialEq, Default)]
struct Sizes {
    incoming_args: u32,
    tail_args: u32,
    setup_area: u32,
    clobbers: u32,
    fixed_frame_storage: u32,
    stackslots: u32,
    outgoing_args: u32,
}

/// The sizes, the saved registers besides the setup area, and the calls of a frame.
fn summary(text: &str) -> (Sizes, Vec<String>, CallType) {
    let frame = compile_one(text).frame;
    assert_eq!(frame.word_bytes, 4);
    assert_eq!(frame.frame_size() % 16, 0);
    let sizes = Sizes {
        incoming_args: frame.incoming_args_size,
        tail_args: frame.tail_args_size,
        setup_area: frame.setup_area_size,
        clobbers: frame.clobber_size,
        fixed_frame_storage: frame.fixed_frame_storage_size,
        stackslots: frame.stackslots_size,
        outgoing_args: frame.outgoing_args_size,
    };
    let saves = frame.clobbered_callee_saves.into_iter();
    let saves = saves.map(|preg| gpr(preg.into()).to_string()).collect();
    (sizes, saves, frame.function_calls)
}

#[test]
fn a_leaf() {
    let text = "vcode %f {\nblock0:\nargs v192=a0\naddi v193, v192, 1\nrets v193=a0\n}";
    assert_eq!(
        summary(text),
        (Sizes::default(), Vec::new(), CallType::None)
    );
}

#[test]
fn a_function_that_calls() {
    let text = "vcode %f {\nblock0:\ncall %g() clobbers a0-a7, t0-t6\nrets\n}";
    let expected = Sizes {
        setup_area: 8,
        fixed_frame_storage: 8,
        ..Sizes::default()
    };
    assert_eq!(summary(text), (expected, Vec::new(), CallType::Regular));
}

#[test]
fn a_function_whose_only_call_is_a_tail_call() {
    let text = "vcode %f {\nblock0:\nreturn_call %g()\n}";
    assert_eq!(
        summary(text),
        (Sizes::default(), Vec::new(), CallType::TailCall)
    );
}

/// Three values live across a call: `s0` goes to the setup area, the others are clobbers.
#[test]
fn a_function_that_writes_callee_saved_registers() {
    let text = "\
vcode %f {
block0:
    args v192=a0, v193=a1, v194=a2
    call %g() clobbers a0-a7, t0-t6
    rets v192=a0, v193=a1, v194=a2
}
";
    let expected = Sizes {
        setup_area: 8,
        clobbers: 8,
        ..Sizes::default()
    };
    let saves = ["s1", "s2"].map(str::to_owned).to_vec();
    assert_eq!(summary(text), (expected, saves, CallType::Regular));
}

/// Forty values at once, with 27 registers to hold them and the address they come from.
#[test]
fn a_function_that_spills() {
    let (sizes, saves, calls) = summary(&live_values(40, ""));
    assert_eq!((saves.len(), calls), (12, CallType::None));
    let spilled = compile_one(&live_values(40, "")).stats.spillslots;
    assert!(spilled >= 13, "{spilled}");
    let saved = 12 * 4;
    let expected = Sizes {
        clobbers: saved,
        fixed_frame_storage: (4 * spilled + saved).next_multiple_of(16) - saved,
        ..Sizes::default()
    };
    assert_eq!(sizes, expected);
}

#[test]
fn a_function_with_stack_slots() {
    let text = "vcode %f {\nstackslots 20, align 8\nblock0:\nsw zero, slot+0\nrets\n}";
    let expected = Sizes {
        fixed_frame_storage: 32,
        stackslots: 20,
        ..Sizes::default()
    };
    assert_eq!(summary(text), (expected, Vec::new(), CallType::None));
}

/// Twelve words beside the eight in registers.
#[test]
fn a_function_with_many_outgoing_arguments() {
    let mut text = String::from("vcode %f {\noutgoing_args 48\nblock0:\nargs v192=a0\n");
    for word in 0..12 {
        text += &format!("sw v192, outgoing_arg+{}\n", 4 * word);
    }
    text += "call %g(v192=a0) clobbers a0-a7, t0-t6\nrets\n}";
    let expected = Sizes {
        setup_area: 8,
        fixed_frame_storage: 8,
        outgoing_args: 48,
        ..Sizes::default()
    };
    assert_eq!(summary(&text), (expected, Vec::new(), CallType::Regular));
}

#[test]
fn a_function_with_incoming_arguments() {
    let text = "\
vcode %f {
    incoming_args 16
    tail_args 16

block0:
    lw v192, incoming_arg+4
    rets v192=a0
}
";
    let expected = Sizes {
        incoming_args: 16,
        tail_args: 16,
        ..Sizes::default()
    };
    assert_eq!(summary(text), (expected, Vec::new(), CallType::None));
}

/// A frame pointer is kept in a leaf as well.
#[test]
fn a_leaf_that_keeps_a_frame_pointer() {
    let text = "vcode %f {\npreserve_frame_pointers\nblock0:\nrets\n}";
    let expected = Sizes {
        setup_area: 8,
        fixed_frame_storage: 8,
        ..Sizes::default()
    };
    assert_eq!(summary(text), (expected, Vec::new(), CallType::None));
}

#[test]
fn spill_slots_lie_below_stack_slots() {
    let frame = compile_one(&live_values(40, "stackslots 12, align 4")).frame;
    assert!(frame.stackslots_offset > 0);
    assert_eq!(frame.frame_size() % 16, 0);
    let end = frame.stackslots_offset + frame.stackslots_size;
    assert!(end <= frame.frame_size() - frame.setup_area_size - frame.clobber_size);
}

#[test]
fn frames_that_are_too_large_are_refused() {
    let text = "vcode %f {\nstackslots 536870912, align 16\nblock0:\nrets\n}";
    let function = parse_one(text);
    let allocation = run_validated(&function.vcode, RegallocAlgorithm::Ion)
        .unwrap()
        .output;
    let info = EmitInfo::new(extensions());
    let error = emit(function.vcode.clone(), &allocation, info, false).unwrap_err();
    assert_eq!(error, EmitError::FrameTooLarge(FrameTooLarge));
    assert_eq!(
        error.to_string(),
        "the frame is larger than 536870912 bytes"
    );
}

/// Their sizes are added up without overflow.
#[test]
fn stack_slots_that_are_too_large_together_are_refused() {
    let is_too_large = |sizes: &[u32]| {
        let slots = sizes.iter().enumerate();
        let slots = slots.map(|(index, size)| format!("ss{index} = explicit_slot {size}\n"));
        let slots: String = slots.collect();
        let text = format!("function %f() {{\n{slots}block0:\nreturn\n}}\n");
        let module = parse_module(&text).unwrap();
        let (_, func) = module.functions().next().unwrap();
        match compile_function(func, &Settings::default()) {
            Ok(_) => false,
            Err(CompileError::FrameTooLarge) => true,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(!is_too_large(&[1 << 28]));
    assert!(is_too_large(&[1 << 29]));
    assert!(is_too_large(&[1 << 31, 1 << 31]));
}

/// Loads `count` words from the address in `a0`, and only then combines them, in an order that tells each from the others.
fn live_values(count: u32, header: &str) -> String {
    let mut text = format!("vcode %f {{\n{header}\nblock0:\nargs v192=a0\n");
    for index in 0..count {
        text += &format!("lw v{}, {}(v192)\n", 300 + index, index * 4);
    }
    text += "li v400, 0\n";
    for index in 0..count {
        let sum = 400 + 2 * index;
        text += &format!("slli v{}, v{sum}, 1\n", sum + 1);
        text += &format!("add v{}, v{}, v{}\n", sum + 2, sum + 1, 300 + index);
    }
    text + &format!("rets v{}=a0\n}}\n", 400 + 2 * count)
}

const WORDS: u32 = 0x8050_0000;

#[test]
fn spilled_values_come_back() {
    for header in [
        "",
        "preserve_frame_pointers",
        "outgoing_args 2000",
        "outgoing_args 4096\nstackslots 100000, align 16",
    ] {
        let text = live_values(40, header);
        let count = |index: u32| index.wrapping_mul(0x9e37_79b9);
        let expected = (0..40).fold(0u32, |sum, index| {
            sum.wrapping_shl(1).wrapping_add(count(index))
        });
        for algorithm in RegallocAlgorithm::ALLOCATORS {
            let mut program = Program::new(&text, algorithm);
            for index in 0..40 {
                program.write(WORDS + 4 * index, count(index));
            }
            let results = program.call("f", &[WORDS]).unwrap();
            assert_eq!(results[0], expected, "{algorithm:?} {header}");
        }
    }
}

/// A function with a large frame and callee-saved registers, called by one that has values in all of them.
#[test]
fn large_frames_keep_the_registers_of_the_caller() {
    let text = "\
vcode %leaf {
    stackslots 5000, align 16

block0:
    args v192=a0, v193=a1
    sw v192, slot+4996
    sw v193, slot+0
    call %double(v192=a0) -> v194=a0 clobbers a1-a7, t0-t6
    lw v195, slot+4996
    lw v196, slot+0
    add v197, v194, v195
    add v198, v197, v196
    rets v198=a0
}

vcode %double {
block0:
    args v192=a0
    add v193, v192, v192
    rets v193=a0
}

vcode %main {
block0:
    args v192=a0, v193=a1
    call %leaf(v192=a0, v193=a1) -> v194=a0 clobbers a1-a7, t0-t6
    slli v195, v192, 8
    slli v196, v193, 16
    add v197, v195, v194
    add v198, v196, v197
    rets v198=a0
}
";
    assert_eq!(
        run(text, "main", &[5, 7]),
        5 * 2 + 5 + 7 + (5 << 8) + (7 << 16)
    );
}

/// Tail calls that need more, fewer and as many stack arguments as came in, in a loop: the stack pointer is where it was.
#[test]
fn tail_calls_keep_the_stack_balanced() {
    let text = "\
vcode %one {
    incoming_args 16
    tail_args 32
    pops_incoming_args

block0:
    args v192=a0
    lw v193, incoming_arg+0
    addi v194, v192, -1
    beq v192, zero, block1, block2

block1:
    rets v193=a0

block2:
    call %nothing() clobbers a0-a7, t0-t6
    add v195, v193, v192
    sw v195, tail_arg(32)+16
    return_call %two(v194=a0) args_size 32
}

vcode %two {
    incoming_args 32
    pops_incoming_args

block0:
    args v192=a0
    lw v193, incoming_arg+16
    sw v193, tail_arg(16)+0
    return_call %one(v192=a0) args_size 16
}

vcode %nothing {
block0:
    rets
}

vcode %main {
    outgoing_args 16

block0:
    args v192=a0
    sw zero, outgoing_arg+0
    call %one(v192=a0) -> v193=a0 clobbers a1-a7, t0-t6 pops 16
    rets v193=a0
}
";
    assert_eq!(run(text, "main", &[100]), 5050);
}
