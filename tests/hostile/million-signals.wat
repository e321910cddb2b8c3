;; Says that a million signals are there, in memory that it has.
(func $on-bars (param $call i32) (result i32)
  (local $at i32)
  (local.set $at (i32.shl (memory.grow (i32.const 1300)) (i32.const 16)))
  (call $answer-list (local.get $at) (i32.const 1000000)))
