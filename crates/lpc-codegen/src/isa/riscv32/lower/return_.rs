//! Returning.

use super::Ctx;
use super::call::put_word;
use super::memory::add_offset;
use crate::backend::abi::AbiSlot;
use crate::error::CompileError;
use crate::isa::riscv32::inst::{FixedUse, MInst};
use alloc::vec::Vec;
use lpc_lpir::ir::{Inst, Value};
use lpc_riscv32::Opcode as Op;

/// The results go to their registers in one parallel move, which the register allocator makes; those that do not fit there
/// are stored to the return area before.
pub(super) fn lower_return(ctx: Ctx, inst: Inst) -> Result<(), CompileError> {
    let abi = ctx.abi;
    let values: Vec<Value> = ctx.func.dfg.inst_args(inst).collect();
    let mut rets = Vec::with_capacity(values.len());
    for (&value, ret) in values.iter().zip(abi.rets()) {
        for (word, &slot) in abi.slots(ret).iter().enumerate() {
            let src = put_word(ctx, value, word, ret.extension);
            match slot {
                AbiSlot::Reg(preg) => rets.push(FixedUse { vreg: src, preg }),
                AbiSlot::Memory(offset) => {
                    let area = ctx
                        .return_area_pointer()
                        .expect("results in memory need a return area");
                    let addr = add_offset(ctx, area.to_reg(), offset as i32);
                    ctx.emit(MInst::Store {
                        op: Op::Sw,
                        src,
                        addr,
                        trap: None,
                    });
                }
            }
        }
    }
    ctx.emit(MInst::Rets { rets });
    Ok(())
}
