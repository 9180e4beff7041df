//! Laying out functions and data, and connecting them.

use crate::data_layout::{DataLayout, data_alignment};
use crate::error::LinkError;
use crate::image::Image;
use crate::map::{ImageMap, Symbol, SymbolKind};
use crate::relax::{CallTarget, shorten_calls};
use crate::resolve::{Addresses, resolve_all};
use crate::symbols::{Scope, SymbolId, SymbolTable};
use crate::text::{Text, TextFunction};
use alloc::vec::Vec;
use lpc_codegen::CompiledModule;
use lpc_codegen::backend::buffer::MachBufferFinalized;
use lpc_codegen::backend::reloc::{MachReloc, RelocTarget};
use lpc_codegen::runtime::Routine;
use lpc_lpir::ir::{DataObject, ExternalName, Linkage, Module};

/// Collects functions and data, and links them.
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
/// let module = parse_module(text)?;
/// let compiled = compile_module(&module, &Settings::default())?;
/// let mut linker = Linker::new();
/// linker.add_module(&module, &compiled)?;
/// let putchar = ExternalName::symbol("putchar");
/// let image = linker.link(0x4200_0000, &|name| (*name == putchar).then_some(0x4000_0100))?;
/// assert_eq!(image.address_of(&ExternalName::symbol("main")), Some(0x4200_0000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Linker {
    symbols: SymbolTable,
    text: Text,
    data: Vec<LinkedData>,
    section_alignment: u32,
}

/// A data object of a [`Linker`].
#[derive(Clone, Debug)]
pub(crate) struct LinkedData {
    pub(crate) object: DataObject,
    /// Where it looks up names.
    pub(crate) scope: Scope,
    symbol: SymbolId,
}

impl Default for Linker {
    fn default() -> Self {
        Self::new()
    }
}

impl Linker {
    /// A linker without functions and data.
    pub fn new() -> Self {
        Self {
            symbols: SymbolTable::new(),
            text: Text::default(),
            data: Vec::new(),
            section_alignment: 1,
        }
    }

    /// Makes the address of every section of the image a multiple of `alignment`, a power of two, as memory protection needs
    /// it.
    pub fn align_sections(&mut self, alignment: u32) {
        debug_assert!(alignment.is_power_of_two());
        self.section_alignment = alignment;
    }

    /// Adds the functions and data of `module`, and the routines that `compiled`, which was made from it, calls. Names that are
    /// local to the module are known to nothing else.
    ///
    /// # Errors
    /// When a name is taken, or when the image becomes too large.
    pub fn add_module(
        &mut self,
        module: &Module,
        compiled: &CompiledModule,
    ) -> Result<(), LinkError> {
        for function in &compiled.functions {
            let is_routine = Routine::from_name(&function.name).is_some();
            if is_routine && self.symbols.is_exported(&function.name) {
                continue;
            }
            let linkage = match module.find(&function.name) {
                Some(id) => module.linkage(id),
                None => Linkage::Export,
            };
            self.add_text(&function.name, linkage, &function.code.buffer)?;
        }
        for (_, data) in module.data_objects() {
            self.add_data(data)?;
        }
        self.symbols.open_scope();
        Ok(())
    }

    /// Adds the function `name`, which everything else may call.
    ///
    /// # Errors
    /// When the name is taken, or when the image becomes too large.
    pub fn add_function(
        &mut self,
        name: &ExternalName,
        code: &MachBufferFinalized,
    ) -> Result<(), LinkError> {
        self.add_text(name, Linkage::Export, code)
    }

    fn add_text(
        &mut self,
        name: &ExternalName,
        linkage: Linkage,
        code: &MachBufferFinalized,
    ) -> Result<(), LinkError> {
        let symbol = self.symbols.add(name, linkage)?;
        self.text.add(name, symbol, self.symbols.scope(), code)
    }

    /// Adds a data object, one that [`DataObject::check`] accepts.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add_data(&mut self, object: &DataObject) -> Result<(), LinkError> {
        let symbol = self.symbols.add(&object.name, object.linkage)?;
        self.data.push(LinkedData {
            object: object.clone(),
            scope: self.symbols.scope(),
            symbol,
        });
        Ok(())
    }

    /// What the address of the image must be a multiple of.
    pub fn alignment(&self) -> u32 {
        let text = self.text.alignment().max(self.section_alignment);
        text.max(data_alignment(self.data_objects()))
    }

    fn data_objects(&self) -> impl Iterator<Item = &DataObject> + Clone {
        self.data.iter().map(|data| &data.object)
    }

    /// The image that runs at the address `base`. Names that are neither functions nor data here are looked up with `imports`.
    ///
    /// # Errors
    /// When names are not defined, when the image cannot be at that address, or when there is no memory for it.
    pub fn link(
        mut self,
        base: u32,
        imports: &dyn Fn(&ExternalName) -> Option<u32>,
    ) -> Result<Image, LinkError> {
        let alignment = self.alignment();
        if !base.is_multiple_of(alignment) {
            return Err(LinkError::MisalignedBase { base, alignment });
        }
        self.shorten_calls(base, imports)?;
        let text_size = self.text.bytes.len() as u32;
        let layout = DataLayout::new(text_size, self.data_objects(), self.section_alignment)?;
        layout.check_end(base)?;
        let offsets = self.symbol_offsets(&layout);
        let addresses = Addresses {
            base,
            symbols: &self.symbols,
            offsets: &offsets,
            imports,
        };
        let mut bytes = core::mem::take(&mut self.text.bytes);
        let size = layout.sections.writable.end as usize;
        let room = size.saturating_sub(bytes.len());
        bytes
            .try_reserve_exact(room)
            .map_err(|_| LinkError::OutOfMemory)?;
        bytes.resize(size, 0);
        self.place_data(&layout, &mut bytes);
        resolve_all(
            &mut bytes,
            &self.text,
            &self.data,
            &layout.offsets,
            &addresses,
        )?;
        self.into_image(base, bytes, layout)
    }

    fn shorten_calls(
        &mut self,
        base: u32,
        imports: &dyn Fn(&ExternalName) -> Option<u32>,
    ) -> Result<(), LinkError> {
        let (symbols, functions) = (&self.symbols, self.function_symbols());
        let target_of = |function: &TextFunction, reloc: &MachReloc| {
            let RelocTarget::External(name) = &reloc.target else {
                return None;
            };
            match symbols.find(function.scope, name) {
                Some(symbol) => functions[symbol.index()].then_some(CallTarget::Function(symbol)),
                // Only `jalr` can be told to go to an odd address.
                None => imports(name)
                    .filter(|address| address.is_multiple_of(2))
                    .map(|address| CallTarget::Outside(address.wrapping_sub(base))),
            }
        };
        shorten_calls(&mut self.text, functions.len(), &target_of)
            .map_err(|offset| self.text.malformed(offset))
    }

    /// For each symbol, whether it is a function.
    fn function_symbols(&self) -> Vec<bool> {
        let mut functions = Vec::new();
        functions.resize(self.text.functions.len() + self.data.len(), false);
        for function in &self.text.functions {
            functions[function.symbol.index()] = true;
        }
        functions
    }

    /// For each symbol, its distance from the start of the image.
    fn symbol_offsets(&self, layout: &DataLayout) -> Vec<u32> {
        let mut offsets = alloc::vec![0; self.text.functions.len() + self.data.len()];
        for function in &self.text.functions {
            offsets[function.symbol.index()] = function.start;
        }
        for (data, &offset) in self.data.iter().zip(&layout.offsets) {
            offsets[data.symbol.index()] = offset;
        }
        offsets
    }

    fn place_data(&self, layout: &DataLayout, bytes: &mut [u8]) {
        for (data, &offset) in self.data.iter().zip(&layout.offsets) {
            let content = &data.object.bytes;
            if !content.is_empty() {
                bytes[offset as usize..][..content.len()].copy_from_slice(content);
            }
        }
    }

    fn into_image(self, base: u32, bytes: Vec<u8>, layout: DataLayout) -> Result<Image, LinkError> {
        let functions = self.text.functions.into_iter().map(|function| Symbol {
            linkage: match self.symbols.is_exported_as(&function.name, function.symbol) {
                true => Linkage::Export,
                false => Linkage::Local,
            },
            name: function.name,
            kind: SymbolKind::Function {
                code_size: function.code_size,
            },
            offset: function.start,
            size: function.size,
        });
        let data = self.data.into_iter().zip(&layout.offsets);
        let data = data.map(|(data, &offset)| Symbol {
            name: data.object.name,
            linkage: data.object.linkage,
            kind: SymbolKind::Data(data.object.kind),
            offset,
            size: data.object.size,
        });
        let map = ImageMap::new(
            (base, base),
            layout.sections,
            functions.chain(data).collect(),
            self.text.traps,
            self.text.srclocs,
        )?;
        Ok(Image { map, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use lpc_codegen::backend::buffer::{MachSrcLoc, MachTrap};
    use lpc_codegen::backend::reloc::RelocKind;
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
