//! Has `sentinel` look for `libduckdb` beside itself, where `infra/embedded/build.rs` lays it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos") => println!("cargo::rustc-link-arg-bins=-Wl,-rpath,@loader_path"),
        Ok("linux") => println!("cargo::rustc-link-arg-bins=-Wl,-rpath,$ORIGIN"),
        _ => {}
    }
}
