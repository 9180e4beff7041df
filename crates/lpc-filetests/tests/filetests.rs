//! Runs the tests and the examples of the repository, each folder as a test of its own.

use lpc_filetests::{Options, run_paths};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder `name` of the repository.
fn folder(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap().join(name)
}

/// Runs what is in the folder `name` of the repository; none may fail or be skipped.
fn run_folder(name: &str) {
    let mut output = Vec::new();
    let options = Options::from_environment();
    let summary = run_paths(&[folder(name)], &options, &mut output).unwrap();
    print!("{}", String::from_utf8_lossy(&output));
    assert_eq!((summary.failed, summary.skipped), (0, 0));
    assert!(summary.passed > 0);
}

/// A test for each of the folders of `filetests`, and one that no folder is forgotten.
macro_rules! folders {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run_folder(concat!("filetests/", stringify!($name)));
            }
        )*

        #[test]
        fn every_folder_is_run() {
            let entries = fs::read_dir(folder("filetests")).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let expected = [$(stringify!($name).to_owned()),*];
            assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(expected));
        }
    };
}

folders!(cat compile emit lower regalloc run verifier);

#[test]
fn examples() {
    run_folder("examples");
}
