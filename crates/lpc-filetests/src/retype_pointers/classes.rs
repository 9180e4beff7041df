//! Classes of things that must have the same type: a union-find, with what is known of each class.

/// A partition of the numbers below some length. At first each is alone.
pub(super) struct Classes {
    /// The way to the representative of the class, which is its own parent.
    parents: Vec<usize>,
    /// Of representatives: what is known of the class.
    facts: Vec<Facts>,
}

/// What is known of a class.
#[derive(Clone, Default)]
pub(super) struct Facts {
    /// Whether one of its members is an address.
    pub(super) is_address: bool,
    /// Why its members cannot have another type, if they cannot.
    pub(super) obstacle: Option<String>,
}

impl Classes {
    /// `len` numbers, each alone.
    pub(super) fn new(len: usize) -> Self {
        Self {
            parents: (0..len).collect(),
            facts: vec![Facts::default(); len],
        }
    }

    /// Makes one class of those of `a` and `b`.
    pub(super) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.representative(a), self.representative(b));
        if a == b {
            return;
        }
        self.parents[b] = a;
        let joined = std::mem::take(&mut self.facts[b]);
        let facts = &mut self.facts[a];
        facts.is_address |= joined.is_address;
        if facts.obstacle.is_none() {
            facts.obstacle = joined.obstacle;
        }
    }

    /// What is known of the class of `member`.
    pub(super) fn facts(&mut self, member: usize) -> &mut Facts {
        let representative = self.representative(member);
        &mut self.facts[representative]
    }

    fn representative(&mut self, member: usize) -> usize {
        let mut current = member;
        while self.parents[current] != current {
            // Halves the way for the next time.
            self.parents[current] = self.parents[self.parents[current]];
            current = self.parents[current];
        }
        current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_one_are_facts_of_all_in_its_class() {
        let mut classes = Classes::new(5);
        classes.facts(3).is_address = true;
        classes.facts(1).obstacle = Some("one".to_owned());
        classes.join(0, 1);
        classes.join(2, 3);
        assert!(!classes.facts(0).is_address);
        classes.join(1, 2);
        classes.join(3, 0);
        for member in 0..4 {
            let facts = classes.facts(member);
            assert!(facts.is_address);
            assert_eq!(facts.obstacle.as_deref(), Some("one"));
        }
        assert!(!classes.facts(4).is_address);
    }
}
