//! `lpc-fuzz device`: random programs on a device.

use super::print_line;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lpc_codegen::Settings;
use lpc_device::host::Qemu;
use lpc_fuzz::Error;
use lpc_fuzz::device::{Compared, Form, compare};
use lpc_fuzz::diff::configuration::{Plan, describe};
use lpc_fuzz::diff::files::programs_of_file;
use lpc_fuzz::program::{TestProgram, generate};
use std::path::PathBuf;
use std::time::Duration;

/// The most findings that are shown.
const MOST_SHOWN: usize = 10;

/// The forms that programs are sent in, by turns.
const FORMS: [Form; 2] = [Form::Binary, Form::Text];

/// How long a device may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Compares random programs on a device, compiled there and run there, with the compiler here and the emulator
///
/// Each program is compiled with one of the settings that `lpc-fuzz diff` uses, the next one each time, and sent as text or in the
/// binary form.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc-fuzz device --qemu lpc-firmware --seed 1 --count 500
  lpc-fuzz device --qemu lpc-firmware --seed 1 --only 17
  lpc-fuzz device --qemu lpc-firmware examples/gcd.clif")]
pub(crate) struct DeviceArguments {
    /// Run the functions of these files instead of random programs, with all settings
    #[arg(value_name = "FILE", conflicts_with_all = ["count", "only"])]
    files: Vec<PathBuf>,

    /// The firmware to run in QEMU, an ELF file
    #[arg(long, value_name = "FIRMWARE")]
    qemu: PathBuf,

    /// What the programs depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How many programs to run
    #[arg(long, default_value_t = 500)]
    count: u64,

    /// Run this program only, with all settings
    #[arg(long, value_name = "INDEX", conflicts_with = "count")]
    only: Option<u64>,

    /// With how many inputs to call each program
    #[arg(long, default_value_t = 3)]
    inputs: usize,
}

/// Returns whether nothing was found.
pub(crate) fn run(arguments: &DeviceArguments) -> Result<bool, Error> {
    let (_machine, mut client) = Qemu::start(&arguments.qemu, TIMEOUT)?;
    let work = work(arguments)?;
    let progress = ProgressBar::new(work.len() as u64).with_style(progress_style());
    let mut compared = Compared::default();
    let mut findings = Vec::new();
    for Work {
        name,
        program,
        form,
        settings,
    } in work
    {
        let program = program.get(arguments);
        if let Err(what) = compare(&mut client, &program, form, &settings, &mut compared)? {
            findings.push(format!("{name}, {}: {what}", describe(&settings)));
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    for finding in findings.iter().take(MOST_SHOWN) {
        anstream::eprintln!("{finding}");
    }
    let Compared {
        programs,
        refused,
        too_large,
        calls,
        bytes,
    } = compared;
    print_line(format_args!(
        "{programs} programs, {refused} refused, {too_large} too large, {calls} calls, {bytes} bytes of code and data, {} mismatches",
        findings.len()
    ))?;
    Ok(findings.is_empty())
}

/// A program to compile in one way.
struct Work {
    name: String,
    program: Origin,
    form: Form,
    settings: Settings,
}

/// Where a program comes from. Random ones are not made before they are needed.
enum Origin {
    File(TestProgram),
    Random(u64),
}

impl Origin {
    fn get(self, arguments: &DeviceArguments) -> TestProgram {
        match self {
            Self::File(program) => program,
            Self::Random(index) => generate(arguments.seed, index, arguments.inputs),
        }
    }
}

fn work(arguments: &DeviceArguments) -> Result<Vec<Work>, Error> {
    let mut work = Vec::new();
    for path in &arguments.files {
        let found = programs_of_file(path, arguments.inputs)?;
        for (name, why) in found.skipped {
            anstream::eprintln!("{}: {name} is skipped: {why}", path.display());
        }
        for program in found.programs {
            let settings = Plan::new(arguments.seed, 0, &[]).settings;
            for (settings, form) in settings.into_iter().zip(FORMS.into_iter().cycle()) {
                work.push(Work {
                    name: format!("{}: {}", path.display(), program.entry),
                    program: Origin::File(program.clone()),
                    form,
                    settings,
                });
            }
        }
    }
    if arguments.files.is_empty() {
        let indices = arguments
            .only
            .map_or(0..arguments.count, |index| index..index + 1);
        for index in indices {
            let settings = Plan::new(arguments.seed, index, &[]).settings;
            let count = settings.len() as u64;
            let number = (index % count) as usize;
            let form = FORMS[(index / count) as usize % FORMS.len()];
            let mut chosen: Vec<_> = settings.into_iter().enumerate().collect();
            chosen.retain(|(position, _)| arguments.only.is_some() || *position == number);
            work.extend(chosen.into_iter().map(|(_, settings)| Work {
                name: format!("program {index}"),
                program: Origin::Random(index),
                form,
                settings,
            }));
        }
    }
    Ok(work)
}

fn progress_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {pos}/{len} programs, {elapsed} of {duration}")
        .expect("the template is well-formed")
}
