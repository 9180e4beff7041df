//! Returning.

use super::Ctx;
use super::call::store_word;
use super::memory::add_offset;
use crate::backend::abi::AbiSlot;
use crate::isa::riscv32::inst::{FixedUse, MInst};
use lpc_lpir::ir::Inst;

/// The results go to their registers in one parallel move, which the register allocator makes; those that do not fit there
/// are stored to the return area before.
pub(super) fn lower_return(ctx: Ctx, inst: Inst) {
    let abi = ctx.abi;
    let values = ctx.func.dfg.inst_args(inst);
    let Some(mut rets) = ctx.list(abi.num_registers(abi.rets())) else {
        return;
    };
    for (value, ret) in values.zip(abi.rets()) {
        for (word, &slot) in abi.slots(ret).iter().enumerate() {
            match slot {
                AbiSlot::Reg(preg) => {
                    let vreg = ctx.transferred_word(value, word, ret.extension);
                    rets.push(FixedUse { vreg, preg });
                }
                AbiSlot::Memory(offset) => {
                    let area = ctx.return_area_pointer();
                    let area = area.expect("results in memory need a return area");
                    let addr = add_offset(ctx, area.to_reg(), offset as i32);
                    store_word(ctx, value, word, ret.extension, addr);
                }
            }
        }
    }
    ctx.emit(MInst::Rets { rets });
}
