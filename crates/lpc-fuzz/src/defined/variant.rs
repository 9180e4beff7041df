//! Variants of modules.

use super::addresses::move_addresses;
use super::guards::guard_function;
use lpc_lpir::ir::{DataKind, DataObject, ExternalName, Function, Module, Signature};

/// How a variant differs from the program.
pub(super) struct Variant {
    /// What guards and memory hold that were not written.
    pub(super) pattern: Pattern,
    /// The size of a guard in bytes.
    pub(super) guard: u32,
    /// What is added to all addresses. A multiple of 16, so that those of stack slots stay aligned.
    pub(super) distance: i32,
}

/// Even the smallest guard is larger than the largest access. The distances have no bit in common, as some programs compute with
/// one bit of an address, and one of them makes all addresses negative.
pub(super) const VARIANTS: [Variant; 2] = [
    Variant {
        pattern: Pattern(0x9d3b_62f1_07c8_5ea4),
        guard: 64,
        distance: 0x0aaa_aaa0,
    },
    Variant {
        pattern: Pattern(0x21c6_f09b_8e34_d75a),
        guard: 192,
        distance: 0x8555_5550_u32.cast_signed(),
    },
];

/// Eight different bytes, with which memory is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pattern(u64);

impl Pattern {
    /// The size in bytes.
    pub(super) const SIZE: u32 = 8;

    /// All of it, as it is loaded from memory.
    pub(super) fn word(self) -> i64 {
        self.0.cast_signed()
    }

    /// The byte at a distance of `offset` bytes from the start of something filled.
    pub(super) fn byte(self, offset: u32) -> u8 {
        self.0.to_le_bytes()[(offset % Self::SIZE) as usize]
    }

    /// Fills `bytes`.
    pub(super) fn fill(self, bytes: &mut [u8]) {
        for (byte, offset) in bytes.iter_mut().zip(0..) {
            *byte = self.byte(offset);
        }
    }

    /// Whether `bytes` are filled.
    pub(super) fn fills(self, bytes: &[u8]) -> bool {
        let mut bytes = bytes.iter().zip(0..);
        bytes.all(|(&byte, offset)| byte == self.byte(offset))
    }
}

impl Variant {
    /// The variant of `module`. `None` if it has memory that is too large.
    pub(super) fn of(&self, module: &Module) -> Option<Module> {
        let mut copy = Module::new();
        for import in module.imports() {
            copy.add_import(import.clone()).ok()?;
        }
        self.copy_data(module, &mut copy)?;
        // Functions have other addresses when others stand before them.
        for index in 0..self.guard / 64 {
            let name = ExternalName::user(u32::MAX - 1, index);
            let signature = Signature::default();
            copy.add_function(Function::new(name, signature)).ok()?;
        }
        for (_, function) in module.functions() {
            let mut function = function.clone();
            move_addresses(&mut function, self.distance);
            guard_function(&mut function, self)?;
            copy.add_function(function).ok()?;
        }
        Some(copy)
    }

    /// Copies the data objects, each between two guards. Those of a kind are one behind the other.
    fn copy_data(&self, module: &Module, copy: &mut Module) -> Option<()> {
        let mut guards = 0;
        let mut add_guard = |copy: &mut Module, kind| {
            let name = ExternalName::user(u32::MAX, guards);
            guards += 1;
            let mut bytes = vec![0; self.guard as usize];
            self.pattern.fill(&mut bytes);
            copy.add_data(DataObject::new(name, kind, 1, bytes)).ok()
        };
        for kind in [DataKind::ReadOnly, DataKind::Writable] {
            add_guard(copy, kind)?;
            for (_, object) in module.data_objects() {
                if (object.kind == DataKind::ReadOnly) != (kind == DataKind::ReadOnly) {
                    continue;
                }
                let mut object = object.clone();
                for reloc in &mut object.relocs {
                    reloc.addend = reloc.addend.wrapping_add(self.distance);
                }
                copy.add_data(object).ok()?;
                add_guard(copy, kind)?;
            }
        }
        Some(())
    }
}
