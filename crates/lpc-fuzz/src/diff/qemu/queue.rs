//! Which programs are executed in QEMU, and when.

use super::{Batch, QemuProgram, Runner};
use crate::diff::check::Checked;
use crate::diff::configuration::{MACHINES, PROGRAMS_OF_PLAN, Plan};
use crate::diff::outcome::Observation;
use crate::error::Error;
use crate::program::TestProgram;
use lpc_codegen::RegallocAlgorithm;
use lpc_riscv32::ExtensionSet;
use std::collections::BTreeMap;

/// How many programs a process executes. Starting it takes as long as executing many.
const PROGRAMS_OF_BATCH: usize = 128;

/// Of so many plans whose programs are executed, one is executed on the machine that changes. That needs a process for it alone.
const PLANS_OF_CHANGING_MACHINE: u64 = 8;

/// Programs that wait for more of their machine.
pub struct Queue<'r> {
    runner: &'r Runner,
    /// Of how many plans one is that is executed.
    share: u64,
    batches: Vec<(ExtensionSet, Batch)>,
    /// The machines that were asked for, and whether QEMU has them.
    machines: BTreeMap<String, bool>,
}

/// Programs that were executed, and what could be seen of their calls whose answer is known.
pub type Executed = Vec<(QemuProgram, Vec<Observation>)>;

impl<'r> Queue<'r> {
    /// A queue for the programs of every `share`-th plan.
    pub fn new(runner: &'r Runner, share: u64) -> Self {
        Self {
            runner,
            share,
            batches: Vec::new(),
            machines: BTreeMap::new(),
        }
    }

    /// Adds the program number `index`, which has passed so far, if it is one of those to be executed: the code that it has for
    /// one machine and one allocator. Returns what was executed meanwhile.
    ///
    /// # Errors
    /// When QEMU cannot be run.
    pub fn add(
        &mut self,
        index: u64,
        program: &TestProgram,
        plan: &Plan,
        checked: &Checked,
    ) -> Result<Executed, Error> {
        let Some(machine) = self.machine_for(index, plan) else {
            return Ok(Executed::new());
        };
        let allocator = RegallocAlgorithm::ALLOCATORS[(index % 2) as usize];
        let mut builds = checked.builds.iter();
        let build = builds.find(|build| {
            build.settings.extensions == machine && build.settings.regalloc == allocator
        });
        let Some(build) = build else {
            return Ok(Executed::new());
        };
        if !self.has_machine(machine)? {
            return Ok(Executed::new());
        }
        let executed = self.make_room(machine)?;
        let position = self.batches.iter().position(|(known, _)| *known == machine);
        let position = position.unwrap_or_else(|| {
            self.batches.push((machine, Batch::default()));
            self.batches.len() - 1
        });
        let program = QemuProgram {
            index,
            program: program.clone(),
            settings: build.settings.clone(),
            expected: checked.expected.clone(),
        };
        self.batches[position]
            .1
            .add(program, build)
            .map_err(Error::Lpc)?;
        Ok(executed)
    }

    /// The machine on which the program number `index` is executed, if it is.
    fn machine_for(&self, index: u64, plan: &Plan) -> Option<ExtensionSet> {
        let plan_number = index / PROGRAMS_OF_PLAN;
        if !plan_number.is_multiple_of(self.share) {
            return None;
        }
        let turn = plan_number / self.share;
        let machines = plan.settings.iter().map(|settings| settings.extensions);
        let mut machines: Vec<_> = machines.collect();
        machines.dedup();
        match (machines.split_last(), turn % PLANS_OF_CHANGING_MACHINE) {
            (Some((changing, [])), _) | (Some((changing, _)), 0) => Some(*changing),
            (Some((_, fixed)), _) => Some(fixed[(turn % fixed.len() as u64) as usize]),
            (None, _) => None,
        }
    }

    fn has_machine(&mut self, machine: ExtensionSet) -> Result<bool, Error> {
        let name = machine.to_string();
        if let Some(is_there) = self.machines.get(&name) {
            return Ok(*is_there);
        }
        let is_there = self.runner.has_machine(machine)?;
        self.machines.insert(name, is_there);
        Ok(is_there)
    }

    /// Executes the batch to which a program for `machine` belongs, if that is full, and one of a machine that will not come
    /// again.
    fn make_room(&mut self, machine: ExtensionSet) -> Result<Executed, Error> {
        let is_due = |(known, batch): &(ExtensionSet, Batch)| match *known == machine {
            true => batch.len() >= PROGRAMS_OF_BATCH,
            false => !MACHINES.contains(known) && !MACHINES.contains(&machine),
        };
        let due: Vec<_> = self.batches.extract_if(.., |batch| is_due(batch)).collect();
        self.run(due)
    }

    /// Executes all programs that wait.
    ///
    /// # Errors
    /// When QEMU cannot be run.
    pub fn finish(&mut self) -> Result<Executed, Error> {
        let batches = std::mem::take(&mut self.batches);
        self.run(batches)
    }

    fn run(&self, batches: Vec<(ExtensionSet, Batch)>) -> Result<Executed, Error> {
        let mut executed = Executed::new();
        for (machine, batch) in batches {
            executed.extend(batch.run(self.runner, machine)?);
        }
        Ok(executed)
    }
}
