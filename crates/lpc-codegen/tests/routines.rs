//! Routines of the runtime: the stack that they take.

use lpc_codegen::runtime::Routine;
use lpc_codegen::{
    CompiledFunction, CompiledModule, RegallocAlgorithm, Settings, compile_function,
};
use lpc_lpir::ir::ExternalName;

fn size_of(functions: &[CompiledFunction], name: &ExternalName) -> u32 {
    let function = functions.iter().find(|function| function.name == *name);
    let function = function.expect("routines call routines");
    let frame = function.code.frame.sp_adjustment();
    let relocs = function.code.buffer.relocs.iter();
    let callees = relocs.filter_map(|reloc| match &reloc.target {
        lpc_codegen::backend::reloc::RelocTarget::External(name) => Some(size_of(functions, name)),
        lpc_codegen::backend::reloc::RelocTarget::Local(_) => None,
    });
    frame + callees.max().unwrap_or(0)
}

#[test]
fn routines_are_found_by_their_names_and_have_the_words_of_their_results() {
    for routine in Routine::ALL {
        let (_, returns) = routine.types();
        let bits: u32 = returns.iter().map(|ty| ty.bits().max(32)).sum();
        assert_eq!(
            32 * routine.num_result_words(),
            bits as usize,
            "{routine:?}"
        );
        assert_eq!(Routine::from_name(&routine.name()), Some(routine));
    }
    for name in ["", "__lpc_udivrem6", "__lpc_udivrem640", "udivrem64"] {
        assert_eq!(Routine::from_name(&ExternalName::symbol(name)), None);
    }
}

#[test]
fn routines_take_no_more_stack_than_is_kept_for_them() {
    for march in ["rv32im", "rv32imac", "rv32ima_zba_zbb_zbs"] {
        for regalloc in RegallocAlgorithm::ALLOCATORS {
            for preserve_frame_pointers in [false, true] {
                let settings = Settings {
                    extensions: march.parse().unwrap(),
                    regalloc,
                    preserve_frame_pointers,
                    single_hart: !march.contains('a'),
                    ..Settings::default()
                };
                for routine in Routine::ALL {
                    let function = compile_function(&routine.function(), &settings);
                    let mut compiled = CompiledModule {
                        functions: vec![function.unwrap()],
                    };
                    compiled.add_routines(&settings);
                    let size = size_of(&compiled.functions, &routine.name());
                    assert!(
                        size <= routine.max_stack(),
                        "{routine:?} {march} {regalloc:?}: {size}"
                    );
                }
            }
        }
    }
}
