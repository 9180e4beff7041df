//! What is known of a module while its functions are generated.

use super::function::any_type;
use super::profile::Profile;
use super::random::Random;
use lpc_lpir::ir::{
    AbiParam, CallConv, DataKind, DataObject, ExternalName, Linkage, Signature, Type,
};

/// What a function can refer to.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// The functions that are there already, which can be called.
    pub(super) callees: Vec<Callee>,
    /// The data objects.
    pub(super) data: Vec<DataObject>,
}

/// A function that can be called.
#[derive(Clone, Debug)]
pub(super) struct Callee {
    pub(super) name: ExternalName,
    pub(super) signature: Signature,
    /// How many instructions a call executes at most, roughly.
    pub(super) cost: u64,
}

impl Plan {
    /// A plan with data, and without functions.
    pub(super) fn new(random: &mut Random, profile: &Profile) -> Self {
        let count = random.banded(profile.data_objects);
        let data = (0..count).map(|index| data_object(random, index));
        Self {
            callees: Vec::new(),
            data: data.collect(),
        }
    }
}

fn data_object(random: &mut Random, index: u32) -> DataObject {
    let name = ExternalName::symbol(format!("d{index}"));
    let alignment = 1 << random.below(6);
    let size = random.banded(&[(60, (16, 40)), (30, (40, 200)), (10, (2_000, 6_000))]);
    let kind = random.weighted(&[
        (50, DataKind::Writable),
        (30, DataKind::ReadOnly),
        (20, DataKind::Zeroed),
    ]);
    let mut object = DataObject::zeroed(name, alignment, size);
    object.kind = kind;
    if kind != DataKind::Zeroed {
        let filled = size.min(random.between(16, 256));
        object.bytes = (0..filled).map(|_| random.u64() as u8).collect();
    }
    if random.chance(30) {
        object.linkage = Linkage::Local;
    }
    object
}

/// Any signature.
pub(super) fn signature(random: &mut Random, profile: &Profile, plan: &Plan) -> Signature {
    let call_conv = random.weighted(&[
        (45, CallConv::Fast),
        (30, CallConv::Tail),
        (25, CallConv::SystemV),
    ]);
    let mut signature = Signature::new(call_conv);
    let count = random.banded(profile.params);
    signature.params = (0..count).map(|_| param(random)).collect();
    let count = random.banded(profile.results);
    signature.returns = (0..count).map(|_| param(random)).collect();
    if !plan.callees.is_empty() && random.chance(60) {
        // So that tail calls are possible.
        let other = &plan.callees[random.below(plan.callees.len() as u32) as usize];
        signature.returns.clone_from(&other.signature.returns);
    }
    signature
}

fn param(random: &mut Random) -> AbiParam {
    let param = AbiParam::new(any_type(random));
    if !matches!(param.value_type, Type::I8 | Type::I16) {
        return param;
    }
    match random.below(3) {
        0 => param.uext(),
        1 => param.sext(),
        _ => param,
    }
}
