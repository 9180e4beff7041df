//! Where chains of entities end that each refer to at most one other: aliases, global values.
//!
//! ```text
//!  v5 → v3 → v1         ends in v1
//!  v7 → v8 → v7 → …     is a cycle
//! ```
//!
//! Each entity is walked through once, so that long chains take no quadratic time.

use crate::entity::{EntityRef, PackedOption, SecondaryMap};
use alloc::vec::Vec;

/// The ends of all chains.
pub(super) struct Chains<E: EntityRef> {
    /// Of the entities that refer to another, where their chain ends.
    ends: SecondaryMap<E, Link<E>>,
    /// Each cycle once, from the entity where it was met.
    pub(super) cycles: Vec<Vec<E>>,
}

#[derive(Clone, Copy)]
struct Link<E: EntityRef> {
    /// The number of the walk that came here first, counted from 1; 0 for an entity that refers to no other.
    walk: u32,
    end: PackedOption<E>,
}

impl<E: EntityRef> Chains<E> {
    /// The chains of the first `count` entities, each of which refers to `target` of it.
    pub(super) fn new(count: usize, target: impl Fn(E) -> Option<E>) -> Self {
        let no_link = Link {
            walk: 0,
            end: PackedOption::NONE,
        };
        let mut chains = Self {
            ends: SecondaryMap::with_default(no_link),
            cycles: Vec::new(),
        };
        let mut path = Vec::new();
        for (walk, start) in (1..).zip((0..count).map(E::new)) {
            let mut current = start;
            let end = loop {
                let Link { walk: seen, end } = chains.ends[current];
                if seen == walk {
                    chains.add_cycle(&path, current);
                    break PackedOption::NONE;
                }
                if seen != 0 {
                    break end;
                }
                let Some(next) = target(current) else {
                    break current.into();
                };
                chains.ends[current].walk = walk;
                path.push(current);
                current = next;
            };
            for entity in path.drain(..) {
                chains.ends[entity].end = end;
            }
        }
        chains
    }

    /// The cycle at the end of `path` that begins with `first`.
    fn add_cycle(&mut self, path: &[E], first: E) {
        let start = path.iter().position(|&entity| entity == first);
        self.cycles.push(path[start.unwrap_or(0)..].to_vec());
    }

    /// The end of the chain that starts with `entity`, or `None` when it leads into a cycle.
    pub(super) fn end(&self, entity: E) -> Option<E> {
        match self.ends[entity] {
            Link { walk: 0, .. } => Some(entity),
            Link { end, .. } => end.expand(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Value;
    use std::vec;

    fn value(number: u32) -> Value {
        Value::from_u32(number)
    }

    fn chains(targets: &[Option<u32>]) -> Chains<Value> {
        Chains::new(targets.len(), |entity: Value| {
            targets[entity.as_u32() as usize].map(value)
        })
    }

    #[test]
    fn ends_of_chains() {
        let chains = chains(&[Some(1), Some(3), Some(1), None, None]);
        let ends: Vec<_> = (0..5).map(|number| chains.end(value(number))).collect();
        assert_eq!(ends, [3, 3, 3, 3, 4].map(|number| Some(value(number))));
        assert!(chains.cycles.is_empty());
    }

    #[test]
    fn each_cycle_is_found_once() {
        // 0 leads into the cycle of 1 and 2; 3 is its own; 4 leads to it.
        let chains = chains(&[Some(1), Some(2), Some(1), Some(3), Some(3), None]);
        assert_eq!(
            chains.cycles,
            vec![vec![value(1), value(2)], vec![value(3)]]
        );
        let ends: Vec<_> = (0..6).map(|number| chains.end(value(number))).collect();
        assert_eq!(ends[..5], [None; 5]);
        assert_eq!(ends[5], Some(value(5)));
    }
}
