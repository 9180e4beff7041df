//! Execution against QEMU: what each encoding does to registers and memory, or that it is illegal.
//!
//! ```text
//!               ┌─► Ours ─── outcomes ─┐
//!   cases ──────┤                      ├─► equal, or one of DIFFERENCES
//!               └─► Judge ── outcomes ─┘
//!                   qemu-riscv32 judge.c
//! ```
//!
//! Each encoding is executed with random registers on both sides, on machines that have exactly the same extensions. Compared
//! are the pc, all registers, the memory, and the trap, with its address, that follows. See `judge.c` for how.

use batch::{Batch, Totals};
use cases::new_case;
use judge::{COMPILER, Judge, MAX_BATCH, QEMU, SCRATCH_WORDS, has_processor};
use lpc_riscv32::fetch::fetch;
use lpc_riscv32::format::Field;
use lpc_riscv32::{ExtensionSet, Opcode};
use ours::{Ours, breakpoint};
use random::Random;
use std::time::Instant;
use tools::tools_are_there;

mod batch;
mod cases;
mod differences;
#[path = "../support/halfwords.rs"]
mod halfwords;
mod judge;
mod ours;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/tools.rs"]
mod tools;
#[path = "../support/words.rs"]
mod words;

/// How often a halfword is executed, each time with other registers.
const STATES_OF_HALFWORD: usize = 4;

/// How many jumps to misaligned addresses are tried: QEMU ends at each.
const MAX_MISALIGNED_JUMPS: usize = 50;

/// All halfwords, on machines that have different ones of them.
#[test]
fn qemu_executes_every_halfword_as_we_do() {
    let without_what_zcb_needs = "rv32i_zca_zcb".parse().unwrap();
    for (extensions, instructions) in [
        (ExtensionSet::all(), 29_823),
        (ExtensionSet::RV32IMAC, 28_823),
        (without_what_zcb_needs, 29_735),
        (ExtensionSet::RV32IM, 0),
    ] {
        if is_available(extensions) {
            let halfwords = halfwords::all();
            let halfwords = halfwords.flat_map(|half| [u64::from(half); STATES_OF_HALFWORD]);
            let totals = compare("halfwords", extensions, halfwords);
            assert_eq!(totals.cases, STATES_OF_HALFWORD * halfwords::COUNT);
            assert_eq!(totals.instructions, STATES_OF_HALFWORD * instructions);
        }
    }
}

#[test]
fn qemu_executes_a_million_words_as_we_do() {
    compare_words(ExtensionSet::all());
}

#[test]
fn qemu_executes_a_million_words_on_a_small_machine_as_we_do() {
    compare_words(ExtensionSet::RV32IM);
}

/// A million words, those that are instructions twice.
fn compare_words(extensions: ExtensionSet) {
    if is_available(extensions) {
        let is_valid = |word: u32| fetch(&word.to_le_bytes(), extensions).is_ok();
        let words = words::all().into_iter().flat_map(|word| {
            let count = if is_valid(word) { 2 } else { 1 };
            std::iter::repeat_n(u64::from(word), count)
        });
        let totals = compare("words", extensions, words);
        assert!(totals.cases > words::COUNT);
        assert!(totals.instructions > words::COUNT / 2);
    }
}

/// `lr.w`, and behind it `sc.w`, mostly to the same address.
#[test]
fn qemu_stores_conditionally_as_we_do() {
    let mut random = Random::new(3);
    let pairs: Vec<u64> = (0..20_000)
        .map(|_| {
            let (lr, sc) = (random.next(), random.next());
            let address = if random.next().is_multiple_of(4) {
                sc
            } else {
                lr
            };
            let address = address & Field::Rs1.mask();
            let lr = lr & !Opcode::LrW.mask() | Opcode::LrW.bits();
            let sc = sc & !(Opcode::ScW.mask() | Field::Rs1.mask()) | address | Opcode::ScW.bits();
            u64::from(lr) | u64::from(sc) << 32
        })
        .collect();
    let extensions = ExtensionSet::all();
    if is_available(extensions) {
        let totals = compare("lr.w and sc.w", extensions, pairs.into_iter());
        assert!(totals.stores > 5_000);
    }
}

/// Executes encodings on both sides.
///
/// # Panics
/// With the first mismatch of each instruction, if there are some.
fn compare(name: &str, extensions: ExtensionSet, encodings: impl Iterator<Item = u64>) -> Totals {
    let start = Instant::now();
    let mut random = Random::new(2);
    let scratch: Vec<u32> = (0..SCRATCH_WORDS).map(|_| random.next()).collect();
    let start_judge = || Judge::new(extensions, breakpoint(extensions), &scratch);
    let mut judge = start_judge();
    let mut ours = Ours::new(extensions, scratch.clone());
    let mut totals = Totals::default();
    let mut encodings = encodings.peekable();
    let mut sent: Option<Batch> = None;
    while encodings.peek().is_some() || sent.is_some() {
        let encodings = encodings.by_ref().take(MAX_BATCH).enumerate();
        let cases = encodings.map(|(place, bits)| new_case(bits, place, extensions, &mut random));
        let batch = Batch::new(cases.collect(), &mut ours, &mut totals);
        let batch = Some(batch).filter(|batch| !batch.cases.is_empty());
        // While the judge executes one batch, we make the next.
        if let Some(batch) = &batch {
            judge.execute(&batch.cases);
        }
        if let Some(batch) = sent {
            let theirs = judge.receive(batch.cases.len());
            let theirs =
                theirs.unwrap_or_else(|why| panic!("{why}, at one of {:x?}", batch.encodings()));
            batch.compare(&theirs, extensions, &mut totals);
        }
        sent = batch;
    }
    judge.finish();
    for case in totals.misaligned_jumps.iter().take(MAX_MISALIGNED_JUMPS) {
        let mut judge = start_judge();
        judge.execute(std::slice::from_ref(case));
        let text = judge
            .receive(1)
            .expect_err("a jump to a misaligned address");
        assert!(text.contains("unhandled CPU exception 0 "), "{text}");
    }
    totals.report(&format!("{name} on {extensions}"), start);
    totals
}

/// Whether there is a QEMU that can be asked about the machine.
///
/// # Panics
/// If there is not and `CI` is set: nothing is skipped then.
fn is_available(extensions: ExtensionSet) -> bool {
    if !tools_are_there(&[COMPILER, QEMU]) {
        return false;
    }
    let Err(why) = has_processor(extensions) else {
        return true;
    };
    assert!(std::env::var_os("CI").is_none(), "no {extensions}: {why}");
    eprintln!("skipped: this {QEMU} lacks {extensions}: {why}");
    false
}
