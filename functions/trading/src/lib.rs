//! The trading desk: what several functions do to the positions of one account, so that it is done in one way.
//!
//! [`Books`] hold an account and its living positions as they were read, take in what happened, and go back to the
//! store in one commit. [`sync`] brings them up to the last close: orders that were decided are sent, fills are folded,
//! exits are decided. [`decide`] lets the gate decide the signals of one close. Both begin by finishing what an
//! interrupted run left, so it does not matter which comes first.
//!
//! The rules are those of `sentinel-domain`, which the backtest uses too: the gate, the fill model, the exit plan, the
//! folding of fills. What is absent: any rule of its own, and any knowledge of which broker or store is behind the
//! ports.

pub mod assets;
mod books;
mod desk;
mod exits;
mod fills;
mod gate;
pub mod lanes;
mod orders;
pub mod series;
mod sync;

pub use books::Books;
pub use desk::{Desk, Terms, broker_failed};
pub use gate::{decide, fresh};
pub use sync::sync;
