//! Compiling, beside Cranelift: time and memory.
//!
//! Both compilers compile the same functions in the same process, one after the other, round after round. What is timed is the way from
//! a function in memory, which nobody verifies, to machine code in memory with relocations.

mod candidates;
mod corpus;
mod cranelift;
mod generate;
mod measure;
mod tables;
mod widen;

use crate::kernels::KERNELS;
use crate::report::Report;
use crate::{Error, Result};
use corpus::{Corpus, SupportChecks};
use generate::{Shape, generate};
use measure::{Bench, Costs, Effort};
use peakmem_alloc::PeakMemAllocTrait;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tables::Measured;
use walkdir::WalkDir;

/// The sizes of generated functions of all shapes.
const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// The sizes of those that show the growth, and how many of them are quickly compiled.
const GROWTH_SIZES: [usize; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const QUICK_GROWTH_SIZES: usize = 4;

const SEEDS: std::ops::Range<u64> = 0..4;

/// Measures all corpora and the functions in `folders`. `heap` is what counts the heap of this process.
///
/// `quick` takes less functions and rounds.
///
/// # Errors
/// When files cannot be read.
pub fn run(folders: &[PathBuf], quick: bool, heap: &dyn PeakMemAllocTrait) -> Result<Report> {
    let mut bench = Bench::new(heap);
    let mut measured = Vec::new();
    // What Cranelift lacks, it panics about.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let corpora = corpora(folders, quick);
    panic::set_hook(hook);
    for corpus in corpora? {
        let effort = effort(corpus.functions.len(), quick);
        let costs: Vec<Costs> = corpus
            .functions
            .iter()
            .map(|function| bench.measure(function, effort))
            .collect();
        measured.push(Measured {
            name: corpus.name,
            skipped: corpus.skipped,
            costs,
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
        kernels.add(kernel.clif, &mut checks);
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
    for folder in folders {
        let name = folder.display().to_string();
        corpora.push(of_folder(&name, folder, &mut checks)?);
    }
    for shape in [
        Shape::Straight,
        Shape::Branches,
        Shape::Calls,
        Shape::Mixed,
        Shape::MixedI64,
    ] {
        for size in SIZES {
            let mut corpus = Corpus::new(format!("generated: {}, {size}", shape.name()));
            let seeds = if quick { 0..1 } else { SEEDS };
            for seed in seeds {
                corpus.add(&generate(shape, size, seed), &mut checks);
            }
            corpora.push(corpus);
        }
    }
    Ok(corpora)
}

/// The functions of all `.clif` files below `folder`, in the order of their names.
fn of_folder(name: &str, folder: &Path, checks: &mut SupportChecks) -> Result<Corpus> {
    let mut corpus = Corpus::new(name);
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| Error::Other(error.to_string()))?;
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "clif")
        {
            let text = fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
            corpus.add(&text, checks);
        }
    }
    Ok(corpus)
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
    let mut checks = SupportChecks::new();
    let sizes = match quick {
        true => &GROWTH_SIZES[..QUICK_GROWTH_SIZES],
        false => &GROWTH_SIZES,
    };
    let mut growth = Vec::new();
    for &size in sizes {
        let mut corpus = Corpus::new("");
        corpus.add(&generate(Shape::Mixed, size, 0), &mut checks);
        let effort = Effort {
            least_rounds: if size > 100_000 { 1 } else { 3 },
            ..effort(1, quick)
        };
        growth.extend(
            corpus
                .functions
                .iter()
                .map(|function| bench.measure(function, effort)),
        );
    }
    growth
}
