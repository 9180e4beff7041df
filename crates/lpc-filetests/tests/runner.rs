//! What the runner makes of files, right and wrong.

use lpc_filetests::{Options, Summary, run_paths};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Runs a file of that name and content. Gives the whole output, without the name of the folder, and the new content.
fn run_file(name: &str, content: &str, bless: bool) -> (Summary, String, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let options = Options {
        bless,
        ..Options::default()
    };
    let (summary, output) = run(&[&path], folder.path(), &options);
    (summary, output, fs::read_to_string(&path).unwrap())
}

fn run(paths: &[&Path], folder: &Path, options: &Options) -> (Summary, String) {
    let paths: Vec<_> = paths.iter().map(|path| path.to_path_buf()).collect();
    let mut output = Vec::new();
    let summary = run_paths(&paths, options, &mut output).unwrap();
    let output = String::from_utf8(output).unwrap();
    let prefix = format!("{}/", folder.display());
    (summary, output.replace(&prefix, ""))
}

/// The output of a run of a `.clif` file that holds `content`.
fn output(content: &str) -> String {
    run_file("a.clif", content, false).1
}

const DIVIDE: &str = "
function %divide(i32, i32) -> i32 {
block0(v0: i32, v1: i32):
    v2 = sdiv v0, v1
    return v2
}
";

#[test]
fn directives_that_come_true() {
    let directives = "
; run: %divide(7, 2) == 3
; run: %divide(7, 2) == [3]
; run: %divide(7, 2) != 4
; trap: %divide(7, 0) == int_divz
; a remark that is no directive
function %nonzero() -> i8 {
block0:
    v0 = iconst.i8 5
    return v0
}
; run
";
    let text = format!("test run{DIVIDE}{directives}");
    assert_eq!(output(&text), "5 passed, 0 failed, 0 skipped\n");
}

#[test]
fn failures_show_what_each_engine_gave() {
    let directives = "; run: %divide(7, 2) == 4
; run: %divide(7, 0) == 1
; trap: %divide(7, 0) == int_ovf
; trap: %divide(7, 1) == int_divz
; run: %divide(7) == 1
";
    let text = format!("test run{DIVIDE}{directives}");
    let expected = "\
a.clif:7: failed: run: %divide(7, 2) == 4
  interpreter: 3
  emulator, backtracking -O none: 3
  emulator, backtracking -O speed -O size: 3
  emulator, single_pass -O none: 3
  emulator, single_pass -O speed -O size: 3
a.clif:8: failed: run: %divide(7, 0) == 1
  interpreter: trap int_divz
  emulator, backtracking -O none: trap int_divz
  emulator, backtracking -O speed -O size: trap int_divz
  emulator, single_pass -O none: trap int_divz
  emulator, single_pass -O speed -O size: trap int_divz
a.clif:9: failed: trap: %divide(7, 0) == int_ovf
  interpreter: trap int_divz
  emulator, backtracking -O none: trap int_divz
  emulator, backtracking -O speed -O size: trap int_divz
  emulator, single_pass -O none: trap int_divz
  emulator, single_pass -O speed -O size: trap int_divz
a.clif:10: failed: trap: %divide(7, 1) == int_divz
  interpreter: 7
  emulator, backtracking -O none: 7
  emulator, backtracking -O speed -O size: 7
  emulator, single_pass -O none: 7
  emulator, single_pass -O speed -O size: 7
a.clif:11: failed: expected 2 arguments, found 1
0 passed, 5 failed, 0 skipped
";
    assert_eq!(output(&text), expected);
}

#[test]
fn addresses_of_64_bits_are_skipped_or_retyped() {
    let text = "test run
function %f(i64) -> i64 {
    ss0 = explicit_slot 8
block0(v0: i64):
    v1 = stack_addr.i64 ss0
    store v0, v1
    v2 = load.i64 v1
    return v2
}
; run: %f(-3) == -3
";
    let skipped = "\
a.clif:2: skipped 1 test: %f: an address of type i64: addresses are i32
0 passed, 0 failed, 1 skipped
";
    assert_eq!(output(text), skipped);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.clif");
    fs::write(&path, text).unwrap();
    let options = Options {
        retype_pointers: true,
        ..Options::default()
    };
    let (_, retyped) = run(&[&path], folder.path(), &options);
    assert_eq!(retyped, "1 passed, 0 failed, 0 skipped\n");
}

#[test]
fn what_needs_a_single_hart_runs_in_the_emulator() {
    let text = "test run
function %f(i64, i64) -> i64 {
    ss0 = explicit_slot 8, align = 8
block0(v0: i64, v1: i64):
    v2 = stack_addr.i32 ss0
    store v0, v2
    v3 = atomic_rmw.i64 add v2, v1
    v4 = atomic_load.i64 v2
    return v4
}
; run: %f(0xffff_ffff, 1) == 0x1_0000_0000
";
    assert_eq!(output(text), "1 passed, 0 failed, 0 skipped\n");
}

#[test]
fn interpret_runs_on_the_interpreter_alone() {
    let text = format!("test interpret{DIVIDE}; run: %divide(7, 2) == 4\n");
    let expected = "\
a.clif:7: failed: run: %divide(7, 2) == 4
  interpreter: 3
0 passed, 1 failed, 0 skipped
";
    assert_eq!(output(&text), expected);
    let both = text.replace("test interpret", "test interpret\ntest run");
    assert!(output(&both).ends_with("0 passed, 1 failed, 0 skipped\n"));
}

#[test]
fn a_stated_allocator_is_the_only_one() {
    let header = "test run\nset regalloc_algorithm=single_pass";
    let text = format!("{header}{DIVIDE}; print: %divide(7, 2)\n");
    let expected = "\
a.clif:8: interpreter: print: %divide(7, 2): 3
a.clif:8: emulator, single_pass -O none: print: %divide(7, 2): 3
a.clif:8: emulator, single_pass -O speed -O size: print: %divide(7, 2): 3
1 passed, 0 failed, 0 skipped
";
    assert_eq!(output(&text), expected);
}

#[test]
fn what_is_lacking_is_skipped_and_named_and_the_rest_runs() {
    let text = format!(
        "test run
test optimize fast
{DIVIDE}
; run: %divide(7, 2) == 3

function %vector(i32x4) -> i32x4 {{
block0(v0: i32x4):
    return v0
}}
; run: %vector([1 2 3 4]) == [1 2 3 4]
; run: %vector([1 1 1 1]) == [1 1 1 1]

function %caller() -> i32 {{
    fn0 = %other_caller() -> i32
block0:
    v0 = call fn0()
    return v0
}}
; run: %caller() == 0

function %other_caller() -> i32 {{
    fn0 = %missing() -> i32
block0:
    v0 = call fn0()
    return v0
}}
"
    );
    let expected = "\
a.clif:12: skipped 2 tests: %vector: type i32x4 is not supported
a.clif:19: skipped 1 test: %caller: calls %other_caller: calls %missing, which is not defined
a.clif:27: skipped 0 tests: %other_caller: calls %missing, which is not defined
a.clif:2: skipped 1 test: unknown test command `optimize fast`
1 passed, 0 failed, 4 skipped
";
    assert_eq!(output(&text), expected);
}

#[test]
fn functions_that_do_not_pass_the_verifier_fail() {
    let wrong = "
function %wrong(i8) -> i32 {
block0(v0: i8):
    return v0
}
; run: %wrong(1) == 1
";
    let text = format!("test run{wrong}{DIVIDE}; run: %divide(1, 1) == 1\n");
    let (summary, output, _) = run_file("a.clif", &text, false);
    assert!(output.starts_with("a.clif:2: failed: %wrong does not pass the verifier\n"));
    let expected = Summary {
        passed: 1,
        failed: 1,
        skipped: 1,
    };
    assert_eq!(summary, expected);
}

#[test]
fn files_that_are_no_tests_fail() {
    assert_eq!(
        output("function %f() {\nblock0:\n    retrun\n}"),
        "a.clif:3:5: failed: unknown opcode `retrun`\n    retrun\n    ^\n0 passed, 1 failed, 0 skipped\n"
    );
    assert_eq!(
        output(DIVIDE),
        "a.clif:1: failed: the file has no test command\n0 passed, 1 failed, 0 skipped\n"
    );
    let setting = "test run\nset opt_level=best\n";
    assert_eq!(
        output(setting),
        "a.clif:2: failed: `best` is no value of the setting `opt_level`\n\
         0 passed, 1 failed, 0 skipped\n"
    );
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing.clif");
    let (summary, _) = run(&[&missing], folder.path(), &Options::default());
    assert_eq!(summary.failed, 1);
}

#[test]
fn folders_stand_for_the_tests_in_them_in_the_order_of_names() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("b")).unwrap();
    for name in ["c.clif", "b/z.clif", "a.clif", "a.txt"] {
        fs::write(folder.path().join(name), "test domtree\n").unwrap();
    }
    let (_, output) = run(&[folder.path()], folder.path(), &Options::default());
    let expected = "\
a.clif:1: skipped 1 test: unknown test command `domtree`
b/z.clif:1: skipped 1 test: unknown test command `domtree`
c.clif:1: skipped 1 test: unknown test command `domtree`
0 passed, 0 failed, 3 skipped
";
    assert_eq!(output, expected);
}

#[test]
fn verifier_errors_and_annotations() {
    let text = "test verifier
function %expected(i32, i8) -> i32 {
block0(v0: i32, v1: i8):
    v2 = iadd v0, v1 ; error: has type i8
    return v2 ; error: nonsense
}
function %unexpected(i8) -> i32 {
block0(v0: i8):
    return v0
}
function %sound() {
block0:
    return
}
";
    let (summary, output, _) = run_file("a.clif", text, false);
    let expected = Summary {
        passed: 2,
        failed: 2,
        skipped: 0,
    };
    assert_eq!(summary, expected);
    assert!(output.contains("a.clif:5: failed: no error at inst1 with `nonsense`\n"));
    assert!(output.contains("a.clif:7: failed: unexpected error in %unexpected: inst0"));
}

#[test]
fn cat_checks_directives() {
    let text = "test cat
function %f() -> i32 {
block0:
    v0 = iconst.i32 65536
    return v0
}
; check: block0:
; nextln: v0 = iconst.i32 0x0001_0000
";
    assert_eq!(output(text), "1 passed, 0 failed, 0 skipped\n");
    let wrong = text.replace("nextln", "sameln");
    let output = output(&wrong);
    assert!(output.starts_with("a.clif:2: failed: %f: no match\n"));
    assert!(output.ends_with("0 passed, 1 failed, 0 skipped\n"));
}

const PRECISE: &str = "test compile precise-output

function %f(i32, i32) -> i32 {
block0(v0: i32, v1: i32):
    v2 = isub v0, v1
    return v2
}
";

#[test]
fn precise_output_is_compared_and_blessed() {
    let (_, output, unchanged) = run_file("a.clif", PRECISE, false);
    assert!(output.contains("a.clif:3: failed: the result is not the expected text"));
    assert!(output.contains("\n+   0: sub a0,a0,a1\n"));
    assert_eq!(unchanged, PRECISE);
    let (summary, _, blessed) = run_file("a.clif", PRECISE, true);
    assert_eq!((summary.passed, summary.failed), (1, 0));
    assert!(blessed.starts_with(&format!("{PRECISE}\n;    0: sub a0,a0,a1\n;    ")));
    let (_, output, again) = run_file("a.clif", &blessed, false);
    assert_eq!(output, "1 passed, 0 failed, 0 skipped\n");
    assert_eq!(again, blessed);
    // What is expected is replaced, not added to.
    let wrong = blessed.replace("sub", "add");
    let start = wrong.find("; ").unwrap();
    let wrong = format!("{PRECISE}\n{}", &wrong[start..]);
    assert_eq!(run_file("a.clif", &wrong, true).2, blessed);
}

#[test]
fn compile_checks_directives() {
    let text = PRECISE.replace(" precise-output", "") + "\n; check: sub a0,a0,a1\n; nextln: ret\n";
    assert_eq!(output(&text), "1 passed, 0 failed, 0 skipped\n");
    let wrong = text.replace("check: sub", "check: add");
    assert!(output(&wrong).ends_with("0 passed, 1 failed, 0 skipped\n"));
}

#[test]
fn lowering_and_emission_of_virtual_register_code() {
    let (_, _, lowered) = run_file(
        "a.clif",
        &PRECISE.replace("compile precise-output", "lower"),
        true,
    );
    let vcode: String = lowered
        .lines()
        .filter_map(|line| line.strip_prefix(';'))
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
        .collect();
    let expected = "vcode %f {

block0:
    args v192=a0, v193=a1
    sub v194, v192, v193
    rets v194=a0
}
";
    assert_eq!(vcode, expected);
    let regalloc = format!("test regalloc\n\n{vcode}");
    let (summary, _, allocated) = run_file("a.vcode", &regalloc, true);
    assert_eq!(summary.passed, 1);
    assert!(allocated.contains("\n;     sub v194:a0, v192:a0, v193:a1\n"));
    let emit = format!("test emit\n\n{vcode}\n;    0: sub a0,a0,a1\n;    2: ret\n");
    let (_, output, _) = run_file("a.vcode", &emit, false);
    assert_eq!(output, "1 passed, 0 failed, 0 skipped\n");
    let wrong = "test emit\n\nvcode %f {\nblock0:\n    frobnicate v192\n}\n";
    let (_, output, _) = run_file("a.vcode", wrong, false);
    assert!(output.starts_with("a.vcode:5:5: failed: "));
}

#[test]
fn names_and_words_that_nobody_knows_fail() {
    let directives = "; run: %other(7, 2) == 3
; run: %dvide(7, 2) == 3
; rum: %divide(7, 2) == 4
; see: %divide has no parameters here
function %other() {
block0:
    return
}
";
    let text = format!("test run\ntest rnu\n{DIVIDE}{directives}");
    let expected = "\
a.clif:10: failed: run: %dvide(7, 2) == 3: there is no function %dvide in this file
a.clif:11: failed: there is no directive `rum:`; there are `run:`, `trap:` and `print:`
a.clif:2: failed: unknown test command `rnu`
1 passed, 3 failed, 0 skipped
";
    assert_eq!(output(&text), expected);
}

#[test]
fn code_of_other_machines_is_skipped() {
    let foreign = format!("{PRECISE}\n; wrong\n").replacen('\n', "\ntarget aarch64\n", 1);
    let skipped = "\
a.clif:1: skipped 1 test: the code is that of target aarch64
0 passed, 0 failed, 1 skipped
";
    assert_eq!(output(&foreign), skipped);
    let lower = foreign.replace("compile precise-output", "lower");
    assert_eq!(output(&lower), skipped);
    let ours = foreign.replace("aarch64", "aarch64\ntarget riscv32");
    assert!(output(&ours).ends_with("0 passed, 1 failed, 0 skipped\n"));
}

#[test]
fn folders_without_tests_fail_and_files_run_once() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let file = folder.path().join("a.clif");
    fs::write(
        &file,
        format!("\u{feff}test run\n{DIVIDE}; run: %divide(7, 2) == 3\n"),
    )
    .unwrap();
    let missing = folder.path().join("missing.clif");
    let paths = [&*file, &empty, &empty.join("../a.clif"), &missing];
    let (_, output) = run(&paths, folder.path(), &Options::default());
    let expected = "\
empty: failed: the folder holds no .clif and no .vcode file
missing.clif: failed: No such file or directory (os error 2)
1 passed, 2 failed, 0 skipped
";
    let os_error = output.replace("IO error for operation on", "");
    assert_eq!(os_error, expected);
}
