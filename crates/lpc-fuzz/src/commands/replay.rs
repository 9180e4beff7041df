//! `lpc-fuzz replay`: the inputs of the coverage-guided fuzzers, without a fuzzer.

use clap::Args;
use lpc_fuzz::Error;
use lpc_fuzz::targets::replay::{Report, replay, replay_kept, target_of};
use lpc_fuzz::targets::{TARGETS, Target, find};
use std::fs;
use std::path::{Path, PathBuf};

/// Runs inputs of the coverage-guided fuzzers through their targets
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc-fuzz replay
  lpc-fuzz replay --target text
  lpc-fuzz replay --target elf fuzz/artifacts/elf/crash-0123
  lpc-fuzz replay --target elf --write-seeds /tmp/seeds")]
pub(crate) struct ReplayArguments {
    /// The target [default: all, or for a path the one that a folder in it is named after]
    #[arg(long, value_name = "NAME", value_parser = parse_target)]
    target: Option<&'static Target>,

    /// Files with inputs, or folders of them [default: what the repository keeps, and what is made of its files]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Do not run what is made of the files of the repository, but write it to files in this folder, for a fuzzer to start with
    #[arg(
        long,
        value_name = "FOLDER",
        requires = "target",
        conflicts_with = "paths"
    )]
    write_seeds: Option<PathBuf>,
}

fn parse_target(name: &str) -> Result<&'static Target, String> {
    find(name).ok_or_else(|| {
        let names = TARGETS.map(|target| target.name).join(", ");
        format!("the targets are {names}")
    })
}

/// Returns whether nothing was found.
pub(crate) fn run(arguments: &ReplayArguments) -> Result<bool, Error> {
    if let (Some(target), Some(folder)) = (arguments.target, &arguments.write_seeds) {
        return write_seeds(target, folder).map(|()| true);
    }
    let mut report = Report::default();
    for path in &arguments.paths {
        let target = arguments.target.or_else(|| target_of(path));
        let target = target.ok_or_else(|| Error::UnknownTarget(path.clone()))?;
        fs::metadata(path).map_err(|error| Error::File(path.clone(), error))?;
        replay(target, std::slice::from_ref(path), &mut report);
    }
    if arguments.paths.is_empty() {
        let targets = TARGETS.iter();
        for target in
            targets.filter(|target| arguments.target.is_none_or(|only| only.name == target.name))
        {
            anstream::eprintln!("{}: {}", target.name, target.checks);
            replay_kept(target, &mut report);
        }
    }
    for failure in &report.failures {
        anstream::eprintln!("{} with {}:", failure.target, failure.input);
        for line in failure.message.lines() {
            anstream::eprintln!("    {line}");
        }
    }
    anstream::println!(
        "{} inputs, {} failures",
        report.inputs,
        report.failures.len()
    );
    Ok(report.failures.is_empty())
}

fn write_seeds(target: &Target, folder: &Path) -> Result<(), Error> {
    let error = |path: &Path| {
        let path = path.to_owned();
        |error| Error::File(path, error)
    };
    fs::create_dir_all(folder).map_err(error(folder))?;
    let seeds = (target.seeds)();
    for (index, seed) in seeds.iter().enumerate() {
        let path = folder.join(format!("seed-{index:04}"));
        fs::write(&path, &seed.bytes).map_err(error(&path))?;
    }
    anstream::println!("{} inputs", seeds.len());
    Ok(())
}
