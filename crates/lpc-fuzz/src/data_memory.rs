//! What a program has stored, in whatever executes it: the contents of all data objects that can be stored to.
//!
//! They stand one behind the other, without the addresses that relocations put there (zero), which differ from machine to machine.

use lpc_harness::Program;
use lpc_interp::Interpreter;
use lpc_lpir::ir::{DATA_RELOC_SIZE, DataKind, DataObject, Module};

/// The data objects of `module` that can be stored to, in their order.
pub(crate) fn writable_objects(module: &Module) -> impl Iterator<Item = &DataObject> {
    let objects = module.data_objects().map(|(_, object)| object);
    objects.filter(|object| object.kind != DataKind::ReadOnly)
}

/// What the writable objects of `module` hold in `interpreter`, which has them at least.
pub(crate) fn memory_in_interpreter(
    module: &Module,
    interpreter: &Interpreter<'_>,
) -> Option<Vec<u8>> {
    memory_of(module, |object| {
        let address = interpreter.data_address(&object.name)?;
        interpreter.memory().bytes(address, object.size).ok()
    })
}

/// What the writable objects of `module`, of which `machine` is the code, hold.
pub(crate) fn memory_in_machine(module: &Module, machine: &Program) -> Option<Vec<u8>> {
    memory_of(module, |object| {
        let address = machine.image().address_of(&object.name)?;
        let memory = machine.emulator().memory();
        memory.read(address, object.size as usize).ok()
    })
}

/// What the writable objects of `module` hold, where `read` gives what one holds.
pub(crate) fn memory_of<'a>(
    module: &Module,
    read: impl Fn(&DataObject) -> Option<&'a [u8]>,
) -> Option<Vec<u8>> {
    let mut memory = Vec::new();
    for object in writable_objects(module) {
        let start = memory.len();
        memory.extend_from_slice(read(object)?);
        for reloc in &object.relocs {
            let start = start + reloc.offset as usize;
            memory[start..start + DATA_RELOC_SIZE as usize].fill(0);
        }
    }
    Some(memory)
}
