//! Where the data objects of a module are, and what is in them first.
//!
//! Read-only objects come first, so that one range of addresses can be protected; the others follow. Each has an address of its own,
//! even when it has no bytes.

use crate::functions::{Callee, Functions};
use crate::memory::{DATA_ALIGNMENT, DATA_BASE, Segment};
use alloc::vec;
use lpc_lpir::entity::SecondaryMap;
use lpc_lpir::ir::{
    DATA_RELOC_SIZE, DataId, DataKind, DataObject, Definition, ExternalName, Module,
};

/// The addresses of the data objects of a module.
#[derive(Clone, Debug)]
pub(crate) struct DataLayout {
    addresses: SecondaryMap<DataId, u32>,
    /// Where the objects begin that can be written to.
    writable_base: u32,
    /// The address behind the last object.
    end: u32,
}

impl DataLayout {
    /// Gives every object of `module` an address.
    pub(crate) fn of(module: &Module) -> Self {
        let mut addresses = SecondaryMap::new();
        let read_only = module.data_objects().filter(|(_, data)| is_read_only(data));
        let end = lay_out(read_only, DATA_BASE, &mut addresses);
        let writable_base = end.next_multiple_of(DATA_ALIGNMENT);
        let writable = module
            .data_objects()
            .filter(|(_, data)| !is_read_only(data));
        let end = lay_out(writable, writable_base, &mut addresses);
        Self {
            addresses,
            writable_base,
            end,
        }
    }

    /// The address of the object `id`.
    pub(crate) fn address(&self, id: DataId) -> u32 {
        self.addresses[id]
    }

    /// The memory of the objects, with what is in it before the program starts. `functions` hands out the addresses of
    /// functions.
    pub(crate) fn segments(&self, module: &Module, functions: &mut Functions) -> [Segment; 2] {
        let mut bytes = vec![0; (self.end - DATA_BASE) as usize];
        for (id, data) in module.data_objects() {
            let start = (self.address(id) - DATA_BASE) as usize;
            bytes[start..start + data.bytes.len()].copy_from_slice(&data.bytes);
            for reloc in &data.relocs {
                let target = self.address_of(&reloc.target, module, functions);
                let address = target.wrapping_add_signed(reloc.addend);
                let start = start + reloc.offset as usize;
                bytes[start..start + DATA_RELOC_SIZE as usize]
                    .copy_from_slice(&address.to_le_bytes());
            }
        }
        let writable = bytes.split_off((self.writable_base - DATA_BASE) as usize);
        [
            Segment::read_only(DATA_BASE, bytes),
            Segment::writable(self.writable_base, writable),
        ]
    }

    /// The address that `name` has in data. What the module does not define is taken for a function of the host, which the host
    /// is asked about when it is called.
    fn address_of(&self, name: &ExternalName, module: &Module, functions: &mut Functions) -> u32 {
        let callee = match module.definition(name) {
            Some(Definition::Data(id)) => return self.address(id),
            Some(Definition::Function(id)) => Callee::Module(id),
            Some(Definition::Import(_)) | None => Callee::Host(name.clone()),
        };
        functions.address(&callee, module)
    }
}

fn is_read_only(data: &DataObject) -> bool {
    data.kind == DataKind::ReadOnly
}

/// Gives addresses to `objects`, one behind the other from `address` on, and returns the address behind them. A module has so
/// little data that they cannot overflow.
fn lay_out<'m>(
    objects: impl Iterator<Item = (DataId, &'m DataObject)>,
    mut address: u32,
    addresses: &mut SecondaryMap<DataId, u32>,
) -> u32 {
    for (id, data) in objects {
        let start = address.next_multiple_of(data.alignment);
        addresses[id] = start;
        address = start + data.size.max(1);
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use alloc::vec::Vec;
    use lpc_lpir::text::parse_module;

    #[test]
    fn objects_are_apart_aligned_and_filled() {
        let module = parse_module(
            "; data: %a = { i8 1 }
            ; data: %b readonly align 8 = { i32 [5, 6] }
            ; data: %c zeroed 0
            ; data: %d zeroed 4 align 4096
            ; data: %e readonly = { i8 7, %b+4, %f, %a-1, %unknown }
            function %f() {
            block0:
                return
            }",
        )
        .unwrap();
        let layout = DataLayout::of(&module);
        let mut functions = Functions::default();
        let memory = Memory::new(0, layout.segments(&module, &mut functions));
        let addresses: Vec<_> = (0..5)
            .map(|index| layout.address(DataId::from_u32(index)) - DATA_BASE)
            .collect();
        assert_eq!(addresses, [0x1000, 0, 0x1001, 0x2000, 8]);
        let mut expected = vec![7];
        for address in [
            DATA_BASE + 4,
            0x1000_0000,
            DATA_BASE + 0xfff,
            // The first function of the host is behind those of the module.
            0x1000_0010,
        ] {
            expected.extend(u32::to_le_bytes(address));
        }
        assert_eq!(memory.bytes(DATA_BASE + 8, 17), Ok(&expected[..]));
        assert_eq!(memory.bytes(DATA_BASE + 0x1000, 1), Ok(&[1][..]));
        assert_eq!(memory.bytes(DATA_BASE + 0x2000, 4), Ok(&[0; 4][..]));
    }
}
