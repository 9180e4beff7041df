//! The binary form of all programs of the repository: what is decoded is the same program, and compiles to the same code.

use lpc_codegen::{RegallocAlgorithm, Settings, compile_module};
use lpc_lpir::binary::{decode, encode};
use lpc_lpir::ir::Module;
use lpc_lpir::text::{Outcome, parse_test};
use lpc_lpir::verifier::verify_module;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The programs of the repository.
fn programs() -> Vec<(PathBuf, Module)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = ["examples", "filetests"]
        .into_iter()
        .flat_map(|folder| WalkDir::new(root.join(folder)).sort_by_file_name());
    let files = files.map(|entry| entry.unwrap().into_path());
    let files = files.filter(|path| path.extension().is_some_and(|found| found == "clif"));
    files
        .filter_map(|path| {
            let module = program(&fs::read_to_string(&path).unwrap())?;
            Some((path, module))
        })
        .collect()
}

/// The program that `text` is, without the functions that are skipped or have the name of another. `None` for a text that is none.
fn program(text: &str) -> Option<Module> {
    let file = parse_test(text).ok()?;
    let mut module = file.module;
    for function in file.functions {
        if let Outcome::Parsed(parsed) = function.outcome
            && let Ok(id) = module.add_function(parsed.function)
        {
            module.set_linkage(id, function.linkage);
        }
    }
    Some(module)
}

/// `text`, which was printed, without what is dropped: aliases, the numbers of values and blocks, comments about constants.
fn canonical(text: &str) -> String {
    let mut result = String::new();
    for function in split_functions(text) {
        let mut names = HashMap::new();
        let mut counts = [0, 0];
        let mut define = |names: &mut HashMap<String, String>, old: &str| {
            let (prefix, count) = match old.strip_prefix("block") {
                Some(_) => ("block", &mut counts[1]),
                None => ("v", &mut counts[0]),
            };
            names.insert(old.to_owned(), format!("{prefix}{count}"));
            *count += 1;
        };
        let lines: Vec<_> = function.lines().map(without_comment).collect();
        for line in &lines {
            let is_header = line.trim_start().starts_with("block") && line.ends_with(':');
            let definitions = match (is_header, line.split_once(" = ")) {
                (true, _) => line,
                (_, Some((results, _))) => results,
                _ => continue,
            };
            for word in words(definitions).filter(|word| is_renamed(word)) {
                define(&mut names, word);
            }
        }
        for line in &lines {
            if let Some((alias, original)) = alias(line) {
                let original = names[original].clone();
                names.insert(alias.to_owned(), original);
            }
        }
        for line in lines.iter().filter(|line| alias(line).is_none()) {
            result += &renamed(line, &names);
            result.push('\n');
        }
    }
    result
}

/// The directives, then each function.
fn split_functions(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        if line.starts_with("function ") {
            parts.push(String::new());
        }
        let last = parts.last_mut().unwrap();
        *last += line;
        last.push('\n');
    }
    parts
}

/// `line` without what is said about constants at its end.
fn without_comment(line: &str) -> &str {
    match line.split_once("  ; v") {
        Some((before, _)) if line.starts_with(' ') => before,
        _ => line,
    }
}

/// The two names of a line `v1 -> v0`.
fn alias(line: &str) -> Option<(&str, &str)> {
    let (alias, original) = line.trim().split_once(" -> ")?;
    (is_renamed(alias) && is_renamed(original)).then_some((alias, original))
}

fn is_renamed(word: &str) -> bool {
    let number = word
        .strip_prefix("block")
        .or_else(|| word.strip_prefix('v'));
    number.is_some_and(|digits| digits.parse::<u32>().is_ok())
}

fn is_part_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '%'
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|character| !is_part_of_word(character))
}

/// `line` with other names, outside of quotes and directives.
fn renamed(line: &str, names: &HashMap<String, String>) -> String {
    if line.starts_with(';') || line.starts_with("function ") {
        return line.to_owned();
    }
    let mut result = String::new();
    for (index, part) in line.split('"').enumerate() {
        if index > 0 {
            result.push('"');
        }
        let is_quoted = index % 2 == 1;
        let mut rest = part;
        while !rest.is_empty() {
            let end = rest.find(|character| !is_part_of_word(character));
            let end = end.unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            result += match names.get(word) {
                Some(name) if !is_quoted => name,
                _ => word,
            };
            let next = behind.find(is_part_of_word).unwrap_or(behind.len());
            result += &behind[..next];
            rest = &behind[next..];
        }
    }
    result
}

#[test]
fn every_program_comes_back() {
    let mut count = 0;
    let mut sizes = [0, 0];
    for (path, module) in programs() {
        let name = path.display();
        let bytes = match encode(&module) {
            Ok(bytes) => bytes,
            Err(error) => {
                assert!(verify_module(&module).is_err(), "{name}: {error}");
                continue;
            }
        };
        let decoded = decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let text = module.to_string();
        let expected = canonical(&text);
        let found = canonical(&decoded.to_string());
        assert_eq!(found, expected, "{name}");
        assert_eq!(encode(&decoded), Ok(bytes.clone()), "{name}");
        count += module.len();
        sizes[0] += text.len();
        sizes[1] += bytes.len();
    }
    assert!(count > 3000, "{count} functions");
    let [text, binary] = sizes;
    println!(
        "{count} functions: {text} bytes as text, {binary} in the binary form: {:.1} to 1",
        text as f64 / binary as f64
    );
    assert!(text > 4 * binary);
}

#[test]
fn the_code_of_what_comes_back_is_the_same() {
    let mut count = 0;
    for (path, module) in programs() {
        if verify_module(&module).is_err() {
            continue;
        }
        let decoded = decode(&encode(&module).unwrap()).unwrap();
        for regalloc in RegallocAlgorithm::ALLOCATORS {
            let settings = Settings {
                regalloc,
                ..Settings::default()
            };
            let code =
                |module| compile_module(module, &settings).map_err(|error| error.to_string());
            let (expected, found) = match (code(&module), code(&decoded)) {
                (Ok(expected), Ok(found)) => (expected, found),
                (expected, found) => {
                    assert_eq!(found.err(), expected.err(), "{}", path.display());
                    continue;
                }
            };
            assert_eq!(found.functions.len(), expected.functions.len());
            for (expected, found) in expected.functions.iter().zip(&found.functions) {
                let code = &expected.code.buffer;
                let name = format!("{} {} {regalloc:?}", path.display(), expected.name);
                assert_eq!(found.code.buffer.bytes, code.bytes, "{name}");
                assert_eq!(found.code.buffer.relocs, code.relocs, "{name}");
                assert_eq!(found.code.buffer.traps, code.traps, "{name}");
                count += 1;
            }
        }
    }
    assert!(count > 6000, "{count} functions");
}
