//! Passes about the inputs and the data of a program.

use super::Edit;
use super::constants::simpler_numbers;
use super::draft::Draft;
use lpc_lpir::ir::{DataObject, DataValue, Linkage};

/// Keeps one input.
pub(super) fn single_input(draft: &Draft) -> Vec<Edit> {
    let count = draft.inputs.len();
    if count < 2 {
        return Vec::new();
    }
    let keep = |index: usize| -> Edit {
        Box::new(move |draft| {
            if draft.inputs.len() < 2 || index >= draft.inputs.len() {
                return false;
            }
            draft.inputs = vec![draft.inputs.swap_remove(index)];
            true
        })
    };
    (0..count).map(keep).collect()
}

/// Makes arguments simpler.
pub(super) fn inputs(draft: &Draft) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (input, args) in draft.inputs.iter().enumerate() {
        for (index, &arg) in args.iter().enumerate() {
            for number in simpler_numbers(arg.signed()) {
                edits.push(Box::new(move |draft| {
                    let arg = &mut draft.inputs[input][index];
                    *arg = DataValue::from_signed(arg.ty(), number);
                    true
                }));
            }
        }
    }
    edits
}

/// Removes data objects and imports.
pub(super) fn objects(draft: &Draft) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (id, object) in draft.data.iter() {
        if object.is_some() {
            edits.push(Box::new(move |draft| draft.data[id].take().is_some()));
        }
    }
    for import in draft.imports.iter().cloned() {
        edits.push(Box::new(move |draft| {
            let before = draft.imports.len();
            draft.imports.retain(|other| *other != import);
            draft.imports.len() != before
        }));
    }
    edits
}

/// Makes data objects plainer and shorter.
pub(super) fn contents(draft: &Draft) -> Vec<Edit> {
    let changes: [fn(&mut DataObject) -> bool; 5] = [
        |object| {
            let is_content = object.bytes.iter().any(|&byte| byte != 0);
            object.bytes.fill(0);
            is_content
        },
        |object| !std::mem::take(&mut object.relocs).is_empty(),
        |object| {
            let size = object.size / 2;
            let is_shorter = size < object.size;
            object.size = size;
            object.bytes.truncate(size as usize);
            object.relocs.retain(|reloc| reloc.offset + 4 <= size);
            is_shorter
        },
        |object| std::mem::replace(&mut object.alignment, 1) != 1,
        |object| std::mem::replace(&mut object.linkage, Linkage::Export) != Linkage::Export,
    ];
    let mut edits: Vec<Edit> = Vec::new();
    for change in changes {
        for id in draft.data.keys() {
            edits.push(Box::new(move |draft| {
                draft.data[id].as_mut().is_some_and(change)
            }));
        }
    }
    edits
}
