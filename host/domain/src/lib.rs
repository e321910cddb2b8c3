//! Trading nouns, rules and state machines.
//!
//! Everything that decides about money lives here as pure functions of its inputs, so that a backtest, a laptop
//! and the cloud take the same decisions. What is absent: no I/O, no clock reads, no randomness, no logging.
//!
//! Start with [`candles::Candles`] (what a strategy is shown) and [`signal::Signal`] (what it answers), then follow
//! the golden thread: [`gate`] decides which signals become orders, [`position::Position`] is what an order opens,
//! [`trade::Trade`] is what a closed position leaves behind.
//!
//! The ports, through which the outside is reached, are traits here and implemented in `infra/`:
//! [`documents::DocumentStore`] (what is alive now), [`events::Publisher`], [`clock::Clock`].

pub mod bounds;
pub mod broker;
pub mod candles;
pub mod clock;
pub mod closes;
pub mod components;
pub mod documents;
pub mod environment;
pub mod events;
pub mod excursion;
pub mod extremes;
pub mod fees;
pub mod fill;
pub mod gate;
pub mod guardian;
pub mod hash;
pub mod instrument;
pub mod live;
pub mod market_data;
pub mod money;
pub mod position;
pub mod registry;
pub mod risk;
pub mod session;
pub mod settlement;
pub mod signal;
pub mod strategy;
pub mod tables;
pub mod timeframe;
pub mod trade;
pub mod warehouse;
