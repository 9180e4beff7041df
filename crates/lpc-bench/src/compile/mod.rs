//! Compiling, beside Cranelift: time and memory.
//!
//! Both compilers compile the same functions in the same process, one after the other, round after round. What is timed is the way from
//! a function in memory, which nobody verifies, to machine code in memory with relocations. LLVM's `llc` compiles the generated functions
//! in processes of its own.

mod candidates;
mod corpus;
mod cranelift;
mod generate;
mod llc;
mod llvm_ir;
mod measure;
mod tables;
mod widen;

use crate::kernels::KERNELS;
use crate::report::Report;
use crate::{Error, Result};
use corpus::{BothForms, Corpus, SupportChecks};
use generate::{Shape, generate};
use llc::Llc;
use lpc_lpir::text::parse_functions;
use measure::{Bench, Costs, Effort};
use peakmem_alloc::PeakMemAllocTrait;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tables::Measured;
use walkdir::WalkDir;

/// The sizes of generated functions of all shapes.
const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// The size of those that `llc` is quickly timed with.
const QUICK_LLC_SIZE: usize = 1_000;

/// The sizes of those that show the growth, and how many of them are quickly compiled.
const GROWTH_SIZES: [usize; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const QUICK_GROWTH_SIZES: usize = 4;

const SEEDS: std::ops::Range<u64> = 0..4;

/// Why a text of ours can be read.
const VALID_CLIF: &str = "kernels and generated functions are CLIF";

/// Measures all corpora and the functions in `folders`, which are no part of the figures. `heap` is what counts the heap of this process.
///
/// `quick` takes less functions and rounds.
///
/// # Errors
/// When files cannot be read, or there are none.
///
/// # Panics
/// When a candidate fails that has compiled a function before.
pub fn run(folders: &[PathBuf], quick: bool, heap: &dyn PeakMemAllocTrait) -> Result<Report> {
    let mut bench = Bench::new(heap);
    let mut measured = Vec::new();
    let llc = Llc::new(quick)?;
    for corpus in corpora(folders, quick)? {
        let effort = effort(corpus.functions.len(), quick);
        let costs: Vec<Costs> = corpus
            .functions
            .iter()
            .map(|function| bench.measure(function, effort))
            .collect();
        let is_timed = match corpus.generated_size {
            Some(size) => !quick || size == QUICK_LLC_SIZE,
            None => false,
        };
        let llc = match &llc {
            Ok(llc) if is_timed => Some(Ok(llc.time(&corpus)?)),
            Err(missing) if is_timed => Some(Err(*missing)),
            _ => None,
        };
        measured.push(Measured {
            name: corpus.name,
            is_users: corpus.is_users,
            skipped: corpus.skipped,
            costs,
            llc,
        });
    }
    let growth = growth(&mut bench, quick);
    Ok(tables::report(&measured, &growth))
}

/// The functions that are compiled, apart from the large ones.
fn corpora(folders: &[PathBuf], quick: bool) -> Result<Vec<Corpus>> {
    let mut checks = SupportChecks::new();
    let mut corpora = Vec::new();
    let mut kernels = Corpus::new("kernels");
    for kernel in KERNELS {
        kernels.add(kernel.clif, &mut checks).expect(VALID_CLIF);
    }
    corpora.push(kernels);
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    corpora.push(of_folder(
        "examples",
        &repository.join("examples"),
        &mut checks,
    )?);
    if !quick {
        let folder = repository.join("filetests/run");
        corpora.push(of_folder("filetests", &folder, &mut checks)?);
    }
    let mut seen = HashSet::new();
    for folder in folders {
        let path = folder.canonicalize();
        if seen.insert(path.map_err(|error| Error::file(folder, error))?) {
            let name = folder.display().to_string();
            corpora.push(Corpus {
                is_users: true,
                ..of_folder(&name, folder, &mut checks)?
            });
        }
    }
    for shape in Shape::ALL {
        for size in SIZES {
            let mut corpus = Corpus::new(format!("generated: {}, {size}", shape.name()));
            corpus.generated_size = Some(size);
            let seeds = if quick { 0..1 } else { SEEDS };
            for seed in seeds {
                let text = generate(shape, size, seed);
                corpus.add(&text, &mut checks).expect(VALID_CLIF);
            }
            corpora.push(corpus);
        }
    }
    Ok(corpora)
}

/// The functions of all `.clif` files below `folder`, in the order of their names. Files that are not CLIF are told.
///
/// # Errors
/// When files cannot be read, or there are none.
fn of_folder(name: &str, folder: &Path, checks: &mut SupportChecks) -> Result<Corpus> {
    let mut corpus = Corpus::new(name);
    let mut has_files = false;
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| Error::Other(error.to_string()))?;
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "clif")
        {
            let text = fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
            if let Err(error) = corpus.add(&text, checks) {
                anstream::eprintln!("warning: {}:{error}", path.display());
            }
            has_files = true;
        }
    }
    match has_files {
        true => Ok(corpus),
        false => Err(Error::Other(format!(
            "no .clif files in {}",
            folder.display()
        ))),
    }
}

fn effort(num_functions: usize, quick: bool) -> Effort {
    let rounds = match num_functions {
        0..100 => 20,
        _ => 5,
    };
    Effort {
        least_rounds: if quick { 2 } else { 4 },
        most_rounds: if quick { 5 } else { rounds },
        time: Duration::from_millis(if quick { 50 } else { 300 }),
    }
}

/// Mixed functions of all sizes.
fn growth(bench: &mut Bench<'_>, quick: bool) -> Vec<Costs> {
    let sizes = match quick {
        true => &GROWTH_SIZES[..QUICK_GROWTH_SIZES],
        false => &GROWTH_SIZES,
    };
    let growth = sizes.iter().map(|&size| {
        let functions = parse_functions(&generate(Shape::Mixed, size, 0)).expect(VALID_CLIF);
        let [function] = <[_; 1]>::try_from(functions).expect("one function is generated");
        let function = BothForms::new(function).expect("a generated function has both forms");
        let effort = Effort {
            least_rounds: if size > 100_000 { 1 } else { 3 },
            ..effort(1, quick)
        };
        bench.measure(&function, effort)
    });
    growth.collect()
}

#[cfg(test)]
mod tests {
    use super::{SupportChecks, of_folder};
    use std::fs;

    #[test]
    fn a_folder_needs_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut checks = SupportChecks::new();
        let error = of_folder("mine", path, &mut checks).err().unwrap();
        let expected = format!("no .clif files in {}", path.display());
        assert_eq!(error.to_string(), expected);

        let function = "function %f() -> i32 {\nblock0:\n v0 = iconst.i32 1\n return v0\n}\n";
        fs::write(path.join("good.clif"), function).unwrap();
        fs::write(path.join("broken.clif"), &function[..30]).unwrap();
        let corpus = of_folder("mine", path, &mut checks).unwrap();
        assert_eq!(corpus.functions.len(), 1);
    }
}
