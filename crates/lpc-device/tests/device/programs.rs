//! Programs that work.

use crate::support::{Device, HEAP, settings};
use lpc_codegen::compile_module;
use lpc_device::host::Calls;
use lpc_device::{HostFunction, Request};
use lpc_link::Linker;
use lpc_lpir::ir::{DataValue, Type};
use lpc_lpir::text::parse_module;

/// `%echo()` writes what it reads, each byte twice, until there is no more.
const ECHO: &str = "
function %echo() -> i32 {
    fn0 = %getchar() -> i32
    fn1 = %putchar(i32)
    fn2 = %write(i32, i32)
    ss0 = explicit_slot 4
block0:
    v0 = iconst.i32 0
    jump block1(v0)
block1(v1: i32):
    v2 = call fn0()
    v3 = iconst.i32 0
    v4 = icmp slt v2, v3
    brif v4, block3, block2
block2:
    call fn1(v2)
    v5 = stack_addr.i32 ss0
    store v2, v5
    v6 = iconst.i32 1
    call fn2(v5, v6)
    v7 = iadd v1, v6
    jump block1(v7)
block3:
    return v1
}";

#[test]
fn programs_read_and_write() {
    let Some(mut device) = Device::start() else {
        return;
    };
    device.load(ECHO).unwrap();
    let text: Vec<u8> = (0..2000).map(|number| number as u8).collect();
    let calls = Calls {
        function: 0,
        arguments: &[vec![]],
        results: &[Type::I32],
        instruction_limit: 1_000_000,
    };
    let mut output = Vec::new();
    let outcome = device
        .client
        .call(&calls, &mut &*text, &mut output)
        .unwrap();
    assert_eq!(outcome.stopped, None);
    assert_eq!(outcome.results, [[DataValue::new(Type::I32, 2000)]]);
    let twice: Vec<u8> = text.iter().flat_map(|byte| [*byte, *byte]).collect();
    assert_eq!(output, twice);
}

#[test]
fn many_calls_are_one_request() {
    let Some(mut device) = Device::start() else {
        return;
    };
    device.check_alive();
    let pairs: Vec<_> = (0..5000).map(|number| [number * 6, 36]).collect();
    let values = pairs
        .iter()
        .map(|pair| pair.map(|word| DataValue::new(Type::I32, word)));
    let calls = Calls {
        function: 0,
        arguments: &values.map(Vec::from).collect::<Vec<_>>(),
        results: &[Type::I32],
        instruction_limit: 1_000_000,
    };
    let (mut input, mut output) = (std::io::empty(), std::io::sink());
    let outcome = device.client.call(&calls, &mut input, &mut output).unwrap();
    let gcd = |mut a: u128, mut b: u128| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let expected = pairs.iter();
    let expected = expected.map(|&[a, b]| vec![DataValue::new(Type::I32, gcd(a, b))]);
    assert!(outcome.results.into_iter().eq(expected));
}

#[test]
fn data_are_reset() {
    let Some(mut device) = Device::start() else {
        return;
    };
    let text = "
; data: %count = { i32 5 }
; data: %zeroed = { zero 8 }
function %next() -> i32, i32 {
    gv0 = symbol colocated %count
    gv1 = symbol colocated %zeroed
block0:
    v0 = symbol_value.i32 gv0
    v1 = load.i32 v0
    v2 = iconst.i32 1
    v3 = iadd v1, v2
    store v3, v0
    v4 = symbol_value.i32 gv1
    v5 = load.i32 v4+4
    v6 = iadd v5, v2
    store v6, v4+4
    return v3, v6
}";
    device.load(text).unwrap();
    let next = |device: &mut Device| {
        let results = device.call(0, &[], 2).results.remove(0);
        results
            .iter()
            .map(|result| result.signed())
            .collect::<Vec<_>>()
    };
    assert_eq!(next(&mut device), [6, 1]);
    assert_eq!(next(&mut device), [7, 2]);
    device.client.reset().unwrap();
    assert_eq!(next(&mut device), [6, 1]);
}

/// Whatever happens to the code on the way, it is what the compiler makes here.
#[test]
fn code_is_that_of_the_host() {
    let Some(mut device) = Device::start() else {
        return;
    };
    let text = include_str!("../../../../examples/sha256.clif");
    let loaded = device
        .client
        .load(text.as_bytes(), &settings(), HEAP)
        .unwrap();
    let module = parse_module(text).unwrap();
    let mut linker = Linker::new();
    linker.align_sections(device.client.description().section_alignment);
    linker
        .add_module(&module, &compile_module(&module, &settings()).unwrap())
        .unwrap();
    let image = linker.link(loaded.base, &|name| {
        let mut declared = module.declared_functions();
        let (_, signature) = declared.find(|(declared, _)| *declared == name)?;
        Some(HostFunction::find(name, signature)?.address(loaded.host_calls))
    });
    let bytes = device.client.read(loaded.base, loaded.bytes).unwrap();
    assert!(bytes == image.unwrap().bytes());
}

#[test]
fn a_request_that_was_cut_off_is_no_obstacle() {
    let Some(mut device) = Device::start() else {
        return;
    };
    device.client.send_bytes(&[9; 100]).unwrap();
    assert_eq!(device.client.synchronize().unwrap(), 1);
    device.client.send(&Request::Reset).unwrap();
    assert_eq!(
        device.client.synchronize().unwrap(),
        1,
        "there is no program"
    );
    device.check_alive();
}
