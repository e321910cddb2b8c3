//! What every function shares: runs that can be killed anywhere, leases, the outbox, CloudEvents over HTTP.
//!
//! A function is a [`Function`]: a descriptor and one `run`. Around it, [`Runtime::run_once`] takes a lease with a
//! fencing token, waits for the jobs it comes after, drops events it has seen, keeps its row in `job_metadata`, and
//! holds each of its commits to the lease, so that a run that was taken for dead can write nothing any more.
//! [`http::serve`] puts that behind HTTP. What is absent: every business rule, and any knowledge of a database or a
//! cloud; stores and carriers are the ports of `sentinel-domain`.
//!
//! A function reads by its [`RunContext`], decides, and commits what it decided together with the events that tell of
//! it. It is run again after a crash or a conflict, so what it writes has names that derive from content:
//!
//! ```
//! use sentinel_domain::documents::{Collection, Precondition, Record};
//! use sentinel_domain::events::CloudEvent;
//! use sentinel_function_runtime::{
//!     Function, FunctionDescriptor, FunctionError, LogicalDate, Message, Report, RunContext, Trigger, async_trait,
//! };
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Signal {
//!     signal_id: String,
//!     status: String,
//!     expiration_at: i64,
//! }
//!
//! impl Record for Signal {
//!     const COLLECTION: Collection = Collection::LiveSignals;
//!     fn id(&self) -> String {
//!         self.signal_id.clone()
//!     }
//! }
//!
//! struct ExpireSignals;
//!
//! #[async_trait]
//! impl Function for ExpireSignals {
//!     fn descriptor(&self) -> &FunctionDescriptor {
//!         static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
//!             description: "Marks signals that nobody acted on in time",
//!             triggers: &[Trigger::Schedule { cron: "* * * * *" }],
//!             logical_date: LogicalDate::SameDay,
//!             ..FunctionDescriptor::new("expire-signals")
//!         };
//!         &DESCRIPTOR
//!     }
//!
//!     async fn run(&self, ctx: &RunContext, _: Option<&CloudEvent>) -> Result<Report, FunctionError> {
//!         let signals = ctx.records::<Signal>();
//!         let late = signals.select().equal("status", "NEW").at_most("expiration_at", ctx.at());
//!         let mut report = Report::default();
//!         for mut signal in signals.all(late).await? {
//!             report.rows_in += 1;
//!             signal.record.status = "EXPIRED".to_owned();
//!             let id = &signal.record.signal_id;
//!             let event = CloudEvent::new("/functions/expire-signals", id, "sentinel.signal.expired.v1").at(ctx.at());
//!             let message = Message::new("signals", event);
//!             // Fails, and leaves nothing, when the signal has changed or the lease is lost.
//!             ctx.commit_with(vec![signals.put_back(&signal)?], vec![message]).await?;
//!             report.rows_out += 1;
//!         }
//!         Ok(report)
//!     }
//! }
//! # let _ = (ExpireSignals.descriptor().to_json(), Precondition::Any);
//! ```

mod bus;
mod carrier;
mod clock;
mod context;
mod descriptor;
mod function;
mod holder;
pub mod http;
mod job_run;
mod lease;
pub mod outbox;
mod run;

pub use async_trait::async_trait;

pub use self::bus::{InProcessBus, Subscriber};
pub use self::carrier::{Carrier, Reach};
pub use self::clock::WallClock;
pub use self::context::{Reads, RunContext, StoreReader};
pub use self::descriptor::{FunctionDescriptor, LogicalDate, OBJECT_FINALIZED, Trigger};
pub use self::function::{Function, FunctionError, Report};
pub use self::holder::Holder;
pub use self::job_run::{JobRun, JobStatus, RunEvent};
pub use self::lease::LeaseRow;
pub use self::outbox::Message;
pub use self::run::{Outcome, RunError, RunRequest, Runtime};
