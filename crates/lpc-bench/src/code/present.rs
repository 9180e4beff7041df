//! Comparisons as tables, a plot and headline figures.

use super::candidate::{CLANG_O0, CLANG_O2, CLANG_OS, Candidate, level_name, lpc_name};
use super::comparison::{Column, Comparison, Failure};
use super::measure::Measurement;
use super::mix::Class;
use crate::report::{Bars, Cell, Plot, Report, Table};
use crate::statistics::geometric_mean;
use lpc_codegen::settings::OptLevel::{self, Size, Speed};
use lpc_codegen::settings::RegallocAlgorithm::{self, Adaptive, SinglePass};

/// Our code, made to be fast.
const fn fast_code(regalloc: RegallocAlgorithm) -> Candidate {
    Candidate::Lpc {
        level: Speed,
        regalloc,
    }
}

/// Our code, made to be small.
const SMALL_CODE: Candidate = Candidate::Lpc {
    level: Size,
    regalloc: Size.regalloc(),
};

/// The machine whose executed instructions are the headline, and the one whose bytes are.
const SPEED_MACHINE: &str = "rv32im";
const SIZE_MACHINE: &str = "rv32imac";

/// What came of a compiler on a kernel.
type Measured = Result<Measurement, Failure>;

/// What is compared: a number of each measurement, and the compiler whose number is 1.
#[derive(Clone, Copy)]
struct Quantity {
    title: &'static str,
    unit: &'static str,
    base: Candidate,
    of: fn(&Measurement) -> u64,
}

const EXECUTED: Quantity = Quantity {
    title: "Executed instructions",
    unit: "instructions",
    base: CLANG_O2,
    of: |measurement| measurement.executed.total(),
};

const TEXT: Quantity = Quantity {
    title: "Size of the code",
    unit: "bytes",
    base: CLANG_OS,
    of: |measurement| measurement.text,
};

/// What came of `comparisons`, one for each machine.
pub fn present(comparisons: &[Comparison]) -> Report {
    let mut report = Report::default();
    for comparison in comparisons {
        report.tables.push(EXECUTED.table(comparison));
        report.tables.push(TEXT.table(comparison));
    }
    let on = |machine| {
        comparisons
            .iter()
            .find(|comparison| comparison.machine == machine)
    };
    let (speed, size) = (on(SPEED_MACHINE), on(SIZE_MACHINE));
    if let Some(comparison) = speed {
        report.tables.extend(mix_table(comparison));
        report.tables.extend(difference_table(comparison));
        report
            .plots
            .push(ratio_plot(comparison, EXECUTED, "code_insns", Speed));
    }
    if let Some(comparison) = size {
        report
            .plots
            .push(ratio_plot(comparison, TEXT, "code_text", Size));
    }
    headlines(&mut report, speed, size);
    report
}

impl Quantity {
    /// `ours ÷ theirs` of each kernel, where both were measured.
    fn ratios(
        self,
        comparison: &Comparison,
        ours: Candidate,
        theirs: Candidate,
    ) -> Option<Vec<Option<f64>>> {
        let pairs = comparison.of(ours)?.iter().zip(comparison.of(theirs)?);
        let ratio = |(ours, theirs): (&Measured, &Measured)| {
            let (ours, theirs) = (ours.as_ref().ok()?, theirs.as_ref().ok()?);
            Some((self.of)(ours) as f64 / (self.of)(theirs) as f64)
        };
        Some(pairs.map(ratio).collect())
    }

    /// The geometric mean of the ratios that there are.
    fn mean_ratio(
        self,
        comparison: &Comparison,
        ours: Candidate,
        theirs: Candidate,
    ) -> Option<f64> {
        let ratios = self.ratios(comparison, ours, theirs)?;
        geometric_mean(ratios.into_iter().flatten())
    }

    /// The numbers of the base, and of all others as ratios to it; as they are where it was not measured.
    fn table(self, comparison: &Comparison) -> Table {
        let base = comparison.of(self.base);
        let base = base.filter(|base| base.iter().any(Measured::is_ok));
        let unit = match base {
            Some(base) if base.iter().all(Measured::is_ok) => {
                format!("{} of {}, and ratios to it", self.unit, self.base)
            }
            Some(_) => format!(
                "{0} of {1}, and ratios to it; {0} where it has none",
                self.unit, self.base
            ),
            None => self.unit.to_owned(),
        };
        let columns = &comparison.columns;
        let mut header = vec!["kernel".to_owned()];
        header.extend(base.map(|_| self.unit.to_owned()));
        header.extend(columns.iter().map(column_name));
        let title = format!("{}, {}", self.title, comparison.machine);
        let mut table = Table::with_header(title, unit, header);
        for (index, kernel) in comparison.kernels.iter().enumerate() {
            let base = base.map(|base| &base[index]);
            let mut row = vec![Cell::text(*kernel)];
            row.extend(base.map(|base| self.cell(base, None)));
            let base = base.and_then(|base| base.as_ref().ok());
            row.extend(columns.iter().map(|column| match &column.measurements {
                Ok(measurements) => self.cell(&measurements[index], base),
                Err(missing) => Cell::missing(missing.to_string()),
            }));
            table.row(row);
        }
        if base.is_some() {
            let means = columns.iter().map(|column| {
                Cell::optional(self.mean_ratio(comparison, column.candidate, self.base), 3)
            });
            table.row(
                [Cell::text("geometric mean"), Cell::Empty]
                    .into_iter()
                    .chain(means),
            );
        }
        table
    }

    /// The number of `measurement`, as a ratio to `base` if there is one.
    fn cell(self, measured: &Measured, base: Option<&Measurement>) -> Cell {
        match (measured.as_ref().map(self.of), base.map(self.of)) {
            (Ok(number), Some(base)) => Cell::number(number as f64 / base as f64, 2),
            (Ok(number), None) => Cell::integer(number),
            (Err(failure), _) => Cell::missing(failure.to_string()),
        }
    }
}

/// The compiler, with the levels that make the same code: `lpc ion speed=size`, and just `lpc ion` where all do.
fn column_name(column: &Column) -> String {
    let Candidate::Lpc { regalloc, .. } = column.candidate else {
        return column.candidate.to_string();
    };
    let levels = column.same.iter().filter_map(|same| match same {
        Candidate::Lpc { level, .. } => Some(level_name(*level)),
        Candidate::C { .. } => None,
    });
    if levels.clone().count() + 1 == OptLevel::ALL.len() {
        return lpc_name(regalloc).to_owned();
    }
    levels.fold(column.candidate.to_string(), |name, level| {
        format!("{name}={level}")
    })
}

/// What the compiler made of the kernels whose instructions are the base of the mixes, if it has made anything.
fn measured_base(comparison: &Comparison) -> Option<&[Measured]> {
    let base = comparison.of(CLANG_O2)?;
    base.iter().any(Measured::is_ok).then_some(base)
}

/// What each compiler's instructions are, for 100 instructions of the base, averaged over the kernels.
fn mix_table(comparison: &Comparison) -> Option<Table> {
    let base = measured_base(comparison)?;
    let mut header = vec!["compiler".to_owned()];
    header.extend(Class::ALL.map(|class| class.name().to_owned()));
    header.push("all".to_owned());
    let title = format!("Executed instructions by kind, {}", comparison.machine);
    let unit = format!("for 100 instructions of {CLANG_O2}, mean of the kernels");
    let mut table = Table::with_header(title, unit, header);
    for column in &comparison.columns {
        let Ok(measurements) = &column.measurements else {
            continue;
        };
        let mean = |count: &dyn Fn(&Measurement) -> u64| {
            let pairs = measurements.iter().zip(base);
            let pairs = pairs.filter_map(|(ours, base)| ours.as_ref().ok().zip(base.as_ref().ok()));
            let shares =
                pairs.map(|(ours, base)| count(ours) as f64 / base.executed.total() as f64);
            let shares: Vec<_> = shares.collect();
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            Cell::optional((!shares.is_empty()).then_some(100.0 * mean), 1)
        };
        let mut row = vec![Cell::text(column_name(column))];
        row.extend(Class::ALL.map(|class| mean(&|ours| ours.executed.count(class))));
        row.push(mean(&|ours| ours.executed.total()));
        table.row(row);
    }
    Some(table)
}

/// Of which kinds our code executes more than that of the base, and of which less.
fn difference_table(comparison: &Comparison) -> Option<Table> {
    let ours = fast_code(Adaptive);
    let pairs = comparison.of(ours)?.iter().zip(measured_base(comparison)?);
    let pairs = comparison.kernels.iter().zip(pairs);
    let mut header = vec!["kernel".to_owned()];
    header.extend(Class::ALL.map(|class| class.name().to_owned()));
    header.push("all".to_owned());
    let title = format!(
        "What {ours} executes more than {CLANG_O2}, {}",
        comparison.machine
    );
    let unit = format!("for 100 instructions of {CLANG_O2}");
    let mut table = Table::with_header(title, unit, header);
    for (kernel, (ours, base)) in pairs {
        let (Ok(ours), Ok(base)) = (ours, base) else {
            continue;
        };
        let (ours, base) = (&ours.executed, &base.executed);
        let difference = |ours: u64, theirs: u64| {
            Cell::number(
                100.0 * (ours as f64 - theirs as f64) / base.total() as f64,
                1,
            )
        };
        let mut row = vec![Cell::text(*kernel)];
        row.extend(Class::ALL.map(|class| difference(ours.count(class), base.count(class))));
        row.push(difference(ours.total(), base.total()));
        table.row(row);
    }
    Some(table)
}

/// The ratios of our code and of GCC's, a bar each.
fn ratio_plot(comparison: &Comparison, quantity: Quantity, name: &str, level: OptLevel) -> Plot {
    let ours = [level.regalloc(), SinglePass].map(|regalloc| Candidate::Lpc { level, regalloc });
    let shown = ours
        .into_iter()
        .chain(comparison.columns.iter().filter_map(|column| {
            let is_c = matches!(column.candidate, Candidate::C { .. });
            (is_c && column.candidate != quantity.base && column.candidate != CLANG_O0)
                .then_some(column.candidate)
        }));
    let series = shown.filter_map(|candidate| {
        let ratios = quantity.ratios(comparison, candidate, quantity.base)?;
        Some((candidate.to_string(), ratios))
    });
    Plot::Bars(Bars {
        name: name.to_owned(),
        title: format!("{}, {}", quantity.title, comparison.machine),
        unit: format!("÷ {}", quantity.base),
        categories: comparison
            .kernels
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        series: series.collect(),
        baseline: Some(1.0),
    })
}

/// The figures that there are aims for.
fn headlines(report: &mut Report, speed: Option<&Comparison>, size: Option<&Comparison>) {
    let (best, fast) = (fast_code(Adaptive), fast_code(SinglePass));
    let mean = |comparison: Option<&Comparison>, quantity: Quantity, ours, theirs| {
        comparison.and_then(|comparison| quantity.mean_ratio(comparison, ours, theirs))
    };
    let insns_best = mean(speed, EXECUTED, best, CLANG_O2);
    let insns_fast = mean(speed, EXECUTED, fast, CLANG_O2);
    let unoptimized = mean(speed, EXECUTED, CLANG_O0, fast);
    let text = mean(size, TEXT, SMALL_CODE, CLANG_OS);
    let mut table = Table::new("Aims", "geometric means", ["what", "measured", "aim"]);
    let rows = [
        (
            EXECUTED,
            SPEED_MACHINE,
            format!("{best} ÷ {CLANG_O2}"),
            insns_best,
            "≤ 1.35",
        ),
        (
            EXECUTED,
            SPEED_MACHINE,
            format!("{CLANG_O0} ÷ {fast}"),
            unoptimized,
            "≥ 1.5",
        ),
        (
            TEXT,
            SIZE_MACHINE,
            format!("{SMALL_CODE} ÷ {CLANG_OS}"),
            text,
            "≤ 1.15",
        ),
    ];
    for (quantity, machine, ratio, value, aim) in rows {
        let what = format!("{}, {machine}: {ratio}", quantity.title);
        table.row([Cell::text(what), Cell::optional(value, 3), Cell::text(aim)]);
    }
    report.tables.push(table);
    report.figure("code.insns.ion.rv32im", insns_best);
    report.figure("code.insns.fast.rv32im", insns_fast);
    report.figure("code.text.ion.rv32imac", text);
}
