//! The section `.riscv.attributes`: what the code in an object needs of its machine (psABI, "Attributes").
//!
//! Linkers merge the attributes of all objects: the result needs what any of them needs. They know the extensions of their
//! time only, so the instruction set is written in its shortest form, and by names that older ones know as well.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use lpc_codegen::backend::frame::STACK_ALIGNMENT;
use lpc_lpir::ir::{Function, Inst, InstructionData, Module};
use lpc_riscv32::{Extension, ExtensionSet};
use object::Endianness;
use object::elf::AttributeTag;
use object::write::elf::AttributesWriter;

/// The attributes that follow are those of the whole file.
const TAG_FILE: AttributeTag = AttributeTag(1);
/// What the stack pointer is a multiple of when a function is called, in bytes.
const TAG_STACK_ALIGN: u64 = 4;
/// The instruction set, with versions.
const TAG_ARCH: u64 = 5;
/// Whether the code accesses memory at addresses that are no multiple of what they should be: 1 if it may.
const TAG_UNALIGNED_ACCESS: u64 = 6;

/// The content of the section for code of `module` that uses `extensions`.
pub(super) fn attributes(module: &Module, extensions: ExtensionSet) -> Vec<u8> {
    let unaligned_access = module
        .functions()
        .any(|(_, function)| may_access_unaligned(function));
    write_attributes(extensions, unaligned_access)
}

fn write_attributes(extensions: ExtensionSet, unaligned_access: bool) -> Vec<u8> {
    let mut writer = AttributesWriter::new(Endianness::Little);
    writer.start_subsection(b"riscv");
    writer.start_subsubsection(TAG_FILE);
    writer.write_attribute_tag(TAG_STACK_ALIGN);
    writer.write_attribute_integer(u64::from(STACK_ALIGNMENT));
    writer.write_attribute_tag(TAG_ARCH);
    writer.write_attribute_string(isa_string(extensions).as_bytes());
    writer.write_attribute_tag(TAG_UNALIGNED_ACCESS);
    writer.write_attribute_integer(u64::from(unaligned_access));
    writer.end_subsubsection();
    writer.end_subsection();
    writer.data()
}

/// Whether `function` has a load or a store of more than a byte that does not promise to be aligned.
///
/// Atomic accesses always are, and so are loads of global values and what the compiler itself accesses.
fn may_access_unaligned(function: &Function) -> bool {
    let dfg = &function.dfg;
    let access = |inst: Inst| match *dfg.inst(inst) {
        InstructionData::Load { opcode, flags, .. } => {
            let ty = dfg.value_type(dfg.first_result(inst));
            Some((opcode, ty, flags))
        }
        InstructionData::Store {
            opcode,
            flags,
            args,
            ..
        } => Some((opcode, dfg.value_type(args[0]), flags)),
        _ => None,
    };
    let blocks = function.layout.blocks();
    let insts = blocks.flat_map(|block| function.layout.block_insts(block));
    insts
        .filter_map(access)
        .any(|(opcode, ty, flags)| opcode.accessed_bytes(ty) > 1 && !flags.aligned())
}

/// The instruction set with the version of each extension: `rv32i2p1_m2p0_zba1p0`.
///
/// What another extension implies is left out. `b` is younger than its parts, which stand in its place.
fn isa_string(extensions: ExtensionSet) -> String {
    let named: Vec<_> = extensions
        .iter()
        .filter(|&extension| extension != Extension::B)
        .collect();
    let is_implied =
        |extension: &Extension| named.iter().any(|of| of.implied().contains(extension));
    let mut text = String::from("rv32");
    let mut separator = "";
    for extension in named.iter().filter(|extension| !is_implied(extension)) {
        let (major, minor) = version(*extension);
        write!(text, "{separator}{extension}{major}p{minor}").expect("strings take every text");
        separator = "_";
    }
    text
}

/// The ratified version of `extension`, major and minor number, as GCC and Clang write it.
const fn version(extension: Extension) -> (u32, u32) {
    match extension {
        Extension::I | Extension::A => (2, 1),
        Extension::M
        | Extension::C
        | Extension::Zicntr
        | Extension::Zicsr
        | Extension::Zifencei
        | Extension::Zihintpause => (2, 0),
        _ => (1, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use lpc_lpir::text::parse_module;

    fn canonical(march: &str) -> String {
        isa_string(march.parse().unwrap())
    }

    #[test]
    fn extensions_have_versions_and_implied_ones_are_left_out() {
        assert_eq!(canonical("rv32i"), "rv32i2p1");
        assert_eq!(canonical("rv32imac"), "rv32i2p1_m2p0_a2p1_c2p0");
        assert_eq!(
            canonical("rv32imac_zifencei_zicsr_zbb_zba"),
            "rv32i2p1_m2p0_a2p1_c2p0_zicsr2p0_zifencei2p0_zba1p0_zbb1p0"
        );
        assert_eq!(canonical("rv32imb"), "rv32i2p1_m2p0_zba1p0_zbb1p0_zbs1p0");
        assert_eq!(canonical("rv32i_zmmul_zca"), "rv32i2p1_zmmul1p0_zca1p0");
    }

    #[test]
    fn what_is_written_reads_back() {
        for extension in Extension::ALL {
            let set = ExtensionSet::RV32I.with(*extension);
            let read: ExtensionSet = isa_string(set).parse().unwrap();
            let without_shorthand = |set: ExtensionSet| set.with(Extension::B).to_string();
            assert_eq!(without_shorthand(read), without_shorthand(set));
        }
    }

    #[test]
    fn the_section_holds_sizes_tags_and_values() {
        let section = write_attributes(ExtensionSet::RV32I, false);
        let expected = b"A\x1d\0\0\0riscv\0\x01\x13\0\0\0\x04\x10\x05rv32i2p1\0\x06\0";
        assert_eq!(section, expected);
    }

    #[test]
    fn accesses_are_unaligned_that_do_not_promise_the_contrary() {
        for (inst, expected) in [
            ("v2 = load.i32 v0", true),
            ("v2 = load.i32 notrap v0+4", true),
            ("v2 = load.i32 aligned v0+4", false),
            ("v2 = load.i8 v0", false),
            ("v2 = load.i64 v0", true),
            ("v2 = load.i64 aligned v0", false),
            ("v2 = uload8.i32 v0", false),
            ("v2 = sload16.i32 v0", true),
            ("store v1, v0", true),
            ("store aligned v1, v0+8", false),
            ("istore8 v1, v0", false),
            ("istore16 v1, v0", true),
            ("v2 = atomic_load.i32 v0", false),
            ("v2 = atomic_rmw.i32 add v0, v1", false),
            ("atomic_store v1, v0", false),
            ("v2 = iadd v0, v1", false),
        ] {
            let text = format!(
                "function %aligned() {{ block0: return }}
                function %f(i32, i32) {{
                    block0(v0: i32, v1: i32):
                    {inst}
                    return
                }}"
            );
            let module = parse_module(&text).unwrap();
            let section = attributes(&module, ExtensionSet::RV32I);
            assert_eq!(section.last(), Some(&u8::from(expected)), "{inst}");
        }
    }
}
