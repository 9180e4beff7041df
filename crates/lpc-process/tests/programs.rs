//! Executables that this compiler makes, as processes.

use lpc_codegen::{Settings, compile_module};
use lpc_link::elf::read::ReadElfError;
use lpc_link::elf::{DebugInfo, ExecutableOptions, LineMap, Stack, link_executable};
use lpc_lpir::ir::{ExternalName, SourceLoc, TrapCode};
use lpc_lpir::text::{Location, parse_module};
use lpc_process::{End, LoadError, Process, ProcessOptions, Streams};
use lpc_riscv32::ExtensionSet;
use lpc_riscv32::emulator::{Profile, Stop, TrapCause};

const OPTIONS: ProcessOptions = ProcessOptions {
    heap_and_stack_size: 1 << 20,
    stack_size: 1 << 16,
    instruction_limit: 1_000_000,
};

/// Says that everything comes from one line.
struct OneLine;

impl LineMap for OneLine {
    fn function(&self, _: &ExternalName) -> Option<Location> {
        Some(Location { line: 7, column: 3 })
    }

    fn instruction(&self, name: &ExternalName, _: SourceLoc) -> Option<Location> {
        self.function(name)
    }
}

fn executable(text: &str, stack: Stack) -> Vec<u8> {
    let module = parse_module(text).expect("the module is well-formed");
    let settings = Settings::default();
    let compiled = compile_module(&module, &settings).expect("the module can be compiled");
    let options = ExecutableOptions {
        stack,
        source: Some(DebugInfo {
            file: "program.clif",
            directory: "/folder",
            lines: &OneLine,
        }),
        ..ExecutableOptions::default()
    };
    let file = link_executable(&module, &compiled, &settings, &options, &|_| None);
    file.expect("the module makes a program")
}

/// Runs the program `text` with `input`, and returns its end and what it wrote.
fn run(text: &str, stack: Stack, input: &str, arguments: &[&str]) -> (End, String) {
    let bytes = executable(text, stack);
    let arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
    let mut process = Process::load(&bytes, None, &arguments, OPTIONS).expect("it can be loaded");
    let (mut input, mut output, mut errors) = (input.as_bytes(), Vec::new(), Vec::new());
    let mut streams = Streams::new(&mut input, &mut output, &mut errors);
    let end = process.run(&mut streams);
    streams.finish().expect("writing to memory does not fail");
    assert_eq!(errors, b"");
    (end, String::from_utf8(output).expect("the output is text"))
}

#[test]
fn the_status_is_what_main_returns() {
    let text = "function %main() -> i32 { block0: v0 = iconst.i32 -3 return v0 }";
    for stack in [Stack::Inherited, Stack::Reserved(256)] {
        let (end, _) = run(text, stack, "", &[]);
        assert_eq!(end, End::Exited(-3_i32 as u32));
    }
    let text = "function %main() { block0: return }";
    assert_eq!(run(text, Stack::Inherited, "", &[]).0, End::Exited(0));
}

#[test]
fn main_may_take_arguments() {
    let text = "function %main(i32, i32) -> i32 {
        fn0 = %putchar(i32)
    block0(v0: i32, v1: i32):
        v2 = load.i32 v1+4
        v3 = uload8.i32 v2+1
        call fn0(v3)
        return v0
    }";
    let (end, output) = run(text, Stack::Inherited, "", &["program", "argument"]);
    assert_eq!((end, &*output), (End::Exited(2), "r"));
}

#[test]
fn functions_of_the_host_are_linked_in() {
    // Reads up to the end of the input, keeps eight bytes at a time, and writes them at once.
    let text = "function %main() -> i32 {
        ss0 = explicit_slot 8
        fn0 = %getchar() -> i32
        fn1 = %write(i32, i32)
        fn2 = %putchar(i32)
    block0:
        v0 = stack_addr.i32 ss0
        v1 = iconst.i32 0
        v2 = iconst.i32 1
        v20 = iconst.i32 8
        jump block1(v1)
    block1(v3: i32):
        v4 = call fn0()
        v5 = icmp slt v4, v1
        brif v5, block4, block2
    block2:
        v6 = iadd v0, v3
        istore8 v4, v6
        v7 = iadd v3, v2
        v8 = icmp eq v7, v20
        brif v8, block3, block1(v7)
    block3:
        call fn1(v0, v7)
        v9 = iconst.i32 124
        call fn2(v9)
        jump block1(v1)
    block4:
        call fn1(v0, v3)
        return v4
    }";
    let (end, output) = run(text, Stack::Inherited, "twelve bytes", &[]);
    assert_eq!((end, &*output), (End::Exited(u32::MAX), "twelve b|ytes"));
}

#[test]
fn traps_have_a_code_and_a_place() {
    let text = "function %main() -> i32 {
        fn0 = %getchar() -> i32
        fn1 = %divide(i32) -> i32
    block0:
        v0 = call fn0()
        v1 = iconst.i32 48
        v2 = isub v0, v1
        v3 = call fn1(v2)
        return v3
    }
    function %divide(i32) -> i32 {
    block0(v0: i32):
        v1 = iconst.i32 12
        v2 = udiv v1, v0
        return v2
    }";
    assert_eq!(run(text, Stack::Inherited, "4", &[]).0, End::Exited(3));
    let (end, _) = run(text, Stack::Inherited, "0", &[]);
    let End::Trapped { code, place, .. } = end else {
        panic!("there is a division by zero: {end:?}");
    };
    assert_eq!(code, Some(TrapCode::INTEGER_DIVISION_BY_ZERO));
    assert_eq!(place.symbol.expect("functions have names").0, "divide");
    let line = place.line.expect("there is a line table").to_string();
    assert_eq!(line, "/folder/program.clif:7:3");
}

#[test]
fn the_instruction_limit_is_kept() {
    let text = "function %main() { block0: jump block1 block1: jump block1 }";
    let (end, _) = run(text, Stack::Inherited, "", &[]);
    let End::LimitReached { place } = end else {
        panic!("the program does not end: {end:?}");
    };
    assert_eq!(place.symbol.expect("functions have names").0, "main");
}

#[test]
fn functions_are_called_by_their_address() {
    let text = "function %main() { block0: return }
    function %sum(i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32 system_v {
    block0(v0: i32, v1: i32, v2: i32, v3: i32, v4: i32, v5: i32, v6: i32, v7: i32, v8: i32):
        v9 = isub v0, v8
        return v9
    }";
    let bytes = executable(text, Stack::Inherited);
    let mut process = Process::load(&bytes, None, &[], OPTIONS).unwrap();
    let (mut input, mut output, mut errors) = (&b""[..], Vec::new(), Vec::new());
    let mut streams = Streams::new(&mut input, &mut output, &mut errors);
    let address = process.file().address_of("sum").unwrap();
    let end = process.call(address, &[50, 1, 2, 3, 4, 5, 6, 7, 8], &mut streams);
    assert_eq!(end, Ok(End::Returned(42)));
    let too_many = vec![0; OPTIONS.heap_and_stack_size as usize];
    assert!(process.call(address, &too_many, &mut streams).is_err());
}

#[test]
fn profiles_tell_what_was_executed_where() {
    let text = "function %main() -> i32 {
        fn0 = %half(i32) -> i32
        fn1 = %getchar() -> i32
    block0:
        v0 = call fn1()
        v1 = call fn0(v0)
        return v1
    }
    function %half(i32) -> i32 system_v {
    block0(v0: i32):
        v1 = iconst.i32 1
        v2 = ushr v0, v1
        return v2
    }";
    let bytes = executable(text, Stack::Inherited);
    let mut process = Process::load(&bytes, None, &[], OPTIONS).unwrap();
    let (mut input, mut output, mut errors) = (&b"T"[..], Vec::new(), Vec::new());
    let mut streams = Streams::new(&mut input, &mut output, &mut errors);
    let half = process.file().address_of("half").unwrap();

    let mut profile = Profile::new();
    let end = process.run_profiled(&mut streams, &mut profile);
    assert_eq!(end, End::Exited(u32::from(b'T') / 2));
    let executed: u64 = profile.iter().map(|(_, at)| at.count).sum();
    assert_eq!(executed, process.counters().instructions);
    assert_eq!(profile.at(half).count, 1);

    let mut profile = Profile::new();
    let end = process.call_profiled(half, &[50], &mut streams, &mut profile);
    assert_eq!(end, Ok(End::Returned(25)));
    let pcs: Vec<u32> = profile.iter().map(|(pc, _)| pc).collect();
    assert_eq!(pcs, [half, half + 2]);
}

/// Where functions return that are called from outside there is nothing for a program that runs.
#[test]
fn a_program_does_not_return() {
    let text = "function %main() {
        sig0 = ()
    block0:
        v0 = iconst.i32 -4
        call_indirect sig0, v0()
        return
    }";
    let (end, _) = run(text, Stack::Inherited, "", &[]);
    let End::Trapped { stop, place, .. } = end else {
        panic!("there is no code: {end:?}");
    };
    assert_eq!(place.pc, 0xffff_fffc);
    let cause = TrapCause::InstructionAccessFault;
    assert!(matches!(stop, Stop::Trap(trap) if trap.cause == cause));
}

#[test]
fn the_instruction_set_is_that_of_the_file() {
    let text = "function %main() { block0: return }";
    let bytes = executable(text, Stack::Inherited);
    let mut process = Process::load(&bytes, Some(ExtensionSet::RV32I), &[], OPTIONS).unwrap();
    let (mut input, mut output, mut errors) = (&b""[..], Vec::new(), Vec::new());
    let mut streams = Streams::new(&mut input, &mut output, &mut errors);
    let end = process.run(&mut streams);
    assert!(
        matches!(end, End::Trapped { .. }),
        "`ret` is compressed: {end:?}"
    );
}

#[test]
fn what_is_no_executable_is_refused() {
    let load = |bytes: &[u8], options| Process::load(bytes, None, &[], options).err();
    let bytes = executable("function %main() { block0: return }", Stack::Inherited);
    assert!(matches!(load(b"text", OPTIONS), Some(LoadError::Read(_))));
    let mut object = bytes.clone();
    object[16] = 1;
    let not_linked = LoadError::Read(ReadElfError::NotLinked);
    assert_eq!(load(&object, OPTIONS), Some(not_linked));
    let options = ProcessOptions {
        heap_and_stack_size: 0,
        ..OPTIONS
    };
    assert_eq!(load(&bytes, options), Some(LoadError::NoRoomForStack));
}

/// A pseudo-random number generator: xorshift (Marsaglia).
struct Random(u32);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % limit
    }
}

/// Whatever a file claims, running it ends, and takes no more memory than it may.
#[test]
fn garbled_executables_never_panic() {
    let text = "function %main() -> i32 {
        fn0 = %putchar(i32)
        fn1 = %getchar() -> i32
    block0:
        v0 = call fn1()
        call fn0(v0)
        return v0
    }";
    let original = executable(text, Stack::Reserved(64));
    let options = ProcessOptions {
        instruction_limit: 2_000,
        ..OPTIONS
    };
    let code = 0x1000..0x1000 + 200;
    let mut ran = 0;
    for seed in 1..=3_000 {
        let mut random = Random(seed);
        let mut bytes = original.clone();
        for _ in 0..=random.below(3) {
            let index = match random.below(3) {
                0 => random.below(150),
                1 => code.start + random.below(code.len()),
                // Debug information, of which not all is looked at in every run, and tables.
                _ => code.end + random.below(bytes.len() - code.end),
            };
            bytes[index] = random.below(256) as u8;
        }
        let Ok(mut process) = Process::load(&bytes, None, &[], options) else {
            continue;
        };
        let (mut input, mut output, mut errors) = (&b"input"[..], Vec::new(), Vec::new());
        let mut streams = Streams::new(&mut input, &mut output, &mut errors);
        process.run(&mut streams);
        ran += 1;
    }
    assert!((500..3_000).contains(&ran), "{ran}");
}
