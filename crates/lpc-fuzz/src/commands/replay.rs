//! `lpc-fuzz replay`: the inputs of the coverage-guided fuzzers, without a fuzzer.

use super::print_line;
use clap::Args;
use lpc_fuzz::Error;
use lpc_fuzz::targets::dictionary::text_of;
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
  lpc-fuzz replay --target text --prepare /tmp/text")]
pub(crate) struct ReplayArguments {
    /// The target [default: all, or for a path the one that a folder in it, or in that folder, is named after]
    #[arg(long, value_name = "NAME", value_parser = parse_target)]
    target: Option<&'static Target>,

    /// Files with inputs, or folders of them [default: what the repository keeps, and what is made of its files]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Do not run what is made of the files of the repository, but write it to files in FOLDER/seeds, for a fuzzer to start
    /// with, and to FOLDER/dictionary words that inputs are made of
    #[arg(
        long,
        value_name = "FOLDER",
        requires = "target",
        conflicts_with = "paths"
    )]
    prepare: Option<PathBuf>,
}

fn parse_target(name: &str) -> Result<&'static Target, String> {
    find(name).ok_or_else(|| {
        let names = TARGETS.map(|target| target.name).join(", ");
        format!("the targets are {names}")
    })
}

/// Returns whether nothing was found.
pub(crate) fn run(arguments: &ReplayArguments) -> Result<bool, Error> {
    if let (Some(target), Some(folder)) = (arguments.target, &arguments.prepare) {
        return prepare(target, folder).map(|()| true);
    }
    let mut report = Report::default();
    for path in &arguments.paths {
        fs::metadata(path).map_err(|error| Error::File(path.clone(), error))?;
        for (target, path) in inputs_in(path, arguments.target)? {
            replay(target, &[path], &mut report);
        }
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
    print_line(format_args!(
        "{} inputs, {} failures",
        report.inputs,
        report.failures.len()
    ))?;
    Ok(report.failures.is_empty())
}

/// The files and folders in `path`, each with its target: that is `target`, or else named by a folder in the path or by those in
/// the folder that it is.
fn inputs_in(
    path: &Path,
    target: Option<&'static Target>,
) -> Result<Vec<(&'static Target, PathBuf)>, Error> {
    if let Some(target) = target.or_else(|| target_of(path)) {
        return Ok(vec![(target, path.to_owned())]);
    }
    let folders = TARGETS
        .iter()
        .map(|target| (target, path.join(target.name)));
    let folders: Vec<_> = folders.filter(|(_, folder)| folder.is_dir()).collect();
    match folders.is_empty() {
        true => Err(Error::UnknownTarget(path.to_owned())),
        false => Ok(folders),
    }
}

fn prepare(target: &Target, folder: &Path) -> Result<(), Error> {
    let seeds = (target.seeds)();
    let seeds_folder = folder.join("seeds");
    fs::create_dir_all(&seeds_folder).map_err(|error| Error::File(seeds_folder.clone(), error))?;
    for (index, seed) in seeds.iter().enumerate() {
        write(&seeds_folder.join(format!("{index:04}")), &seed.bytes)?;
    }
    let words = (target.dictionary)();
    write(&folder.join("dictionary"), text_of(&words).as_bytes())?;
    print_line(format_args!(
        "{} inputs, {} words",
        seeds.len(),
        words.len()
    ))?;
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(|error| Error::File(path.to_owned(), error))
}
