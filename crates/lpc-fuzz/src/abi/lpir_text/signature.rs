//! Signatures and types in LPIR.

use crate::abi::case::{Extension, Function, Type, Width};
use crate::abi::convention::words_of_struct;
use lpc_lpir::ir::CallConv;

/// From which side a signature is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Caller,
    Callee,
}

/// The signature of `function`: `(i32, i8 sext) -> i32 system_v`.
pub(super) fn signature(function: &Function, view: View) -> String {
    let struct_return = function.struct_return().map(|_| "i32 sret".to_owned());
    let params = function.params.iter();
    let params = params.flat_map(|param| {
        let as_word = param.as_word && view == View::Callee;
        lpir_types(&param.ty, as_word)
    });
    let params: Vec<String> = struct_return.into_iter().chain(params).collect();
    let results: Vec<String> = match function.struct_return() {
        Some(_) => Vec::new(),
        None => function
            .results
            .iter()
            .flat_map(|result| lpir_types(&result.ty, result.as_word && view == View::Caller))
            .collect(),
    };
    let arrow = if results.is_empty() { "" } else { " -> " };
    let call_conv: CallConv = function.call_conv;
    let (params, results) = (params.join(", "), results.join(", "));
    format!("({params}){arrow}{results} {call_conv}")
}

/// The types that lpc has for `ty`.
pub(super) fn lpir_types(ty: &Type, as_word: bool) -> Vec<String> {
    match ty {
        Type::Int(int) if as_word => vec![int_type(int.width.max(Width::W32)).to_owned()],
        Type::Int(int) => {
            let extension = match int.extension {
                Extension::None => "",
                Extension::Zero => " uext",
                Extension::Sign => " sext",
            };
            vec![format!("{}{extension}", int_type(int.width))]
        }
        Type::Struct(layout) if !layout.is_by_reference() => {
            let words = words_of_struct(ty).into_iter();
            words.map(|width| int_type(width).to_owned()).collect()
        }
        Type::Pointer(_) | Type::Struct(_) => vec!["i32".to_owned()],
    }
}

/// The integer type of a width.
pub(super) fn int_type(width: Width) -> &'static str {
    match width {
        Width::W8 => "i8",
        Width::W16 => "i16",
        Width::W32 => "i32",
        Width::W64 => "i64",
        Width::W128 => "i128",
    }
}
