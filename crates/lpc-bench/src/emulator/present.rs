//! Measurements as a table, a plot and headline figures.

use super::measure::Measurement;
use crate::report::{Bars, Cell, Plot, Report, Table};
use crate::statistics::geometric_mean;

/// What came of `measurements`.
pub fn present(measurements: &[Measurement]) -> Report {
    let mean = |values: Vec<f64>| geometric_mean(values);
    let ours = mean(measurements.iter().map(|row| row.ours).collect());
    let qemu = measurements.iter().map(|row| row.qemu.as_ref().ok());
    let qemu: Option<Vec<f64>> = qemu.map(|speed| speed.copied()).collect();
    let qemu = qemu.and_then(mean);
    let ratio = ours.zip(qemu).map(|(ours, qemu)| ours / qemu);

    let mut report = Report::default();
    let header = ["kernel", "lpc", "QEMU", "lpc ÷ QEMU"];
    let mut table = Table::new("Emulator", "million instructions a second", header);
    for row in measurements {
        let ratio = row.qemu.as_ref().ok().map(|qemu| row.ours / qemu);
        table.row([
            Cell::text(row.kernel),
            Cell::number(row.ours, 0),
            match &row.qemu {
                Ok(qemu) => Cell::number(*qemu, 0),
                Err(missing) => Cell::missing(missing.to_string()),
            },
            Cell::optional(ratio, 2),
        ]);
    }
    table.row([
        Cell::text("geometric mean"),
        Cell::optional(ours, 0),
        Cell::optional(qemu, 0),
        Cell::optional(ratio, 2),
    ]);
    report.tables.push(table);
    report.plots.push(Plot::Bars(plot(measurements)));
    report.figure("emulator.mips", ours);
    report.figure("emulator.vs_qemu", ratio);
    report
}

fn plot(measurements: &[Measurement]) -> Bars {
    let speeds = |of: fn(&Measurement) -> Option<f64>| measurements.iter().map(of).collect();
    Bars {
        name: "emulator".to_owned(),
        title: "Speed of the emulator".to_owned(),
        unit: "million instructions a second".to_owned(),
        categories: measurements
            .iter()
            .map(|row| row.kernel.to_owned())
            .collect(),
        series: vec![
            ("lpc".to_owned(), speeds(|row| Some(row.ours))),
            (
                "qemu-riscv32".to_owned(),
                speeds(|row| row.qemu.as_ref().ok().copied()),
            ),
        ],
        baseline: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Measurement, present};
    use crate::tools::{MissingTool, QEMU};

    #[test]
    fn with_qemu() {
        let row = |kernel, ours, qemu| Measurement {
            kernel,
            ours,
            qemu: Ok(qemu),
        };
        let report = present(&[row("sieve", 400.0, 1600.0), row("queens", 900.0, 900.0)]);
        let expected = "\
**Emulator** (million instructions a second)

| kernel         | lpc | QEMU | lpc ÷ QEMU |
|----------------|-----|------|------------|
| sieve          | 400 | 1600 |       0.25 |
| queens         | 900 |  900 |       1.00 |
| geometric mean | 600 | 1200 |       0.50 |

figure emulator.mips 600.000
figure emulator.vs_qemu 0.500
";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn without_qemu() {
        let report = present(&[Measurement {
            kernel: "sieve",
            ours: 400.0,
            qemu: Err(MissingTool(QEMU)),
        }]);
        let text = report.to_string();
        assert!(text.contains("qemu-user is not installed"), "{text}");
        assert!(text.ends_with("\nfigure emulator.mips 400.000\n"), "{text}");
    }
}
