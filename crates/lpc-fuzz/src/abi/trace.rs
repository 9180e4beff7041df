//! What functions write down, so that it can be compared with what the model expects.
//!
//! Every activation of a function takes a block of the trace, as long as [`TraceLayout::words`], and writes into it each
//! word that it sees: what it receives, what comes back from its call, and what it still has after that. Nothing is
//! compared in the functions themselves, so that their code is stores and nothing that the registers have to be arranged
//! for.

use super::case::{Function, Int, Language, Type};
use std::fmt;

/// What a part of a block says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Site {
    /// A parameter, as the function receives it.
    Param(Scalar),
    /// A result of the call of this index.
    CallResult(usize, Scalar),
    /// An argument of the call of this index that is a structure in memory, after the call.
    ArgumentAfterCall(usize, Scalar),
    /// A parameter, after the calls.
    ParamAfterCall(Scalar),
    /// A value that is held across the calls.
    Live(usize),
}

/// A part of a parameter, argument or result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scalar {
    /// Which parameter, argument or result.
    pub index: usize,
    /// Which member, if it is a structure.
    pub member: Option<usize>,
}

impl Scalar {
    /// Its position among the scalars of the parameter, argument or result.
    pub fn position(self) -> usize {
        self.member.unwrap_or_default()
    }
}

/// A scalar that is written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// What it is.
    pub site: Site,
    /// Its type.
    pub int: Int,
    /// Where it is in the block, in words.
    pub offset: u32,
}

/// What a function writes down, in this order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TraceLayout {
    /// When it is entered.
    pub entry: Vec<Record>,
    /// When each of its calls has returned.
    pub after_call: Vec<Vec<Record>>,
    /// When it is about to return.
    pub exit: Vec<Record>,
    /// The words of a block.
    pub words: u32,
}

impl TraceLayout {
    /// What `function`, whose calls go to `callees`, writes down.
    pub fn new(function: &Function, callees: &[&Function]) -> Self {
        let mut layout = Self::default();
        for (index, param) in function.params.iter().enumerate() {
            let records = layout.records(index, &param.ty, Site::Param);
            layout.entry.extend(records);
        }
        for (index, callee) in callees.iter().enumerate() {
            let records = match function.calls[index].is_tail {
                true => Vec::new(),
                false => layout.call_records(function, index, callee),
            };
            layout.after_call.push(records);
        }
        if function.never_returns_by_itself() {
            return layout;
        }
        for (index, param) in function.params.iter().enumerate() {
            if param.is_live {
                let records = layout.records(index, &param.ty, Site::ParamAfterCall);
                layout.exit.extend(records);
            }
        }
        for (index, live) in function.live.iter().enumerate() {
            let record = layout.record(Int::new(live.width), Site::Live(index));
            layout.exit.push(record);
        }
        layout
    }

    fn call_records(&mut self, function: &Function, call: usize, callee: &Function) -> Vec<Record> {
        let mut list = Vec::new();
        for (index, result) in callee.results.iter().enumerate() {
            list.extend(self.records(index, &result.ty, |scalar| Site::CallResult(call, scalar)));
        }
        for (index, param) in callee.params.iter().enumerate() {
            let is_defined = match param.ty {
                Type::Int(_) => false,
                Type::Pointer(_) => true,
                // lpc passes the address of the structure itself, which belongs to the callee then.
                Type::Struct(_) => function.language == Language::C,
            };
            if is_defined && param.ty.in_memory().is_some() {
                let site = |scalar| Site::ArgumentAfterCall(call, scalar);
                list.extend(self.records(index, &param.ty, site));
            }
        }
        list
    }

    fn records(&mut self, index: usize, ty: &Type, site: impl Fn(Scalar) -> Site) -> Vec<Record> {
        let is_struct = ty.int().is_none();
        let scalars = ty.scalars().into_iter().enumerate();
        scalars
            .map(|(position, int)| {
                let member = is_struct.then_some(position);
                self.record(int, site(Scalar { index, member }))
            })
            .collect()
    }

    fn record(&mut self, int: Int, site: Site) -> Record {
        let offset = self.words;
        self.words += int.width.words();
        Record { site, int, offset }
    }

    /// The record that the word at `offset` in a block belongs to.
    pub fn find(&self, offset: u32) -> Option<&Record> {
        let records = self
            .entry
            .iter()
            .chain(self.after_call.iter().flatten())
            .chain(&self.exit);
        let contains = |record: &&Record| {
            (record.offset..record.offset + record.int.width.words()).contains(&offset)
        };
        records.into_iter().find(contains)
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, Scalar { index, member }) = match self {
            Self::Param(scalar) | Self::ParamAfterCall(scalar) => ("parameter", scalar),
            Self::CallResult(_, scalar) => ("result", scalar),
            Self::ArgumentAfterCall(_, scalar) => ("argument", scalar),
            Self::Live(index) => return write!(f, "live value {index} after the calls"),
        };
        if let Some(member) = member {
            write!(f, "member {member} of ")?;
        }
        write!(f, "{what} {index}")?;
        match self {
            Self::Param(_) | Self::Live(_) => Ok(()),
            Self::ParamAfterCall(_) => f.write_str(" after the calls"),
            Self::CallResult(call, _) => write!(f, " of call {call}"),
            Self::ArgumentAfterCall(call, _) => write!(f, " of call {call}, after it"),
        }
    }
}
