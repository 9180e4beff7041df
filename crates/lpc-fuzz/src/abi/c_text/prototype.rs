//! A function as C sees it.

use super::expression::c_type;
use crate::abi::case::{Case, Function, FunctionResult, Int, Type, Width};
use crate::abi::convention::{Place, Places};
use crate::abi::faults::Fault;

/// From which side a function is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Caller,
    Callee,
}

/// A function as C sees it.
pub(super) struct Prototype {
    /// What it returns.
    pub(super) result: String,
    /// Whether the results are not the value that C returns, but words.
    pub(super) is_result_spelled_out: bool,
    /// What it takes.
    pub(super) params: Vec<CParam>,
}

/// A parameter of the C function.
pub(super) struct CParam {
    ty: String,
    /// Its name.
    pub(super) name: String,
    /// What it is for.
    pub(super) role: Role,
}

/// What a parameter of the C function is for.
#[derive(Clone, Copy)]
pub(super) enum Role {
    /// The address of the return area.
    ReturnArea,
    /// An unused word, which moves the next argument to its place in the stack.
    Padding,
    /// A parameter.
    Whole(usize),
    /// So many bits of a parameter from bit `low` on.
    Part { param: usize, low: u32, bits: u32 },
}

impl Prototype {
    /// The function `index` of `case`.
    pub(super) fn new(case: &Case, index: usize, view: View, fault: Option<Fault>) -> Self {
        let function = &case.functions[index];
        let name = case.symbol(index);
        let result = c_result(function, &name, view, fault);
        let is_result_spelled_out = result.is_none();
        let has_return_area = Places::of_results(function).memory > 0;
        let area = CParam {
            ty: "u32 *".to_owned(),
            name: "area".to_owned(),
            role: Role::ReturnArea,
        };
        let mut params: Vec<CParam> = has_return_area.then_some(area).into_iter().collect();
        params.extend(c_params(function, &name, view, fault));
        if fault == Some(Fault::ReturnAreaLast) && has_return_area {
            params.rotate_left(1);
        }
        if fault == Some(Fault::SwappedArguments) && view == View::Callee {
            swap_first_words(&mut params);
        }
        Self {
            result: result.unwrap_or_else(|| "u64".to_owned()),
            is_result_spelled_out,
            params,
        }
    }

    /// The declaration under the name `name`.
    pub(super) fn declaration(&self, name: &str) -> String {
        format!("{} {name}{}", self.result, self.param_list())
    }

    /// The parameters with their types.
    pub(super) fn param_list(&self) -> String {
        let params = self.params.iter();
        let params: Vec<_> = params
            .map(|param| format!("{} {}", param.ty, param.name))
            .collect();
        match params.as_slice() {
            [] => "(void)".to_owned(),
            _ => format!("({})", params.join(", ")),
        }
    }
}

/// What C returns, if it is what `function` returns. Otherwise C returns two words, and has the rest written to memory.
fn c_result(function: &Function, name: &str, view: View, fault: Option<Fault>) -> Option<String> {
    match function.results.as_slice() {
        [] => Some("void".to_owned()),
        [FunctionResult { ty, as_word, .. }] => match ty {
            Type::Int(int) if int.width == Width::W128 => None,
            Type::Int(_) if *as_word && view == View::Caller => Some("u32".to_owned()),
            Type::Int(int) => Some(c_type(produced(*int, fault)).to_owned()),
            Type::Struct(_) => Some(format!("struct {name}_r")),
            Type::Pointer(_) => unreachable!("no function returns an address"),
        },
        _ => None,
    }
}

/// The parameters of the C function that stand for those of `function`.
fn c_params(function: &Function, name: &str, view: View, fault: Option<Fault>) -> Vec<CParam> {
    let places = Places::of_arguments(function);
    let mut params = Vec::new();
    let mut stack_end = 0;
    for (index, (param, words)) in function.params.iter().zip(&places.values).enumerate() {
        let ty = match &param.ty {
            Type::Int(int) if int.width == Width::W128 => {
                if fault != Some(Fault::NoStackAlignment) {
                    params.extend(padding(stack_end, words));
                }
                params.extend(parts(index, words));
                None
            }
            Type::Int(_) if param.as_word && view == View::Callee => Some("u32".to_owned()),
            Type::Int(int) => Some(c_type(*int).to_owned()),
            Type::Pointer(_) => Some(format!("struct {name}_p{index} *")),
            Type::Struct(_) => Some(format!("struct {name}_p{index}")),
        };
        params.extend(ty.map(|ty| CParam {
            ty,
            name: format!("p{index}"),
            role: Role::Whole(index),
        }));
        if let Some(Place::Memory(last)) = words.last() {
            stack_end = last + 4;
        }
    }
    params
}

/// The words that C passes between the end of the stack arguments so far and a value in `words`, if that is in the stack as
/// a whole.
fn padding(stack_end: u32, words: &[Place]) -> impl Iterator<Item = CParam> {
    let start = match words.first() {
        Some(Place::Memory(start)) => *start,
        _ => stack_end,
    };
    (stack_end..start).step_by(4).map(|offset| CParam {
        ty: "u32".to_owned(),
        name: format!("pad{offset}"),
        role: Role::Padding,
    })
}

/// Exchanges two parameters that are words.
fn swap_first_words(params: &mut [CParam]) {
    let words: Vec<usize> = (0..params.len())
        .filter(|index| params[*index].ty == "u32")
        .take(2)
        .collect();
    if let [first, second] = words[..] {
        params.swap(first, second);
    }
}

/// The parameters that a parameter of 128 bits is made of: two of 64 bits where C puts them to the same places.
fn parts(param: usize, places: &[Place]) -> Vec<CParam> {
    let is_register = |place: &Place| matches!(place, Place::Register(_));
    let is_split = places.iter().any(is_register) && !places.iter().all(is_register);
    let bits = if is_split { 32 } else { 64 };
    let part = |low: u32| CParam {
        ty: format!("u{bits}"),
        name: format!("p{param}_{low}"),
        role: Role::Part { param, low, bits },
    };
    (0..128).step_by(bits as usize).map(part).collect()
}

/// The type that a function gives to its result of type `int`.
pub(super) fn produced(int: Int, fault: Option<Fault>) -> Int {
    match fault {
        Some(Fault::UnextendedResult) => Int::new(int.width),
        _ => int,
    }
}
