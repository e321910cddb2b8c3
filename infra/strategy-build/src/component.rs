//! From a core module to a component, and the refusal of one that imports anything.
//!
//! The sandbox checks a component again, and more closely, before it loads it; here the author learns of an import
//! while the source is still at hand.

use std::path::Path;

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::contract;
use crate::error::BuildError;

/// Wraps a core module, as the Rust compiler makes it, into a component.
pub(crate) fn encode(core: &[u8], dir: &Path) -> Result<Vec<u8>, BuildError> {
    let not_a_component = |said: String| BuildError::NotAComponent { dir: dir.to_owned(), said };
    let outline = outline_of_core(core).map_err(|error| not_a_component(error.to_string()))?;
    refuse_imports(outline.foreign_imports, dir)?;
    if !outline.knows_the_contract {
        return Err(BuildError::NoStrategyExported { dir: dir.to_owned() });
    }
    ComponentEncoder::default()
        .validate(true)
        .module(core)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| not_a_component(format!("{error:#}")))
}

/// Refuses a component that imports more than the names of the contract's types, or exports no strategy.
pub(crate) fn verify(component: &[u8], dir: &Path) -> Result<(), BuildError> {
    let not_a_component = |said: String| BuildError::NotAComponent { dir: dir.to_owned(), said };
    let outline = outline_of_component(component).map_err(|error| not_a_component(error.to_string()))?;
    refuse_imports(outline.foreign_imports, dir)?;
    if outline.knows_the_contract { Ok(()) } else { Err(BuildError::NoStrategyExported { dir: dir.to_owned() }) }
}

fn refuse_imports(imports: Vec<String>, dir: &Path) -> Result<(), BuildError> {
    if imports.is_empty() { Ok(()) } else { Err(BuildError::Imports { dir: dir.to_owned(), imports }) }
}

/// What decides whether a module or a component can be a strategy.
#[derive(Default)]
struct Outline {
    /// Imports that are not of the contract's own making.
    foreign_imports: Vec<String>,
    /// A core module describes its world, as the kit's macro leaves it; a component exports the interface `strategy`.
    knows_the_contract: bool,
}

fn outline_of_core(core: &[u8]) -> wasmparser::Result<Outline> {
    let mut outline = Outline::default();
    for payload in Parser::new(0).parse_all(core) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    // Sessions are kept in a table of the host's; asking for their numbers is no way out.
                    if !import.module.starts_with("[export]") {
                        outline.foreign_imports.push(format!("{}.{}", import.module, import.name));
                    }
                }
            }
            Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                outline.knows_the_contract = true;
            }
            _ => {}
        }
    }
    Ok(outline)
}

fn outline_of_component(component: &[u8]) -> wasmparser::Result<Outline> {
    let (mut outline, mut depth) = (Outline::default(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            // Only the outermost component meets the host; what its parts import from each other is their affair.
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let name = import?.name.name;
                    if !contract::is_interface("types", name) {
                        outline.foreign_imports.push(name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports {
                    outline.knows_the_contract |= contract::is_interface("strategy", export?.name.name);
                }
            }
            _ => {}
        }
    }
    Ok(outline)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error<T>(result: Result<T, BuildError>) -> String {
        result.err().unwrap().to_string()
    }

    #[test]
    fn every_import_of_a_core_module_is_named() {
        let core = wat::parse_str(
            r#"(module
                (import "[export]sentinel:strategy/strategy@0.1.0" "[resource-new]session" (func (param i32) (result i32)))
                (import "wasi_snapshot_preview1" "clock_time_get" (func))
                (import "__wbindgen_placeholder__" "now" (func)))"#,
        );
        let said = error(encode(&core.unwrap(), Path::new("mine")));
        assert!(
            said.contains("mine imports wasi_snapshot_preview1.clock_time_get, __wbindgen_placeholder__.now;"),
            "{said}"
        );
    }

    #[test]
    fn a_module_without_the_kits_macro_is_told_so() {
        let said = error(encode(&wat::parse_str("(module)").unwrap(), Path::new("mine")));
        assert!(said.contains("sentinel_kit::export_strategy!"), "{said}");
    }

    #[test]
    fn a_component_may_import_the_contracts_types_and_nothing_else() {
        let types = r#"(import "sentinel:strategy/types@0.1.0" (instance))"#;
        let export = r#"(instance $i) (export "sentinel:strategy/strategy@0.1.0" (instance $i))"#;
        let verify = |text: &str| verify(&wat::parse_str(text).unwrap(), Path::new("mine"));
        verify(&format!("(component {types} {export})")).unwrap();
        let clocks = format!(r#"(component {types} (import "wasi:clocks/wall-clock@0.2.0" (instance)) {export})"#);
        assert!(error(verify(&clocks)).contains("imports wasi:clocks/wall-clock@0.2.0;"));
        assert!(error(verify(&format!("(component {types})"))).contains("exports no strategy"));
    }
}
