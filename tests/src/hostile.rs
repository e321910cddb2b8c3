//! Builds the guests of `hostile/`, each a small text.
//!
//! A file is a whole component or core module, or it holds only what is special about a guest that otherwise is as
//! `prelude.wat` and `good.wat` have it.

use std::path::{Path, PathBuf};

/// Returns the component (or whatever else it is) of the guest `name`, which is also its id.
///
/// # Panics
/// When there is no such file, or it does not assemble.
#[must_use]
#[expect(clippy::unwrap_used, reason = "a guest that does not assemble is a broken test")]
pub fn component(name: &str) -> Vec<u8> {
    assemble(name, &std::fs::read_to_string(path(name)).unwrap())
}

/// Returns the component of a text as a file would hold it.
///
/// # Panics
/// When it does not assemble.
#[must_use]
#[expect(clippy::unwrap_used, reason = "a guest that does not assemble is a broken test")]
pub fn assemble(name: &str, text: &str) -> Vec<u8> {
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    if text.lines().any(|line| line.starts_with("(component") || line.starts_with("(module")) {
        return wat::parse_str(text).unwrap();
    }
    let id_length = format!("\\{:02x}", name.len());
    let prelude = read("prelude").replace("{id}", name).replace("{id_length}", &id_length);
    let defaults: String = functions(&read("good"))
        .into_iter()
        .filter(|(name, _)| !text.contains(name.as_str()))
        .map(|(_, body)| body)
        .collect();
    let mut module = wat::parse_str(format!("(module {prelude}\n{text}\n{defaults})")).unwrap();

    let mut contract = wit_parser::Resolve::default();
    let (package, _) = contract.push_path(folder().join("../../wit/v0.1")).unwrap();
    let world = contract.select_world(&[package], Some("plugin")).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &contract, world, encoding, false).unwrap();
    wit_component::ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile")
}

fn path(name: &str) -> PathBuf {
    folder().join(name).with_extension("wat")
}

/// Returns the functions of a text, each with `(func $name ` before it.
fn functions(text: &str) -> Vec<(String, String)> {
    let starts: Vec<_> = text.match_indices("\n(func ").map(|(at, _)| at + 1).collect();
    let ends: Vec<_> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    let bodies = starts.into_iter().zip(ends).map(|(start, end)| text[start..end].to_owned());
    bodies.map(|body| (body.split_inclusive([' ', '\n']).take(2).collect(), body)).collect()
}
