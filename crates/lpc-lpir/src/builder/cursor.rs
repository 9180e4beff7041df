//! A position in a function, where instructions can be inserted.

use super::ins::{InstBuilder, InstInserter};
use crate::ir::{Block, DataFlowGraph, Function, Inst, InstructionData, SourceLoc, Type};

/// Where a cursor stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CursorPosition {
    /// Nowhere; nothing can be inserted.
    Nowhere,
    /// At an instruction; what is inserted goes before it.
    At(Inst),
    /// Before the first instruction of a block; nothing can be inserted.
    Before(Block),
    /// Behind the last instruction of a block; what is inserted goes there.
    After(Block),
}

/// A position in a function.
///
/// Inserting leaves the position where it is, so several instructions inserted in turn stand in that order.
///
/// To walk over a function while inserting and removing:
///
/// ```
/// # use lpc_lpir::{builder::FuncCursor, ir::{ExternalName, Function, Signature}};
/// # let mut func = Function::new(ExternalName::symbol("f"), Signature::default());
/// let mut cursor = FuncCursor::new(&mut func);
/// while let Some(block) = cursor.next_block() {
///     while let Some(inst) = cursor.next_inst() {
///         // What is inserted here goes before `inst`.
///     }
/// }
/// ```
pub struct FuncCursor<'f> {
    /// The function.
    pub func: &'f mut Function,
    position: CursorPosition,
    srcloc: SourceLoc,
}

impl<'f> FuncCursor<'f> {
    /// A cursor that stands nowhere.
    pub fn new(func: &'f mut Function) -> Self {
        Self {
            func,
            position: CursorPosition::Nowhere,
            srcloc: SourceLoc::default(),
        }
    }

    /// The same cursor at `inst`.
    pub fn at_inst(mut self, inst: Inst) -> Self {
        self.goto_inst(inst);
        self
    }

    /// The same cursor at the first instruction of `block`, or at its end when it is empty.
    pub fn at_first_inst(mut self, block: Block) -> Self {
        self.goto_first_inst(block);
        self
    }

    /// The same cursor behind the last instruction of `block`.
    pub fn at_bottom(mut self, block: Block) -> Self {
        self.goto_bottom(block);
        self
    }

    /// The same cursor, giving instructions the source location `srcloc`.
    pub fn with_srcloc(mut self, srcloc: SourceLoc) -> Self {
        self.set_srcloc(srcloc);
        self
    }

    /// Gives what is inserted from now on the source location `srcloc`.
    pub fn set_srcloc(&mut self, srcloc: SourceLoc) {
        self.srcloc = srcloc;
    }

    /// Where the cursor stands.
    pub fn position(&self) -> CursorPosition {
        self.position
    }

    /// Puts the cursor to a position that it had before.
    pub fn set_position(&mut self, position: CursorPosition) {
        self.position = position;
    }

    /// Puts the cursor at `inst`.
    pub fn goto_inst(&mut self, inst: Inst) {
        self.position = CursorPosition::At(inst);
    }

    /// Puts the cursor behind `inst`, at the next instruction of the block.
    ///
    /// # Panics
    /// When `inst` is not in a block.
    pub fn goto_after_inst(&mut self, inst: Inst) {
        let block = self.func.layout.inst_block(inst);
        let block = block.expect("the instruction is in a block");
        self.position = match self.func.layout.next_inst(inst) {
            Some(next) => CursorPosition::At(next),
            None => CursorPosition::After(block),
        };
    }

    /// Puts the cursor at the first instruction of `block`, or at its end when it is empty.
    pub fn goto_first_inst(&mut self, block: Block) {
        self.position = match self.func.layout.first_inst(block) {
            Some(inst) => CursorPosition::At(inst),
            None => CursorPosition::After(block),
        };
    }

    /// Puts the cursor before the first instruction of `block`.
    pub fn goto_top(&mut self, block: Block) {
        self.position = CursorPosition::Before(block);
    }

    /// Puts the cursor behind the last instruction of `block`.
    pub fn goto_bottom(&mut self, block: Block) {
        self.position = CursorPosition::After(block);
    }

    /// The instruction that the cursor is at.
    pub fn current_inst(&self) -> Option<Inst> {
        match self.position {
            CursorPosition::At(inst) => Some(inst),
            _ => None,
        }
    }

    /// The block that the cursor is in.
    pub fn current_block(&self) -> Option<Block> {
        match self.position {
            CursorPosition::Nowhere => None,
            CursorPosition::At(inst) => self.func.layout.inst_block(inst),
            CursorPosition::Before(block) | CursorPosition::After(block) => Some(block),
        }
    }

    /// Moves to the top of the next block and returns it. From nowhere, the next block is the first; behind the last one is
    /// nowhere.
    pub fn next_block(&mut self) -> Option<Block> {
        let next = match self.current_block() {
            Some(block) => self.func.layout.next_block(block),
            None => self.func.layout.entry_block(),
        };
        self.position = next.map_or(CursorPosition::Nowhere, CursorPosition::Before);
        next
    }

    /// Moves to the bottom of the block before and returns it. From nowhere, that is the last block; before the first one is
    /// nowhere.
    pub fn prev_block(&mut self) -> Option<Block> {
        let prev = match self.current_block() {
            Some(block) => self.func.layout.prev_block(block),
            None => self.func.layout.last_block(),
        };
        self.position = prev.map_or(CursorPosition::Nowhere, CursorPosition::After);
        prev
    }

    /// Moves to the next instruction of the block and returns it. Behind the last one is the end of the block.
    pub fn next_inst(&mut self) -> Option<Inst> {
        let block = self.current_block()?;
        let next = match self.position {
            CursorPosition::Before(block) => self.func.layout.first_inst(block),
            CursorPosition::At(inst) => self.func.layout.next_inst(inst),
            CursorPosition::After(_) | CursorPosition::Nowhere => None,
        };
        self.position = next.map_or(CursorPosition::After(block), CursorPosition::At);
        next
    }

    /// Moves to the instruction before in the block and returns it. Before the first one is the top of the block.
    pub fn prev_inst(&mut self) -> Option<Inst> {
        let block = self.current_block()?;
        let prev = match self.position {
            CursorPosition::After(block) => self.func.layout.last_inst(block),
            CursorPosition::At(inst) => self.func.layout.prev_inst(inst),
            CursorPosition::Before(_) | CursorPosition::Nowhere => None,
        };
        self.position = prev.map_or(CursorPosition::Before(block), CursorPosition::At);
        prev
    }

    /// Takes the instruction that the cursor is at out of its block, moves to the next one, and returns the removed one.
    ///
    /// # Panics
    /// When the cursor is not at an instruction.
    pub fn remove_inst(&mut self) -> Inst {
        let inst = self
            .current_inst()
            .expect("the cursor is at an instruction");
        self.goto_after_inst(inst);
        self.func.layout.remove_inst(inst);
        inst
    }

    /// Takes the instruction that the cursor is at out of its block and moves to the one before, so that
    /// [`Self::next_inst`] continues with the next.
    ///
    /// # Panics
    /// When the cursor is not at an instruction.
    pub fn remove_inst_and_step_back(&mut self) -> Inst {
        let inst = self
            .current_inst()
            .expect("the cursor is at an instruction");
        self.prev_inst();
        self.func.layout.remove_inst(inst);
        inst
    }

    /// Puts `inst`, which is in no block, here.
    ///
    /// # Panics
    /// When nothing can be inserted at this position.
    pub fn insert_inst(&mut self, inst: Inst) {
        match self.position {
            CursorPosition::At(before) => self.func.layout.insert_inst_before(inst, before),
            CursorPosition::After(block) => self.func.layout.append_inst(inst, block),
            CursorPosition::Nowhere | CursorPosition::Before(_) => {
                panic!("nothing can be inserted at {:?}", self.position)
            }
        }
    }

    /// A builder for an instruction here.
    ///
    /// # Panics
    /// The methods of the builder panic when nothing can be inserted at this position.
    pub fn ins(&mut self) -> InstBuilder<'_> {
        InstBuilder::new(self)
    }
}

impl InstInserter for FuncCursor<'_> {
    fn data_flow_graph(&self) -> &DataFlowGraph {
        &self.func.dfg
    }

    fn data_flow_graph_mut(&mut self) -> &mut DataFlowGraph {
        &mut self.func.dfg
    }

    fn insert(&mut self, data: InstructionData, controlling: Option<Type>) -> Inst {
        let inst = self.func.dfg.make_inst(data);
        self.func.dfg.make_inst_results(inst, controlling);
        self.insert_inst(inst);
        if !self.srcloc.is_default() {
            self.func.srclocs[inst] = self.srcloc;
        }
        inst
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{ExternalName, Opcode, Signature};
    use std::vec::Vec;

    fn function() -> (Function, [Block; 2]) {
        let mut func = Function::new(ExternalName::symbol("f"), Signature::default());
        let blocks = [(); 2].map(|()| {
            let block = func.dfg.make_block();
            func.layout.append_block(block);
            block
        });
        (func, blocks)
    }

    fn opcodes(func: &Function, block: Block) -> Vec<Opcode> {
        let insts = func.layout.block_insts(block);
        insts.map(|inst| func.dfg.inst(inst).opcode()).collect()
    }

    #[test]
    fn inserts_before_the_instruction_it_is_at() {
        let (mut func, [block, _]) = function();
        let mut cursor = FuncCursor::new(&mut func).at_bottom(block);
        let return_ = cursor.ins().return_(&[]);
        cursor.goto_inst(return_);
        cursor.ins().nop();
        cursor.ins().fence();
        cursor.goto_first_inst(block);
        cursor.ins().debugtrap();
        assert_eq!(cursor.current_block(), Some(block));
        let expected = [
            Opcode::Debugtrap,
            Opcode::Nop,
            Opcode::Fence,
            Opcode::Return,
        ];
        assert_eq!(opcodes(&func, block), expected);
    }

    #[test]
    fn walks_while_removing() {
        let (mut func, blocks) = function();
        for block in blocks {
            let mut cursor = FuncCursor::new(&mut func).at_bottom(block);
            cursor.ins().nop();
            cursor.ins().nop();
            cursor.ins().fence();
            cursor.ins().nop();
            cursor.ins().return_(&[]);
        }
        let mut cursor = FuncCursor::new(&mut func);
        while cursor.next_block().is_some() {
            while let Some(inst) = cursor.next_inst() {
                if cursor.func.dfg.inst(inst).opcode() == Opcode::Nop {
                    cursor.remove_inst_and_step_back();
                }
            }
        }
        assert_eq!(cursor.position(), CursorPosition::Nowhere);
        for block in blocks {
            assert_eq!(opcodes(&func, block), [Opcode::Fence, Opcode::Return]);
        }
    }

    #[test]
    fn walks_backward() {
        let (mut func, [first, second]) = function();
        let mut cursor = FuncCursor::new(&mut func).at_bottom(first);
        let nop = cursor.ins().nop();
        let jump = cursor.ins().jump(second, &[]);
        cursor.goto_bottom(second);
        assert_eq!(cursor.prev_inst(), None);
        assert_eq!(cursor.position(), CursorPosition::Before(second));
        assert_eq!(cursor.prev_block(), Some(first));
        assert_eq!(cursor.prev_inst(), Some(jump));
        assert_eq!(cursor.prev_inst(), Some(nop));
        assert_eq!(cursor.remove_inst(), nop);
        assert_eq!(cursor.position(), CursorPosition::At(jump));
        assert_eq!(cursor.prev_block(), None);
    }

    #[test]
    fn gives_source_locations() {
        let (mut func, [block, _]) = function();
        let mut cursor = FuncCursor::new(&mut func)
            .at_bottom(block)
            .with_srcloc(SourceLoc::new(7));
        let here = cursor.ins().nop();
        cursor.set_srcloc(SourceLoc::default());
        let nowhere = cursor.ins().nop();
        assert_eq!(func.srclocs[here], SourceLoc::new(7));
        assert!(func.srclocs[nowhere].is_default());
    }
}
