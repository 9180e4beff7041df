//! The tables that `lpc run --stats` prints.

use crate::pipeline::Compilation;
use crate::source::SourceModule;
use lpc_codegen::RegallocAlgorithm;
use lpc_device::{Cost, Execution, Loaded};
use lpc_riscv32::emulator::Counters;
use std::fmt;
use std::time::Duration;

/// What compiling and running a program took.
pub(crate) struct Stats<'a> {
    pub(crate) source: &'a SourceModule,
    pub(crate) compilation: &'a Compilation,
    /// For each function, the most values that are in registers at once.
    pub(crate) register_pressures: Vec<u32>,
    pub(crate) execution: ExecutionStats,
}

/// What running a program took.
pub(crate) struct ExecutionStats {
    /// Linking, making the memory of the machine, and loading the program into it.
    pub(crate) link_time: Duration,
    pub(crate) counters: Counters,
    pub(crate) run_time: Duration,
}

impl fmt::Display for Stats<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_times(f)?;
        self.fmt_code(f)?;
        self.execution.fmt(f)?;
        self.fmt_functions(f)
    }
}

impl Stats<'_> {
    fn fmt_times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passes = self.compilation.times;
        let times = [
            ("parse", self.source.parse_time),
            ("verify", self.source.verify_time),
            ("lower", passes.lower),
            ("allocate registers", passes.allocate),
            ("emit", passes.emit),
            ("runtime routines", passes.routines),
        ];
        writeln!(f, "compile time")?;
        for (pass, time) in times {
            row(f, pass, milliseconds(time), "ms")?;
        }
        let total = times.iter().map(|(_, time)| *time).sum();
        row(f, "total", milliseconds(total), "ms")?;
        row(f, "peak heap", self.compilation.peak_heap, "bytes")
    }

    fn fmt_code(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compiled = &self.compilation.compiled;
        let stats = self.compilation.stats();
        writeln!(f, "code")?;
        row(f, "functions", compiled.functions.len(), "")?;
        row(f, "size", self.compilation.code_bytes(), "bytes")?;
        row(f, "vcode instructions", stats.vcode_insts, "")?;
        row(f, "virtual registers", stats.vregs, "")?;
        let functions = compiled.functions.iter().zip(&self.register_pressures);
        if let Some((function, pressure)) = functions.max_by_key(|(_, pressure)| *pressure) {
            let place = format!("in {}", function.name);
            row(f, "register pressure", pressure, &place)?;
        }
        let functions = compiled.functions.iter();
        let used = functions.filter_map(|function| function.code.stats.regalloc);
        let single_pass = used.filter(|used| *used == RegallocAlgorithm::SinglePass);
        row(f, "allocated fast", single_pass.count(), "functions")?;
        row(f, "spills", stats.spills, "")?;
        row(f, "reloads", stats.reloads, "")?;
        row(f, "moves", stats.moves, "")
    }

    /// A line for each function, if there are several.
    fn fmt_functions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions = &self.compilation.compiled.functions;
        if functions.len() < 2 {
            return Ok(());
        }
        let names: Vec<_> = functions
            .iter()
            .map(|function| function.name.to_string())
            .collect();
        let lengths = names.iter().map(|name| name.chars().count());
        let width = lengths.max().unwrap_or(0).clamp(20, 60);
        writeln!(
            f,
            "{:<width$} {:>13} {:>9} {:>9} {:>9}",
            "functions",
            "instructions",
            "bytes",
            "spills",
            "pressure",
            width = width + 2
        )?;
        let rows = names.iter().zip(functions).zip(&self.register_pressures);
        for ((name, function), pressure) in rows {
            let stats = &function.code.stats;
            let bytes = function.code.buffer.bytes.len();
            writeln!(
                f,
                "  {name:<width$} {:>13} {bytes:>9} {:>9} {pressure:>9}",
                stats.vcode_insts, stats.spills
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for ExecutionStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters {
            instructions,
            loads,
            stores,
            taken_branches,
        } = self.counters;
        writeln!(f, "execution")?;
        row(f, "link and load", milliseconds(self.link_time), "ms")?;
        row(f, "instructions", instructions, "")?;
        row(f, "loads", loads, "")?;
        row(f, "stores", stores, "")?;
        row(f, "taken branches", taken_branches, "")?;
        row(f, "time", milliseconds(self.run_time), "ms")?;
        let speed = instructions as f64 / self.run_time.as_secs_f64().max(1e-9) / 1e6;
        row(
            f,
            "speed",
            format_args!("{speed:.1}"),
            "million instructions/s",
        )
    }
}

/// What compiling and running a program on a device took.
pub(crate) struct DeviceStats<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) execution: &'a Execution,
}

impl fmt::Display for DeviceStats<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Loaded {
            bytes,
            read,
            verify,
            compile,
            link,
            ..
        } = self.loaded;
        let costs = [
            ("read", read),
            ("verify", verify),
            ("compile", compile),
            ("link", link),
        ];
        writeln!(
            f,
            "{:<14}{:>13} {:>9} {:>12} {:>12}",
            "on the device", "instructions", "ms", "peak heap", "peak stack"
        )?;
        for (name, cost) in costs {
            let time = microseconds(cost.microseconds);
            let Cost {
                instructions,
                heap,
                stack,
                ..
            } = cost;
            writeln!(
                f,
                "  {name:<12}{instructions:>13} {time:>9} {heap:>12} {stack:>12}"
            )?;
        }
        let Execution {
            instructions,
            microseconds: time,
            stack,
        } = *self.execution;
        let time = microseconds(time);
        writeln!(
            f,
            "  {:<12}{instructions:>13} {time:>9} {:>12} {stack:>12}",
            "run", ""
        )?;
        writeln!(f, "  {bytes} bytes of code and data")
    }
}

fn microseconds(time: u64) -> String {
    milliseconds(Duration::from_micros(time))
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: impl ToString, unit: &str) -> fmt::Result {
    let line = format!("  {name:<20}{:>14} {unit}", value.to_string());
    writeln!(f, "{}", line.trim_end())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}
