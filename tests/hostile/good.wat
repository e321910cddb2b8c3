;; A well-behaved guest: buys when the close rose, sells when it fell. What the other files leave out is taken from
;; here.
(func $realloc (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (call $allocate (local.get $size) (local.get $align)))

(func $describe (result i32)
  (i32.const 0))

(func $open
  (param $exchange i32) (param $exchange-length i32) (param $symbol i32) (param $symbol-length i32)
  (param $timeframe i32) (param $tick-size f64) (param $parameters i32) (param $parameters-length i32) (result i32)
  (i32.store (global.get $result) (i32.const 0))
  (i32.store offset=4 (global.get $result) (call $new-session (i32.const 1)))
  (global.get $result))

(func $warm-up-bars (param $session i32) (result i32)
  (i32.const 1))

(func $on-bars (param $call i32) (result i32)
  (local $bar i32) (local $close f64)
  (call $begin (local.get $call))
  (loop $next
    (if (i32.lt_u (local.get $bar) (global.get $bars)) (then
      (local.set $close (call $close (local.get $bar)))
      (if (f64.gt (global.get $last) (f64.const 0)) (then
        (if (f64.gt (local.get $close) (global.get $last)) (then
          (drop (call $emit (local.get $bar) (i32.const 1)))))
        (if (f64.lt (local.get $close) (global.get $last)) (then
          (drop (call $emit (local.get $bar) (i32.const 3)))))))
      (global.set $last (local.get $close))
      (local.set $bar (i32.add (local.get $bar) (i32.const 1)))
      (br $next))))
  (call $answer))
