//! The functions on one machine: the stores of `infra/embedded`, a broker, one process.
//!
//! `sentinel-functions` puts the functions together over stores and a broker. Two things drive them through time:
//! [`Simulation`] on simulated markets, moment by moment, in the order in which a backtest does it, and [`Watch`] on the
//! clock of the machine. Both read when a function is due from its own descriptor ([`Schedule`]). What is absent: rules of trading,
//! and a command line.

mod feed;
mod late_broker;
mod schedule;
mod simulation;
mod watch;

pub use feed::{Feed, FeedError};
pub use late_broker::LateBroker;
pub use schedule::{Due, Schedule, ScheduleError};
pub use simulation::{Simulation, SimulationError, SimulationOptions};
pub use watch::{Watch, WatchError, WatchEvent};
