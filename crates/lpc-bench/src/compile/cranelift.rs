//! Cranelift, set up as its users set it up to compile fast.

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CodegenError, Context};
use std::panic::{self, AssertUnwindSafe, catch_unwind};

/// The machine that it compiles for: the one closest to ours.
const TARGET: &str = "riscv64gc-unknown-none-elf";

/// Settings besides the level and the allocator: nothing is verified, and nothing is made that we do not make.
const SETTINGS: &[(&str, &str)] = &[
    ("enable_verifier", "false"),
    ("regalloc_checker", "false"),
    ("unwind_info", "false"),
    // Without this, functions with more than two results are refused.
    ("enable_multi_ret_implicit_sret", "true"),
];

/// Cranelift at one level, with one allocator.
pub(super) struct Cranelift {
    isa: OwnedTargetIsa,
    context: Context,
    control: ControlPlane,
}

impl Cranelift {
    /// Cranelift with the settings `opt_level` and `regalloc_algorithm`.
    pub(super) fn new(opt_level: &str, regalloc_algorithm: &str) -> Self {
        let mut flags = settings::builder();
        let chosen = [
            ("opt_level", opt_level),
            ("regalloc_algorithm", regalloc_algorithm),
        ];
        for (name, value) in SETTINGS.iter().chain(&chosen) {
            flags.set(name, value).expect("Cranelift has the setting");
        }
        let isa = isa::lookup_by_name(TARGET).expect("Cranelift is built for the target");
        let isa = isa.finish(settings::Flags::new(flags));
        Self {
            isa: isa.expect("the settings of the target fit each other"),
            context: Context::new(),
            control: ControlPlane::default(),
        }
    }

    /// Takes over a function to compile. The memory for compiling is kept from the one before.
    pub(super) fn load(&mut self, func: Function) {
        self.context.clear();
        self.context.func = func;
    }

    /// Compiles the function that was loaded to machine code with relocations, and gives its size. It is used up by that.
    pub(super) fn compile(&mut self) -> Result<usize, CodegenError> {
        let code = self.context.compile(&*self.isa, &mut self.control);
        code.map(|code| code.code_buffer().len())
            .map_err(|error| error.inner)
    }

    /// Gives all memory back.
    pub(super) fn forget(&mut self) {
        self.context = Context::new();
    }

    /// Whether `func` can be compiled.
    pub(super) fn supports(&mut self, func: &Function) -> bool {
        // What it lacks, it panics about.
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            self.load(func.clone());
            self.compile().is_ok()
        }));
        panic::set_hook(hook);
        self.forget();
        compiled.unwrap_or(false)
    }
}

/// The instructions of `func`.
pub(super) fn num_insts(func: &Function) -> usize {
    let blocks = func.layout.blocks();
    blocks
        .map(|block| func.layout.block_insts(block).count())
        .sum()
}
