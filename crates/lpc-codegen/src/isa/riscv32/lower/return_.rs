//! Returning.

use super::Ctx;
use super::call::SlotMemory;
use crate::isa::riscv32::inst::MInst;
use lpc_lpir::ir::Inst;

/// The results go to their registers in one parallel move, which the register allocator makes; those that do not fit there
/// are stored to the return area before.
pub(super) fn lower_return(ctx: Ctx, inst: Inst) {
    let abi = ctx.abi;
    let values = ctx.func.dfg.inst_args(inst);
    let mut rets = ctx.list(abi.ret_registers);
    ctx.send(values, abi, abi.rets(), SlotMemory::ReturnArea, &mut rets);
    ctx.emit(MInst::Rets { rets });
}
