//! Bytes that are no module, or not the one that was meant.

use super::super::{DecodeErrorKind as Kind, MAGIC, VERSION, decode, encode};
use super::{EVERYTHING, encoded, error, kind};
use crate::ir::ModuleError;
use crate::verifier::verify_module;
use std::string::ToString;
use std::vec::Vec;
use std::{format, vec};

/// Decodes `bytes`, and does with what comes of it whatever can be done.
fn judge(bytes: &[u8]) {
    let Ok(module) = decode(bytes) else {
        return;
    };
    match verify_module(&module) {
        Ok(()) => {
            assert_eq!(encode(&module).as_deref(), Ok(bytes));
            let _ = module.to_string();
        }
        Err(errors) => {
            let _ = (errors.to_string(), encode(&module));
        }
    }
}

#[test]
fn every_part_of_a_message_is_an_error() {
    let bytes = encoded(EVERYTHING);
    for len in 0..bytes.len() {
        let error = error(&bytes[..len]);
        assert!(error.offset <= len, "{len}: {error}");
    }
}

#[test]
fn every_change_of_a_byte_can_be_judged() {
    let bytes = encoded(EVERYTHING);
    let mut changed = bytes.clone();
    for (index, &original) in bytes.iter().enumerate() {
        for byte in 0..=u8::MAX {
            changed[index] = byte;
            judge(&changed);
        }
        changed[index] = original;
    }
}

#[test]
fn bytes_that_are_dropped_and_doubled_can_be_judged() {
    let bytes = encoded(EVERYTHING);
    for index in 0..bytes.len() {
        for len in 1..8.min(bytes.len() - index) {
            let mut changed = bytes.clone();
            changed.drain(index..index + len);
            judge(&changed);
            let doubled = bytes[index..index + len].iter().copied();
            let mut changed = bytes.clone();
            changed.splice(index..index, doubled);
            judge(&changed);
        }
    }
}

#[test]
fn other_files_and_versions() {
    let text = error(b"function %f() {}");
    assert_eq!(text.to_string(), "byte 0: not LPIR in its binary form");
    let newer = error(b"\0lpi\x09\0\0\0");
    let expected = format!("byte 4: version 9 of the binary form is not supported, only {VERSION}");
    assert_eq!(newer.to_string(), expected);
    assert_eq!(kind(b"\0lp"), Kind::Truncated);
}

#[test]
fn nothing_is_behind_a_module() {
    let mut bytes = encoded("");
    bytes.push(0);
    assert_eq!(
        error(&bytes).to_string(),
        "byte 8: the module ends before the bytes do"
    );
}

/// `return`
const RETURN: u8 = 7;
/// `load.i32`
const LOAD: u8 = 20;
/// `iconst.i32`
const ICONST: u8 = 56;
/// `iadd`
const IADD: u8 = 72;

/// A message of one function `%f() -> i32` with `body` behind its declarations.
fn with_body(body: &[u8]) -> Vec<u8> {
    let start = [&MAGIC, [VERSION, 0, 0, 1].as_slice(), b"\0\x02f"].concat();
    let declarations = [0, 1, 2, 0, 0, 0, 0];
    [&start, declarations.as_slice(), body].concat()
}

/// A body of `return v0` behind what defines it.
fn returning(definition: &[u8]) -> Vec<u8> {
    let body = [[1, 2, 1].as_slice(), definition, &[RETURN, 1]].concat();
    with_body(&body)
}

#[test]
fn what_a_function_may_not_refer_to() {
    assert!(decode(&returning(&[ICONST, 0])).is_ok());
    let cases: [(&[u8], Kind); 8] = [
        (&[IADD, 0, 1, 0, 0, 2], Kind::Undefined("value")),
        (&[IADD, 1, 0, 0, 2], Kind::Undefined("value")),
        (&[12, 0], Kind::Undefined("function")),
        (&[13, 0], Kind::Undefined("stack slot")),
        (&[14, 0], Kind::Undefined("global value")),
        (&[8, 0], Kind::Undefined("function")),
        (&[9, 0], Kind::Undefined("signature")),
        (&[0, 2], Kind::Undefined("block")),
    ];
    for (definition, expected) in cases {
        assert_eq!(kind(&returning(definition)), expected, "{definition:?}");
    }
}

#[test]
fn bytes_without_a_meaning() {
    let cases: [(&[u8], &str); 5] = [
        (&[255], "opcode"),
        (&[3, 0], "trap code"),
        (&[IADD, 0, 0, 0, 0, 7], "type"),
        (&[LOAD, 0x81, 0, 0, 0], "flag of a memory access"),
        (&[LOAD, 0x40, 253, 0, 0], "flag of a memory access"),
    ];
    for (definition, what) in cases {
        assert_eq!(
            kind(&returning(definition)),
            Kind::Unknown(what),
            "{definition:?}"
        );
    }
}

#[test]
fn there_is_as_much_as_is_stated() {
    let cases: [(&[u8], &str); 4] = [
        (&[2, 2, 1, ICONST, 0, RETURN, 1], "values"),
        (&[0, 2, 1, ICONST, 0, RETURN, 1], "values"),
        (&[1, 3, 1, ICONST, 0, RETURN, 1], "instructions"),
        (&[1, 1, 1, ICONST, 0, RETURN, 1], "instructions"),
    ];
    for (body, what) in cases {
        assert_eq!(kind(&with_body(body)), Kind::WrongCount(what), "{body:?}");
    }
}

#[test]
fn lists_are_no_longer_than_the_message() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let start = [&MAGIC, [VERSION].as_slice()].concat();
    for zeros in 0..3 {
        let bytes = [&start, vec![0; zeros].as_slice(), &huge].concat();
        assert_eq!(kind(&bytes), Kind::TooLong, "{zeros}");
    }
    for len in 0..3 {
        let body = [vec![0; len].as_slice(), &huge, &[0; 20]].concat();
        assert_eq!(kind(&with_body(&body)), Kind::TooLong, "{len}");
    }
    // Each by itself would have room: instructions and blocks, signatures of two bytes.
    assert_eq!(kind(&with_body(&[0, 5, 5, 0, 0, 0, 0])), Kind::TooLong);
    assert_eq!(
        kind(&with_body(&[0, 1, 2, 0, 0, 0, 0])),
        Kind::WrongCount("instructions")
    );
    let signatures = |count| {
        let start = [&MAGIC, [VERSION, 0, 0, 1].as_slice(), b"\0\x02f"].concat();
        [
            &start,
            [0, 1, 2, 0, 0, count, 0, 0, 0, 0, 0, 0, 0].as_slice(),
        ]
        .concat()
    };
    assert_eq!(kind(&signatures(4)), Kind::TooLong);
    assert_ne!(kind(&signatures(3)), Kind::TooLong);
    // A block with so many parameters, and one with fewer that are not there.
    let block = |head: &[u8]| with_body(&[[0, 2, 2].as_slice(), head].concat());
    assert_eq!(kind(&block(&[0x80, 0x80, 8])), Kind::TooMany("parameters"));
    assert_eq!(kind(&block(&[0xfe, 0xff, 7])), Kind::Truncated);
}

#[test]
fn what_a_module_cannot_have_twice() {
    let text = "function %f() {\nblock0:\n    return\n}\n";
    let mut bytes = encoded(text);
    bytes[7] = 2;
    let function = bytes[8..].to_vec();
    bytes.extend(function);
    let Kind::Module(error) = kind(&bytes) else {
        panic!("{bytes:?} is a module");
    };
    assert!(matches!(*error, ModuleError::DuplicateFunction(_)));
}

#[test]
fn data_that_is_too_large() {
    let mut bytes = encoded("; data: %z zeroed 1");
    let size = bytes.len() - 2;
    bytes.splice(size..=size, [0xff, 0xff, 0xff, 0xff, 0x0f]);
    let error = error(&bytes).to_string();
    assert!(
        error.contains("a module may have 16777216 bytes of data"),
        "{error}"
    );
}
