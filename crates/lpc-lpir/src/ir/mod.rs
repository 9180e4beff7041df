//! The intermediate representation itself.

mod condcodes;
mod data_object;
mod data_value;
mod dfg;
mod entities;
mod extname;
mod function;
mod global_value;
mod immediates;
mod import;
mod instructions;
mod jumptable;
mod layout;
mod memflags;
mod module;
mod opcodes;
mod signature;
mod sourceloc;
mod stackslot;
mod trapcode;
mod types;

pub use condcodes::{AtomicRmwOp, IntCC};
pub use data_object::{
    DATA_RELOC_SIZE, DataKind, DataObject, DataObjectError, DataReloc, Linkage, MAX_DATA_ALIGNMENT,
    MAX_DATA_SIZE,
};
pub use data_value::DataValue;
pub use dfg::{DataFlowGraph, ValueDef};
pub use entities::{
    AnyEntity, Block, Constant, DataId, FuncId, FuncRef, GlobalValue, Inst, JumpTable, SigRef,
    StackSlot, Value,
};
pub use extname::{ExtFuncData, ExternalName, RESERVED_PREFIX};
pub use function::Function;
pub use global_value::GlobalValueData;
pub use immediates::{Imm64, Offset32};
pub use import::{Import, ImportKind};
pub use instructions::{BlockCall, InstructionData, ValueList, ValueListPool};
pub use jumptable::JumpTableData;
pub use layout::Layout;
pub use memflags::{Endianness, MemFlags};
pub use module::{Definition, Module, ModuleError};
pub(crate) use opcodes::for_each_opcode;
pub use opcodes::{
    ControllingType, InstructionFormat, Opcode, OperandIndex, OperandType, Properties,
};
pub use signature::{AbiParam, ArgumentExtension, ArgumentPurpose, CallConv, Signature};
pub use sourceloc::SourceLoc;
pub use stackslot::StackSlotData;
pub use trapcode::TrapCode;
pub use types::{Type, TypeSet};
