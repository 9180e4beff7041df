//! Breaks of the text of a module.

use super::breaks::Outcome;
use super::pick;
use fastrand::Rng;
use lpc_lpir::ir::Module;
use lpc_lpir::text::parse_module;

/// A word or sign is removed, repeated elsewhere, or exchanged with another.
pub(super) fn words(module: &mut Module, random: &mut Rng) -> Outcome {
    change_text(module, |text| {
        let mut tokens = tokens(text);
        change_list(&mut tokens, random);
        tokens.concat()
    })
}

/// A line is removed, repeated elsewhere, or exchanged with another.
pub(super) fn lines(module: &mut Module, random: &mut Rng) -> Outcome {
    change_text(module, |text| {
        let mut lines: Vec<_> = text.split_inclusive('\n').collect();
        change_list(&mut lines, random);
        lines.concat()
    })
}

/// A number is another one, be it that of an entity, of a type or a constant.
pub(super) fn numbers(module: &mut Module, random: &mut Rng) -> Outcome {
    change_text(module, |text| {
        let mut tokens = tokens(text);
        let is_number = |token: &&str| token.starts_with(|first: char| first.is_ascii_digit());
        let positions = (0..tokens.len()).filter(|&index| is_number(&tokens[index]));
        let number = match random.bool() {
            // Another one of the text: entities are numbered without gaps.
            true => {
                let numbers = tokens.iter().filter(|token| is_number(token));
                random
                    .choice(numbers.collect::<Vec<_>>())
                    .map(|number| number.to_string())
            }
            false => Some(pick::number(random).to_string()),
        };
        let position = random.choice(positions.collect::<Vec<_>>());
        let number = number.unwrap_or_default();
        if let Some(position) = position {
            tokens[position] = &number;
        }
        tokens.concat()
    })
}

fn change_text(module: &mut Module, change: impl FnOnce(&str) -> String) -> Outcome {
    match parse_module(&change(&module.to_string())) {
        Ok(parsed) => {
            *module = parsed;
            Outcome::Broken
        }
        Err(_) => Outcome::Refused,
    }
}

fn change_list(items: &mut Vec<&str>, random: &mut Rng) {
    let (a, b) = (random.usize(..items.len()), random.usize(..items.len()));
    match random.u8(..3) {
        0 => drop(items.remove(a)),
        1 => items.insert(b, items[a]),
        _ => items.swap(a, b),
    }
}

/// The text in pieces: letters, numbers, spaces, and signs one by one.
fn tokens(text: &str) -> Vec<&str> {
    let kind = |character: char| match character {
        _ if character.is_ascii_digit() => 0,
        _ if character.is_alphabetic() || character == '_' => 1,
        ' ' => 2,
        _ => 3,
    };
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (index, character) in text.char_indices() {
        let kind = kind(character);
        if last.is_some_and(|last| last != kind || kind == 3) {
            tokens.push(&text[start..index]);
            start = index;
        }
        last = Some(kind);
    }
    tokens.push(&text[start..]);
    tokens
}
