//! What the archive loops share: reading what the hot store holds, checking it, and handing it to the warehouse.
//!
//! A loop turns hot documents into [`Entry`]s, each the rows that one document becomes, and gives them to
//! [`Archive::store`]: the guardian looks at every row, bad entries go to quarantine with every reason, good ones are
//! merged by business key and looked up again, and only what was found there is called stored. Marking and deleting
//! what is hot comes after. Killed anywhere and run again, the same rows stand in the end.
//!
//! Beside it: [`Tape`] (candles, hot or cold), [`BrokerOrders`] (what the broker says of a position's orders),
//! [`Versions`] (which version was active when), [`Signals`] (those that others name), [`rows`] (documents as rows),
//! [`WithArchive`] (the hot store, and the warehouse where it has forgotten). What is absent: the loops themselves, and any
//! rule of trading.

mod archive;
mod broker_orders;
pub mod candles;
mod entry;
mod failure;
mod let_go;
mod past;
mod position_row;
mod quarantine;
pub mod rows;
mod signals;
mod tape;
pub mod time;
mod versions;

pub use archive::{Archive, HOT_DAYS, expires_at, table};
pub use broker_orders::{BrokerOrders, Word};
pub use entry::{Entry, Source};
pub use failure::warehouse_failed;
pub use let_go::let_go;
pub use past::WithArchive;
pub use position_row::position_row;
pub use quarantine::Quarantined;
pub use sentinel_trading::broker_failed;
pub use signals::Signals;
pub use tape::Tape;
pub use versions::Versions;
