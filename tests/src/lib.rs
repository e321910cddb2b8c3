//! What tests and benches share: where candles and components come from, and a backtest ready to run.

pub mod counting;
pub mod data;
pub mod ending;
pub mod folders;
pub mod hostile;
pub mod interruptions;
pub mod native;
pub mod parity;
pub mod recording;
pub mod reference;
pub mod shipped;
