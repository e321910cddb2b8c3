#!/usr/bin/env bash
# Compares the shipped strategies on daily and hourly candles of BTC and writes a report of the best one.
#
# Candles come from SENTINEL_DATA where it is set (the folder that tests use too), else from a public exchange, else
# from a simulated market that is named as such. Everything is kept in the folder `demo` of the target folder; the
# user's own data folder is left alone. Works with the bash 3.2 of macOS.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/common.sh"
cd "$here/.."

strategies=(sma-cross rsi-reversion bollinger-breakout macd-trend donchian-turtle cvd-divergence)
# All of the equity in each trade, so that returns compare with holding the coin; the broker's fees and some slippage
# are in, as by default.
settings=(--gaps flat --equity-pct 100)
# Fixed, so that two demos show the same figures.
fetch_from=2022-01-01
fetch_to=2025-01-01

folder="${CARGO_TARGET_DIR:-$PWD/target}/demo"
answer=

main() {
  have sentinel || fail "sentinel is not on PATH; run this as 'make demo'"
  mkdir -p "$folder"
  answer=$(mktemp "$folder/answer.XXXXXX")
  trap 'rm -f "$answer" "$answer".*' EXIT

  local source exchange symbol
  get_candles
  printf '\nSix strategies on %s\n\n' "$source"
  print_row STRATEGY CANDLES RETURN HOLDING SHARPE DRAWDOWN TRADES WINS
  print_row ------------------ ------- -------- -------- ------ -------- ------ ----

  local best_sharpe= best_strategy= best_timeframe= unverified=0 timeframe strategy
  for timeframe in 1d 1h; do
    for strategy in "${strategies[@]}"; do
      run "$strategy" "$timeframe"
    done
  done
  [ -n "$best_strategy" ] || fail "no strategy ran; the reasons stand in the table"
  write_report
}

# Sets source (for people), exchange, symbol and SENTINEL_HOME.
get_candles() {
  if [ -n "${SENTINEL_DATA:-}" ] && [ -r "$SENTINEL_DATA/btcusdt-1d.csv" ]; then
    use_files
  elif fetch binance BTC/USDT || fetch coinbase BTC/USD; then
    source="candles of $exchange, $fetch_from to $fetch_to"
  else
    say "no exchange is within reach; making candles up instead"
    simulate
  fi
}

use_files() {
  use_home files
  # Written anew each time: the files may have changed.
  rm -rf "$SENTINEL_HOME"
  exchange=binance symbol=BTC/USDT
  source="real candles of Binance, from $SENTINEL_DATA"
  # The one with taker volume, which cvd-divergence needs.
  local hourly="$SENTINEL_DATA/btcusdt-1h-taker.csv.gz"
  [ -r "$hourly" ] || hourly="$SENTINEL_DATA/btcusdt-1h.csv.gz"
  quietly sentinel data import "$SENTINEL_DATA/btcusdt-1d.csv" --exchange "$exchange" --symbol "$symbol" --timeframe 1d
  quietly sentinel data import "$hourly" --exchange "$exchange" --symbol "$symbol" --timeframe 1h
}

# What was fetched by an earlier demo is not fetched again.
fetch() {
  exchange=$1 symbol=$2
  use_home "$exchange"
  local timeframe
  for timeframe in 1d 1h; do
    say "fetching $symbol $timeframe candles from $exchange"
    sentinel data fetch --source "$exchange" --symbol "$symbol" --timeframe "$timeframe" \
      --from "$fetch_from" --to "$fetch_to" --retries 1 >/dev/null 2>"$answer.reason" ||
      { say "$(reason)"; return 1; }
  done
}

simulate() {
  use_home simulated
  rm -rf "$SENTINEL_HOME"
  exchange=simulated symbol=BTC/USD
  source="a SIMULATED market: these candles are made up, and the figures mean nothing"
  # Daily candles are made of the hourly ones, so that both show one market.
  quietly sentinel data simulate --symbol "$symbol" --timeframe 1h --from "$fetch_from" --to "$fetch_to"
}

use_home() {
  export SENTINEL_HOME="$folder/$1"
}

quietly() {
  "$@" >/dev/null 2>"$answer.reason" || fail "$(reason)"
}

# Prints why the last command failed.
reason() {
  sed -n 's/^error: //p' "$answer.reason"
}

backtest() {
  sentinel backtest --strategy "$1" --exchange "$exchange" --symbol "$symbol" --timeframe "$2" "${settings[@]}" "${@:3}"
}

# Runs a strategy, prints its row and remembers the best one.
run() {
  local strategy=$1 timeframe=$2
  if ! backtest "$strategy" "$timeframe" --json >"$answer" 2>"$answer.reason"; then
    printf '%-18s  %-7s  did not run: %s\n' "$strategy" "$timeframe" "$(reason)" |
      wrap_under 29
    return
  fi
  grep -q '^  "lookahead_verified": true,$' "$answer" || unverified=$((unverified + 1))
  local sharpe
  sharpe=$(metric sharpe_ratio 2)
  print_row "$strategy" "$timeframe" "$(metric total_return_pct 1 %)" "$(metric benchmark_return_pct 1 %)" "$sharpe" \
    "$(metric max_drawdown_pct 1 %)" "$(metric trade_count 0)" "$(metric win_rate_pct 0 %)"
  if is_above "$sharpe" "$best_sharpe"; then
    best_sharpe=$sharpe best_strategy=$strategy best_timeframe=$timeframe
  fi
}

# Prints a metric of the run in $answer with so many decimals, or a dash where it has no value.
metric() {
  awk -v name="\"$1\":" -v decimals="$2" -v unit="${3:-}" '
    $1 == name { inside = 1; next }
    inside && $1 == "\"value\":" {
      value = $2; sub(/,$/, "", value)
      if (value == "null") print "-"; else printf "%." decimals "f%s\n", value, unit
      exit
    }
  ' "$answer"
}

is_above() {
  [ "$1" != - ] && awk -v a="$1" -v b="${2:--1e9}" 'BEGIN { exit !(a + 0 > b + 0) }'
}

print_row() {
  printf '%-18s  %-7s  %8s  %8s  %6s  %8s  %6s  %4s\n' "$@"
}

# Breaks lines between words at 80 columns and indents what follows by $1.
wrap_under() {
  awk -v indent="$1" 'function put(line) { sub(/ +$/, "", line); print line } {
    line = substr($0, 1, indent); words = split(substr($0, indent + 1), word, " ")
    for (i = 1; i <= words; i++) {
      if (length(line) + length(word[i]) > 79) { put(line); line = sprintf("%" indent "s", "") }
      line = line word[i] " "
    }
    put(line)
  }'
}

lookahead_verdict() {
  if [ "$unverified" -eq 0 ]; then
    echo "Every decision came out the same with later candles out of reach."
  else
    echo "$unverified runs were NOT verified to be free of lookahead."
  fi
}

write_report() {
  local report="$folder/report.html"
  backtest "$best_strategy" "$best_timeframe" --report "$report" --json >/dev/null 2>"$answer.reason" ||
    fail "$(reason)"
  cat <<END

RETURN is after the broker's fees and 5 bps of slippage, all of the equity in each trade; HOLDING is buying at the
first candle and keeping it. $(lookahead_verdict)
The report of the best Sharpe ratio, $best_strategy on $best_timeframe candles, to open in a browser:
  $report
END
}

main
