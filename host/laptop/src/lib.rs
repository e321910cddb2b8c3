//! The functions on one machine: the stores of `infra/embedded`, the broker of `infra/simulated-broker`, one process.
//!
//! [`Desktop`] puts the functions together over stores and a broker; [`Simulation`] drives them through time on
//! simulated markets, moment by moment, in the order in which a backtest does it. What is absent: rules of trading, and
//! a command line.

mod desktop;
mod simulation;

pub use desktop::{Desktop, Wiring};
pub use simulation::{Simulation, SimulationError, SimulationOptions};
