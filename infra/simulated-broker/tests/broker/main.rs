//! What the simulated broker promises: fills, conservation, restarts, and both ends of the wire.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod alpaca_py;
mod client;
mod conservation;
mod faults;
mod fills;
mod parity;
mod restart;
mod scene;
mod stream;
mod wire;
