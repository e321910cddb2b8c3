//! Who holds a lease, and whether that one is known to be gone.
//!
//! Only a shortcut: without it a lease is taken over when it has expired. Being wrong about a holder's death loses
//! nothing, because its commits are held to the fencing token.

use std::fs;
use std::process;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use rustix::system::uname;

/// The name of whoever runs functions here, and what it can tell about others.
#[derive(Debug, Clone)]
pub struct Holder {
    name: String,
    is_gone: fn(&str) -> bool,
}

impl Holder {
    /// Returns a holder that knows nothing about others, such as one container among many.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), is_gone: |_| false }
    }

    /// Returns this process, which can tell when another process of the same machine is no more: on a laptop, what
    /// was killed is taken over at once.
    #[must_use]
    pub fn process() -> Self {
        Self { name: process_name(process::id()), is_gone: is_process_gone }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether `holder` is known to be gone.
    #[must_use]
    pub fn is_gone(&self, holder: &str) -> bool {
        (self.is_gone)(holder)
    }
}

/// Returns `host/pid/started`; the last part tells a process from a later one of the same number, and is empty where
/// the system does not say.
fn process_name(pid: u32) -> String {
    format!("{}/{pid}/{}", host(), started(pid).unwrap_or_default())
}

fn host() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

/// Returns when a process was started, in the system's own unit.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name in parentheses, which may hold anything: field 3 onwards; the start is field 22.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

fn is_process_gone(holder: &str) -> bool {
    let mut parts = holder.split('/');
    let (Some(of_host), Some(pid), Some(of_start)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let Ok(pid) = pid.parse::<u32>() else { return false };
    of_host == host() && (!exists(pid) || (!of_start.is_empty() && started(pid).is_some_and(|start| start != of_start)))
}

fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_has_ended_is_gone_and_this_one_is_not() {
        let holder = Holder::process();
        assert!(!holder.is_gone(holder.name()));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let name = process_name(child.id());
        assert!(!holder.is_gone(&name));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(holder.is_gone(&name));
    }

    #[test]
    fn what_cannot_be_known_is_not_said() {
        let holder = Holder::process();
        assert!(!holder.is_gone("another-machine/4000000/1"));
        assert!(!holder.is_gone("instance 7"));
        assert!(!Holder::named("instance 7").is_gone(&process_name(4_000_000)));
    }
}
