//! Versions that took turns, as the registry's history has them: which bars each decides, and who holds what.
//!
//! A version decides from within the session that is running when it comes into force: it is shown the session's bars
//! from the beginning, and only its signals for closes of its own time count. The versions of one strategy are lanes of
//! their own, with their own risk and priority, which share one book: what one of them bought, the next may sell. What
//! is absent: the registry, which hands the rows over.

use std::collections::BTreeMap;

use sentinel_domain::candles::Candles;
use sentinel_domain::registry::StrategyVersion;
use sentinel_domain::session::Session;

use crate::market::StrategySetup;
use crate::run::Prepared;

/// Cuts sessions to what `version` is shown of them; returns them with the first row that it decides.
pub(crate) fn cut(sessions: Vec<Session>, bars: &Candles, version: &StrategyVersion) -> (Vec<Session>, usize) {
    let (open_time, timeframe) = (&bars.columns().open_time, bars.timeframe());
    let row_at = |time| open_time.partition_point(|open| timeframe.close_time(*open) < time);
    let (from, to) = (row_at(version.valid_from), version.valid_to.map_or(bars.len(), row_at));
    let of_it = sessions.into_iter().filter(|session| from < to && session.bars.start < to && from < session.bars.end);
    let cut = of_it.map(|session| Session { bars: session.bars.start..session.bars.end.min(to), ..session });
    (cut.collect(), from)
}

/// Returns for each lane the first lane of its strategy, and the first that shares its book. A lane that is not of the
/// registry shares neither.
pub(crate) fn shared(lanes: &[Prepared], strategies: &[StrategySetup]) -> Vec<(usize, usize)> {
    let mut owners = BTreeMap::new();
    let mut books = BTreeMap::new();
    let of_lane = |(index, lane): (usize, &Prepared)| {
        let setup = &strategies[lane.strategy];
        if setup.recorded.is_none() {
            return (lane.strategy, index);
        }
        let id = setup.strategy_id.as_str();
        let owner = *owners.entry(id).or_insert(lane.strategy);
        let book = *books.entry((id, lane.series, lane.bars.timeframe())).or_insert(index);
        (owner, book)
    };
    lanes.iter().enumerate().map(of_lane).collect()
}
