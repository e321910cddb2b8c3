//! Looks at the bytes of a component before anything of it is compiled or run.

use std::ops::Range;

use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};
use wasmparser::types::TypesRef;
use wasmparser::{CanonicalFunction, FunctionBody, Operator, Parser, Payload, Validator, WasmFeatures};

use crate::error::RuntimeError;
use crate::limits::Limits;
use crate::v0_1;

/// What the host needs to know of a component before it compiles it.
#[derive(Debug, Default)]
struct Outline {
    imports: Vec<String>,
    exports: Vec<String>,
    functions: u64,
    adapters: u64,
    /// Estimated time that compiling takes at worst: the slowest function, and all together.
    function_nanos_max: u64,
    nanos: u64,
}

/// Refuses what is no component of ours, or is too large to be compiled in bounded time.
pub(crate) fn verify(component: &[u8], limits: &Limits, name: &str) -> Result<(), RuntimeError> {
    let strategy = || name.to_owned();
    verify_size(component.len() as u64, limits, name)?;
    match component {
        [] => return Err(RuntimeError::Empty { strategy: strategy() }),
        _ if Parser::is_core_wasm(component) => return Err(RuntimeError::CoreModule { strategy: strategy() }),
        _ if !Parser::is_component(component) => return Err(RuntimeError::NotWebAssembly { strategy: strategy() }),
        _ => {}
    }
    let malformed = |error: wasmparser::BinaryReaderError| RuntimeError::Malformed {
        strategy: name.to_owned(),
        reason: format!("{} at byte {}", error.message(), error.offset()),
    };
    let outline = outline(component).map_err(malformed)?;
    verify_complexity(&outline, limits, name)?;
    let types = Validator::new_with_features(WasmFeatures::default()).validate_all(component).map_err(malformed)?;
    verify_imports(&outline, types.as_ref(), name)?;
    verify_exports(&outline, types.as_ref(), name)
}

/// Refuses a component by its size alone, so that it need not be read.
pub(crate) fn verify_size(bytes: u64, limits: &Limits, name: &str) -> Result<(), RuntimeError> {
    let component_bytes_max = limits.component_bytes_max;
    if bytes <= component_bytes_max {
        return Ok(());
    }
    Err(RuntimeError::ComponentTooLarge { strategy: name.to_owned(), bytes, component_bytes_max })
}

fn outline(component: &[u8]) -> wasmparser::Result<Outline> {
    let mut outline = Outline::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            // Only the outermost component meets the host; what its parts import from each other is their affair.
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    outline.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports {
                    outline.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for function in functions {
                    outline.adapters += u64::from(matches!(function?, CanonicalFunction::Lower { .. }));
                }
            }
            Payload::CodeSectionStart { count, .. } => outline.functions += u64::from(count),
            Payload::CodeSectionEntry(body) => {
                let nanos = compile_nanos(&body)?;
                outline.function_nanos_max = outline.function_nanos_max.max(nanos);
                outline.nanos = outline.nanos.saturating_add(nanos);
            }
            _ => {}
        }
    }
    Ok(outline)
}

/// Estimates how long the compiler takes over a function at worst, in nanoseconds.
///
/// Four things make it slow: variables carried through every place where control flow meets, variables weighed against
/// every instruction, deep nesting, and mere size. The prices were measured with functions made of one of them only
/// (wasmtime 48, one core); for ordinary code the estimate is near the truth: 0.03 s for a strategy in Rust that takes
/// 0.03 s, 13 s for a JavaScript engine that takes 8 s on two cores, 7 s for a Python one that takes 7 s on two. The
/// first also costs some 100 bytes of memory for each variable and place.
fn compile_nanos(body: &FunctionBody<'_>) -> wasmparser::Result<u64> {
    let Range { start, end } = body.range();
    let bytes = end - start;
    let mut variables = 1_u64;
    for locals in body.get_locals_reader()? {
        variables += u64::from(locals?.0);
    }
    let (mut blocks, mut depth, mut depth_max) = (0_u64, 0_u64, 0_u64);
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                blocks += 1;
                depth += 1;
                depth_max = depth_max.max(depth);
            }
            Operator::Else => blocks += 1,
            Operator::End => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    let costs = [(3_000, variables, blocks), (8, variables, bytes), (30, depth_max, blocks), (200, bytes, 1)];
    let cost = |(price, a, b): (u64, u64, u64)| price.saturating_mul(a).saturating_mul(b);
    Ok(costs.into_iter().map(cost).fold(0, u64::saturating_add))
}

fn verify_complexity(outline: &Outline, limits: &Limits, name: &str) -> Result<(), RuntimeError> {
    let bounds = [
        ("functions_max", u64::from(limits.functions_max), outline.functions),
        ("adapters_max", limits.adapters_max.into(), outline.adapters),
        ("function_estimate_max_ms", limits.function_estimate_max_ms, outline.function_nanos_max / 1_000_000),
        ("compile_estimate_max_ms", limits.compile_estimate_max_ms, outline.nanos / 1_000_000),
    ];
    match bounds.into_iter().find(|(_, value, found)| found > value) {
        Some((limit, value, found)) => Err(RuntimeError::TooComplex { strategy: name.to_owned(), limit, value, found }),
        None => Ok(()),
    }
}

/// Refuses every import but one: a component that was built from the contract names the contract's types there.
/// Those are names without code, and the host gives nothing for them.
fn verify_imports(outline: &Outline, types: TypesRef<'_>, name: &str) -> Result<(), RuntimeError> {
    let is_forbidden = |import: &&String| **import != v0_1::TYPES || !has_only_types(import, types);
    let imports: Vec<_> = outline.imports.iter().filter(is_forbidden).cloned().collect();
    if imports.is_empty() { Ok(()) } else { Err(RuntimeError::ForbiddenImport { strategy: name.to_owned(), imports }) }
}

fn has_only_types(import: &str, types: TypesRef<'_>) -> bool {
    let Some(ComponentEntityType::Instance(instance)) = types.component_item_for_import(import).map(|item| item.ty)
    else {
        return false;
    };
    types[instance].exports.values().all(|export| match export.ty {
        ComponentEntityType::Type { created, .. } => !matches!(created, ComponentAnyTypeId::Resource(_)),
        _ => false,
    })
}

fn verify_exports(outline: &Outline, types: TypesRef<'_>, name: &str) -> Result<(), RuntimeError> {
    let missing = |expected: String, found: Vec<String>| RuntimeError::MissingExport {
        strategy: name.to_owned(),
        expected,
        found,
    };
    let interface = v0_1::INTERFACE;
    if !outline.exports.iter().any(|export| export == interface) {
        let (unversioned, _) = interface.split_once('@').unwrap_or((interface, ""));
        return Err(match outline.exports.iter().find(|export| export.split('@').next() == Some(unversioned)) {
            Some(found) => {
                RuntimeError::ContractVersion { strategy: name.to_owned(), found: found.clone(), expected: interface }
            }
            None => missing(interface.to_owned(), outline.exports.clone()),
        });
    }
    let Some(ComponentEntityType::Instance(instance)) = types.component_item_for_export(interface).map(|item| item.ty)
    else {
        return Err(missing(interface.to_owned(), outline.exports.clone()));
    };
    let exports = &types[instance].exports;
    match v0_1::EXPORTS.into_iter().find(|export| !exports.contains_key(*export)) {
        Some(export) => Err(missing(format!("{export} of {interface}"), exports.keys().cloned().collect())),
        None => Ok(()),
    }
}
