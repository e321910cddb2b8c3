//! What is alive: the records that the functions pass from hand to hand in the hot store.
//!
//! Each is one document of one collection, named by its content. They hold no rules of trading; those are in
//! [`crate::gate`] and [`crate::position`], which the backtest uses too. Follow the golden thread: a
//! [`LiveSignal`] becomes a [`LivePosition`], which the archive turns into a trade.

mod account;
mod asset;
mod candle_chunk;
mod decision_chunk;
mod position;
mod signal;

pub use account::{Account, Lane, LaneState, Pause};
pub use asset::Asset;
pub use candle_chunk::CandleChunk;
pub use decision_chunk::{Decided, DecisionChunk};
pub use position::{Leg, LiveOrder, LivePosition, OrderPurpose, PositionStatus};
pub use signal::{LiveSignal, RejectedBy, RejectedSignal, signal_id};
