//! Measurements as tables, plots and headline figures.

use super::Measured;
use super::flash::UNNAMED;
use super::machine::Measurement;
use super::program::Library;
use crate::report::{Bars, Cell, Lines, Plot, Report, Table};
use std::collections::BTreeMap;

/// A compiler with its settings.
struct Candidate {
    /// As programs print it.
    printed: &'static str,
    /// In tables.
    name: &'static str,
}

impl Candidate {
    const fn new(printed: &'static str, name: &'static str) -> Self {
        Self { printed, name }
    }
}

const FAST: Candidate = Candidate::new("lpc fast", "lpc none, single_pass");
const OPTIMIZING: Candidate = Candidate::new("lpc optimizing", "lpc speed, single_pass");
const ION: Candidate = Candidate::new("lpc ion", "lpc speed, Ion");
const DEFAULT: Candidate = Candidate::new("lpc default", "lpc default");
const CRANELIFT_FAST: Candidate = Candidate::new("cranelift fast", "Cranelift none, single_pass");
const CRANELIFT_BACKTRACKING: Candidate =
    Candidate::new("cranelift backtracking", "Cranelift speed, backtracking");

const CANDIDATES: [&Candidate; 6] = [
    &FAST,
    &OPTIMIZING,
    &DEFAULT,
    &ION,
    &CRANELIFT_FAST,
    &CRANELIFT_BACKTRACKING,
];

const OURS: [&Candidate; 4] = [&FAST, &OPTIMIZING, &DEFAULT, &ION];
const THEIRS: [&Candidate; 2] = [&CRANELIFT_FAST, &CRANELIFT_BACKTRACKING];

/// Our passes, as programs print them.
const PASSES: [&str; 4] = [
    "lower",
    "allocate in a single pass",
    "allocate by Ion",
    "emit",
];

/// The function that stands for all in plots and headlines.
const HEADLINE_SHAPE: &str = "loops";
const HEADLINE_SIZE: u32 = 1_000;

/// How many functions and constants are listed.
const LARGEST: usize = 15;

/// A number of a measurement.
struct Quantity {
    title: &'static str,
    unit: &'static str,
    /// From a measurement, and the instructions of virtual-register code that lpc makes of the function.
    of: fn(&Measurement, u64) -> u64,
}

const EXECUTED: Quantity = Quantity {
    title: "Executed instructions",
    unit: "for an instruction of virtual-register code that lpc makes of the function, without building the IR",
    of: |measurement, insts| measurement.compile / insts,
};
const HEAP: Quantity = Quantity {
    title: "Peak heap",
    unit: "bytes, the IR included",
    of: |measurement, _| measurement.heap,
};
const STACK: Quantity = Quantity {
    title: "Peak stack",
    unit: "bytes",
    of: |measurement, _| measurement.stack,
};
const IR: Quantity = Quantity {
    title: "Heap before compiling",
    unit: "bytes: the IR, and what the compiler keeps",
    of: |measurement, _| measurement.ir,
};
const BUILD: Quantity = Quantity {
    title: "Building the IR",
    unit: "executed instructions for an instruction of virtual-register code",
    of: |measurement, insts| measurement.build / insts,
};
const CODE: Quantity = Quantity {
    title: "Size of the code",
    unit: "bytes; Cranelift's is for RV64",
    of: |measurement, _| measurement.code_size,
};

/// What came of the programs, which are linked with `library`: `ours`, from the smallest to the largest, of our `passes` if they were
/// measured, and Cranelift or why it is not there.
pub(super) fn present(
    library: Library,
    ours: &[Measured],
    passes: &[Measurement],
    theirs: &Result<Measured, String>,
) -> Report {
    let programs: Vec<&Measured> = ours.iter().chain(theirs).collect();
    let functions = Functions::new(&programs, passes);
    let mut report = Report::default();
    report.tables.push(flash_table(library, ours, theirs));
    report.tables.push(crates_table(&programs));
    report
        .tables
        .extend(programs.iter().map(|program| largest_table(program)));
    for quantity in [EXECUTED, HEAP, STACK, IR, BUILD, CODE] {
        let missing = theirs.as_ref().err().map(String::as_str);
        report.tables.push(functions.table(&quantity, missing));
    }
    if !passes.is_empty() {
        report.tables.push(functions.passes_table());
    }
    report.plots.push(flash_plot(&programs));
    report.plots.push(functions.heap_plot());
    report.plots.push(functions.executed_plot());
    headlines(&mut report, ours, theirs, &functions);
    report
}

/// The limits of the project are about these.
fn headlines(
    report: &mut Report,
    ours: &[Measured],
    theirs: &Result<Measured, String>,
    functions: &Functions,
) {
    let flash = |program: Option<&Measured>| program.map(|program| program.flash.total() as f64);
    let theirs = flash(theirs.as_ref().ok());
    let rows = [
        (
            "device",
            flash(ours.first()),
            flash(ours.last()),
            &OURS[..],
            &FAST,
            &ION,
        ),
        (
            "device.cranelift",
            theirs,
            theirs,
            &THEIRS[..],
            &CRANELIFT_FAST,
            &CRANELIFT_BACKTRACKING,
        ),
    ];
    for (prefix, smallest, full, candidates, fast, ion) in rows {
        let heap = |candidate| functions.headline(&HEAP, candidate);
        let executed = |candidate| functions.largest(&EXECUTED, candidate, Some(HEADLINE_SIZE));
        let stack = candidates
            .iter()
            .filter_map(|candidate| functions.largest(&STACK, candidate, None));
        let stack = stack.reduce(f64::max);
        for (name, value) in [
            ("flash.none", smallest),
            ("flash.full", full),
            ("heap.1000.fast", heap(fast)),
            ("heap.1000.ion", heap(ion)),
            ("stack", stack),
            ("insns_per_inst.fast", executed(fast)),
            ("insns_per_inst.ion", executed(ion)),
        ] {
            report.figure(format!("{prefix}.{name}"), value);
        }
    }
}

/// A function: its shape and size.
type Key<'a> = (&'a str, u32);

/// What was measured, by function.
struct Functions<'a> {
    /// The functions in their order.
    keys: Vec<Key<'a>>,
    measurements: BTreeMap<(&'a str, Key<'a>), &'a Measurement>,
}

impl<'a> Functions<'a> {
    fn new(programs: &[&'a Measured], passes: &'a [Measurement]) -> Self {
        let all = programs.iter().flat_map(|program| &program.functions);
        let all = all.chain(passes);
        let key = |measurement: &'a Measurement| (measurement.function.as_str(), measurement.size);
        let ours = all
            .clone()
            .filter(|measurement| measurement.compiler == FAST.printed);
        Self {
            keys: ours.map(key).collect(),
            measurements: all
                .map(|measurement| {
                    (
                        (measurement.compiler.as_str(), key(measurement)),
                        measurement,
                    )
                })
                .collect(),
        }
    }

    fn get(&self, candidate: &Candidate, key: Key<'_>) -> Option<&Measurement> {
        self.measurements.get(&(candidate.printed, key)).copied()
    }

    /// The instructions of virtual-register code that lpc makes of a function. Cranelift makes about as many, and does not tell.
    fn insts(&self, key: Key<'_>) -> u64 {
        self.get(&FAST, key)
            .map_or(1, |measurement| measurement.vcode_insts.max(1))
    }

    fn value(&self, quantity: &Quantity, candidate: &Candidate, key: Key<'_>) -> Option<u64> {
        let measurement = self.get(candidate, key)?;
        Some((quantity.of)(measurement, self.insts(key)))
    }

    fn headline(&self, quantity: &Quantity, candidate: &Candidate) -> Option<f64> {
        let value = self.value(quantity, candidate, (HEADLINE_SHAPE, HEADLINE_SIZE));
        value.map(|value| value as f64)
    }

    /// The largest number of all functions, or of those of a size.
    fn largest(
        &self,
        quantity: &Quantity,
        candidate: &Candidate,
        size: Option<u32>,
    ) -> Option<f64> {
        let keys = self
            .keys
            .iter()
            .filter(|key| size.is_none_or(|size| size == key.1));
        let values = keys.filter_map(|&key| self.value(quantity, candidate, key));
        values.max().map(|value| value as f64)
    }

    /// A row for each function, with a column for each candidate. Where Cranelift is `missing`, its columns say so.
    fn table(&self, quantity: &Quantity, missing: Option<&str>) -> Table {
        let header = ["function", "instructions"].into_iter();
        let header = header.chain(CANDIDATES.iter().map(|candidate| candidate.name));
        let header = header.map(str::to_owned).collect();
        let mut table = Table::with_header(quantity.title, quantity.unit, header);
        for &key in &self.keys {
            let cells = CANDIDATES.iter().map(|candidate| {
                match (self.value(quantity, candidate, key), missing) {
                    (Some(value), _) => Cell::integer(value),
                    (None, Some(why)) => Cell::missing(why),
                    (None, None) => Cell::Empty,
                }
            });
            let front = [Cell::text(key.0), Cell::integer(self.insts(key))];
            table.row(front.into_iter().chain(cells));
        }
        table
    }

    /// What our passes execute, each by itself.
    fn passes_table(&self) -> Table {
        let header = ["function", "instructions"].into_iter().chain(PASSES);
        let header = header.map(str::to_owned).collect();
        let title = "Passes of lpc";
        let unit = "executed instructions for an instruction of virtual-register code";
        let mut table = Table::with_header(title, unit, header);
        for &key in self.keys.iter().filter(|key| key.1 == HEADLINE_SIZE) {
            let insts = self.insts(key);
            let cells = PASSES.iter().map(|&pass| {
                let measurement = self.measurements.get(&(pass, key));
                measurement.map_or(Cell::Empty, |measurement| {
                    Cell::integer((EXECUTED.of)(measurement, insts))
                })
            });
            let front = [Cell::text(key.0), Cell::integer(insts)];
            table.row(front.into_iter().chain(cells));
        }
        table
    }

    /// The heap by the number of instructions.
    fn heap_plot(&self) -> Plot {
        let points = |candidate: &&Candidate| {
            let keys = self.keys.iter().filter(|key| key.0 == HEADLINE_SHAPE);
            let points = keys.filter_map(|&key| {
                let bytes = self.value(&HEAP, candidate, key)?;
                Some((self.insts(key) as f64, bytes as f64))
            });
            (candidate.name.to_owned(), points.collect())
        };
        Plot::Lines(Lines {
            name: "device_heap".to_owned(),
            title: format!("Peak heap on the chip: {HEADLINE_SHAPE}"),
            x: "instructions".to_owned(),
            y: "bytes".to_owned(),
            series: CANDIDATES.iter().map(points).collect(),
        })
    }

    /// Executed instructions, of each shape.
    fn executed_plot(&self) -> Plot {
        let keys = self.keys.iter().filter(|key| key.1 == HEADLINE_SIZE);
        let values = |candidate: &&Candidate| {
            let values = keys.clone().map(|&key| {
                let value = self.value(&EXECUTED, candidate, key);
                value.map(|value| value as f64)
            });
            (candidate.name.to_owned(), values.collect())
        };
        Plot::Bars(Bars {
            name: "device_instructions".to_owned(),
            title: format!("Compiling {HEADLINE_SIZE} instructions on the chip"),
            unit: "executed instructions for one".to_owned(),
            categories: keys.clone().map(|key| key.0.to_owned()).collect(),
            series: CANDIDATES.iter().map(values).collect(),
            baseline: None,
        })
    }
}

fn flash_table(library: Library, ours: &[Measured], theirs: &Result<Measured, String>) -> Table {
    let header = ["", ".text", ".rodata", ".data", "all"];
    let unit = format!(
        "bytes, without what is no compiler; {}",
        library.description()
    );
    let mut table = Table::new("Flash", unit, header);
    for Measured { program, flash, .. } in ours.iter().chain(theirs) {
        let sizes = [flash.text, flash.rodata, flash.data, flash.total()];
        let cells = sizes.map(Cell::integer).into_iter();
        table.row([Cell::text(program.name)].into_iter().chain(cells));
    }
    if let Err(why) = theirs {
        let cells = [
            Cell::text("Cranelift"),
            Cell::missing(why),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ];
        table.row(cells);
    }
    table
}

/// The crates by what they take in the largest program of ours, those of others behind them.
fn crates_table(programs: &[&Measured]) -> Table {
    let names = programs.iter().map(|program| program.program.name);
    let header = ["crate"]
        .into_iter()
        .chain(names)
        .map(str::to_owned)
        .collect();
    let title = "Flash of each crate";
    let unit = "bytes; what is generic or inlined counts where it was instantiated or inlined";
    let mut table = Table::with_header(title, unit, header);
    let crates: Vec<_> = programs
        .iter()
        .map(|program| program.flash.crates())
        .collect();
    let mut rows: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (column, sizes) in crates.iter().enumerate() {
        for (name, &size) in sizes {
            rows.entry(name).or_insert_with(|| vec![0; crates.len()])[column] = size;
        }
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(name, sizes)| (*name == UNNAMED, std::cmp::Reverse(sizes.clone()), *name));
    for (name, sizes) in rows {
        let cells = sizes.iter().map(|&size| match size {
            0 => Cell::Empty,
            _ => Cell::integer(size),
        });
        table.row([Cell::text(name)].into_iter().chain(cells));
    }
    table
}

fn largest_table(program: &Measured) -> Table {
    let title = format!("Largest functions and constants: {}", program.program.name);
    let mut table = Table::new(title, "bytes", ["name", "size"]);
    for (name, size) in program.flash.largest(LARGEST) {
        table.row([Cell::text(format!("`{name}`")), Cell::integer(size)]);
    }
    table
}

fn flash_plot(programs: &[&Measured]) -> Plot {
    let names = programs
        .iter()
        .map(|program| program.program.name.to_owned());
    let sizes = programs
        .iter()
        .map(|program| Some(program.flash.total() as f64 / 1024.0));
    Plot::Bars(Bars {
        name: "device_flash".to_owned(),
        title: "Flash".to_owned(),
        unit: "KB".to_owned(),
        categories: names.collect(),
        series: vec![("code and constants".to_owned(), sizes.collect())],
        baseline: None,
    })
}
