//! What was measured, as tables, plots and figures.

use super::candidates::{
    ALWAYS_ION, FAST, FAST_BESIDE_BACKTRACKING, ION, NAMES, OURS, PASSES, Pair,
};
use super::corpus::Skipped;
use super::llc::LEVELS;
use super::measure::Costs;
use crate::report::{Cell, Lines, Plot, Report, Table};
use crate::statistics::{geometric_mean, growth_exponent};
use crate::tools::MissingTool;
use std::time::Duration;

/// What the functions of a corpus take.
pub(super) struct Measured {
    pub(super) name: String,
    /// Whether it belongs to the user, and so is no part of the figures.
    pub(super) is_users: bool,
    pub(super) skipped: Skipped,
    pub(super) costs: Vec<Costs>,
    /// What its functions take in `llc`, together, at each level; or why that is not known. `None` where nobody asks for it.
    pub(super) llc: Option<Result<[Duration; LEVELS.len()], MissingTool>>,
}

/// From how many instructions on a function says something about growth: what is done once for each function, however small it is,
/// no longer matters.
const LEAST_GROWTH_SIZE: usize = 1_000;

pub(super) fn report(measured: &[Measured], growth: &[Costs]) -> Report {
    let mut report = Report::default();
    report.tables.push(functions(measured));
    report.tables.push(times(measured));
    report.tables.push(passes(measured));
    report.tables.push(llc(measured));
    report.tables.push(heaps(measured));
    report.tables.push(growth_table(growth));
    report.plots = plots(growth);
    for (figure, ratio) in [("speed", speed as Ratio), ("heap", heap)] {
        for (name, pair) in [
            ("fast", FAST),
            ("ion", ION),
            ("always_ion", ALWAYS_ION),
            ("fast_beside_backtracking", FAST_BESIDE_BACKTRACKING),
        ] {
            let value = headline(measured, |costs| ratio(costs, pair));
            report.figure(format!("compile.{figure}.{name}"), value);
        }
    }
    let worst = |exponents: [Option<f64>; 3]| exponents.into_iter().flatten().reduce(f64::max);
    let of_time = [FAST, ION, ALWAYS_ION].map(|pair| time_exponent(growth, pair.ours));
    let of_heap = [FAST, ION, ALWAYS_ION].map(|pair| heap_exponent(growth, pair.ours));
    report.figure("compile.growth.time", worst(of_time));
    report.figure("compile.growth.heap", worst(of_heap));
    report
}

type Ratio = fn(&Costs, Pair) -> f64;

/// A headline figure: the geometric mean over all built-in rows that compute with words only, each of which is the geometric mean
/// over its functions.
fn headline(measured: &[Measured], ratio: impl Fn(&Costs) -> f64) -> Option<f64> {
    let rows = groups(measured).filter(|row| !row.is_wide && !row.is_users);
    geometric_mean(rows.filter_map(|row| row.mean(&ratio)))
}

/// Their time divided by ours.
fn speed(costs: &Costs, pair: Pair) -> f64 {
    costs.times[pair.theirs].as_secs_f64() / costs.times[pair.ours].as_secs_f64().max(1e-9)
}

/// Our peak divided by theirs.
fn heap(costs: &Costs, pair: Pair) -> f64 {
    costs.heaps[pair.ours].peak as f64 / costs.heaps[pair.theirs].peak as f64
}

/// As [`heap`], without the functions themselves.
fn heap_without_ir(costs: &Costs, pair: Pair) -> f64 {
    costs.heaps[pair.ours].without_ir as f64 / costs.heaps[pair.theirs].without_ir as f64
}

fn functions(measured: &[Measured]) -> Table {
    let mut table = Table::new(
        "What is compiled",
        "functions, instructions",
        [
            "corpus",
            "functions",
            "instructions",
            "with i64 or i128",
            "lpc lacks something",
            "Cranelift lacks something",
            "converts addresses",
        ],
    );
    for corpus in measured {
        let insts = corpus.costs.iter().map(|costs| costs.num_insts as u64);
        let wide = corpus.costs.iter().filter(|costs| costs.is_wide).count();
        table.row([
            Cell::text(&corpus.name),
            Cell::integer(corpus.costs.len() as u64),
            Cell::integer(insts.sum()),
            Cell::integer(wide as u64),
            Cell::integer(corpus.skipped.by_us as u64),
            Cell::integer(corpus.skipped.by_them as u64),
            Cell::integer(corpus.skipped.converts_addresses as u64),
        ]);
    }
    table
}

/// A row of a table: the functions of a corpus that compute with words only, or the others.
struct Group<'a> {
    name: String,
    is_wide: bool,
    is_users: bool,
    costs: Vec<&'a Costs>,
}

impl Group<'_> {
    /// The geometric mean of `ratio` over the functions.
    fn mean(&self, ratio: impl Fn(&Costs) -> f64) -> Option<f64> {
        geometric_mean(self.costs.iter().map(|costs| ratio(costs)))
    }

    /// The sum of `cost` over the functions, for each instruction.
    fn for_instruction(&self, cost: impl Fn(&Costs) -> f64) -> f64 {
        let insts: usize = self.costs.iter().map(|costs| costs.num_insts).sum();
        let cost: f64 = self.costs.iter().map(|costs| cost(costs)).sum();
        cost / insts as f64
    }
}

fn groups(measured: &[Measured]) -> impl Iterator<Item = Group<'_>> {
    let groups = measured.iter().flat_map(|corpus| {
        [false, true].map(|is_wide| {
            let costs = corpus.costs.iter();
            let costs = costs.filter(|costs| costs.is_wide == is_wide).collect();
            let suffix = if is_wide { " (i64)" } else { "" };
            Group {
                name: format!("{}{suffix}", corpus.name),
                is_wide,
                is_users: corpus.is_users,
                costs,
            }
        })
    });
    groups.filter(|group| !group.costs.is_empty())
}

/// The first cell of a row, one for each candidate, and what else there is.
fn row(name: impl Into<String>, cells: impl Iterator<Item = Cell>, more: Vec<Cell>) -> Vec<Cell> {
    let name = Cell::text(name);
    [name].into_iter().chain(cells).chain(more).collect()
}

fn header(more: &[&str]) -> Vec<String> {
    let names = ["corpus"].iter().chain(&NAMES).chain(more);
    names.map(|name| name.to_string()).collect()
}

fn times(measured: &[Measured]) -> Table {
    let mut table = Table::with_header(
        "Time",
        "µs of processor time for 1,000 instructions; ratio: geometric mean over the functions of Cranelift's time divided by ours; \
         figures: geometric mean of the ratios of all built-in rows without (i64); \
         ion: lpc speed, which calls Ion where registers are lacking, beside Cranelift none, backtracking",
        header(&["ratio fast", "ratio ion", "ratio always ion"]),
    );
    for group in groups(measured) {
        let times = (0..NAMES.len()).map(|candidate| {
            let time = group.for_instruction(|costs| costs.times[candidate].as_secs_f64());
            Cell::number(time * 1e9, 0)
        });
        let ratios = [FAST, ION, ALWAYS_ION].map(|pair| group.mean(|costs| speed(costs, pair)));
        let ratios = ratios.map(|ratio| Cell::optional(ratio, 2)).to_vec();
        table.row(row(&group.name, times, ratios));
    }
    table
}

fn passes(measured: &[Measured]) -> Table {
    let columns = OURS.iter().flat_map(|&ours| {
        PASSES
            .iter()
            .map(move |pass| format!("{}: {pass}", NAMES[ours]))
    });
    let header = ["corpus".to_string()].into_iter().chain(columns).collect();
    let unit = "µs of processor time for 1,000 instructions; each pass is measured with fresh memory, one by one, so that for \
                small functions the parts do not add up to the time above, of a compiler that keeps its memory";
    let mut table = Table::with_header("Time of our passes", unit, header);
    for group in groups(measured) {
        let cells = (0..OURS.len()).flat_map(|ours| {
            let group = &group;
            (0..PASSES.len()).map(move |pass| {
                let time = group.for_instruction(|costs| costs.passes[ours][pass].as_secs_f64());
                Cell::number(time * 1e9, 0)
            })
        });
        table.row(row(&group.name, cells, Vec::new()));
    }
    table
}

/// LLVM's code generator beside ours: at each of its levels, the candidate of ours that is for the same purpose.
fn llc(measured: &[Measured]) -> Table {
    let candidates = [FAST.ours, ION.ours];
    let ours = candidates.map(|candidate| NAMES[candidate].to_string());
    let theirs = LEVELS.map(|level| format!("llc {level}"));
    let ratios = [0, 1].map(|index| format!("{} / {}", theirs[index], ours[index]));
    let header = ["corpus".to_string()].into_iter();
    let header = header.chain(ours).chain(theirs).chain(ratios).collect();
    let mut table = Table::with_header(
        "llc",
        "µs of processor time for 1,000 instructions of LPIR; llc: of the process, which reads text and writes an object file, less \
         that for an empty module, so reading the text is part of it; ratio: its time divided by ours",
        header,
    );
    for corpus in measured {
        let Some(llc) = corpus.llc else { continue };
        let insts: usize = corpus.costs.iter().map(|costs| costs.num_insts).sum();
        let scale = 1e9 / insts as f64;
        let ours = candidates.map(|candidate| {
            let times = corpus.costs.iter().map(|costs| costs.times[candidate]);
            times.sum::<Duration>().as_secs_f64() * scale
        });
        let [theirs, ratios] = match llc {
            Ok(times) => {
                let theirs = times.map(|time| time.as_secs_f64() * scale);
                let ratios = [0, 1].map(|index| Cell::number(theirs[index] / ours[index], 1));
                [theirs.map(|time| Cell::number(time, 0)), ratios]
            }
            Err(missing) => [
                [(); LEVELS.len()].map(|()| Cell::missing(missing.to_string())),
                [Cell::Empty, Cell::Empty],
            ],
        };
        let ours = ours.map(|time| Cell::number(time, 0));
        let name = [Cell::text(&corpus.name)].into_iter();
        table.row(name.chain(ours).chain(theirs).chain(ratios));
    }
    table
}

fn heaps(measured: &[Measured]) -> Table {
    let ratios = [
        "ratio fast",
        "ratio ion",
        "ratio always ion",
        "without IR: fast",
        "without IR: ion",
        "without IR: always ion",
    ];
    let mut table = Table::with_header(
        "Peak heap",
        "bytes for an instruction, the function included; ratio: geometric mean over the functions of our peak divided by Cranelift's; \
         ion: lpc speed, which calls Ion where registers are lacking, beside Cranelift none, backtracking",
        header(&ratios),
    );
    for group in groups(measured) {
        let heaps = (0..NAMES.len()).map(|candidate| {
            let peak = group.for_instruction(|costs| costs.heaps[candidate].peak as f64);
            Cell::number(peak, 0)
        });
        let ratios = [heap, heap_without_ir].map(|ratio| {
            let ratios = [FAST, ION, ALWAYS_ION].map(|pair| group.mean(|costs| ratio(costs, pair)));
            ratios.map(|ratio| Cell::optional(ratio, 2))
        });
        table.row(row(&group.name, heaps, ratios.concat()));
    }
    table
}

fn time_exponent(growth: &[Costs], candidate: usize) -> Option<f64> {
    exponent(growth, |costs| costs.times[candidate].as_secs_f64())
}

fn heap_exponent(growth: &[Costs], candidate: usize) -> Option<f64> {
    exponent(growth, |costs| costs.heaps[candidate].peak as f64)
}

fn exponent(growth: &[Costs], cost: impl Fn(&Costs) -> f64) -> Option<f64> {
    let large = growth
        .iter()
        .filter(|costs| costs.num_insts >= LEAST_GROWTH_SIZE);
    let points: Vec<_> = large
        .map(|costs| (costs.num_insts as f64, cost(costs)))
        .collect();
    growth_exponent(&points)
}

fn growth_table(growth: &[Costs]) -> Table {
    let sizes = growth.iter().map(|costs| costs.num_insts.to_string());
    let header = ["candidate".to_string()]
        .into_iter()
        .chain(sizes.clone())
        .chain(["exponent".to_string()])
        .chain(sizes)
        .chain(["exponent".to_string()]);
    let mut table = Table::with_header(
        "Growth",
        "mixed functions by their size in instructions: first µs for 1,000 instructions, then bytes for an instruction, each with the exponent of its growth from 1,000 instructions on; lpc gives functions with too many registers for Ion to its single-pass allocator",
        header.collect(),
    );
    for (candidate, name) in NAMES.iter().enumerate() {
        let times = growth.iter().map(|costs| {
            let time = costs.times[candidate].as_secs_f64() * 1e9;
            Cell::number(time / costs.num_insts as f64, 1)
        });
        let heaps = growth.iter().map(|costs| {
            let peak = costs.heaps[candidate].peak as f64;
            Cell::number(peak / costs.num_insts as f64, 0)
        });
        let exponents = [time_exponent, heap_exponent]
            .map(|exponent| Cell::optional(exponent(growth, candidate), 3));
        let [of_time, of_heap] = exponents;
        table.row(
            [Cell::text(*name)]
                .into_iter()
                .chain(times)
                .chain([of_time])
                .chain(heaps)
                .chain([of_heap]),
        );
    }
    table
}

fn plots(growth: &[Costs]) -> Vec<Plot> {
    let series = |cost: fn(&Costs, usize) -> f64| {
        let lines = NAMES.iter().enumerate().map(|(candidate, name)| {
            let points = growth
                .iter()
                .map(|costs| (costs.num_insts as f64, cost(costs, candidate)));
            (name.to_string(), points.collect())
        });
        lines.collect()
    };
    vec![
        Plot::Lines(Lines {
            name: "compile_time".into(),
            title: "Time to compile".into(),
            x: "instructions of the function".into(),
            y: "µs for 1,000 instructions".into(),
            series: series(|costs, candidate| {
                costs.times[candidate].as_secs_f64() * 1e9 / costs.num_insts as f64
            }),
        }),
        Plot::Lines(Lines {
            name: "compile_heap".into(),
            title: "Peak heap to compile".into(),
            x: "instructions of the function".into(),
            y: "bytes".into(),
            series: series(|costs, candidate| costs.heaps[candidate].peak as f64),
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Costs, FAST, Measured, OURS, PASSES, headline, speed};
    use crate::compile::candidates::{Heap, NAMES};
    use crate::compile::corpus::Skipped;
    use std::time::Duration;

    /// A corpus of one function, for which Cranelift takes so many times as long as we do.
    fn corpus(ratio: u32, is_users: bool, is_wide: bool) -> Measured {
        let mut times = [Duration::from_micros(1); NAMES.len()];
        times[FAST.theirs] *= ratio;
        Measured {
            name: String::new(),
            is_users,
            skipped: Skipped::default(),
            costs: vec![Costs {
                num_insts: 10,
                is_wide,
                times,
                heaps: [Heap::default(); NAMES.len()],
                passes: [[Duration::ZERO; PASSES.len()]; OURS.len()],
            }],
            llc: None,
        }
    }

    #[test]
    fn figures_are_of_the_built_in_functions_that_compute_with_words() {
        let measured = [
            corpus(2, false, false),
            corpus(8, false, false),
            corpus(100, true, false),
            corpus(1, false, true),
        ];
        let figure = headline(&measured, |costs| speed(costs, FAST)).unwrap();
        assert!((figure - 4.0).abs() < 1e-9, "{figure}");
    }
}
