//! Has the crate compiled again when a file is added to or taken from a folder it embeds; that a file's content changed
//! the compiler sees for itself.

fn main() {
    for folder in ["templates", "../../wit/v0.1", "../../strategies/kit/src"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
