//! The evaluations of one shard: gathered, run side by side, turned into records.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join;
use rayon::prelude::*;
use sentinel_domain::candles::gaps::{GapPolicy, apply};
use sentinel_domain::documents::StoreError;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::{Instrument, InstrumentRules};
use sentinel_domain::live::{Decided, LiveSignal, signal_id};
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::risk::RiskParams;
use sentinel_domain::signal::{Signal, SignalState};
use sentinel_domain::strategy::Label;
use sentinel_domain::timeframe::{Timeframe, UnixMillis};
use sentinel_function_runtime::Reads;
use sentinel_runtime::{Decision, Replay};
use sentinel_trading::Terms;
use sentinel_trading::assets::rules_of_all;
use sentinel_trading::lanes::DecidingLane;
use sentinel_trading::series::{Series, Shelf};

use crate::library::{Library, Loaded};

/// One decision to be taken.
#[derive(Debug, Clone)]
pub struct Task {
    /// Shared by all tasks of it: it may name hundreds of instruments.
    version: Arc<StrategyVersion>,
    instrument: Instrument,
    rules: InstrumentRules,
    /// What it takes to decide, or why that is not there.
    ready: Result<Ready, String>,
}

#[derive(Debug, Clone)]
struct Ready {
    loaded: Loaded,
    series: Arc<Series>,
    warm_up_bars: u32,
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The record.
    pub decision: Decided,
    /// The signal, where one was given.
    pub signal: Option<LiveSignal>,
}

/// Gathers what the lanes of a shard need. A lane whose candle did not come has nothing to decide and is left out,
/// unless its config refuses gaps.
///
/// # Errors
/// When the store cannot be read.
pub async fn prepare<'a>(
    ctx: &impl Reads,
    library: &Library,
    lanes: impl Iterator<Item = DecidingLane<'a>>,
    close_time: UnixMillis,
) -> Result<Vec<Task>, StoreError> {
    let lanes: Vec<_> = lanes.collect();
    // What many lanes share is read once.
    let mut shelf = Shelf::new(ctx, close_time);
    let wanted = lanes.iter().map(|lane| (lane.instrument, lane.version.config.timeframe)).collect();
    let rules_known = rules_of_all(ctx, lanes.iter().map(|lane| lane.instrument));
    let (rules_known, ()) = try_join(rules_known, shelf.read_ahead(&wanted)).await?;
    let mut shared: BTreeMap<(&Instrument, Timeframe, &str, usize), Shared> = BTreeMap::new();
    let mut versions: BTreeMap<(&str, ContentHash), Arc<StrategyVersion>> = BTreeMap::new();
    let mut tasks = Vec::new();
    for DecidingLane { version, instrument } in lanes {
        let rules = rules_known.get(instrument).copied().unwrap_or_default();
        let own = versions.entry((&version.strategy_id, version.version));
        let own = own.or_insert_with(|| Arc::new(version.clone()));
        let mut task =
            Task { version: Arc::clone(own), instrument: instrument.clone(), rules, ready: Err(String::new()) };
        let opened = match library.load(version).await {
            Ok(loaded) => match library.warm_up_bars(version, &loaded, instrument, &rules) {
                Ok(bars) => Ok((loaded, bars)),
                Err(error) => Err(error.to_string()),
            },
            Err(error) => Err(error.to_string()),
        };
        let (loaded, warm_up_bars) = match opened {
            Ok(opened) => opened,
            Err(reason) => {
                task.ready = Err(reason);
                tasks.push(task);
                continue;
            }
        };
        let timeframe = version.config.timeframe;
        let series = match shelf.series(instrument, timeframe, warm_up_bars as usize).await? {
            Some((chunks, series)) => {
                let gaps = version.config.gaps.as_str();
                let key = (instrument, timeframe, gaps, chunks);
                shared.entry(key).or_insert_with(|| without_gaps(&series, gaps, close_time)).clone()
            }
            None => Err("there are no candles".to_owned()),
        };
        match series {
            Ok(Some(series)) => task.ready = Ok(Ready { loaded, series, warm_up_bars }),
            Ok(None) => continue,
            Err(reason) => task.ready = Err(reason),
        }
        tasks.push(task);
    }
    Ok(tasks)
}

/// What lanes of one series and gap policy are shown: nothing where the candle did not come and may be missed.
type Shared = Result<Option<Arc<Series>>, String>;

/// Returns the series as the gap policy has it, if its last candle closes at `close_time`.
fn without_gaps(series: &Arc<Series>, gaps: &str, close_time: UnixMillis) -> Shared {
    let policy: GapPolicy =
        gaps.parse().map_err(|error: sentinel_domain::candles::gaps::UnknownGapPolicy| error.to_string())?;
    let candles = &series.candles;
    let is_there = candles.close_time(candles.len() - 1) == close_time;
    if !is_there {
        return match policy {
            GapPolicy::Skip => Ok(None),
            GapPolicy::Refuse | GapPolicy::Flat => Err("the candle of this close did not come".to_owned()),
        };
    }
    if policy == GapPolicy::Skip || sentinel_domain::candles::gaps::find_gaps(candles).is_empty() {
        return Ok(Some(Arc::clone(series)));
    }
    let (candles, _) = apply(candles.clone(), policy).map_err(|error| error.to_string())?;
    Ok(Some(Arc::new(Series { candles, revision: series.revision })))
}

/// Takes the decisions on all cores, in the order of `tasks`.
#[must_use]
pub fn evaluate(tasks: &[Task], terms: &Terms, close_time: UnixMillis) -> Vec<Evaluated> {
    let Terms { namespace, account_id, .. } = terms;
    tasks.par_iter().map(|task| task.evaluate(namespace, account_id, close_time)).collect()
}

/// Takes the decisions of a close that is past once more, for the record of that time to be compared with. Their signals
/// are meant for no account.
#[must_use]
pub fn evaluate_again(tasks: &[Task], namespace: &str, close_time: UnixMillis) -> Vec<Evaluated> {
    tasks.par_iter().map(|task| task.evaluate(namespace, "", close_time)).collect()
}

/// Returns how a version may trade: one that was deactivated may still get out of what it holds.
#[must_use]
pub fn risk_of(version: &StrategyVersion) -> RiskParams {
    let mut risk: RiskParams = serde_json::from_value(version.config.risk_params.clone()).unwrap_or_default();
    risk.paused |= !version.active;
    risk
}

impl Task {
    fn evaluate(&self, namespace: &str, account_id: &str, close_time: UnixMillis) -> Evaluated {
        let decided = self.ready.as_ref().map_err(Clone::clone).and_then(|ready| {
            let Ready { loaded, series, warm_up_bars } = ready;
            let replay = Replay {
                strategy: &loaded.strategy,
                candles: &series.candles,
                rules: &self.rules,
                parameters: &loaded.parameters,
                warm_up_bars: *warm_up_bars,
            };
            let row = series.candles.len() - 1;
            replay.decide(row, self.version.config_hash).map(|decision| (ready, decision)).map_err(|e| e.to_string())
        });
        match decided {
            Ok((ready, decision)) => {
                let signal = decision.signal.map(|signal| LiveSignal {
                    account_id: account_id.to_owned(),
                    ..self.signal(ready, &signal, namespace, close_time)
                });
                let decision = self.record(ready.series.revision, &decision, signal.as_ref());
                Evaluated { decision, signal }
            }
            Err(reason) => Evaluated { decision: self.failed(reason), signal: None },
        }
    }

    fn signal(&self, ready: &Ready, signal: &Signal, namespace: &str, close_time: UnixMillis) -> LiveSignal {
        let StrategyVersion { strategy_id, version, config, .. } = self.version.as_ref();
        let timeframe = config.timeframe;
        let risk_params = risk_of(&self.version);
        let valid_bars = signal.valid_bars.unwrap_or(risk_params.signal_valid_bars);
        let columns = ready.series.candles.columns();
        let manifest = ready.loaded.strategy.manifest();
        let at = |column: &Option<Vec<f64>>| column.as_ref().map(|values| values[signal.bar]);
        LiveSignal {
            signal_id: signal_id(namespace, strategy_id, &self.instrument, timeframe, close_time),
            status: SignalState::New,
            account_id: String::new(),
            strategy_id: strategy_id.clone(),
            strategy_version: *version,
            priority: risk_params.priority,
            instrument: self.instrument.clone(),
            timeframe,
            close_time,
            signal_type: signal.signal_type,
            pattern_name: manifest
                .patterns
                .get(signal.pattern as usize)
                .map(|label| label.name.clone())
                .unwrap_or_default(),
            confidence: signal.confidence,
            reasons: Label::names_of(&manifest.reasons, signal.reasons),
            warnings: Label::names_of(&manifest.warnings, signal.warnings),
            stop_loss: signal.stop_loss,
            take_profit: signal.take_profit,
            valid_bars: signal.valid_bars,
            price: columns.close[signal.bar],
            volume: columns.volume[signal.bar],
            volume_delta: at(&columns.volume_delta),
            imbalance: at(&columns.imbalance),
            risk_params,
            rules: self.rules,
            expiration_at: close_time.saturating_add(i64::from(valid_bars).saturating_mul(timeframe.millis())),
            rejection: None,
        }
    }

    fn record(&self, revision: u32, decision: &Decision, signal: Option<&LiveSignal>) -> Decided {
        Decided {
            revision,
            warm_up_bars: decision.record.warm_up_bars,
            session_bars: decision.record.session_bars,
            input_hash: decision.record.input_hash,
            fuel: decision.record.fuel,
            output_hash: decision.record.output_hash,
            signal_id: signal.map(|signal| signal.signal_id.clone()),
            failure: None,
            ..self.failed(String::new())
        }
    }

    fn failed(&self, reason: String) -> Decided {
        let StrategyVersion { strategy_id, version, component_hash, config_hash, config, .. } = self.version.as_ref();
        Decided {
            strategy_id: strategy_id.clone(),
            version: *version,
            component_hash: *component_hash,
            config_hash: *config_hash,
            instrument: self.instrument.clone(),
            timeframe: config.timeframe,
            revision: 0,
            warm_up_bars: 0,
            session_bars: 0,
            input_hash: ContentHash::of(&[]),
            fuel: 0,
            output_hash: ContentHash::of(&[]),
            signal_id: None,
            failure: Some(reason),
        }
    }
}
