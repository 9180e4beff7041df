//! What a device does not compile, and says so.

use crate::support::{Device, HEAP, binary_of, settings};
use lpc_codegen::{RegallocAlgorithm, Settings};
use lpc_device::FailureKind;
use lpc_device::host::Error;
use lpc_riscv32::ExtensionSet;
use std::time::Instant;

/// What the device says of `text`.
fn refusal(
    device: &mut Device,
    text: &str,
    settings: &Settings,
    heap: u32,
) -> (FailureKind, String) {
    match device.client.load(text.as_bytes(), settings, heap) {
        Err(Error::Failed { kind, message }) => (kind, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_are_answered_with_their_place() {
    let Some(mut device) = Device::start() else {
        return;
    };
    let body =
        |inst: &str| format!("function %f(i32) -> i32 {{\nblock0(v0: i32):\n    {inst}\n}}\n");
    let cases = [
        (
            body("v1 = iadd v0, v7\n    return v1"),
            FailureKind::Module,
            "3:19: undefined value v7",
        ),
        (
            body("v1 = iconst.i8 1\n    return v1"),
            FailureKind::Verifier,
            "4:5: %f: ",
        ),
        (
            body("v1 = imul v0, v0\n    return v1"),
            FailureKind::Compile,
            "3:10: %f, inst0 (imul): ",
        ),
        (
            "function %f() {\n    fn0 = %g()\nblock0:\n    call fn0()\n    return\n}".to_owned(),
            FailureKind::Link,
            "%g",
        ),
    ];
    let rv32i = Settings {
        extensions: ExtensionSet::RV32I,
        ..settings()
    };
    for (text, kind, message) in cases {
        let refused = refusal(&mut device, &text, &rv32i, HEAP);
        assert_eq!(refused.0, kind, "{}", refused.1);
        assert!(refused.1.contains(message), "{}", refused.1);
        device.check_alive();
    }
    let refused = device.client.load(b"\xff\xfe", &settings(), HEAP);
    assert!(matches!(
        refused,
        Err(Error::Failed {
            kind: FailureKind::Module,
            ..
        })
    ));
    device.check_alive();
}

/// However many errors there are, the text is read once more for their places, and as many are told as there is room for.
#[test]
fn many_errors_are_answered_at_once() {
    const FUNCTIONS: usize = 600;
    let Some(mut device) = Device::start() else {
        return;
    };
    // As many functions in each text, the last ones of which are wrong.
    let text = |errors: usize| -> String {
        let functions = (0..FUNCTIONS).map(|number| {
            let ty = if number + errors < FUNCTIONS { "i32" } else { "i8" };
            format!(
                "function %f{number}() -> i32 {{\nblock0:\n    v0 = iconst.{ty} 1\n    return v0\n}}\n"
            )
        });
        functions.collect()
    };
    let mut refusal_in = |text: &str| {
        let start = Instant::now();
        let (kind, message) = refusal(&mut device, text, &settings(), 4 << 20);
        assert_eq!(kind, FailureKind::Verifier, "{message}");
        (message, start.elapsed())
    };
    let (message, one) = refusal_in(&text(1));
    assert_eq!(message.lines().count(), 1, "{message}");
    let (message, all) = refusal_in(&text(FUNCTIONS));
    println!("answered after {one:?} and {all:?}");
    // The text is sent in the most of that time, and read twice; read for each error, it would be about seventy times. The rest is for busy
    // machines.
    assert!(all < 12 * one, "{one:?} for one error, {all:?} for all");
    assert_eq!(message.len(), device.client.description().max_data as usize);
    for (number, line) in message.lines().take(10).enumerate() {
        let place = format!("{}:5: %f{number}: ", 5 * number + 4);
        assert!(line.starts_with(&place), "{line}, and not {place}");
    }
    device.check_alive();
}

#[test]
fn too_little_memory_is_answered() {
    let Some(mut device) = Device::start() else {
        return;
    };
    let module = binary_of(include_str!("../../../../examples/sha256.clif"));
    let mut refused = 0;
    for kilobytes in (0..).step_by(3) {
        match device.client.load(&module, &settings(), kilobytes << 10) {
            Ok(_) => break,
            Err(Error::Failed {
                kind: FailureKind::Memory,
                ..
            }) => refused += 1,
            Err(error) => panic!("{kilobytes}K: {error}"),
        }
        device.check_alive();
    }
    assert!((10..200).contains(&refused), "{refused}");
}

/// What the heap has left is the budget of the compiler: Ion, which aborts where there is no memory, is not even started then.
#[test]
fn too_little_memory_for_ion_is_answered() {
    let Some(mut device) = Device::start() else {
        return;
    };
    let module = binary_of(include_str!("../../../../examples/sha256.clif"));
    let settings = Settings {
        regalloc: RegallocAlgorithm::Ion,
        ..settings()
    };
    let message = match device.client.load(&module, &settings, 100 << 10) {
        Err(Error::Failed {
            kind: FailureKind::Memory,
            message,
        }) => message,
        other => panic!("{other:?}"),
    };
    let (function, why) = message.split_once(": ").unwrap();
    assert!(function.starts_with('%'), "{message}");
    assert!(why.starts_with("register allocation "), "{message}");
    device.check_alive();
}

#[test]
fn programs_may_be_too_large() {
    let Some(mut device) = Device::start() else {
        return;
    };
    let function = "function %f() {\nblock0:\n    return\n}";
    let too_large = device.client.description().program_memory;
    let text = format!("; data: %large = {{ zero {too_large} }}\n{function}");
    let (kind, message) = refusal(&mut device, &text, &settings(), HEAP);
    assert_eq!(kind, FailureKind::Memory, "{message}");
    device.check_alive();
    let most = device.client.description().max_request as usize;
    let text = " ".repeat(most) + function;
    let refused = device.client.load(text.as_bytes(), &settings(), HEAP);
    assert!(matches!(refused, Err(Error::TooLarge { .. })));
    device.check_alive();
}

#[test]
fn requests_that_make_no_sense_are_answered() {
    let Some(mut device) = Device::start() else {
        return;
    };
    device.check_alive();
    let request = |result: Result<(), Error>| {
        assert!(
            matches!(
                result,
                Err(Error::Failed {
                    kind: FailureKind::Request,
                    ..
                })
            ),
            "{result:?}"
        );
    };
    request(device.client.read(0, 4).map(drop));
    request(device.client.read(0x8000_0000, 4).map(drop));
    request(device.client.read(u32::MAX, 4).map(drop));
    let mut wrong = settings();
    wrong.extensions = ExtensionSet::EMPTY;
    let loaded = device.client.load(b"", &wrong, HEAP);
    assert!(
        loaded.is_err(),
        "there is no machine without a base: {loaded:?}"
    );
    device.check_alive();
}
