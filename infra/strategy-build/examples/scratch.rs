#![allow(clippy::all, clippy::print_stdout, clippy::disallowed_methods, reason = "scratch")]
//! scratch
use sentinel_strategy_build::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args[1] == "new" {
        println!("{:?}", create(args[2].as_ref(), &args[3], args[4].parse().unwrap()).map_err(|e| e.to_string()));
        return;
    }
    let mut options = BuildOptions::new(&args[1]);
    options.output = Some(args[3].clone().into());
    options.target_dir = args.get(4).map(Into::into);
    let start = std::time::Instant::now();
    match build(args[2].as_ref(), &options, &mut |step| eprintln!("  {step:?}")) {
        Ok(built) => println!(
            "{} {} {} bytes {} {:?} warnings: {}",
            built.name,
            built.language,
            built.component.len(),
            built.component_hash,
            start.elapsed(),
            built.warnings
        ),
        Err(error) => println!("ERROR {error} {:?}", std::error::Error::source(&error)),
    }
}
