;; Closes a position with a stop.
(func $on-bars (param $call i32) (result i32)
  (local $at i32)
  (call $begin (local.get $call))
  (local.set $at (call $emit (i32.const 0) (i32.const 3)))
  (i32.store8 offset=40 (local.get $at) (i32.const 1))
  (f64.store offset=48 (local.get $at) (f64.const 1))
  (call $answer))
