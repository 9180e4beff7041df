//! Where blocks start and end: arguments are passed to parameters, and what is in registers at the start is loaded.

use super::super::registers::RegSet;
use super::LocalAllocator;
use regalloc2::{Block, Function, ProgPoint, RegAllocError, VReg};

impl<F: Function> LocalAllocator<'_, F> {
    /// Passes the arguments of the edge that leaves `block`, if its target has other edges as well.
    pub(super) fn pass_args(&mut self, block: Block) {
        let func = self.func;
        let terminator = func.block_insns(block).last();
        let &[succ] = func.block_succs(block) else {
            return;
        };
        if func.block_preds(succ).len() == 1 {
            return;
        }
        let args = func.branch_blockparams(block, terminator, 0);
        let edges = || args.iter().zip(func.block_params(succ));
        let mut targets = RegSet::EMPTY;
        let mut sources = RegSet::EMPTY;
        for (&arg, &param) in edges() {
            targets |= self.register_of(param).map_or(RegSet::EMPTY, RegSet::only);
            sources |= self.register_of(arg).map_or(RegSet::EMPTY, RegSet::only);
        }
        for (&arg, &param) in edges() {
            // What has its home there does not live at the start of the target, and so no longer here.
            if let Some(target) = self.register_of(param)
                && self.is_to_be_placed(arg)
                && !(sources | self.occupied).contains(target)
                && !self.is_named_before(arg, target)
            {
                self.occupy(target, arg, terminator);
            }
        }
        for (&arg, &param) in edges() {
            let Some(to) = self.place(param) else {
                continue;
            };
            if self.is_to_be_placed(arg) {
                match (self.free - targets).first() {
                    Some(register) => self.occupy(register, arg, terminator),
                    None => self.values[arg.vreg()].slot = self.slots.take(),
                }
            }
            let from = self.place(arg).expect("the argument has been placed");
            self.before.add(from, to, self.heap);
        }
        self.flush(ProgPoint::before(terminator), self.free - targets);
    }

    /// Whether the value has no place yet.
    fn is_to_be_placed(&self, vreg: VReg) -> bool {
        self.place(vreg).is_none()
    }

    /// Loads at the start of `block` what is in registers there, and takes over parameters.
    pub(super) fn enter_block(&mut self, block: Block) -> Result<(), RegAllocError> {
        let func = self.func;
        let first = func.block_insns(block).first();
        let only_pred = match *func.block_preds(block) {
            [pred] => Some(pred),
            _ => None,
        };
        for register in self.occupied {
            let (vreg, _) = self.occupants[register.index()];
            let register = self.in_register(register);
            let value = &mut self.values[vreg.vreg()];
            let is_param = value.is_param() && value.first_block == block;
            match value.spill_slot() {
                _ if is_param && only_pred.is_some() => {}
                Some(slot) if is_param && !value.is_global() => {
                    self.before.add(register, slot, self.heap);
                }
                Some(slot) => {
                    self.before.add(slot, register, self.heap);
                    value.register = None;
                }
                None if is_param => {}
                None => return Err(RegAllocError::EntryLivein),
            }
        }
        if let Some(pred) = only_pred {
            self.take_over_params(pred, block);
        }
        self.flush(ProgPoint::before(first), self.free);
        for &param in func.block_params(block) {
            self.note_place(param);
        }
        Ok(())
    }

    /// Moves what `pred` passes on its edge to `block`, the only one that leads there, to where the parameters are.
    fn take_over_params(&mut self, pred: Block, block: Block) {
        let func = self.func;
        let params = func.block_params(block);
        if params.is_empty() {
            return;
        }
        let number = func.block_succs(pred).iter().position(|&it| it == block);
        let number = number.expect("a predecessor has the block as its successor");
        let args = func.branch_blockparams(pred, func.block_insns(pred).last(), number);
        for (&arg, &param) in args.iter().zip(params) {
            let register = self.register_of(param);
            let value = &mut self.values[param.vreg()];
            if value.is_global() {
                value.register = None;
            }
            let slot = value.spill_slot();
            let register = register.map(|register| self.in_register(register));
            for to in [register, slot].into_iter().flatten() {
                let from = self.place(arg).expect("the argument lives in two blocks");
                self.before.add(from, to, self.heap);
            }
        }
    }
}
