//! A broker on this machine, for backtests that go through the live path, for tests, and to try things out.
//!
//! [`SimulatedBroker`] serves Alpaca's REST interface and stream of updates on a port of this machine. Behind it is an
//! [`exchange::Exchange`]: one account, and markets made of candles that move when the clock does. Orders fill by the published model of
//! `docs/backtesting.md`, with the backtest's own code, so both make the same fills from the same candles. A file keeps
//! every command before it is carried out, so the account survives being killed. Faults can be armed and counted.
//!
//! The clock stands still until somebody moves it ([`SimulatedBroker::advance`], `POST /simulation/advance`) and knows
//! two phases at each time: first candles close, then the next ones open. An order that comes in between fills at those
//! opens; a stop that comes after them rests from the first tick of its candle.
//!
//! What happens to orders is told on a websocket too (`/stream`).
//!
//! What is absent: short sales, stocks, the stream of prices, depth of the book. Start with [`exchange`].

pub mod exchange;
pub mod faults;
mod ids;
mod journal;
mod keeper;
mod market;
mod moment;
mod server;
mod settings;
mod wire;

pub use journal::{JournalError, copy_account};
pub use keeper::CommandError;
pub use market::Market;
pub use moment::{Moment, Phase};
pub use server::{ClockSource, Keys, Options, SimulatedBroker, StartError};
pub use settings::Settings;
