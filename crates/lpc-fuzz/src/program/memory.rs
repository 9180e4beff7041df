//! Loads and stores.
//!
//! Every address is in a [`Region`]: part of a stack slot, whose bytes are written where the function starts, or of a data object.
//! An address that is computed from a value takes as many bits of it as stay inside. Addresses themselves are never among the
//! values of [`Scope`](super::scope::Scope), so that they reach nothing that a program computes.

use super::function::{FunctionGenerator, type_among};
use super::plan::PointerParam;
use super::scope::INTS;
use lpc_lpir::builder::InstInserter;
use lpc_lpir::ir::{
    DataKind, Endianness, GlobalValue, GlobalValueData, Imm64, InstructionData, InstructionFormat,
    MemFlags, Offset32, Opcode, StackSlot, StackSlotData, TrapCode, Type, Value,
};

/// Bytes that may be accessed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    base: Base,
    /// Where in its slot or object it starts.
    start: u32,
    size: u32,
    /// What the address of its start is a multiple of.
    alignment: u32,
    is_writable: bool,
}

#[derive(Clone, Copy, Debug)]
enum Base {
    Slot(StackSlot),
    /// The data object of the plan with this number.
    Data(usize),
    /// The parameter that is an address.
    Pointer(Value),
}

/// An address in a region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) base: Value,
    /// What a load or store has to add.
    pub(super) offset: i32,
    /// Whether it is known to be a multiple of the size of what is accessed.
    pub(super) is_aligned: bool,
    is_writable: bool,
}

/// What an address is wanted for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) size: u32,
    pub(super) is_store: bool,
    /// The address must be a multiple of the size.
    pub(super) must_be_aligned: bool,
    /// The instruction adds no offset.
    pub(super) has_no_offset: bool,
}

/// Offsets that a load or store cannot hold, or just so.
const OFFSET_EDGES: [i32; 12] = [
    -2049, -2048, -2047, -2044, 2032, 2040, 2044, 2046, 2047, 2048, 4096, 0x12345,
];

impl FunctionGenerator<'_> {
    /// Declares the stack slots of the function, fills them, and finds out what it may access.
    pub(super) fn declare_memory(&mut self) {
        for (index, object) in self.plan.data.iter().enumerate() {
            if object.relocs.is_empty() {
                self.regions.push(Region {
                    base: Base::Data(index),
                    start: 0,
                    size: object.size,
                    alignment: object.alignment,
                    is_writable: object.kind != DataKind::ReadOnly,
                });
            }
        }
        for _ in 0..self.random.banded(self.profile.stack_slots) {
            self.declare_stack_slot();
        }
    }

    /// The memory that the caller passes the address of.
    pub(super) fn declare_pointer(&mut self, value: Value, pointer: PointerParam) {
        self.regions.push(Region {
            base: Base::Pointer(value),
            start: 0,
            size: pointer.size,
            alignment: pointer.alignment,
            is_writable: true,
        });
    }

    /// The address of memory that a callee may read and write, if there is any. What is in the frame is gone when the callee of
    /// a tail call runs.
    pub(super) fn pointer_argument(
        &mut self,
        pointer: PointerParam,
        is_tail_call: bool,
    ) -> Option<Value> {
        let is_suitable = |region: &&Region| {
            let is_kept = !(is_tail_call && matches!(region.base, Base::Slot(_)));
            is_kept
                && region.is_writable
                && region.size >= pointer.size
                && region.alignment >= pointer.alignment
        };
        let suitable: Vec<Region> = self.regions.iter().filter(is_suitable).copied().collect();
        if suitable.is_empty() {
            return None;
        }
        let region = self.random.pick(&suitable);
        let distance = self.random.between(0, region.size - pointer.size);
        let distance = distance - distance % pointer.alignment;
        Some(self.region_address(region, distance as i32))
    }

    /// A stack slot of which a few bytes are used, all of which are written.
    fn declare_stack_slot(&mut self) {
        let used =
            self.random
                .banded(&[(50, (1, 16)), (20, (16, 16)), (25, (16, 32)), (5, (32, 96))]);
        let unused = self.random.banded(&[
            (700, (0, 0)),
            (200, (1, 64)),
            (70, (1_900, 2_200)),
            (29, (2_200, 6_000)),
            (1, (20_000, 50_000)),
        ]);
        // A function that calls itself has its frame several times.
        let unused = if self.recursion.is_some() {
            unused.min(200)
        } else {
            unused
        };
        let align_shift: u32 = self.random.pick(&[0, 1, 2, 3, 4, 4, 4, 5]);
        let size = used + unused;
        let start = match unused {
            0 => 0,
            unused => self.random.between(0, unused),
        };
        let data = StackSlotData::new(size, align_shift as u8);
        let slot = self.builder.create_sized_stack_slot(data);
        let alignment = 1 << align_shift.min(start.trailing_zeros());
        let region = Region {
            base: Base::Slot(slot),
            start,
            size: used,
            alignment,
            is_writable: true,
        };
        self.fill(region);
        self.regions.push(region);
    }

    /// Writes all bytes of `region`, with few stores in most cases.
    fn fill(&mut self, region: Region) {
        let start = self.region_address(region, 0);
        let mut filled = 0;
        while filled < region.size {
            let left = region.size - filled;
            let fitting = INTS.iter().rfind(|ty| ty.bytes() <= left);
            let ty = match fitting {
                Some(&largest) if self.random.chance(80) => largest,
                _ => type_among(self.random, |ty| ty.bytes() <= left).unwrap_or(Type::I8),
            };
            let value = self.value(ty);
            self.ins()
                .store(MemFlags::new(), value, start, filled as i32);
            filled += ty.bytes();
        }
    }

    /// The address so many bytes behind the start of `region`.
    fn region_address(&mut self, region: Region, offset: i32) -> Value {
        let offset = offset.wrapping_add(region.start as i32);
        match region.base {
            Base::Slot(slot) => self.ins().stack_addr(Type::POINTER, slot, offset),
            Base::Data(index) => self.data_address(index, offset),
            Base::Pointer(value) if offset == 0 => value,
            Base::Pointer(value) => self.plus(value, offset),
        }
    }

    /// The address so many bytes behind the start of the data object number `index`.
    pub(super) fn data_address(&mut self, index: usize, offset: i32) -> Value {
        let global = match (offset, self.data[index]) {
            (0, Some(global)) => global,
            _ => self.data_global(index, offset),
        };
        if offset == 0 {
            self.data[index] = Some(global);
        }
        self.ins().symbol_value(Type::POINTER, global)
    }

    fn data_global(&mut self, index: usize, offset: i32) -> GlobalValue {
        self.builder.create_global_value(GlobalValueData::Symbol {
            name: self.plan.data[index].name.clone(),
            offset: Imm64::new(offset.into()),
            colocated: self.random.chance(50),
        })
    }

    /// States an address that the stack does not reach: a small number, which is in the data.
    pub(super) fn declare_stack_limit(&mut self) {
        let Some(index) = self.plan.stack_limit else {
            return;
        };
        if self.random.chance(50) {
            return;
        }
        let base = self.data_global(index, 0);
        let mut limit = self.builder.create_global_value(GlobalValueData::Load {
            base,
            offset: Offset32::new(self.random.pick(&[0, 4])),
            global_type: Type::POINTER,
            flags: MemFlags::trusted(),
        });
        if self.random.chance(50) {
            limit = self.builder.create_global_value(GlobalValueData::IAddImm {
                base: limit,
                offset: Imm64::new(self.random.below(100).into()),
                global_type: Type::POINTER,
            });
        }
        self.builder.func.stack_limit = limit.into();
    }

    /// An address for `access`, if there is memory for it.
    pub(super) fn address(&mut self, access: Access) -> Option<Address> {
        let is_suitable = |region: &&Region| {
            region.size >= access.size
                && (region.is_writable || !access.is_store)
                && (region.alignment >= access.size || !access.must_be_aligned)
        };
        let suitable: Vec<Region> = self.regions.iter().filter(is_suitable).copied().collect();
        if suitable.is_empty() {
            return None;
        }
        let region = self.random.pick(&suitable);
        Some(if self.random.chance(60) {
            self.constant_address(region, access)
        } else {
            self.computed_address(region, access)
        })
    }

    /// An address with a constant distance from the start of `region`.
    fn constant_address(&mut self, region: Region, access: Access) -> Address {
        let mut distance = self.random.between(0, region.size - access.size);
        if access.must_be_aligned || self.random.chance(60) {
            distance -= distance % access.size;
        }
        let distance = distance as i32;
        let offset = match self.random.below(10) {
            _ if access.has_no_offset => 0,
            0..=2 => distance,
            3..=4 => 0,
            5 => self.random.pick(&OFFSET_EDGES),
            _ => self.random.signed(-40, 40),
        };
        let rest = distance.wrapping_sub(offset);
        let base = match self.random.below(3) {
            0 => self.region_address(region, rest),
            // As an addition, which a load or store takes over.
            1 => {
                let split = match self.random.below(3) {
                    0 => self.random.pick(&OFFSET_EDGES),
                    _ => 0,
                };
                let start = self.region_address(region, split);
                self.plus(start, rest.wrapping_sub(split))
            }
            _ => {
                let start = self.region_address(region, 0);
                match rest {
                    0 => start,
                    rest => self.plus(start, rest),
                }
            }
        };
        Address {
            base,
            offset,
            is_aligned: region.alignment >= access.size
                && (distance as u32).is_multiple_of(access.size),
            is_writable: region.is_writable,
        }
    }

    /// `address + distance`, written in one of the ways in which that can be.
    fn plus(&mut self, address: Value, distance: i32) -> Value {
        let constant = |this: &mut Self, number: i32| this.ins().iconst(Type::I32, number.into());
        match self.random.below(4) {
            0 => {
                let distance = constant(self, distance);
                self.ins().iadd(distance, address)
            }
            1 => {
                let distance = constant(self, distance.wrapping_neg());
                self.ins().isub(address, distance)
            }
            _ => {
                let distance = constant(self, distance);
                self.ins().iadd(address, distance)
            }
        }
    }

    /// An address that depends on a value, of which as many bits are taken as stay in `region`.
    fn computed_address(&mut self, region: Region, access: Access) -> Address {
        let distances = region.size - access.size + 1;
        let mut mask = (1 << distances.ilog2()) - 1;
        let align = access.must_be_aligned || self.random.chance(60);
        // The value is scaled by as much as it has to be a multiple of, and more seldom by less.
        let scale = match access.size.trailing_zeros() {
            scale if self.random.chance(60) => scale,
            _ => 0,
        };
        if align {
            mask &= !(access.size - 1);
        }
        let index = self.index();
        let bits = self.ins().iconst(Type::I32, i64::from(mask >> scale));
        let index = self.ins().band(index, bits);
        let index = match scale {
            0 => index,
            _ => {
                let scale = self.ins().iconst(Type::I32, scale.into());
                self.ins().ishl(index, scale)
            }
        };
        let is_multiple = align || scale == access.size.trailing_zeros();
        let slack = (distances - 1 - mask) as i32;
        let slack = if is_multiple {
            slack - slack % access.size as i32
        } else {
            slack
        };
        let (offset, start) = match self.random.below(4) {
            _ if access.has_no_offset => (0, 0),
            0 => (slack, 0),
            1 => {
                let edge = self.random.pick(&OFFSET_EDGES);
                (edge, -edge)
            }
            _ => (0, 0),
        };
        let start = self.region_address(region, start);
        let base = if self.random.chance(50) {
            self.ins().iadd(start, index)
        } else {
            self.ins().iadd(index, start)
        };
        Address {
            base,
            offset,
            is_aligned: region.alignment >= access.size && is_multiple,
            is_writable: region.is_writable,
        }
    }

    /// Any number of type `i32`, often one that was narrower.
    pub(super) fn index(&mut self) -> Value {
        let narrow = match self.random.below(4) {
            0 => Type::I8,
            1 => Type::I16,
            _ => return self.variable_value(Type::I32),
        };
        let value = self.variable_value(narrow);
        if self.random.chance(70) {
            self.ins().uextend(Type::I32, value)
        } else {
            self.ins().sextend(Type::I32, value)
        }
    }

    /// Flags whose promises `address` keeps.
    fn flags(&mut self, address: Address) -> MemFlags {
        let mut flags = match self.random.below(4) {
            0..=1 => MemFlags::new().with_notrap(),
            2 => MemFlags::new(),
            _ => {
                let code: TrapCode = self.trap_code();
                MemFlags::new().with_trap_code(code)
            }
        };
        if address.is_aligned && self.random.chance(65) {
            flags = flags.with_aligned();
        }
        match self.random.below(10) {
            0..=1 => flags = flags.with_endianness(Endianness::Big),
            2 => flags = flags.with_endianness(Endianness::Little),
            _ => {}
        }
        flags
    }

    /// A load or a store of any opcode, or an instruction without memory if there is none.
    pub(super) fn memory_access(&mut self) {
        use Opcode::*;
        let opcode = self.random.weighted(&[
            (30, Load),
            (6, Uload8),
            (6, Sload8),
            (6, Uload16),
            (6, Sload16),
            (3, Uload32),
            (3, Sload32),
            (28, Store),
            (5, Istore8),
            (5, Istore16),
            (3, Istore32),
        ]);
        let types = opcode.controlling_type().types();
        let ty = type_among(self.random, |ty| types.contains(ty));
        let ty = ty.expect("loads and stores have a type");
        if !self.access(opcode, ty) {
            self.any_instruction();
        }
    }

    /// A load or store of `opcode`, if there is memory.
    pub(super) fn access(&mut self, opcode: Opcode, ty: Type) -> bool {
        let is_store = opcode.format() == InstructionFormat::Store;
        let address = self.address(Access {
            size: opcode.accessed_bytes(ty),
            is_store,
            must_be_aligned: false,
            has_no_offset: false,
        });
        let Some(address) = address else {
            return false;
        };
        let mut flags = self.flags(address);
        let offset = Offset32::new(address.offset);
        if is_store {
            let value = self.value(ty);
            let args = [value, address.base];
            let data = InstructionData::Store {
                opcode,
                flags,
                args,
                offset,
            };
            self.builder.insert(data, Some(ty));
            return true;
        }
        if !address.is_writable && self.random.chance(50) {
            flags = flags.with_readonly();
        }
        if flags.notrap() && self.random.chance(20) {
            flags = flags.with_can_move();
        }
        let data = InstructionData::Load {
            opcode,
            flags,
            arg: address.base,
            offset,
        };
        let inst = self.builder.insert(data, Some(ty));
        let value = self.builder.func.dfg.first_result(inst);
        self.push(value);
        true
    }

    /// Stores `value` anywhere, if there is memory.
    pub(super) fn store_somewhere(&mut self, value: Value) {
        let address = self.address(Access {
            size: self.type_of(value).bytes(),
            is_store: true,
            must_be_aligned: false,
            has_no_offset: false,
        });
        if let Some(address) = address {
            let flags = self.flags(address);
            self.ins().store(flags, value, address.base, address.offset);
        }
    }
}
