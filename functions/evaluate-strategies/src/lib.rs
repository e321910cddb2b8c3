//! `evaluate-strategies`: shows the candles of one close to every strategy that decides on them, in the sandbox, and
//! records what each was shown and what it said.
//!
//! One event is one shard of the evaluations. Each decision runs on a fresh instance; a strategy that fails is recorded
//! with its reason and harms no other. The last shard to end says that the close is evaluated. What is absent: money,
//! positions, orders.

mod evaluation;
mod library;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join;
use sentinel_domain::closes::{CANDLE_CLOSED, CandleClosed, CloseEvaluated};
use sentinel_domain::documents::{Precondition, Write};
use sentinel_domain::events::CloudEvent;
use sentinel_domain::live::{DecisionChunk, LiveSignal};
use sentinel_domain::registry::StrategyVersion;
use sentinel_function_runtime::{
    Function, FunctionDescriptor, FunctionError, Message, Report, RunContext, Trigger, async_trait,
};
use sentinel_runtime::ENGINE_VERSION;
use sentinel_trading::Terms;
use sentinel_trading::lanes::{DecidingLane, closing_at, versions_as_of};

pub use evaluation::{Evaluated, Task, evaluate, evaluate_again, prepare, risk_of};
pub use library::{Library, LibraryError};

/// Shards that are evaluated at the same time: as many instances of the function there may be.
const SHARDS_AT_ONCE: u32 = 100;

/// The function.
pub struct EvaluateStrategies {
    /// Loaded strategies.
    pub library: Arc<Library>,
    /// The account that signals are meant for.
    pub terms: Terms,
}

impl fmt::Debug for EvaluateStrategies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvaluateStrategies").field("terms", &self.terms).finish_non_exhaustive()
    }
}

#[async_trait]
impl Function for EvaluateStrategies {
    fn descriptor(&self) -> &FunctionDescriptor {
        static DESCRIPTOR: FunctionDescriptor = FunctionDescriptor {
            description: "Runs strategies on closed candles in the sandbox and records signals and decisions",
            triggers: &[Trigger::Event { event_type: CANDLE_CLOSED }],
            timeout: Duration::from_secs(60),
            memory_mib: 2_048,
            // Shards know nothing of each other: so many are evaluated at once.
            concurrency: SHARDS_AT_ONCE,
            ..FunctionDescriptor::new("evaluate-strategies")
        };
        &DESCRIPTOR
    }

    async fn run(&self, ctx: &RunContext, event: Option<&CloudEvent>) -> Result<Report, FunctionError> {
        let closed = said(event)?;
        let namespace = &self.terms.namespace;
        let chunk_id = DecisionChunk::id_of(namespace, closed.close_time, closed.shard);
        let known = ctx.records::<DecisionChunk>();
        let (chunk, versions) = try_join(known.get(&chunk_id), versions_as_of(ctx, closed.close_time)).await?;
        let mut report = Report::default();
        if chunk.is_none() {
            report = self.evaluate_shard(ctx, closed, &versions).await?;
            if closed.shards == 1 {
                return Ok(report);
            }
        }
        if self.is_last(ctx, closed).await? {
            ctx.commit_with(Vec::new(), vec![self.evaluated(closed)]).await?;
        }
        Ok(report)
    }
}

impl EvaluateStrategies {
    /// Returns the message that all shards of a close have been evaluated.
    fn evaluated(&self, closed: CandleClosed) -> Message {
        Message::new("closes", CloseEvaluated { close_time: closed.close_time }.event(&self.terms.namespace))
    }

    /// Takes the decisions of a shard and commits them; those of an only one together with the message that it was.
    async fn evaluate_shard(
        &self,
        ctx: &RunContext,
        closed: CandleClosed,
        versions: &[StrategyVersion],
    ) -> Result<Report, FunctionError> {
        let lanes = part_of(closing_at(versions, closed.close_time), closed);
        let tasks = evaluation::prepare(ctx, &self.library, lanes.into_iter(), closed.close_time).await?;
        let rows_in = tasks.len() as u64;
        let terms = self.terms.clone();
        let evaluated = tokio::task::spawn_blocking(move || evaluate(&tasks, &terms, closed.close_time))
            .await
            .map_err(|error| FunctionError::failed("evaluate strategies", error))?;

        let records = ctx.records::<LiveSignal>();
        let mut decided = Vec::with_capacity(evaluated.len());
        let mut writes = Vec::new();
        for Evaluated { decision, signal } in evaluated {
            // The same again after a crash: the gate has not seen the close before its last shard has ended.
            writes.extend(signal.map(|signal| records.put(&signal, Precondition::Any)).transpose()?);
            decided.push(decision);
        }
        let rows_out = writes.len() as u64;
        writes.push(self.chunk(ctx, closed, decided)?);
        let messages = if closed.shards == 1 { vec![self.evaluated(closed)] } else { Vec::new() };
        ctx.commit_in_batches_with(writes, messages).await?;
        Ok(Report { rows_in, rows_out, ..Report::default() })
    }

    fn chunk(
        &self,
        ctx: &RunContext,
        closed: CandleClosed,
        decided: Vec<sentinel_domain::live::Decided>,
    ) -> Result<Write, FunctionError> {
        let chunk = DecisionChunk {
            namespace: self.terms.namespace.clone(),
            close_time: closed.close_time,
            shard: closed.shard,
            shards: closed.shards,
            decided_at: ctx.now(),
            engine_version: ENGINE_VERSION.to_owned(),
            decided,
            archived: false,
        };
        Ok(ctx.records::<DecisionChunk>().put(&chunk, Precondition::Any)?)
    }

    /// Returns whether all shards of the close have been evaluated. Their chunks are counted and not read: each shard
    /// asks this.
    async fn is_last(&self, ctx: &RunContext, closed: CandleClosed) -> Result<bool, FunctionError> {
        if closed.shards == 1 {
            return Ok(true);
        }
        let chunks = ctx.records::<DecisionChunk>().select();
        let of_close = chunks.equal("namespace", &*self.terms.namespace).equal("close_time", closed.close_time);
        let count = ctx.count(&of_close.equal("shards", closed.shards)).await?;
        Ok(count == closed.shards as usize)
    }
}

/// Returns the lanes of one shard: those of neighbouring instruments, so that few shards read the same candles.
fn part_of(mut lanes: Vec<DecidingLane<'_>>, closed: CandleClosed) -> Vec<DecidingLane<'_>> {
    lanes.sort_by_key(|lane| (lane.instrument, &lane.version.strategy_id));
    let size = lanes.len().div_ceil(closed.shards as usize).max(1);
    let mut part: Vec<_> = lanes.into_iter().skip(closed.shard as usize * size).take(size).collect();
    part.sort_by_key(|lane| (&lane.version.strategy_id, lane.instrument));
    part
}

fn said(event: Option<&CloudEvent>) -> Result<CandleClosed, FunctionError> {
    let bad = |reason: String| FunctionError::BadEvent { reason };
    let event = event.ok_or_else(|| bad(format!("there is none; give one of type {CANDLE_CLOSED}")))?;
    let closed: CandleClosed = serde_json::from_value(event.data.clone())
        .map_err(|error| bad(format!("its data is not {{close_time, shard, shards}}: {error}")))?;
    if closed.shard >= closed.shards {
        return Err(bad(format!("shard {} is none of {}", closed.shard, closed.shards)));
    }
    Ok(closed)
}
