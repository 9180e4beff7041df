//! Laying out functions and connecting them.

use crate::error::{LinkError, UndefinedSymbol};
use crate::image::{Image, Symbol};
use crate::relocation::{self, Malformed};
use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use lpc_codegen::backend::buffer::{MachBufferFinalized, MachSrcLoc, MachTrap};
use lpc_codegen::backend::reloc::{MachReloc, RelocKind, RelocTarget};
use lpc_lpir::ir::ExternalName;

/// Collects functions and links them.
///
/// All offsets in its tables count from the start of the image, so that nothing but [`Linker::link`] depends on where the
/// image will run.
///
/// ```
/// use lpc_codegen::{Settings, compile_module};
/// use lpc_link::Linker;
/// use lpc_lpir::ir::ExternalName;
/// use lpc_lpir::text::parse_module;
///
/// let text = "function %main() {
///     fn0 = %putchar(i32)
/// block0:
///     v0 = iconst.i32 33
///     call fn0(v0)
///     return
/// }";
/// let compiled = compile_module(&parse_module(text)?, &Settings::default())?;
/// let mut linker = Linker::new();
/// for function in &compiled.functions {
///     linker.add_function(&function.name, &function.code.buffer)?;
/// }
/// let putchar = ExternalName::symbol("putchar");
/// let image = linker.link(0x4200_0000, &|name| (*name == putchar).then_some(0x4000_0100))?;
/// assert_eq!(image.address_of(&ExternalName::symbol("main")), Some(0x4200_0000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Linker {
    bytes: Vec<u8>,
    /// What the address of the image must be a multiple of.
    alignment: u32,
    symbols: Vec<Symbol>,
    by_name: BTreeMap<ExternalName, u32>,
    relocs: Vec<MachReloc>,
    traps: Vec<MachTrap>,
    srclocs: Vec<MachSrcLoc>,
}

impl Default for Linker {
    fn default() -> Self {
        Self::new()
    }
}

impl Linker {
    /// A linker without functions.
    pub fn new() -> Self {
        Self {
            bytes: Vec::new(),
            alignment: 1,
            symbols: Vec::new(),
            by_name: BTreeMap::new(),
            relocs: Vec::new(),
            traps: Vec::new(),
            srclocs: Vec::new(),
        }
    }

    /// Adds the function `name` behind the others.
    ///
    /// # Errors
    /// When there is a function of that name already, or when the image becomes too large.
    pub fn add_function(
        &mut self,
        name: &ExternalName,
        code: &MachBufferFinalized,
    ) -> Result<(), LinkError> {
        if self.by_name.contains_key(name) {
            return Err(LinkError::DuplicateSymbol(name.clone()));
        }
        let alignment = code.alignment.max(1);
        let start = self.bytes.len().next_multiple_of(alignment as usize);
        if start + code.bytes.len() > u32::MAX as usize {
            return Err(LinkError::TooLarge);
        }
        self.alignment = self.alignment.max(alignment);
        self.bytes.resize(start, 0);
        self.bytes.extend_from_slice(&code.bytes);

        let start = start as u32;
        self.by_name.insert(name.clone(), self.symbols.len() as u32);
        self.symbols.push(Symbol {
            name: name.clone(),
            offset: start,
            code_size: code.code_size,
            size: code.bytes.len() as u32,
        });
        self.add_tables(code, start);
        Ok(())
    }

    fn add_tables(&mut self, code: &MachBufferFinalized, start: u32) {
        self.relocs
            .extend(code.relocs.iter().map(|reloc| MachReloc {
                offset: reloc.offset + start,
                target: match &reloc.target {
                    RelocTarget::Local(offset) => RelocTarget::Local(offset + start),
                    external => external.clone(),
                },
                ..*reloc
            }));
        self.traps.extend(code.traps.iter().map(|trap| MachTrap {
            offset: trap.offset + start,
            ..*trap
        }));
        self.srclocs
            .extend(code.srclocs.iter().map(|run| MachSrcLoc {
                start: run.start + start,
                end: run.end + start,
                ..*run
            }));
    }

    /// The image that runs at the address `base`. Names that are no functions here are looked up with `imports`.
    ///
    /// # Errors
    /// When names are not defined, or when the image cannot be at that address.
    pub fn link(
        self,
        base: u32,
        imports: &dyn Fn(&ExternalName) -> Option<u32>,
    ) -> Result<Image, LinkError> {
        if !base.is_multiple_of(self.alignment) {
            return Err(LinkError::MisalignedBase {
                base,
                alignment: self.alignment,
            });
        }
        if u64::from(base) + self.bytes.len() as u64 > 1 << 32 {
            return Err(LinkError::TooLarge);
        }
        let mut image = Image {
            base,
            bytes: self.bytes,
            symbols: self.symbols,
            by_name: self.by_name.into_values().collect(),
            traps: self.traps,
            srclocs: self.srclocs,
        };
        resolve_all(&mut image, &self.relocs, imports)?;
        Ok(image)
    }
}

/// Fills in all relocations, or names everything that is not defined.
fn resolve_all(
    image: &mut Image,
    relocs: &[MachReloc],
    imports: &dyn Fn(&ExternalName) -> Option<u32>,
) -> Result<(), LinkError> {
    let mut undefined: Vec<UndefinedSymbol> = Vec::new();
    let mut named = BTreeSet::new();
    for reloc in relocs {
        match resolve(image, relocs, reloc, imports) {
            Ok(()) => {}
            Err(Unresolved::Undefined(name)) => {
                if named.insert(name) {
                    undefined.push(UndefinedSymbol {
                        name: name.clone(),
                        referenced_by: containing_symbol(image, reloc).name.clone(),
                    });
                }
            }
            Err(Unresolved::Malformed) => {
                let symbol = containing_symbol(image, reloc);
                return Err(LinkError::MalformedRelocation {
                    function: symbol.name.clone(),
                    offset: reloc.offset - symbol.offset,
                });
            }
        }
    }
    if undefined.is_empty() {
        Ok(())
    } else {
        Err(LinkError::Undefined(undefined))
    }
}

/// Why one relocation cannot be filled in.
enum Unresolved<'a> {
    Undefined(&'a ExternalName),
    Malformed,
}

impl From<Malformed> for Unresolved<'_> {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

fn resolve<'a>(
    image: &mut Image,
    relocs: &'a [MachReloc],
    reloc: &'a MachReloc,
    imports: &dyn Fn(&ExternalName) -> Option<u32>,
) -> Result<(), Unresolved<'a>> {
    // The low part of a distance belongs to the `auipc` that it names, whose own relocation states the distance.
    let stating = match (reloc.kind, &reloc.target) {
        (RelocKind::PcRelLo12I | RelocKind::PcRelLo12S, RelocTarget::Local(auipc)) => {
            upper_part(relocs, *auipc)?
        }
        _ => reloc,
    };
    let target = match &stating.target {
        RelocTarget::Local(offset) => image.base.wrapping_add(*offset),
        RelocTarget::External(name) => image
            .address_of(name)
            .or_else(|| imports(name))
            .ok_or(Unresolved::Undefined(name))?,
    };
    let mut value = target.wrapping_add_signed(stating.addend);
    if relocation::is_relative(stating.kind) {
        value = value.wrapping_sub(image.base.wrapping_add(stating.offset));
    }
    let place = image
        .bytes
        .get_mut(reloc.offset as usize..)
        .ok_or(Malformed)?;
    relocation::apply(reloc.kind, place, value)?;
    Ok(())
}

/// The relocation of the `auipc` at `offset`. Relocations are in the order of their offsets.
fn upper_part(relocs: &[MachReloc], offset: u32) -> Result<&MachReloc, Malformed> {
    let index = relocs
        .binary_search_by_key(&offset, |reloc| reloc.offset)
        .map_err(|_| Malformed)?;
    let upper = &relocs[index];
    if upper.kind == RelocKind::PcRelHi20 {
        Ok(upper)
    } else {
        Err(Malformed)
    }
}

/// The function that `reloc` came with.
fn containing_symbol<'a>(image: &'a Image, reloc: &MachReloc) -> &'a Symbol {
    let behind = image
        .symbols
        .partition_point(|symbol| symbol.offset <= reloc.offset);
    &image.symbols[behind - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use lpc_lpir::ir::{SourceLoc, TrapCode};
    use lpc_riscv32::{Gpr, Imm12, Imm20, Inst, Opcode};
    use std::format;

    fn name(name: &str) -> ExternalName {
        ExternalName::symbol(name)
    }

    fn upper(opcode: Opcode) -> Inst {
        Inst::upper(opcode, Gpr::T0, Imm20::new(0).unwrap())
    }

    fn jalr() -> Inst {
        Inst::jalr(Gpr::RA, Gpr::T0, Imm12::ZERO)
    }

    fn function(insts: &[Inst], relocs: Vec<MachReloc>) -> MachBufferFinalized {
        let words = insts
            .iter()
            .flat_map(|inst| inst.encode().unwrap().to_le_bytes());
        let bytes: Vec<u8> = words.collect();
        MachBufferFinalized {
            code_size: bytes.len() as u32,
            bytes,
            alignment: 4,
            relocs,
            ..MachBufferFinalized::default()
        }
    }

    fn external(offset: u32, kind: RelocKind, to: &str, addend: i32) -> MachReloc {
        MachReloc {
            offset,
            kind,
            target: RelocTarget::External(name(to)),
            addend,
        }
    }

    fn caller(callee: &str) -> MachBufferFinalized {
        let call = [upper(Opcode::Auipc), jalr()];
        function(&call, vec![external(0, RelocKind::Call, callee, 0)])
    }

    fn listing(image: &Image) -> String {
        let mut text = String::new();
        for (index, word) in image.bytes().chunks(4).enumerate() {
            let inst = Inst::decode(u32::from_le_bytes(word.try_into().unwrap())).unwrap();
            let address = image.base() + 4 * index as u32;
            text += &format!("{address:x}: {inst}\n");
        }
        text
    }

    #[test]
    fn calls_forward_backward_and_to_imports() {
        let mut linker = Linker::new();
        linker.add_function(&name("f"), &caller("g")).unwrap();
        linker.add_function(&name("g"), &caller("f")).unwrap();
        linker.add_function(&name("h"), &caller("putchar")).unwrap();
        let import = |wanted: &ExternalName| (*wanted == name("putchar")).then_some(0x2_0010);
        let image = linker.link(0x1_0000, &import).unwrap();
        let expected = "10000: auipc t0,0x0\n10004: jalr ra,8(t0)\n\
                        10008: auipc t0,0x0\n1000c: jalr ra,-8(t0)\n\
                        10010: auipc t0,0x10\n10014: jalr ra,0(t0)\n";
        assert_eq!(listing(&image), expected);
        assert_eq!(image.address_of(&name("h")), Some(0x1_0010));
        assert_eq!(image.address_of(&name("putchar")), None);
    }

    #[test]
    fn the_low_part_belongs_to_its_auipc_and_addends_survive() {
        let load = Inst::load(Opcode::Lw, Gpr::A0, Gpr::T0, Imm12::ZERO);
        let insts = [Inst::NOP, upper(Opcode::Auipc), Inst::NOP, load];
        let relocs = vec![
            external(4, RelocKind::PcRelHi20, "table", 0x804),
            MachReloc {
                offset: 12,
                kind: RelocKind::PcRelLo12I,
                target: RelocTarget::Local(4),
                addend: 0,
            },
        ];
        let mut linker = Linker::new();
        linker
            .add_function(&name("padding"), &function(&[Inst::NOP], vec![]))
            .unwrap();
        linker
            .add_function(&name("f"), &function(&insts, relocs))
            .unwrap();
        let image = linker.link(0x1000, &|_| Some(0x3000)).unwrap();
        // 0x3000 + 0x804 - 0x1008 = 0x27fc
        let expected = "1000: addi zero,zero,0\n1004: addi zero,zero,0\n1008: auipc t0,0x2\n\
                        100c: addi zero,zero,0\n1010: lw a0,2044(t0)\n";
        assert_eq!(listing(&image), expected);
    }

    #[test]
    fn every_undefined_name_is_reported_once_with_its_user() {
        let mut linker = Linker::new();
        for (function, callee) in [("f", "x"), ("g", "y"), ("h", "x")] {
            linker
                .add_function(&name(function), &caller(callee))
                .unwrap();
        }
        let error = linker.link(0, &|_| None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "%x, which %f refers to, is not defined; %y, which %g refers to, is not defined"
        );
    }

    #[test]
    fn refusals() {
        let mut linker = Linker::new();
        linker.add_function(&name("f"), &caller("f")).unwrap();
        assert_eq!(
            linker.add_function(&name("f"), &caller("f")),
            Err(LinkError::DuplicateSymbol(name("f")))
        );
        let misaligned = linker.link(2, &|_| None).unwrap_err();
        assert_eq!(
            misaligned,
            LinkError::MisalignedBase {
                base: 2,
                alignment: 4
            }
        );

        let mut linker = Linker::new();
        linker.add_function(&name("f"), &caller("f")).unwrap();
        assert_eq!(
            linker.link(0xffff_fffc, &|_| None).unwrap_err(),
            LinkError::TooLarge
        );

        let mut linker = Linker::new();
        linker
            .add_function(&name("pad"), &function(&[Inst::NOP], vec![]))
            .unwrap();
        let relocs = vec![external(4, RelocKind::Call, "f", 0)];
        let bad = function(&[Inst::NOP, Inst::NOP, Inst::NOP], relocs);
        linker.add_function(&name("f"), &bad).unwrap();
        let function = name("f");
        assert_eq!(
            linker.link(0, &|_| None).unwrap_err(),
            LinkError::MalformedRelocation {
                function,
                offset: 4
            }
        );
    }

    #[test]
    fn addresses_map_to_functions_traps_and_sources() {
        let mut first = function(&[Inst::NOP], vec![]);
        first.bytes.truncate(2);
        let mut second = function(&[Inst::NOP; 3], vec![]);
        second.traps = vec![MachTrap {
            offset: 8,
            code: TrapCode::INTEGER_OVERFLOW,
        }];
        second.srclocs = vec![MachSrcLoc {
            start: 4,
            end: 8,
            srcloc: SourceLoc::new(7),
        }];
        let mut linker = Linker::new();
        linker.add_function(&name("first"), &first).unwrap();
        linker.add_function(&name("second"), &second).unwrap();
        let image = linker.link(0x100, &|_| None).unwrap();
        let place = |address| {
            let location = image.locate(address)?;
            Some(format!("{}+{}", location.function, location.offset))
        };
        assert_eq!(place(0xff), None);
        assert_eq!(place(0x101).as_deref(), Some("%first+1"));
        assert_eq!(place(0x102), None, "padding");
        assert_eq!(place(0x10c).as_deref(), Some("%second+8"));
        assert_eq!(place(0x110), None);
        assert_eq!(image.trap_at(0x10c), Some(TrapCode::INTEGER_OVERFLOW));
        assert_eq!(image.trap_at(0x108), None);
        let source = |address| image.srcloc_at(address).map(SourceLoc::bits);
        assert_eq!(
            [0x104, 0x108, 0x10a, 0x10c].map(source),
            [None, Some(7), Some(7), None]
        );
        assert_eq!(image.symbol_bytes(&image.symbols()[0]), &first.bytes);
    }
}
