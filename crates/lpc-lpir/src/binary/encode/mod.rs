//! From modules to bytes. The grammar stands where it is read, in [`decode`](super::decode).

mod body;
mod declarations;

use super::error::EncodeError;
use super::fields::{
    HAS_LOCATIONS, HAS_STACK_LIMIT, IMPORTED_DATA, IMPORTED_FUNCTION, IS_LOCAL, data_to_byte,
};
use super::writer::Writer;
use super::{MAGIC, VERSION};
use crate::ir::{
    AnyEntity, DataKind, DataObject, ExternalName, Function, Import, ImportKind, Linkage, Module,
};
use alloc::vec::Vec;

/// What is wrong with a part of a function that cannot be encoded.
pub(super) type EncodeResult<T> = Result<T, (AnyEntity, &'static str)>;

/// `module` in the binary form, as [`decode`](super::decode()) reads it.
///
/// # Errors
/// When a function refers to what it does not declare or define, or has a block that does not end in its only terminator, or
/// operands, arguments or results that are not as many or not of the types that they must be: in short, for some of the functions
/// that the verifier refuses, and for none that it accepts.
pub fn encode(module: &Module) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::default();
    writer.bytes.extend_from_slice(&MAGIC);
    writer.byte(VERSION);
    writer.count(module.imports().len());
    for import in module.imports() {
        let result = writer.import(import);
        result.map_err(|error| error_in(&import.name, error))?;
    }
    writer.count(module.data_objects().count());
    for (_, data) in module.data_objects() {
        writer.data(data);
    }
    writer.count(module.len());
    for (id, function) in module.functions() {
        let result = writer.function(function, module.linkage(id));
        result.map_err(|error| error_in(&function.name, error))?;
    }
    Ok(writer.bytes)
}

fn error_in(
    function: &ExternalName,
    (location, message): (AnyEntity, &'static str),
) -> EncodeError {
    EncodeError {
        function: function.clone(),
        location,
        message,
    }
}

impl Writer {
    fn import(&mut self, import: &Import) -> EncodeResult<()> {
        match &import.kind {
            ImportKind::Data => {
                self.byte(IMPORTED_DATA);
                self.name(&import.name);
                Ok(())
            }
            ImportKind::Function(signature) => {
                self.byte(IMPORTED_FUNCTION);
                self.name(&import.name);
                self.signature(AnyEntity::Function, signature)
            }
        }
    }

    /// A module has only data that is well formed.
    fn data(&mut self, data: &DataObject) {
        self.byte(data_to_byte(data.kind, data.linkage, data.alignment));
        self.name(&data.name);
        if data.kind == DataKind::Zeroed {
            return self.u32(data.size);
        }
        self.count(data.bytes.len());
        self.bytes.extend_from_slice(&data.bytes);
        self.u32(data.size - data.bytes.len() as u32);
        self.count(data.relocs.len());
        let mut offset = 0;
        for reloc in &data.relocs {
            self.u32(reloc.offset - offset);
            offset = reloc.offset;
            self.name(&reloc.target);
            self.i32(reloc.addend);
        }
    }

    fn function(&mut self, function: &Function, linkage: Linkage) -> EncodeResult<()> {
        let has_locations = body::has_locations(function);
        let flags = [
            (IS_LOCAL, linkage == Linkage::Local),
            (HAS_LOCATIONS, has_locations),
            (HAS_STACK_LIMIT, function.stack_limit.is_some()),
        ];
        let flags = flags.into_iter().filter(|(_, is_set)| *is_set);
        self.byte(flags.fold(0, |byte, (flag, _)| byte | flag));
        self.name(&function.name);
        self.signature(AnyEntity::Function, &function.signature)?;
        self.declarations(function)?;
        self.body(function, has_locations)
    }
}
