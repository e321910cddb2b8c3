;; Refuses the instrument with a text of 100 MB.
(func $open
  (param $exchange i32) (param $exchange-length i32) (param $symbol i32) (param $symbol-length i32)
  (param $timeframe i32) (param $tick-size f64) (param $parameters i32) (param $parameters-length i32) (result i32)
  (local $at i32)
  (local.set $at (i32.shl (memory.grow (i32.const 1600)) (i32.const 16)))
  (call $answer-error (i32.const 1) (local.get $at) (i32.const 100000000)))
