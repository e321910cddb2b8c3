//! What a cargo that runs inside another cargo must not hear of the outer one.

use std::env;
use std::process::Command;

/// Beginnings of cargo's variables that are the user's own and say where things come from, not what is built.
const KEPT: [&str; 5] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_"];

/// Variables outside cargo's own name space that change what is built, or that belong to an outer cargo or make.
const DROPPED: [&str; 7] =
    ["RUSTFLAGS", "RUSTDOCFLAGS", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_BOOTSTRAP", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"];

/// Removes from the surroundings of `command` what an outer cargo set for itself and what would change the build.
pub(super) fn scrub(command: &mut Command) -> &mut Command {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| is_dropped(name)).fold(command, |command, name| command.env_remove(name))
}

fn is_dropped(name: &str) -> bool {
    name == "CARGO"
        || name.starts_with("CARGO_") && !KEPT.iter().any(|kept| name.starts_with(kept))
        || DROPPED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::is_dropped;

    #[test]
    fn flags_and_an_outer_cargo_are_dropped_and_the_users_sources_kept() {
        for name in ["RUSTFLAGS", "CARGO", "CARGO_MANIFEST_DIR", "CARGO_ENCODED_RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO"]
        {
            assert!(is_dropped(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_REGISTRIES_MINE_TOKEN", "RUSTUP_TOOLCHAIN", "PATH"] {
            assert!(!is_dropped(name), "{name}");
        }
    }
}
