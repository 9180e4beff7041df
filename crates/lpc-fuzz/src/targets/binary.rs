//! The reader of the binary form on any bytes.

use lpc_lpir::binary::{Decoder, MAGIC, VERSION, decode, encode, is_binary};
use lpc_lpir::ir::{ExternalName, Function, Module, Signature};
use lpc_lpir::text::parse_module;
use lpc_lpir::verifier::verify_module;

/// Decodes `data`, behind a header if it has none.
///
/// # Panics
/// If the place of an error is not in the message, what is decoded cannot be judged or printed, or what the verifier accepts is
/// encoded as something else.
pub fn run(data: &[u8]) {
    if is_binary(data) {
        check(data);
    } else {
        let header = [MAGIC.as_slice(), &[VERSION]].concat();
        check(&[header.as_slice(), data].concat());
    }
}

/// Decodes `message`.
///
/// # Panics
/// Those of [`run`].
pub(super) fn check(message: &[u8]) {
    let module = match decode(message) {
        Ok(module) => module,
        Err(error) => {
            assert!(error.offset <= message.len(), "{error}");
            return;
        }
    };
    check_function_by_function(message, &module);
    let printed = module.to_string();
    match verify_module(&module) {
        Ok(()) => {
            assert_eq!(encode(&module).as_deref(), Ok(message), "{printed}");
            // What has floating-point numbers is not read.
            if let Ok(read) = parse_module(&printed) {
                assert_eq!(read.to_string(), printed);
            }
        }
        Err(errors) => {
            let _ = errors.to_string();
            if let Err(error) = encode(&module) {
                let _ = error.to_string();
            }
        }
    }
}

/// Checks that the functions are the same when they are decoded one by one, in the memory of the one before.
fn check_function_by_function(message: &[u8], module: &Module) {
    let mut decoder = Decoder::new(message).expect("the whole is decoded");
    let mut function = Function::new(ExternalName::user(0, 0), Signature::default());
    for (id, expected) in module.functions() {
        let linkage = decoder.read_function(&mut function);
        assert_eq!(linkage, Ok(Some(module.linkage(id))));
        assert_eq!(function.to_string(), expected.to_string());
    }
    assert_eq!(decoder.read_function(&mut function), Ok(None));
}
