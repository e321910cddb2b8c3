//! Killed anywhere, told twice, or run twice at once: the functions end where an undisturbed run ends.
//!
//! `killed`: a process that runs all functions is ended by SIGKILL before and after each of its writes in turn, or at
//! any moment, and started again. `twice`: every function runs in two instances at once and every event comes several times.
//! `writers`: other programs use the stores meanwhile. What they all walk through is `stage` and `walk`; what must be
//! the same in the end is `ending`.

#![expect(clippy::print_stdout, reason = "the seed and what was tried belong to the verdict")]

mod assembly;
mod child;
mod ending;
mod killed;
mod mortal;
mod points;
mod stage;
mod twice;
mod venue;
mod walk;
mod writers;
