//! What the simulated broker promises: fills, conservation, restarts, and both ends of the wire.

mod client;
mod conservation;
mod faults;
mod fills;
mod parity;
mod restart;
mod scene;
mod wire;
