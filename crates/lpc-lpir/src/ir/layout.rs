//! The order of the blocks of a function, and of the instructions of each block.
//!
//! Both orders are doubly linked lists through tables indexed by the entity, so that inserting and removing take constant
//! time and leave all references valid. A block or an instruction that is in no list is not part of the function.
//!
//! The list of the instructions of a block is seldom needed: who makes a function mostly makes each block from its first instruction to
//! its last, so that their numbers follow each other. As long as that is so for all blocks, the layout is *in sequence*, and what stands before
//! and behind an instruction is told by its number. The first change that is not in sequence makes the lists of all blocks.

use super::entities::{Block, Inst};
use crate::entity::{PackedOption, SecondaryMap};
use crate::heap::{Heap, HeapError};

/// The order of blocks and instructions.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    blocks: SecondaryMap<Block, BlockNode>,
    /// The block that each instruction is in.
    inst_blocks: SecondaryMap<Inst, PackedOption<Block>>,
    /// Whether there are lists of instructions. If not, the layout is in sequence: the instructions of a block are all from its first to its last.
    has_links: bool,
    /// What stands before and behind each instruction, if there are lists.
    links: SecondaryMap<Inst, InstLinks>,
    first_block: PackedOption<Block>,
    last_block: PackedOption<Block>,
}

#[derive(Clone, Copy, Debug, Default)]
struct BlockNode {
    prev: PackedOption<Block>,
    next: PackedOption<Block>,
    first_inst: PackedOption<Inst>,
    last_inst: PackedOption<Inst>,
    inserted: bool,
    cold: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct InstLinks {
    prev: PackedOption<Inst>,
    next: PackedOption<Inst>,
}

impl Layout {
    /// The layout of a function without blocks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.inst_blocks.clear();
        self.has_links = false;
        self.links.clear();
        self.first_block = PackedOption::NONE;
        self.last_block = PackedOption::NONE;
    }

    /// Makes the tables of an empty layout hold the first `insts` instructions and the first `blocks` blocks, so that they need not
    /// grow.
    ///
    /// # Errors
    /// [`HeapError`] where there is no memory for them.
    pub fn resize_in(
        &mut self,
        insts: usize,
        blocks: usize,
        heap: &mut Heap,
    ) -> Result<(), HeapError> {
        self.inst_blocks.resize_in(insts, heap)?;
        self.blocks.resize_in(blocks, heap)
    }

    /// Gives back the memory that the tables have too much.
    pub fn shrink_to_fit(&mut self) {
        self.blocks.shrink_to_fit();
        self.inst_blocks.shrink_to_fit();
        self.links.shrink_to_fit();
    }

    /// The block where the function starts: the first one.
    #[inline]
    pub fn entry_block(&self) -> Option<Block> {
        self.first_block.expand()
    }

    /// The last block.
    pub fn last_block(&self) -> Option<Block> {
        self.last_block.expand()
    }

    /// The block behind `block`.
    pub fn next_block(&self, block: Block) -> Option<Block> {
        self.blocks[block].next.expand()
    }

    /// The block before `block`.
    pub fn prev_block(&self, block: Block) -> Option<Block> {
        self.blocks[block].prev.expand()
    }

    /// Whether `block` is part of the function.
    pub fn is_block_inserted(&self, block: Block) -> bool {
        self.blocks[block].inserted
    }

    /// Whether `block` is seldom executed and should stand out of the way of the others.
    #[inline]
    pub fn is_cold(&self, block: Block) -> bool {
        self.blocks[block].cold
    }

    /// Marks `block` as seldom executed.
    pub fn set_cold(&mut self, block: Block) {
        self.blocks[block].cold = true;
    }

    /// The blocks in order.
    pub fn blocks(&self) -> impl Iterator<Item = Block> + '_ {
        core::iter::successors(self.entry_block(), |&block| self.next_block(block))
    }

    /// Puts `block` behind all others.
    ///
    /// # Panics
    /// When it is already part of the function.
    pub fn append_block(&mut self, block: Block) {
        assert!(
            !self.is_block_inserted(block),
            "{block} is already inserted"
        );
        let node = &mut self.blocks[block];
        node.inserted = true;
        node.prev = self.last_block;
        node.next = PackedOption::NONE;
        match self.last_block.expand() {
            Some(last) => self.blocks[last].next = block.into(),
            None => self.first_block = block.into(),
        }
        self.last_block = block.into();
    }

    /// Puts `block` behind `after`.
    ///
    /// # Panics
    /// When it is already part of the function, or `after` is not.
    pub fn insert_block_after(&mut self, block: Block, after: Block) {
        assert!(
            !self.is_block_inserted(block),
            "{block} is already inserted"
        );
        assert!(self.is_block_inserted(after), "{after} is not inserted");
        let next = self.blocks[after].next;
        let node = &mut self.blocks[block];
        node.inserted = true;
        node.prev = after.into();
        node.next = next;
        self.blocks[after].next = block.into();
        match next.expand() {
            Some(next) => self.blocks[next].prev = block.into(),
            None => self.last_block = block.into(),
        }
    }

    /// Takes `block` out of the function, with its instructions.
    ///
    /// # Panics
    /// When it is not part of the function.
    pub fn remove_block(&mut self, block: Block) {
        assert!(self.is_block_inserted(block), "{block} is not inserted");
        while let Some(inst) = self.last_inst(block) {
            self.remove_inst(inst);
        }
        let BlockNode { prev, next, .. } = self.blocks[block];
        match prev.expand() {
            Some(prev) => self.blocks[prev].next = next,
            None => self.first_block = next,
        }
        match next.expand() {
            Some(next) => self.blocks[next].prev = prev,
            None => self.last_block = prev,
        }
        self.blocks[block] = BlockNode::default();
    }

    /// The block that `inst` is in.
    #[inline]
    pub fn inst_block(&self, inst: Inst) -> Option<Block> {
        self.inst_blocks[inst].expand()
    }

    /// The first instruction of `block`.
    #[inline]
    pub fn first_inst(&self, block: Block) -> Option<Inst> {
        self.blocks[block].first_inst.expand()
    }

    /// The last instruction of `block`: its terminator, once the block is complete.
    #[inline]
    pub fn last_inst(&self, block: Block) -> Option<Inst> {
        self.blocks[block].last_inst.expand()
    }

    /// The instruction behind `inst` in its block.
    #[inline]
    pub fn next_inst(&self, inst: Inst) -> Option<Inst> {
        let block = self.inst_block(inst)?;
        match self.last_inst(block) == Some(inst) {
            true => None,
            false => Some(self.behind(inst)),
        }
    }

    /// The instruction before `inst` in its block.
    #[inline]
    pub fn prev_inst(&self, inst: Inst) -> Option<Inst> {
        let block = self.inst_block(inst)?;
        match self.first_inst(block) == Some(inst) {
            true => None,
            false => Some(self.before(inst)),
        }
    }

    /// The instruction behind `inst`, which is not the last of its block.
    #[inline]
    fn behind(&self, inst: Inst) -> Inst {
        match self.has_links {
            true => self.links[inst].next.expand().expect("it is not the last"),
            false => Inst::from_u32(inst.as_u32() + 1),
        }
    }

    /// The instruction before `inst`, which is not the first of its block.
    #[inline]
    fn before(&self, inst: Inst) -> Inst {
        match self.has_links {
            true => self.links[inst].prev.expand().expect("it is not the first"),
            false => Inst::from_u32(inst.as_u32() - 1),
        }
    }

    /// The instructions of `block` in order, from either end.
    #[inline]
    pub fn block_insts(&self, block: Block) -> BlockInsts<'_> {
        BlockInsts {
            layout: self,
            ends: self.first_inst(block).zip(self.last_inst(block)),
        }
    }

    /// Puts `inst` at the end of `block`.
    ///
    /// # Panics
    /// When the instruction is already in a block, or the block is not part of the function.
    pub fn append_inst(&mut self, inst: Inst, block: Block) {
        assert!(self.is_block_inserted(block), "{block} is not inserted");
        let last = self.blocks[block].last_inst;
        let follows = |last: Inst| inst.as_u32() == last.as_u32() + 1;
        if !last.expand().is_none_or(follows) {
            self.make_links();
        }
        self.link_inst(inst, block, last, PackedOption::NONE);
    }

    /// Puts `inst` before `before`, in the same block.
    ///
    /// # Panics
    /// When the instruction is already in a block, or `before` is in none.
    pub fn insert_inst_before(&mut self, inst: Inst, before: Inst) {
        let block = self
            .inst_block(before)
            .expect("the instruction to insert before is in a block");
        self.make_links();
        let prev = self.links[before].prev;
        self.link_inst(inst, block, prev, before.into());
    }

    /// Takes `inst` out of its block.
    ///
    /// # Panics
    /// When it is in none.
    pub fn remove_inst(&mut self, inst: Inst) {
        let block = self
            .inst_block(inst)
            .expect("the instruction to remove is in a block");
        let (prev, next) = (self.prev_inst(inst), self.next_inst(inst));
        if prev.is_some() && next.is_some() {
            self.make_links();
        }
        self.connect(block, prev.into(), next.into());
        self.inst_blocks[inst] = PackedOption::NONE;
    }

    /// Puts `inst` between two instructions of `block`, or at an end of it.
    fn link_inst(
        &mut self,
        inst: Inst,
        block: Block,
        prev: PackedOption<Inst>,
        next: PackedOption<Inst>,
    ) {
        assert!(
            self.inst_block(inst).is_none(),
            "{inst} is already inserted"
        );
        self.inst_blocks[inst] = block.into();
        self.connect(block, prev, inst.into());
        self.connect(block, inst.into(), next);
    }

    /// Makes `next` follow `prev` in `block`, each of which may be the end of it.
    fn connect(&mut self, block: Block, prev: PackedOption<Inst>, next: PackedOption<Inst>) {
        match prev.expand() {
            Some(prev) if self.has_links => self.links[prev].next = next,
            Some(_) => {}
            None => self.blocks[block].first_inst = next,
        }
        match next.expand() {
            Some(next) if self.has_links => self.links[next].prev = prev,
            Some(_) => {}
            None => self.blocks[block].last_inst = prev,
        }
    }

    /// Makes the lists of instructions that stand in sequence.
    #[cold]
    fn make_links(&mut self) {
        if self.has_links {
            return;
        }
        self.has_links = true;
        self.links.resize(self.inst_blocks.len());
        let mut next_block = self.entry_block();
        while let Some(block) = next_block {
            next_block = self.next_block(block);
            let ends = self.first_inst(block).zip(self.last_inst(block));
            let Some((first, last)) = ends else {
                continue;
            };
            for number in first.as_u32()..=last.as_u32() {
                let neighbour = |number| PackedOption::from(Inst::from_u32(number));
                let mut links = InstLinks::default();
                if number > first.as_u32() {
                    links.prev = neighbour(number - 1);
                }
                if number < last.as_u32() {
                    links.next = neighbour(number + 1);
                }
                self.links[Inst::from_u32(number)] = links;
            }
        }
    }
}

/// The instructions of a block.
#[derive(Clone)]
pub struct BlockInsts<'a> {
    layout: &'a Layout,
    /// The first and the last instruction that are still to come.
    ends: Option<(Inst, Inst)>,
}

impl Iterator for BlockInsts<'_> {
    type Item = Inst;

    #[inline]
    fn next(&mut self) -> Option<Inst> {
        let (first, last) = self.ends?;
        self.ends = if first == last {
            None
        } else {
            Some((self.layout.behind(first), last))
        };
        Some(first)
    }
}

impl DoubleEndedIterator for BlockInsts<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Inst> {
        let (first, last) = self.ends?;
        self.ends = if first == last {
            None
        } else {
            Some((first, self.layout.before(last)))
        };
        Some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn block(number: u32) -> Block {
        Block::from_u32(number)
    }

    fn inst(number: u32) -> Inst {
        Inst::from_u32(number)
    }

    #[test]
    fn blocks_keep_their_order_through_inserts_and_removals() {
        let mut layout = Layout::new();
        layout.append_block(block(3));
        layout.append_block(block(1));
        layout.insert_block_after(block(2), block(3));
        layout.insert_block_after(block(4), block(1));
        let order: Vec<_> = layout.blocks().collect();
        assert_eq!(order, [block(3), block(2), block(1), block(4)]);
        layout.remove_block(block(3));
        layout.remove_block(block(4));
        assert_eq!(layout.blocks().collect::<Vec<_>>(), [block(2), block(1)]);
        assert_eq!(layout.entry_block(), Some(block(2)));
        assert_eq!(layout.last_block(), Some(block(1)));
    }

    #[test]
    fn instructions_from_both_ends() {
        let mut layout = Layout::new();
        layout.append_block(block(0));
        layout.append_inst(inst(5), block(0));
        layout.append_inst(inst(7), block(0));
        layout.insert_inst_before(inst(6), inst(7));
        layout.insert_inst_before(inst(4), inst(5));
        let forward: Vec<_> = layout.block_insts(block(0)).collect();
        assert_eq!(forward, [4, 5, 6, 7].map(inst));
        let backward: Vec<_> = layout.block_insts(block(0)).rev().collect();
        assert_eq!(backward, [7, 6, 5, 4].map(inst));
        layout.remove_inst(inst(4));
        layout.remove_inst(inst(7));
        assert_eq!(layout.first_inst(block(0)), Some(inst(5)));
        assert_eq!(layout.last_inst(block(0)), Some(inst(6)));
        assert_eq!(layout.inst_block(inst(4)), None);
    }

    /// What is in sequence for some time and then not any more, beside lists of the same instructions.
    #[test]
    fn changes_of_any_kind_in_and_out_of_sequence() {
        let mut random = 0x9e37_79b9u32;
        let mut choose = |limit: usize| {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            random as usize % limit
        };
        for round in 0..200 {
            let mut layout = Layout::new();
            let mut expected = [const { Vec::<Inst>::new() }; 3];
            (0..3).for_each(|number| layout.append_block(block(number)));
            let mut removed = Vec::new();
            for step in 0..40 {
                let number = choose(3);
                let insts = &mut expected[number];
                let removes = choose(6) == 0 && !insts.is_empty();
                if removes {
                    let position = [0, insts.len() - 1, choose(insts.len())][choose(3)];
                    let inst = insts.remove(position);
                    layout.remove_inst(inst);
                    removed.push(inst);
                    continue;
                }
                let again = if choose(2) == 0 { removed.pop() } else { None };
                let fresh = again.unwrap_or(inst(step));
                match choose(4) {
                    0 if round > 20 && !insts.is_empty() => {
                        let position = choose(insts.len());
                        layout.insert_inst_before(fresh, insts[position]);
                        insts.insert(position, fresh);
                    }
                    _ => {
                        layout.append_inst(fresh, block(number as u32));
                        insts.push(fresh);
                    }
                }
                for (number, insts) in (0..).zip(&expected) {
                    check_block(&layout, block(number), insts);
                }
            }
        }
    }

    fn check_block(layout: &Layout, block: Block, expected: &[Inst]) {
        assert!(layout.block_insts(block).eq(expected.iter().copied()));
        let backward = layout.block_insts(block).rev();
        assert!(backward.eq(expected.iter().rev().copied()));
        assert_eq!(layout.first_inst(block), expected.first().copied());
        assert_eq!(layout.last_inst(block), expected.last().copied());
        for (position, &inst) in expected.iter().enumerate() {
            assert_eq!(layout.inst_block(inst), Some(block));
            let prev = position.checked_sub(1).map(|prev| expected[prev]);
            assert_eq!(layout.prev_inst(inst), prev);
            assert_eq!(layout.next_inst(inst), expected.get(position + 1).copied());
        }
    }

    #[test]
    fn instructions_in_sequence_need_no_lists() {
        let mut layout = Layout::new();
        layout.append_block(block(0));
        layout.append_block(block(1));
        for number in 0..8 {
            layout.append_inst(inst(number), block(number / 4));
        }
        layout.remove_inst(inst(7));
        layout.remove_inst(inst(0));
        assert!(!layout.has_links);
        layout.append_inst(inst(0), block(1));
        check_block(&layout, block(0), &[1, 2, 3].map(inst));
        check_block(&layout, block(1), &[4, 5, 6, 0].map(inst));
        assert!(layout.has_links);
    }
}
