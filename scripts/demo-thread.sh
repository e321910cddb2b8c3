#!/usr/bin/env bash
# Lets three strategies trade half a year of candles by the functions themselves, with the broker of this machine, changes
# the config of one half-way, and shows the golden thread: signals, what became of them, trades, the archive, replay.
#
# Candles come from SENTINEL_DATA where it is set, else from a simulated market that is named as such. Everything is
# kept in the folder `demo` of the target folder, and begins anew each time. Works with the bash 3.2 of macOS.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
cd "$here/.."

symbols=(BTC ETH)
from=2024-01-01
half=2024-04-01
# The close of $half itself is decided by then.
changed=2024-04-01T01:00:00Z
to=2024-07-01

folder="${CARGO_TARGET_DIR:-$PWD/target}/demo/thread"
export SENTINEL_HOME="$folder/home"
exchange=

main() {
  have sentinel || fail "sentinel is not on PATH; run this as 'make demo'"
  rm -rf "$folder"
  mkdir -p "$SENTINEL_HOME"
  get_candles
  write_configs
  say "registering three strategies as of $from, on hourly candles of ${symbols[*]} from $exchange"
  register sma-cross trend "$from"
  register rsi-reversion reversion "$from"
  register donchian-turtle breakout "$from"
  say "trading $from to $half"
  sentinel dev --from "$from" --to "$half" >/dev/null
  say "changing the config of breakout at $half: a new version of the same code"
  sed -i.before 's/entry = 20/entry = 30/' "$folder/breakout.toml"
  register donchian-turtle breakout "$changed"
  say "trading $half to $to"
  sentinel dev --from "$half" --to "$to"
  printf '\nThe versions of breakout, and every decision of the half year taken again:\n\n'
  sentinel strategy history breakout
  printf '\n'
  sentinel replay
  printf '\nTo look around: export SENTINEL_HOME=%s\n' "$SENTINEL_HOME"
  printf 'and try: sentinel status, sentinel thread, sentinel query "SHOW TABLES", sentinel explain SIGNAL_ID\n'
}

get_candles() {
  local symbol file
  for symbol in "${symbols[@]}"; do
    file="${SENTINEL_DATA:-}/$(printf %s "$symbol" | tr '[:upper:]' '[:lower:]')usdt-1h.csv.gz"
    if [ -n "${SENTINEL_DATA:-}" ] && [ -r "$file" ]; then
      exchange=binance
      sentinel data import "$file" --exchange binance --symbol "$symbol/USDT" --timeframe 1h >/dev/null 2>&1
    else
      exchange=simulated
      sentinel data simulate --symbol "$symbol/USDT" --timeframe 1h --from "$from" --to "$to" >/dev/null
    fi
  done
}

write_configs() {
  # Two slots for five pairs of strategy and symbol, so that the gate has something to decide.
  cat >"$SENTINEL_HOME/account.toml" <<END
cash = 100000
benchmark = "$exchange:BTC/USDT"
limits = { positions_max = 2, exposure_max_pct = 90 }
END
  cat >"$folder/trend.toml" <<END
id = "trend"
timeframe = "1d"
assets = ["$exchange:BTC/USDT", "$exchange:ETH/USDT"]
gaps = "flat"
priority = 1
parameters = { fast = 5, slow = 20 }
risk = { sizing = { equity_pct = 30 }, stop_loss_pct = 8 }
END
  cat >"$folder/reversion.toml" <<END
id = "reversion"
timeframe = "1h"
assets = ["$exchange:BTC/USDT", "$exchange:ETH/USDT"]
gaps = "flat"
priority = 2
risk = { sizing = { equity_pct = 20 }, stop_loss_pct = 4, take_profit_pct = 6, bars_held_max = 72 }
END
  cat >"$folder/breakout.toml" <<END
id = "breakout"
timeframe = "1h"
assets = ["$exchange:ETH/USDT"]
gaps = "flat"
priority = 3
parameters = { entry = 20 }
risk = { sizing = { risk_pct = 1 }, stop_loss_pct = 5, trailing_stop_pct = 6, cooldown_bars = 12 }
END
}

# Registers the strategy $1 as $2 from $3 on.
register() {
  sentinel strategy register "$1" --config "$folder/$2.toml" --at "$3" 2>/dev/null ||
    fail "$1 cannot be registered; try sentinel strategy register $1 --config $folder/$2.toml --at $3"
}

main
