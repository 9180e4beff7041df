//! All examples run through the JIT and give what they say, whatever the settings.

use lpc_codegen::{OptLevel, RegallocAlgorithm, Settings, compile_module};
use lpc_jit::CallError;
use lpc_jit::{EmulatorError, EmulatorMemory, EmulatorOptions, HostFunctions, Jit, JitModule};
use lpc_link::Linker;
use lpc_lpir::ir::{ExternalName, Module};
use lpc_lpir::text::{Outcome, RunCommand, parse_module, parse_run_command, parse_test};
use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

thread_local! {
    static OUTPUT: RefCell<String> = const { RefCell::new(String::new()) };
}

extern "C" fn putchar(character: i32) {
    let character = char::from_u32(character as u32).unwrap();
    OUTPUT.with_borrow_mut(|output| output.push(character));
}

fn jit() -> Jit<EmulatorMemory> {
    let mut host = HostFunctions::new();
    host.add("putchar", putchar as extern "C" fn(i32)).unwrap();
    Jit::new(
        EmulatorMemory::new(EmulatorOptions::default()).unwrap(),
        host,
    )
}

fn examples() -> Vec<(PathBuf, String)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files = fs::read_dir(directory).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|ext| ext == "clif"));
    paths
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

fn all_settings() -> Vec<Settings> {
    let mut all = Vec::new();
    for regalloc in RegallocAlgorithm::ALL {
        for opt_level in OptLevel::ALL {
            all.push(Settings {
                opt_level,
                regalloc,
                ..Settings::default()
            });
        }
    }
    all
}

/// Runs the commands of `text`, and returns how many there are.
fn run_commands(module: &JitModule<EmulatorMemory>, text: &str) -> usize {
    let mut count = 0;
    for function in parse_test(text).unwrap().functions {
        let Outcome::Parsed(parsed) = &function.outcome else {
            continue;
        };
        let commands = function.comments.iter().filter_map(|comment| {
            parse_run_command(comment.content(), &parsed.function.signature).unwrap()
        });
        for command in commands {
            let results = module.call(&function.name, &command.invocation().args);
            match &command {
                RunCommand::Run {
                    comparison,
                    expected,
                    ..
                } => assert!(comparison.holds(&results.unwrap(), expected), "{command}"),
                RunCommand::Trap { code, .. } => {
                    let Err(CallError::Execution(EmulatorError::Stopped { pc, .. })) = results
                    else {
                        panic!("{command}: {results:?}");
                    };
                    assert_eq!(module.trap_at(pc), Some(*code), "{command}");
                    assert_eq!(module.locate(pc).unwrap().function, &function.name);
                }
                RunCommand::Print(_) => {}
            }
            count += 1;
        }
    }
    count
}

#[test]
fn examples_give_what_they_say() {
    let mut count = 0;
    for (_, text) in examples() {
        for settings in all_settings() {
            let module = parse_module(&text).unwrap();
            let module = jit().compile(module, &settings).unwrap();
            count += run_commands(&module, &text);
        }
    }
    assert!(count > 300, "only {count} commands");
}

#[test]
fn what_they_print() {
    let mut outputs = Vec::new();
    for (path, text) in examples() {
        let module = jit()
            .compile(parse_module(&text).unwrap(), &Settings::default())
            .unwrap();
        let Ok(main) = module.function::<fn()>("main") else {
            continue;
        };
        OUTPUT.set(String::new());
        main.call().unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_string();
        outputs.push((name, OUTPUT.take()));
    }
    outputs.sort();
    let digest = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1\n";
    let expected = [
        ("crc32", "cbf43926\n"),
        ("sha256", digest),
        ("sieve", "1229\n"),
    ];
    assert_eq!(
        outputs,
        expected.map(|(name, output)| (name.to_string(), output.to_string()))
    );
}

/// The bytes that the linker for images makes of `module` at `base`, up to the zeroed data.
fn linked(module: &Module, base: u32, settings: &Settings, putchar: Option<u32>) -> Vec<u8> {
    let compiled = compile_module(module, settings).unwrap();
    let mut linker = Linker::new();
    linker.add_module(module, &compiled).unwrap();
    let imports =
        |name: &ExternalName| (*name == ExternalName::symbol("putchar")).then_some(putchar)?;
    linker.link(base, &imports).unwrap().bytes().to_vec()
}

#[test]
fn the_code_is_that_of_the_linker_for_images() {
    for (path, text) in examples() {
        for settings in all_settings() {
            let memory = EmulatorMemory::new(EmulatorOptions::default()).unwrap();
            let machine = memory.machine();
            let mut host = HostFunctions::new();
            host.add("putchar", putchar as extern "C" fn(i32)).unwrap();
            let module = parse_module(&text).unwrap();
            let jitted = Jit::new(memory, host)
                .compile(module.clone(), &settings)
                .unwrap();
            let base = jitted.map().base();
            // The only host function is the first one, at the end of the stack.
            let stack_size = EmulatorOptions::default().stack_size;
            let putchar = lpc_jit::MEMORY_BASE + stack_size;
            let expected = linked(&module, base, &settings, Some(putchar));
            let actual = machine.read(base, expected.len(), <[u8]>::to_vec).unwrap();
            assert!(actual == expected, "{}", path.display());
        }
    }
}
