//! What is known of a module while its functions are generated.

use super::function::any_type;
use super::profile::Profile;
use super::random::Random;
use lpc_lpir::ir::{
    AbiParam, ArgumentPurpose, CallConv, DATA_RELOC_SIZE, DataKind, DataObject, DataReloc,
    ExternalName, Linkage, Signature, Type,
};

/// What a function can refer to.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// The functions that are there already, which can be called.
    pub(super) callees: Vec<Callee>,
    /// The data objects.
    pub(super) data: Vec<DataObject>,
    /// The number of the one with the lowest addresses of the stack, if there is one. They are small: the stack is elsewhere.
    pub(super) stack_limit: Option<usize>,
    /// Those of them that hold addresses of functions.
    pub(super) tables: Vec<FunctionTable>,
}

/// A data object that holds addresses of functions. It is read-only, and nothing reads from it but calls: an address is not
/// the same everywhere.
#[derive(Clone, Debug)]
pub(super) struct FunctionTable {
    /// Its number among the data objects.
    pub(super) data: usize,
    /// The numbers of the functions, in the order of their addresses. They have the same signature, and as many of them as a
    /// power of two, so that any may be called.
    pub(super) entries: Vec<usize>,
    /// Where the first address is. The others follow.
    pub(super) start: u32,
}

/// A function that can be called.
#[derive(Clone, Debug)]
pub(super) struct Callee {
    pub(super) name: ExternalName,
    pub(super) signature: Signature,
    /// The parameter that is an address, if there is one.
    pub(super) pointer: Option<PointerParam>,
    /// How many instructions a call executes at most, roughly.
    pub(super) cost: u64,
}

/// A parameter that is the address of memory the function may read and write.
#[derive(Clone, Copy, Debug)]
pub(super) struct PointerParam {
    /// The number of the parameter.
    pub(super) index: usize,
    /// How many bytes are there at least.
    pub(super) size: u32,
    /// What the address is a multiple of.
    pub(super) alignment: u32,
}

impl Plan {
    /// A plan with data, and without functions.
    pub(super) fn new(random: &mut Random, profile: &Profile) -> Self {
        let count = random.banded(profile.data_objects);
        let mut data: Vec<DataObject> =
            (0..count).map(|index| data_object(random, index)).collect();
        let mut stack_limit = None;
        if random.chance(profile.stack_limit_percent) {
            stack_limit = Some(data.len());
            let name = ExternalName::symbol("limits");
            let bytes = vec![0, 0, 0, 0, 16, 0, 0, 0];
            data.push(DataObject::new(name, DataKind::ReadOnly, 4, bytes));
        }
        Self {
            callees: Vec::new(),
            data,
            stack_limit,
            tables: Vec::new(),
        }
    }

    /// Adds a table of functions that are there already.
    pub(super) fn add_table(&mut self, random: &mut Random) {
        let first = random.below(self.callees.len() as u32) as usize;
        let is_same = |callee: &Callee| {
            let first = &self.callees[first];
            callee.signature == first.signature
                && callee.pointer.is_none()
                && first.pointer.is_none()
        };
        let callees = self.callees.iter().enumerate();
        let same = callees.filter(|(_, callee)| is_same(callee));
        let same: Vec<usize> = same.map(|(index, _)| index).collect();
        if same.is_empty() {
            return;
        }
        let count = 1 << random.below(3);
        let entries: Vec<usize> = (0..count).map(|_| random.pick(&same)).collect();
        let start = random.pick(&[0, 0, 4, 3]);
        let name = ExternalName::symbol(format!("t{}", self.tables.len()));
        let size = start + DATA_RELOC_SIZE * count;
        let mut object = DataObject::new(name, DataKind::ReadOnly, 4, vec![0; size as usize]);
        object.relocs = (0..count)
            .zip(&entries)
            .map(|(place, &callee)| DataReloc {
                offset: start + DATA_RELOC_SIZE * place,
                target: self.callees[callee].name.clone(),
                addend: 0,
            })
            .collect();
        self.tables.push(FunctionTable {
            data: self.data.len(),
            entries,
            start,
        });
        self.data.push(object);
    }
}

fn data_object(random: &mut Random, index: u32) -> DataObject {
    let name = ExternalName::symbol(format!("d{index}"));
    let alignment = 1 << random.pick(&[0, 1, 2, 3, 4, 4, 4, 5]);
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

/// The function `name`, which is still to be generated, with any signature. The one that is called from outside gets no
/// address.
pub(super) fn callee(
    random: &mut Random,
    profile: &Profile,
    plan: &Plan,
    name: ExternalName,
    is_entry: bool,
) -> Callee {
    let mut callee = Callee {
        name,
        signature: signature(random, profile),
        pointer: None,
        cost: 0,
    };
    if !plan.callees.is_empty() && random.chance(60) {
        // So that tail calls and tables are possible.
        let other = &plan.callees[random.below(plan.callees.len() as u32) as usize];
        callee
            .signature
            .returns
            .clone_from(&other.signature.returns);
        if random.chance(30) && other.pointer.is_none() {
            callee.signature.clone_from(&other.signature);
        }
    }
    if !is_entry && random.chance(20) {
        add_pointer(random, &mut callee);
    }
    callee
}

/// Gives `callee` a parameter that is an address.
fn add_pointer(random: &mut Random, callee: &mut Callee) {
    let params = &mut callee.signature.params;
    let (index, purpose) = match random.below(3) {
        0 => (0, ArgumentPurpose::StructReturn),
        1 => (
            random.below(params.len() as u32 + 1),
            ArgumentPurpose::VMContext,
        ),
        _ => (
            random.below(params.len() as u32 + 1),
            ArgumentPurpose::Normal,
        ),
    };
    params.insert(index as usize, AbiParam::special(Type::POINTER, purpose));
    callee.pointer = Some(PointerParam {
        index: index as usize,
        size: random.between(1, 16),
        alignment: 1 << random.below(3),
    });
}

fn signature(random: &mut Random, profile: &Profile) -> Signature {
    let call_conv = random.weighted(&[
        (40, CallConv::Fast),
        (35, CallConv::Tail),
        (25, CallConv::SystemV),
    ]);
    let mut signature = Signature::new(call_conv);
    let count = random.banded(profile.params);
    signature.params = (0..count).map(|_| param(random)).collect();
    let count = random.banded(profile.results);
    signature.returns = (0..count).map(|_| result(random)).collect();
    signature
}

fn param(random: &mut Random) -> AbiParam {
    let ty = any_type(random);
    extended(random, ty)
}

/// A result, often a wide one: what is left over in the end fits in.
fn result(random: &mut Random) -> AbiParam {
    let ty = random.weighted(&[
        (14, Type::I8),
        (10, Type::I16),
        (26, Type::I32),
        (26, Type::I64),
        (24, Type::I128),
    ]);
    extended(random, ty)
}

/// A parameter or result of type `ty`, which may be extended if it is narrow.
fn extended(random: &mut Random, ty: Type) -> AbiParam {
    let param = AbiParam::new(ty);
    if !matches!(param.value_type, Type::I8 | Type::I16) {
        return param;
    }
    match random.below(3) {
        0 => param.uext(),
        1 => param.sext(),
        _ => param,
    }
}
