//! The same strategies on the same candles, once by the backtester and once by the functions at the local broker.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rust_decimal::Decimal;
use sentinel_backtest::market::{AccountSettings, MarketSeries, StrategySetup};
use sentinel_backtest::result::BacktestResult;
use sentinel_backtest::run::Backtest;
use sentinel_domain::candles::Candles;
use sentinel_domain::components::{ComponentStore, ComponentStoreError};
use sentinel_domain::documents::{DocumentStore, Precondition, Records};
use sentinel_domain::environment::Environment;
use sentinel_domain::hash::ContentHash;
use sentinel_domain::instrument::InstrumentRules;
use sentinel_domain::live::{LivePosition, PositionStatus};
use sentinel_domain::registry::{Change, History, Registration, StrategyVersion};
use sentinel_domain::timeframe::UnixMillis;
use sentinel_domain::trade::ExitReason;
use sentinel_laptop::{Simulation, SimulationOptions};
use sentinel_runtime::{LazyRuntime, RuntimeConfig};
use sentinel_trading::Terms;

use crate::{reference, shipped};

/// A trade as both sides tell it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TradeFacts {
    /// When it was bought.
    pub entry_time: UnixMillis,
    /// The strategy.
    pub strategy_id: String,
    /// What was traded.
    pub symbol: String,
    /// At what price.
    pub entry_fill_price: Decimal,
    /// Base units sold.
    pub quantity: Decimal,
    /// When it was sold.
    pub exit_time: UnixMillis,
    /// At what price.
    pub exit_fill_price: Decimal,
    /// Why.
    pub exit_reason: &'static str,
    /// Fees of both sides.
    pub fees_usd: Decimal,
    /// Profit after fees.
    pub pnl_usd: Decimal,
}

/// Components in memory.
#[derive(Debug, Default)]
pub struct Components(pub BTreeMap<ContentHash, Vec<u8>>);

#[async_trait]
impl ComponentStore for Components {
    async fn get(&self, hash: &ContentHash) -> Result<Option<Vec<u8>>, ComponentStoreError> {
        Ok(self.0.get(hash).cloned())
    }

    async fn put(&self, component: &[u8]) -> Result<ContentHash, ComponentStoreError> {
        Err(ComponentStoreError::Unavailable {
            action: "keep",
            hash: ContentHash::of(component),
            reason: "these components are fixed".to_owned(),
        })
    }

    async fn list(&self) -> Result<Vec<ContentHash>, ComponentStoreError> {
        Ok(self.0.keys().copied().collect())
    }
}

/// One scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What is traded.
    pub series: Vec<MarketSeries>,
    /// The strategies.
    pub strategies: Vec<StrategySetup>,
    /// Their components.
    pub components: BTreeMap<ContentHash, Vec<u8>>,
    /// The account they share.
    pub account: AccountSettings,
}

impl Scenario {
    /// Returns strategies of the tests, by name and parameters, on one series, under the reference account. `edit` may
    /// change how each trades.
    ///
    /// # Panics
    /// When a strategy cannot be built or loaded.
    #[must_use]
    pub fn on(candles: Candles, strategies: &[(&str, &[(&str, &str)])], edit: impl Fn(&mut StrategySetup)) -> Self {
        Self::on_all(vec![candles], strategies, edit)
    }

    /// The same on several series, each strategy on all of them.
    ///
    /// # Panics
    /// When there is none, or a strategy cannot be built or loaded.
    #[must_use]
    pub fn on_all(
        candles: Vec<Candles>,
        strategies: &[(&str, &[(&str, &str)])],
        edit: impl Fn(&mut StrategySetup),
    ) -> Self {
        let runtime = shipped::runtime();
        let mut components = BTreeMap::new();
        let strategies = strategies
            .iter()
            .map(|(name, parameters)| {
                let strategy = shipped::load(&runtime, name);
                components.insert(strategy.component_hash(), shipped::component(name));
                let mut setup = reference::setup(strategy, &candles[0], parameters);
                setup.series = (0..candles.len()).collect();
                edit(&mut setup);
                setup
            })
            .collect();
        let market = |candles| MarketSeries::new(Arc::new(candles), InstrumentRules::default(), "flat", 0);
        let series = candles.into_iter().map(market).collect();
        Self { series, strategies, components, account: reference::account() }
    }

    /// Returns the trades of a backtest.
    ///
    /// # Panics
    /// When it cannot run.
    #[must_use]
    pub fn backtest(&self) -> (BacktestResult, Vec<TradeFacts>) {
        let backtest = Backtest::new(self.series.clone(), self.strategies.clone(), self.account.clone());
        let (result, _) = backtest.and_then(|backtest| backtest.run()).unwrap_or_else(|error| panic!("{error}"));
        let mut trades: Vec<_> = result
            .trades
            .iter()
            .map(|trade| TradeFacts {
                entry_time: trade.entry_time,
                strategy_id: self.strategies[trade.strategy].strategy_id.clone(),
                symbol: trade.instrument.symbol.to_string(),
                entry_fill_price: trade.entry_fill_price.normalize(),
                quantity: trade.quantity.normalize(),
                exit_time: trade.exit_time,
                exit_fill_price: trade.exit_fill_price.normalize(),
                exit_reason: trade.exit_reason.as_str(),
                fees_usd: trade.fees_usd.normalize(),
                pnl_usd: trade.pnl_usd.normalize(),
            })
            .collect();
        trades.sort();
        (result, trades)
    }

    /// Returns the simulation, its strategies registered before the first candle.
    ///
    /// # Panics
    /// When it cannot be set up.
    pub async fn simulation(&self, folder: &std::path::Path) -> Simulation {
        self.simulation_in(folder, Environment::Test).await
    }

    /// The same in an environment.
    ///
    /// # Panics
    /// When it cannot be set up.
    pub async fn simulation_in(&self, folder: &std::path::Path, environment: Environment) -> Simulation {
        let finest = self.series.iter().map(|series| series.candles().timeframe()).min();
        let terms = Terms {
            account_id: "parity".to_owned(),
            namespace: "TEST|parity".to_owned(),
            fees: self.account.fees.clone(),
            fill_model: self.account.fill_model,
            limits: self.account.limits.clone(),
            finest: finest.unwrap_or_else(|| panic!("a scenario has candles")),
        };
        let simulation = Simulation::open(SimulationOptions {
            folder: folder.to_owned(),
            environment,
            terms,
            cash: self.account.cash,
            markets: self.series.iter().map(|series| (Arc::clone(series.candles()), series.rules)).collect(),
            components: Arc::new(Components(self.components.clone())),
            sandbox: Arc::new(LazyRuntime::new(RuntimeConfig::default())),
            from: None,
            broker_file: None,
            git_hash: "test".to_owned(),
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
        for setup in &self.strategies {
            self.register(&simulation, setup).await;
        }
        simulation
    }

    async fn register(&self, simulation: &Simulation, setup: &StrategySetup) {
        let gaps = self.series[setup.series[0]].gaps.clone();
        let registration = Registration {
            component_hash: setup.component.component_hash(),
            git_hash: None,
            active: true,
            config: setup.config(gaps),
            assets: setup.series.iter().map(|index| self.series[*index].instrument().as_ref().clone()).collect(),
            description: String::new(),
            wit_version: "0.1.0".to_owned(),
        };
        let change = History::new(setup.strategy_id.clone(), Vec::new()).register(registration, 0);
        let Ok(Change::Opened { opened, .. }) = change else { panic!("a first version opens") };
        let records = Records::<StrategyVersion>::of(simulation.store().as_ref(), simulation.wiring().environment);
        let put = records.put(&opened, Precondition::Absent).unwrap_or_else(|error| panic!("{error}"));
        simulation.store().commit(vec![put]).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Runs a scenario both ways and returns its trades.
///
/// # Panics
/// When they differ, or are too few to prove anything.
#[must_use]
pub fn same_trades(scenario: &Scenario) -> Vec<TradeFacts> {
    let (_, expected) = scenario.backtest();
    assert!(expected.len() > 3, "{} trades are too few to prove anything", expected.len());
    let found = trades_of_functions(scenario);
    assert_same(&found, &expected);
    found
}

/// Returns the trades that the functions make.
///
/// # Panics
/// When they cannot run.
#[must_use]
pub fn trades_of_functions(scenario: &Scenario) -> Vec<TradeFacts> {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.unwrap_or_else(|error| panic!("{error}")).block_on(async {
        let mut simulation = scenario.simulation(folder.path()).await;
        simulation.run_until(UnixMillis::MAX).await.unwrap_or_else(|error| panic!("{error}"));
        trades_of(&simulation).await
    })
}

/// Names the first trade that differs.
///
/// # Panics
/// When one does.
pub fn assert_same(found: &[TradeFacts], expected: &[TradeFacts]) {
    let different = expected.iter().zip(found).find(|(expected, found)| expected != found);
    assert_eq!(different, None, "the first trade that differs: backtest, functions");
    assert_eq!(found.len(), expected.len());
}

/// Returns the closed positions of the functions as trades.
///
/// # Panics
/// When the store cannot be read.
pub async fn trades_of(simulation: &Simulation) -> Vec<TradeFacts> {
    let records = Records::<LivePosition>::of(simulation.wiring().store.as_ref(), simulation.wiring().environment);
    let closed = records.select().equal("status", PositionStatus::Closed.as_str());
    let positions = records.all(closed).await.unwrap_or_else(|error| panic!("{error}"));
    let mut trades: Vec<_> = positions
        .into_iter()
        .map(|stored| {
            let LivePosition { position, strategy_id, instrument, exit_reason, .. } = stored.record;
            let (bought, sold) = (*position.bought(), *position.sold());
            TradeFacts {
                entry_time: bought.time,
                strategy_id,
                symbol: instrument.symbol.to_string(),
                entry_fill_price: bought.price.normalize(),
                quantity: sold.quantity.normalize(),
                exit_time: sold.time,
                exit_fill_price: sold.price.normalize(),
                exit_reason: exit_reason.map_or("", ExitReason::as_str),
                fees_usd: (bought.fees + sold.fees).normalize(),
                pnl_usd: position.pnl().normalize(),
            }
        })
        .collect();
    trades.sort();
    trades
}
