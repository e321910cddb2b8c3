//! Takes randomness, the clock and the times of files from the JavaScript engine.
//!
//! The engine asks the system for these when it starts, which is while a component is made, and the answers stay in
//! the component's memory: seeds of its hash tables and of `Math.random`, the inode and the times of `strategy.js`. So
//! the functions by which it asks are replaced by functions inside the module that always give the same answer.

use std::convert::Infallible;

use thiserror::Error;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{
    CodeSection, Function, FunctionSection, ImportSection, InstructionSink, MemArg, MemArgTarget, Module,
};
use wasmparser::{
    BinaryReaderError, CodeSectionReader, FunctionSectionReader, ImportSectionReader, Parser, Payload, TypeRef,
    Validator,
};

/// To be changed with anything here that changes the engine: part of the tool's name.
pub(super) const VERSION: &str = "2";

const SYSTEM: &str = "wasi_snapshot_preview1";

/// Not zero: a generator seeded with nothing but zeros never leaves zero, and the engine would draw for ever.
const RANDOM_BYTE: i32 = 0x5a;
/// Nanoseconds since 1970: a moment in 2001.
const CLOCK_NS: i64 = 1_000_000_000_000_000_000;

/// The engine is not of the form known here.
#[derive(Debug, Error)]
pub(super) enum EngineError {
    #[error("the engine is no readable module")]
    Unreadable(#[from] BinaryReaderError),
    #[error("the engine could not be written anew: {0}")]
    Unwritable(String),
    #[error("the engine asks the system for {0} in a way not known here")]
    Unknown(&'static str),
}

/// A function of the system that the engine no longer calls as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fixed {
    /// `(buffer, length)`
    Random,
    /// `(clock, precision, where to write the time)`
    Clock,
    /// `(folder, flags, path, length of the path, where to write what is known of the file)`
    FileStat,
}

impl Fixed {
    const ALL: [Self; 3] = [Self::Random, Self::Clock, Self::FileStat];

    const fn name(self) -> &'static str {
        match self {
            Self::Random => "random_get",
            Self::Clock => "clock_time_get",
            Self::FileStat => "path_filestat_get",
        }
    }

    fn of_import(module: &str, name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fixed| module == SYSTEM && fixed.name() == name)
    }

    /// Whether the function that takes its place calls it: which files there are is for the system to say.
    const fn is_wrapped(self) -> bool {
        matches!(self, Self::FileStat)
    }

    /// Returns the function that takes its place; `system` is the number of the one it wraps.
    fn body(self, system: u32) -> Function {
        let mut function = Function::new([]);
        let mut body = function.instructions();
        match self {
            Self::Random => {
                body.local_get(0).i32_const(RANDOM_BYTE).local_get(1).memory_fill(0);
                succeed(&mut body);
            }
            Self::Clock => {
                body.local_get(2).i64_const(CLOCK_NS).i64_store(word_at(0));
                succeed(&mut body);
            }
            Self::FileStat => {
                (0..5).fold(&mut body, |body, parameter| body.local_get(parameter)).call(system);
                // Device, inode; then the times of access, change of content, and change of anything.
                for offset in [0, 8, 40, 48, 56] {
                    body.local_get(4).i64_const(0).i64_store(word_at(offset));
                }
                body.end();
            }
        }
        function
    }
}

/// Ends a function with 0, which means success.
fn succeed(body: &mut InstructionSink<'_>) {
    body.i32_const(0).end();
}

const fn word_at(offset: u64) -> MemArg {
    MemArg { offset, align: 3, target: MemArgTarget::Memory(0), ordering: None }
}

/// Returns the engine with the functions inside it.
pub(super) fn with_fixed_answers(engine: &[u8]) -> Result<Vec<u8>, EngineError> {
    let mut rewrite = Rewrite::plan(engine)?;
    let mut module = Module::new();
    let rewritten = rewrite.parse_core_module(&mut module, Parser::new(0), engine);
    rewritten.map_err(|error| EngineError::Unwritable(error.to_string()))?;
    let engine = module.finish();
    Validator::new().validate_all(&engine)?;
    Ok(engine)
}

/// Imported functions come first in a module's numbering. Where an import goes, every function behind it moves up; the
/// new functions come last.
#[derive(Debug)]
struct Rewrite {
    imports: Vec<FixedImport>,
    /// The number of the first new function; the others follow it, one for each import.
    first_new: u32,
}

#[derive(Debug)]
struct FixedImport {
    fixed: Fixed,
    /// Its number among the functions of the original.
    index: u32,
    type_index: u32,
}

impl Rewrite {
    fn plan(engine: &[u8]) -> Result<Self, EngineError> {
        let (mut imports, mut imported, mut functions) = (Vec::new(), 0, 0);
        for payload in Parser::new(0).parse_all(engine) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let TypeRef::Func(type_index) = import.ty else { continue };
                        let fixed = Fixed::of_import(import.module, import.name);
                        imports.extend(fixed.map(|fixed| FixedImport { fixed, index: imported, type_index }));
                        imported += 1;
                    }
                }
                Payload::FunctionSection(own) => functions = imported + own.count(),
                _ => {}
            }
        }
        for fixed in Fixed::ALL {
            if imports.iter().filter(|import| import.fixed == fixed).count() != 1 {
                return Err(EngineError::Unknown(fixed.name()));
            }
        }
        let mut rewrite = Self { imports, first_new: 0 };
        rewrite.first_new = rewrite.moved_up(functions);
        Ok(rewrite)
    }

    /// Returns the new number of a function of the original that stays.
    fn moved_up(&self, index: u32) -> u32 {
        let gone = self.imports.iter().filter(|import| !import.fixed.is_wrapped() && import.index < index);
        gone.fold(index, |index, _| index - 1)
    }
}

impl Reencode for Rewrite {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error> {
        let new = (self.first_new..).zip(&self.imports).find(|(_, import)| import.index == index);
        Ok(new.map_or_else(|| self.moved_up(index), |(new, _)| new))
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        for import in section.into_imports() {
            let import = import?;
            if Fixed::of_import(import.module, import.name).is_none_or(Fixed::is_wrapped) {
                utils::parse_import(self, imports, import)?;
            }
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_function_section(self, functions, section)?;
        for import in &self.imports {
            functions.function(import.type_index);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_code_section(self, code, section)?;
        for import in &self.imports {
            code.function(&import.fixed.body(self.moved_up(import.index)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasmparser::Operator;

    use super::*;

    const ENGINE: &str = r#"(module
        (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_sync" (func $sync (param i32) (result i32)))
        (memory 1)
        (func $own (result i32) (call $close (call $random (i32.const 8) (i32.const 16))))
        (func (export "start") (result i32)
            (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 32)))
            (drop (call $stat (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64)))
            (call $sync (call $own))))"#;

    #[test]
    fn the_engine_calls_the_new_functions_and_otherwise_what_it_called_before() {
        let engine = with_fixed_answers(&wat::parse_str(ENGINE).unwrap()).unwrap();
        let expected = [
            "0 import fd_close",
            "1 import path_filestat_get",
            "2 import fd_sync",
            "3 calls 7 0",
            "4 calls 5 6 3 2",
            "5 calls",
            "6 calls 1",
            "7 calls",
        ];
        assert_eq!(functions_of(&engine), expected);
    }

    /// Lists the functions by number: the imported ones by name, the others by the functions they call.
    fn functions_of(engine: &[u8]) -> Vec<String> {
        let mut functions = Vec::new();
        for payload in Parser::new(0).parse_all(engine) {
            match payload.unwrap() {
                Payload::ImportSection(imports) => {
                    functions.extend(imports.into_imports().map(|import| format!("import {}", import.unwrap().name)));
                }
                Payload::CodeSectionEntry(body) => {
                    let operators = body.get_operators_reader().unwrap().into_iter().map(Result::unwrap);
                    let calls = operators.filter_map(|operator| match operator {
                        Operator::Call { function_index } => Some(format!(" {function_index}")),
                        _ => None,
                    });
                    functions.push(format!("calls{}", calls.collect::<String>()));
                }
                _ => {}
            }
        }
        functions.iter().enumerate().map(|(index, function)| format!("{index} {function}")).collect()
    }

    #[test]
    fn an_engine_of_another_form_is_refused() {
        let error = with_fixed_answers(&wat::parse_str("(module)").unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "the engine asks the system for random_get in a way not known here");
        assert!(with_fixed_answers(b"no module").is_err());
    }
}
