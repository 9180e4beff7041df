//! Register allocation: whole allocations as text, and the code that is refused.

mod support;

use lpc_codegen::backend::allocation_cost::{
    MAX_ION_ARGUMENT_STEPS, MAX_ION_BLOCKS, MAX_ION_STEPS, is_affordable_for_ion,
};
use lpc_codegen::backend::emit::CodegenStats;
use lpc_codegen::backend::regalloc::{
    AllocationError, MAX_VREGS, RegallocAlgorithm, run_validated,
};
use lpc_codegen::backend::vcode::{BlockFlags, InsnIndex};
use lpc_codegen::backend::vcode_builder::{VCodeBuildDirection, VCodeBuilder, VRegAllocator};
use lpc_codegen::isa::riscv32::inst::MInst;
use lpc_lpir::ir::SourceLoc;
use regalloc2::{Edit, Function, OperandKind, PRegSet, RegAllocError};
use std::fmt::Write;
use support::{Program, allocate, parse_one, run};

/// A constant in the register that the return wants it in.
#[test]
fn one_instruction() {
    let text = "\
vcode %f {

block0:
    li v192, 42
    rets v192=a0
}
";
    let expected = "\
vcode %f {

block0:
    li v192:a0, 42
    rets v192=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::Ion), expected);
    let expected = "\
vcode %f {

block0:
    li v192:a0, 42
    rets v192=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::SinglePass), expected);
}

/// Nothing to allocate.
#[test]
fn no_registers_at_all() {
    let text = "\
vcode %f {

block0:
    rets
}
";
    let expected = "\
vcode %f {

block0:
    rets
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::Ion), expected);
}

/// A result takes the register of an operand that is not needed any more.
#[test]
fn a_chain_of_instructions() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    add v194, v192, v193
    slli v195, v194, 3
    xor v196, v195, v192
    rets v196=a0
}
";
    let expected = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    add v194:a5, v192:a0, v193:a1
    slli v195:a5, v194:a5, 3
    xor v196:a0, v195:a5, v192:a0
    rets v196=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::Ion), expected);
}

/// Arguments of an edge move at its end, or in the block that was made for it.
#[test]
fn several_blocks() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    beq v192, zero, block1, block2

block1 edge:
    jump block3(v193)

block2:
    sub v194, v192, v193
    jump block3(v194)

block3(v195):
    rets v195=a0
}
";
    let expected = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    beq v192:a0, zero, block1, block2

block1 edge:
  + mv a0, a1
    jump block3(v193)

block2:
    sub v194:a0, v192:a0, v193:a1
    jump block3(v194)

block3(v195):
    rets v195=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::Ion), expected);
}

/// Two registers swap by way of a third.
#[test]
fn a_permutation_on_a_loop_edge() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1, v194=a2
    jump block1(v192, v193, v194)

block1(v195, v196, v197):
    addi v198, v197, -1
    bne v198, zero, block2, block3

block2 edge:
    jump block1(v196, v195, v198)

block3:
    sub v199, v195, v196
    rets v199=a0
}
";
    let expected = "\
vcode %f {

block0:
    args v192=a0, v193=a1, v194=a2
    jump block1(v192, v193, v194)

block1(v195, v196, v197):
    addi v198:a2, v197:a2, -1
    bne v198:a2, zero, block2, block3

block2 edge:
  + mv a5, a1
  + mv a1, a0
  + mv a0, a5
    jump block1(v196, v195, v198)

block3:
    sub v199:a0, v195:a0, v196:a1
    rets v199=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::Ion), expected);
    let expected = "\
vcode %f {

block0:
    args v192=a0, v193=a1, v194=a2
  + mv a5, a0
  + mv a4, a1
    jump block1(v192, v193, v194)

block1(v195, v196, v197):
    addi v198:a2, v197:a2, -1
    bne v198:a2, zero, block2, block3

block2 edge:
  + mv a3, a5
  + mv a5, a4
  + mv a4, a3
    jump block1(v196, v195, v198)

block3:
    sub v199:a0, v195:a5, v196:a4
    rets v199=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::SinglePass), expected);
}

/// In callee-saved registers; the arguments are a single parallel move.
#[test]
fn values_across_a_call() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    call %g(v193=a0, v192=a1) -> v194=a0 clobbers a1-a7, t0-t6
    add v195, v194, v192
    rets v195=a0
}
";
    let expected = "\
vcode %f {

block0:
    args v192=a0, v193=a1
  + mv s0, a0
  + mv a0, a1
  + mv a1, s0
    call %g(v193=a0, v192=a1) -> v194=a0 clobbers a1-a7, t0-t6
  + mv a5, s0
    add v195:a0, v194:a0, v192:a5
    rets v195=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::Ion), expected);
    let expected = "\
vcode %f {
    spillslots 1

block0:
    args v192=a0, v193=a1
  + sw a0, spillslot0
  + mv a0, a1
  + lw a1, spillslot0
    call %g(v193=a0, v192=a1) -> v194=a0 clobbers a1-a7, t0-t6
  + lw a1, spillslot0
    add v195:a0, v194:a0, v192:a1
    rets v195=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::SinglePass), expected);
}

/// A copy keeps the operand alive.
#[test]
fn the_result_of_a_select_takes_the_register_of_an_operand() {
    let text = "\
vcode %f {

block0:
    args v192=a0, v193=a1
    select.blt v194, v192, v193, v192, v193
    add v195, v194, v192
    rets v195=a0
}
";
    let expected = "\
vcode %f {

block0:
    args v192=a0, v193=a1
  + mv a5, a0
    select.blt v194:a5, v192:a0, v193:a1, v192:a5, v193:a1
    add v195:a0, v194:a5, v192:a0
    rets v195=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::Ion), expected);
}

/// Twenty-eight values at once, and twenty-seven registers.
#[test]
fn more_values_than_registers() {
    let text = "\
vcode %f {

block0:
    args v192=a0
    lw v193, 0(v192)
    lw v194, 4(v192)
    lw v195, 8(v192)
    lw v196, 12(v192)
    lw v197, 16(v192)
    lw v198, 20(v192)
    lw v199, 24(v192)
    lw v200, 28(v192)
    lw v201, 32(v192)
    lw v202, 36(v192)
    lw v203, 40(v192)
    lw v204, 44(v192)
    lw v205, 48(v192)
    lw v206, 52(v192)
    lw v207, 56(v192)
    lw v208, 60(v192)
    lw v209, 64(v192)
    lw v210, 68(v192)
    lw v211, 72(v192)
    lw v212, 76(v192)
    lw v213, 80(v192)
    lw v214, 84(v192)
    lw v215, 88(v192)
    lw v216, 92(v192)
    lw v217, 96(v192)
    lw v218, 100(v192)
    lw v219, 104(v192)
    lw v220, 108(v192)
    add v230, v193, v194
    add v231, v230, v195
    add v232, v231, v196
    add v233, v232, v197
    add v234, v233, v198
    add v235, v234, v199
    add v236, v235, v200
    add v237, v236, v201
    add v238, v237, v202
    add v239, v238, v203
    add v240, v239, v204
    add v241, v240, v205
    add v242, v241, v206
    add v243, v242, v207
    add v244, v243, v208
    add v245, v244, v209
    add v246, v245, v210
    add v247, v246, v211
    add v248, v247, v212
    add v249, v248, v213
    add v250, v249, v214
    add v251, v250, v215
    add v252, v251, v216
    add v253, v252, v217
    add v254, v253, v218
    add v255, v254, v219
    add v256, v255, v220
    rets v256=a0
}
";
    let expected = "\
vcode %f {
    spillslots 2

block0:
    args v192=a0
    lw v193:a5, 0(v192:a0)
  + sw a5, spillslot0
    lw v194:a5, 4(v192:a0)
    lw v195:a4, 8(v192:a0)
  + sw a4, spillslot1
    lw v196:s11, 12(v192:a0)
    lw v197:s10, 16(v192:a0)
    lw v198:s9, 20(v192:a0)
    lw v199:s8, 24(v192:a0)
    lw v200:s7, 28(v192:a0)
    lw v201:s6, 32(v192:a0)
    lw v202:s5, 36(v192:a0)
    lw v203:s4, 40(v192:a0)
    lw v204:s3, 44(v192:a0)
    lw v205:s2, 48(v192:a0)
    lw v206:s1, 52(v192:a0)
    lw v207:s0, 56(v192:a0)
    lw v208:t6, 60(v192:a0)
    lw v209:t4, 64(v192:a0)
    lw v210:t2, 68(v192:a0)
    lw v211:t0, 72(v192:a0)
    lw v212:a1, 76(v192:a0)
    lw v213:a3, 80(v192:a0)
    lw v214:a4, 84(v192:a0)
    lw v215:a2, 88(v192:a0)
    lw v216:a7, 92(v192:a0)
    lw v217:a6, 96(v192:a0)
    lw v218:t1, 100(v192:a0)
    lw v219:t3, 104(v192:a0)
    lw v220:t5, 108(v192:a0)
  + mv a0, a5
  + lw a5, spillslot0
    add v230:a0, v193:a5, v194:a0
  + lw a5, spillslot1
    add v231:a5, v230:a0, v195:a5
    add v232:a5, v231:a5, v196:s11
    add v233:a5, v232:a5, v197:s10
    add v234:a5, v233:a5, v198:s9
    add v235:a5, v234:a5, v199:s8
    add v236:a5, v235:a5, v200:s7
    add v237:a5, v236:a5, v201:s6
    add v238:a5, v237:a5, v202:s5
    add v239:a5, v238:a5, v203:s4
    add v240:a5, v239:a5, v204:s3
    add v241:a5, v240:a5, v205:s2
    add v242:a5, v241:a5, v206:s1
    add v243:a5, v242:a5, v207:s0
    add v244:a5, v243:a5, v208:t6
    add v245:a5, v244:a5, v209:t4
    add v246:a5, v245:a5, v210:t2
    add v247:a5, v246:a5, v211:t0
    add v248:a5, v247:a5, v212:a1
    add v249:a5, v248:a5, v213:a3
    add v250:a5, v249:a5, v214:a4
    add v251:a5, v250:a5, v215:a2
    add v252:a5, v251:a5, v216:a7
    add v253:a5, v252:a5, v217:a6
    add v254:a5, v253:a5, v218:t1
    add v255:a3, v254:a5, v219:t3
    add v256:a0, v255:a3, v220:t5
    rets v256=a0
}
";
    assert_eq!(allocate(text, RegallocAlgorithm::Ion), expected);
}

fn refused(body: &str) -> [AllocationError; 2] {
    let text = format!("vcode %f {{\nblock0:\n{body}\n}}");
    let function = parse_one(&text);
    RegallocAlgorithm::ALLOCATORS
        .map(|algorithm| run_validated(&function.vcode, algorithm).unwrap_err())
}

#[test]
fn code_that_is_not_in_ssa_form_is_refused() {
    let use_before_definition = "mv v192, v193\nli v193, 1\nrets v192=a0";
    let not_dominated = "args v192=a0\nbeq v192, zero, block1, block2\nblock1:\nli v193, 1\njump block3\n\
        block2:\njump block3\nblock3:\nrets v193=a0";
    let argument_of_a_branch = "jump block1(v193)\nblock1(v192):\nli v193, 1\nbeq v193, zero, block2, block3\n\
        block2 edge:\njump block1(v193)\nblock3:\nrets v192=a0";
    let argument_of_one_way = "beq zero, zero, block1, block2\nblock1:\nli v192, 1\njump block3(v192)\n\
        block2:\njump block3(v192)\nblock3(v193):\nrets v193=a0";
    for body in [
        use_before_definition,
        not_dominated,
        argument_of_a_branch,
        argument_of_one_way,
    ] {
        for error in refused(body) {
            assert!(
                matches!(error, AllocationError::Refused(RegAllocError::SSA(..))),
                "{body}: {error:?}"
            );
        }
    }
}

#[test]
fn critical_edges_are_refused() {
    let body = |branch: &str| {
        format!("args v192=a0\n{branch}, block1, block2\nblock1:\njump block2\nblock2:\nrets")
    };
    for error in refused(&body("beq zero, zero")) {
        assert!(
            matches!(error, AllocationError::Refused(RegAllocError::CritEdge(..))),
            "{error:?}"
        );
    }
    for error in refused(&body("beq v192, zero")) {
        assert!(
            matches!(
                error,
                AllocationError::Refused(RegAllocError::DisallowedBranchArg(..))
            ),
            "{error:?}"
        );
    }
}

/// What the allocator is told of a function.
#[test]
fn the_function_as_the_allocator_sees_it() {
    let text = "\
vcode %f {
block0:
    args v192=a0, v193=a1
    add zero, v192, sp
    beq v192, zero, block1, block2
block1 edge:
    jump block3(v193, v192)
block2:
    call %g(v192=a0) -> v194=a0 clobbers a1, t6
    jump block3(v194, v192)
block3(v195, v196):
    rets v196=a0, v195=a1
}
";
    let vcode = parse_one(text).vcode;
    let block = regalloc2::Block::new;
    let inst = InsnIndex::new;
    let func: &dyn DynFunction = &vcode;
    assert_eq!(func.counts(), (7, 4, 5));
    assert_eq!(Function::entry_block(&vcode), block(0));
    assert_eq!(vcode.block_insns(block(2)).iter().count(), 2);
    assert_eq!(
        Function::block_succs(&vcode, block(0)),
        [block(1), block(2)]
    );
    assert_eq!(
        Function::block_preds(&vcode, block(3)),
        [block(1), block(2)]
    );
    let numbers =
        |vregs: &[regalloc2::VReg]| vregs.iter().map(|vreg| vreg.vreg()).collect::<Vec<_>>();
    assert_eq!(numbers(Function::block_params(&vcode, block(3))), [3, 4]);
    assert_eq!(
        numbers(vcode.branch_blockparams(block(1), inst(3), 0)),
        [1, 0]
    );
    assert_eq!(
        numbers(vcode.branch_blockparams(block(2), inst(5), 0)),
        [2, 0]
    );
    assert!(vcode.is_branch(inst(2)) && !vcode.is_ret(inst(2)));
    assert!(vcode.is_ret(inst(6)) && !vcode.is_branch(inst(6)));
    // `zero` and `sp` are no operands.
    assert_eq!(Function::inst_operands(&vcode, inst(1)).len(), 1);
    let call = Function::inst_operands(&vcode, inst(4));
    assert_eq!(call.len(), 2);
    assert_eq!(
        (call[0].kind(), call[1].kind()),
        (OperandKind::Use, OperandKind::Def)
    );
    assert_eq!(
        Function::inst_clobbers(&vcode, inst(4)).into_iter().count(),
        2
    );
    assert_eq!(Function::inst_clobbers(&vcode, inst(5)), PRegSet::empty());
    assert_eq!(vcode.spillslot_size(regalloc2::RegClass::Int), 1);
}

/// The counts that the allocator asks for.
trait DynFunction {
    fn counts(&self) -> (usize, usize, usize);
}

impl<F: Function> DynFunction for F {
    fn counts(&self) -> (usize, usize, usize) {
        (self.num_insts(), self.num_blocks(), self.num_vregs())
    }
}

/// A loop over forty values that are all live in it and across the call in it.
fn pressure() -> String {
    let values = 40;
    let mut text = String::from(
        "vcode %step {\nblock0:\nargs v192=a0\naddi v193, v192, 3\nrets v193=a0\n}\n\
         vcode %f {\nblock0:\nargs v192=a0, v193=a1\n",
    );
    let reg = |generation: u32, index: u32| 1000 + generation * 100 + index;
    let list = |generation: u32| {
        let regs: Vec<_> = (0..values)
            .map(|index| format!("v{}", reg(generation, index)))
            .collect();
        regs.join(", ")
    };
    for index in 0..values {
        text += &format!("addi v{}, v192, {}\n", reg(0, index), index * index);
    }
    text += &format!("jump block1(v193, {})\n", list(0));
    text += &format!("block1(v194, {}):\n", list(1));
    text += "beq v194, zero, block3, block2\nblock2:\naddi v195, v194, -1\n";
    text += &format!(
        "call %step(v{}=a0) -> v196=a0 clobbers a1-a7, t0-t6\n",
        reg(1, 0)
    );
    for index in 0..values {
        let other = reg(1, (index + 1) % values);
        text += &format!("add v{}, v{other}, v196\n", reg(2, index));
    }
    text += &format!("jump block1(v195, {})\n", list(2));
    text += "block3:\n";
    let mut sum = 900;
    text += &format!("li v{sum}, 0\n");
    for index in 0..values {
        text += &format!(
            "slli v{}, v{sum}, 1\nxor v{}, v{0}, v{2}\n",
            sum + 1,
            sum + 2,
            reg(1, index)
        );
        sum += 2;
    }
    text + &format!("rets v{sum}=a0\n}}\n")
}

#[test]
fn forty_values_across_a_loop_and_a_call() {
    let expected = |start: u32, count: u32| {
        let mut values: Vec<_> = (0..40u32)
            .map(|index| start.wrapping_add(index * index))
            .collect();
        for _ in 0..count {
            let step = values[0].wrapping_add(3);
            values.rotate_left(1);
            for value in &mut values {
                *value = value.wrapping_add(step);
            }
        }
        values.iter().fold(0u32, |sum, value| (sum << 1) ^ value)
    };
    let text = pressure();
    for (start, count) in [(0, 0), (1, 1), (77, 3), (0xffff_fff0, 50)] {
        assert_eq!(
            run(&text, "f", &[start, count]),
            expected(start, count),
            "{start} {count}"
        );
    }
}

#[test]
fn allocations_are_sorted_complete_and_the_same_each_time() {
    let text = pressure();
    let functions = support::parse(&text);
    let vcode = &functions[1].vcode;
    for algorithm in RegallocAlgorithm::ALLOCATORS {
        let output = run_validated(vcode, algorithm).unwrap().output;
        assert!(output.num_spillslots > 0, "{algorithm:?} spills");
        assert!(output.edits.is_sorted_by_key(|(point, _)| *point));
        assert!(output.allocs.iter().all(|alloc| alloc.is_reg()));
        let stack_to_stack = output
            .edits
            .iter()
            .any(|(_, Edit::Move { from, to })| from.is_stack() && to.is_stack());
        assert!(!stack_to_stack);
        let again = run_validated(vcode, algorithm).unwrap().output;
        assert_eq!(output.allocs, again.allocs);
    }
}

/// What each allocator makes of the same code.
#[test]
fn statistics_count_the_moves_of_the_allocator() {
    let functions = support::parse(&pressure());
    for algorithm in RegallocAlgorithm::ALLOCATORS {
        let stats = support::compile(&functions[1], algorithm).stats;
        assert_eq!((stats.vcode_blocks, stats.vcode_insts), (4, 168));
        assert!(
            stats.spills >= 14 && stats.reloads >= 14 && stats.spillslots >= 14,
            "{stats:?}"
        );
    }
    let stats = support::compile(&functions[0], RegallocAlgorithm::Ion).stats;
    assert_eq!((stats.moves, stats.spills, stats.reloads), (0, 0, 0));
    let moves = "vcode %f {\nblock0:\nargs v192=a0, v193=a1\nrets v192=a2, v193=a3\n}";
    let expected = CodegenStats {
        vcode_blocks: 1,
        vcode_insts: 2,
        vregs: 2,
        moves: 2,
        ..CodegenStats::default()
    };
    assert_eq!(support::compile_one(moves).stats, expected);
}

/// Where there are enough registers the adaptive choice is our allocator, and else Ion.
#[test]
fn ion_is_asked_where_there_are_too_few_registers() {
    let functions = support::parse(&pressure());
    for (function, chosen) in [
        (&functions[0], RegallocAlgorithm::SinglePass),
        (&functions[1], RegallocAlgorithm::Ion),
    ] {
        let run = |algorithm| run_validated(&function.vcode, algorithm).unwrap();
        let allocation = run(RegallocAlgorithm::Adaptive);
        assert_eq!(allocation.algorithm, chosen);
        let expected = run(chosen).output;
        assert_eq!(allocation.output.allocs, expected.allocs);
        assert_eq!(
            format!("{:?}", allocation.output.edits),
            format!("{:?}", expected.edits)
        );
    }
}

/// A value that is read once behind a call is in memory because a register would have to be saved for it, not for want of one.
#[test]
fn ion_is_not_asked_where_memory_costs_less_than_a_register() {
    let text = "vcode %f {
block0:
    args v192=a0
    call %g() clobbers a0-a7, t0-t6
    addi v193, v192, 1
    rets v193=a0
}";
    let vcode = parse_one(text).vcode;
    let allocation = run_validated(&vcode, RegallocAlgorithm::Adaptive).unwrap();
    assert_eq!(allocation.algorithm, RegallocAlgorithm::SinglePass);
    assert_eq!(allocation.output.num_spillslots, 1);
}

#[test]
fn what_is_too_much_for_ion_is_allocated_in_a_single_pass_whoever_is_asked() {
    let count = MAX_ION_STEPS.isqrt() as usize + 100;
    let vcode = parse_one(&values_at_once(count)).vcode;
    for algorithm in RegallocAlgorithm::ALL {
        let allocation = run_validated(&vcode, algorithm).unwrap();
        assert_eq!(allocation.algorithm, RegallocAlgorithm::SinglePass);
        assert!(allocation.output.num_spillslots > 0);
    }
}

/// Instructions executed for the same work: the better allocator must be better.
#[test]
fn the_better_allocator_is_better() {
    let text = pressure();
    let [ion, single_pass] = RegallocAlgorithm::ALLOCATORS.map(|algorithm| {
        let mut program = Program::new(&text, algorithm);
        program.call("f", &[1, 100]).unwrap();
        program.instructions()
    });
    assert!(ion < single_pass, "{ion} {single_pass}");
}

/// A chain of `count` blocks.
fn chain_of_blocks(count: usize) -> String {
    let mut text = String::from("vcode %f {\nblock0:\nargs v192=a0\njump block1(v192)\n");
    for block in 1..count {
        let param = 192 + block;
        writeln!(text, "block{block}(v{param}):").unwrap();
        if block + 1 < count {
            writeln!(text, "jump block{}(v{param})", block + 1).unwrap();
        } else {
            writeln!(text, "rets v{param}=a0\n}}").unwrap();
        }
    }
    text
}

#[test]
fn functions_of_many_blocks_are_too_much_for_ion() {
    for (blocks, is_affordable) in [(MAX_ION_BLOCKS, true), (MAX_ION_BLOCKS + 1, false)] {
        let vcode = parse_one(&chain_of_blocks(blocks)).vcode;
        assert_eq!(is_affordable_for_ion(&vcode), is_affordable);
    }
}

/// Constants that are all live at once. The length of their live ranges together is about the square of their number.
fn values_at_once(count: usize) -> String {
    let mut text = String::from("vcode %f {\nblock0:\n");
    for value in 0..count {
        writeln!(text, "li v{}, 1", 192 + value).unwrap();
    }
    for value in 0..count - 1 {
        let (sum, one) = (192 + count + value, 192 + value);
        writeln!(text, "add v{sum}, v{one}, v{}", one + 1).unwrap();
    }
    text + "rets\n}\n"
}

#[test]
fn functions_of_many_live_values_are_too_much_for_ion() {
    let limit = MAX_ION_STEPS.isqrt() as usize;
    for (values, is_affordable) in [(limit - 100, true), (limit + 100, false)] {
        let vcode = parse_one(&values_at_once(values)).vcode;
        assert_eq!(is_affordable_for_ion(&vcode), is_affordable, "{values}");
    }
}

/// Two blocks, the first of which passes one value many times to the second.
#[test]
fn functions_of_many_branch_arguments_are_too_much_for_ion() {
    let text = |count: usize| {
        let mut text = String::from("vcode %f {\nblock0:\nli v192, 1\n");
        let list = |of: &dyn Fn(usize) -> usize| {
            let names = (0..count).map(|value| format!("v{}", of(value)));
            names.collect::<Vec<_>>().join(", ")
        };
        let (args, params) = (list(&|_| 192), list(&|value| 193 + value));
        writeln!(text, "jump block1({args})\nblock1({params}):\nrets\n}}").unwrap();
        text
    };
    let limit = MAX_ION_ARGUMENT_STEPS.isqrt() as usize;
    for (count, is_affordable) in [(limit - 1, true), (limit + 1, false)] {
        let vcode = parse_one(&text(count)).vcode;
        assert_eq!(is_affordable_for_ion(&vcode), is_affordable, "{count}");
    }
}

#[test]
fn functions_of_many_registers_are_refused() {
    let vregs = VRegAllocator::with_allocated(MAX_VREGS as u32 + 1);
    let mut builder = VCodeBuilder::new(VCodeBuildDirection::Forward, 1, 1);
    let rets = MInst::Rets { rets: Vec::new() };
    builder.push(rets, SourceLoc::default());
    builder.end_block(BlockFlags::default());
    let vcode = builder.build(vregs);
    for algorithm in RegallocAlgorithm::ALLOCATORS {
        let error = run_validated(&vcode, algorithm).unwrap_err();
        assert!(matches!(error, AllocationError::TooManyVRegs), "{error}");
    }
}
