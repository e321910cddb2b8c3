//! Lays `libduckdb` beside the binaries that need it.
//!
//! Cargo puts its target folder on the loader's path for tests and `cargo run`; a binary that is run by itself looks
//! beside itself when its own build script says so (`host/cli/build.rs`). So a binary moves together with the library
//! and no environment variable is needed. With the feature `bundled` there is no library to lay.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const LIBRARIES: [&str; 2] = ["libduckdb.so", "libduckdb.dylib"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    if env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    let Some(from) = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) else {
        return;
    };
    // OUT_DIR is PROFILE/build/CRATE-HASH/out.
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let Some(profile) = out_dir.ancestors().nth(3) else {
        return;
    };
    for library in LIBRARIES.map(|name| from.join(name)).iter().filter(|library| library.is_file()) {
        for folder in [profile.to_owned(), profile.join("deps")] {
            lay(library, &folder);
        }
    }
}

/// Links the library into `folder`, in place of an earlier one.
fn lay(library: &Path, folder: &Path) {
    let place = folder.join(library.file_name().expect("it is a file"));
    if fs::read_link(&place).is_ok_and(|target| target == library) {
        return;
    }
    match fs::remove_file(&place) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            println!("cargo::warning=cannot replace {}: {error}", place.display())
        }
        _ => {}
    }
    if let Err(error) = link(library, &place) {
        println!("cargo::warning=cannot lay {} beside the binaries: {error}", library.display());
    }
}

#[cfg(unix)]
fn link(library: &Path, place: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(library, place)
}

#[cfg(not(unix))]
fn link(library: &Path, place: &Path) -> std::io::Result<()> {
    fs::copy(library, place).map(|_| ())
}
