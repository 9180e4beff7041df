//! From a seed to a program.

use super::TestProgram;
use super::function::generate_function;
use super::inputs::inputs;
use super::plan::{Plan, callee};
use super::profile::Profile;
use super::random::Random;
use lpc_lpir::ir::{ExternalName, Function, Linkage, Module};

/// The program number `index` of those that `seed` gives, with `inputs` calls. The same numbers give the same program.
pub fn generate(seed: u64, index: u64, inputs: usize) -> TestProgram {
    generate_with(&Profile::DEFAULT, seed, index, inputs)
}

/// The functions are generated from the one that calls no other to the one that is called from outside, so that what a call
/// costs is known; then they are shuffled.
fn generate_with(profile: &Profile, seed: u64, index: u64, calls: usize) -> TestProgram {
    let random = &mut Random::new(seed, index);
    let mut plan = Plan::new(random, profile);
    let count = random.banded(profile.functions);
    let mut functions: Vec<Function> = Vec::new();
    for number in (0..count).rev() {
        let name = function_name(random, number);
        if !plan.callees.is_empty() && random.chance(profile.table_percent) {
            plan.add_table(random);
        }
        let mut callee = callee(random, profile, &plan, name, number == 0);
        let generated = generate_function(random, profile, &plan, &callee);
        functions.push(generated.function);
        callee.cost = generated.cost;
        plan.callees.push(callee);
    }
    let entry = plan.callees.pop().expect("there is a function");
    let inputs = inputs(random, &entry.signature, calls);
    random.shuffle(&mut functions);
    TestProgram {
        module: module(random, plan, functions, &entry.name),
        entry: entry.name,
        inputs,
    }
}

fn function_name(random: &mut Random, number: u32) -> ExternalName {
    match random.below(10) {
        0 => ExternalName::user(random.below(3), number),
        1 => ExternalName::symbol(format!("function \"{number}\"")),
        _ => ExternalName::symbol(format!("f{number}")),
    }
}

fn module(
    random: &mut Random,
    plan: Plan,
    functions: Vec<Function>,
    entry: &ExternalName,
) -> Module {
    let mut module = Module::new();
    for object in plan.data {
        module.add_data(object).expect("the data is well formed");
    }
    for function in functions {
        let is_entry = function.name == *entry;
        let id = module.add_function(function);
        let id = id.expect("names are used once");
        if !is_entry && random.chance(40) {
            module.set_linkage(id, Linkage::Local);
        }
    }
    module
}
