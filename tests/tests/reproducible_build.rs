//! The same source gives the same component, in whatever folder it lies; and a new folder builds as it stands.
//!
//! The folders are kept between runs, and so is what cargo made of them: nothing is compiled again unless the source,
//! the kit or the way of building has changed.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sentinel_runtime::Limits;
use sentinel_strategy_build::{BuildError, BuildOptions, Built, Language, build, create};
use sentinel_tests::folders::{mirror, write};
use sentinel_tests::shipped;

/// Two folders of which neither path is part of the other, nor as long.
const FOLDERS: [&str; 2] = ["one", "another/folder, deeper"];

#[test]
fn a_shipped_strategy_gives_the_same_bytes_in_two_folders() {
    let built = FOLDERS.map(|folder| {
        let root = scratch().join("copies").join(folder);
        copy_of_source_tree(&root, &[]);
        (build_in(&root.join("strategies/sma-cross")).unwrap(), root)
    });
    assert_same_bytes(&built);
}

#[test]
fn a_new_strategy_gives_the_same_bytes_in_two_folders() {
    let built = FOLDERS.map(|folder| {
        let parent = scratch().join("new").join(folder);
        new_strategy(&parent);
        (build_in(&parent.join("my-first")).unwrap(), parent)
    });
    assert_same_bytes(&built);

    let component = fs::read(&built[0].0.component_path).unwrap();
    let strategy = shipped::runtime().load(&component, Limits::compiled()).unwrap();
    assert_eq!(strategy.manifest().id, "my-first");
}

#[test]
fn the_tests_of_a_new_strategy_pass_without_a_warning_and_with_its_own_lock_file() {
    let parent = scratch().join("tested");
    new_strategy(&parent);
    let mut cargo = Command::new("cargo");
    // What the cargo that runs this test says of itself is not meant for the inner one.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" {
            cargo.env_remove(name);
        }
    }
    cargo.args(["test", "--release", "--locked", "--quiet"]).current_dir(parent.join("my-first"));
    let output = cargo.output().unwrap();
    let (said, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("2 passed"), "{said}{complaints}");
    assert_eq!(complaints, "");
}

#[test]
fn what_the_compiler_says_reaches_the_author() {
    let error = build_changed("broken", |source| source.replace("bar.close() < fast", "bar.high() < fast"));
    let said = error.to_string();
    assert!(said.contains("broken does not compile; cargo said:\nerror"), "{said}");
    assert!(said.contains("`bar.high()` is read, but COLUMNS does not name Column::High"), "{said}");
}

#[test]
fn an_import_is_refused_with_its_name() {
    let asks_the_system = r#"
        #[link(wasm_import_module = "wasi_snapshot_preview1")]
        unsafe extern "C" { fn sched_yield() -> i32; }
        #[unsafe(no_mangle)]
        pub extern "C" fn ask() -> i32 { unsafe { sched_yield() } }
    "#;
    let error = build_changed("importing", |source| format!("#![allow(unsafe_code)]\n{source}{asks_the_system}"));
    let imports = ["wasi_snapshot_preview1.sched_yield"];
    assert!(matches!(&error, BuildError::Imports { imports: found, .. } if *found == imports), "{error}");
}

#[test]
fn a_strategy_that_is_not_exported_is_told_so() {
    let error = build_changed("hidden", |source| source.replace("sentinel_kit::export_strategy!(SmaCross);", ""));
    assert!(matches!(error, BuildError::NoStrategyExported { .. }), "{error}");
}

/// Builds sma-cross under another name and with a change of its source, which must fail and leave no component.
fn build_changed(name: &str, change: impl Fn(&str) -> String) -> BuildError {
    let root = scratch().join("changed");
    let strategy = root.join("strategies").join(name);
    copy_of_source_tree(&root, &["broken", "importing", "hidden"]);
    let source = fs::read_to_string(shipped::repository().join("strategies/sma-cross/src/lib.rs")).unwrap();
    let changed = change(&source);
    assert_ne!(changed, source);
    write(&strategy.join("src/lib.rs"), changed.as_bytes());
    let error = build_in(&strategy).unwrap_err();
    assert!(!strategy.join("target").exists());
    error
}

fn assert_same_bytes(built: &[(Built, PathBuf); 2]) {
    let [(one, one_root), (other, other_root)] = built;
    assert_eq!(one.component_hash, other.component_hash);
    for root in [one_root, other_root, &scratch(), &shipped::repository()] {
        let path = root.as_os_str().as_encoded_bytes();
        assert!(!one.component.windows(path.len()).any(|bytes| bytes == path), "it holds {}", root.display());
    }
}

/// Copies what sma-cross is made of, and makes room for changed versions of it.
fn copy_of_source_tree(root: &Path, changed: &[&str]) {
    let repository = shipped::repository();
    let read = |path: &str| fs::read_to_string(repository.join(path)).unwrap();
    for folder in ["wit", "strategies/kit/src", "strategies/sma-cross"] {
        mirror(&repository.join(folder), &root.join(folder));
    }
    write(&root.join("strategies/kit/Cargo.toml"), read("strategies/kit/Cargo.toml").as_bytes());
    for name in changed {
        let manifest =
            read("strategies/sma-cross/Cargo.toml").replace("name = \"sma-cross\"", &format!("name = \"{name}\""));
        write(&root.join("strategies").join(name).join("Cargo.toml"), manifest.as_bytes());
        // Cargo wants every member to have a source, before its own test has written it.
        let library = root.join("strategies").join(name).join("src/lib.rs");
        if !library.exists() {
            write(&library, b"");
        }
    }
    // The workspace is the repository's, without the members that are not here.
    let manifest = read("Cargo.toml");
    let (_, after_members) = manifest.split_once("\n]\n").unwrap();
    let is_here = |line: &&str| !line.contains("path = \"") || line.contains("strategies/kit");
    let settings: Vec<_> = after_members.lines().filter(is_here).collect();
    let members = ["[workspace]", "resolver = \"3\"", "members = [\"strategies/*\"]"];
    write(&root.join("Cargo.toml"), [&members[..], &settings].concat().join("\n").as_bytes());
    // Cargo drops from the lock file what is not needed here; it is written anew only where the repository's changed.
    let lock = read("Cargo.lock");
    if fs::read_to_string(root.join("Cargo.lock.original")).ok().as_ref() != Some(&lock) {
        write(&root.join("Cargo.lock"), lock.as_bytes());
        write(&root.join("Cargo.lock.original"), lock.as_bytes());
    }
}

/// Makes `parent/my-first` what `create` makes today.
fn new_strategy(parent: &Path) {
    let fresh = tempfile::tempdir().unwrap();
    mirror(&create(fresh.path(), "my-first", Language::Rust).unwrap(), &parent.join("my-first"));
}

fn build_in(strategy: &Path) -> Result<Built, BuildError> {
    let mut options = BuildOptions::new(scratch().join("cache"));
    options.target_dir = Some(scratch().join("target"));
    build(strategy, &options, &mut |_| {})
}

fn scratch() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("reproducible-build")
}
