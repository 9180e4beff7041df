//! Reading input files, with `-` for the standard input.

use crate::failure::Failure;
use lpc_lpir::binary;
use std::io::{self, Read};
use std::path::Path;

/// The bytes of the file `path`, or of the standard input if that is `-`.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let result = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    result.map_err(|error| Failure::file(path, &error))
}

/// The text of the program that `bytes`, the content of the file `path`, are: they are that text, or its module in the binary form.
pub(crate) fn source_text(path: &Path, bytes: Vec<u8>) -> Result<String, Failure> {
    if binary::is_binary(&bytes) {
        let name = display_name(path);
        let module = binary::decode(&bytes);
        let module = module.map_err(|error| Failure::Message(format!("{name}: {error}")))?;
        return Ok(module.to_string());
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::message(format_args!("{}: not UTF-8 text", path.display())))?;
    Ok(match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => text.to_owned(),
        None => text,
    })
}

/// What some editors put before a text in UTF-8. Columns of the first line do not count it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What to call the file `path` in messages.
pub(crate) fn display_name(path: &Path) -> String {
    if path == Path::new("-") {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    }
}
