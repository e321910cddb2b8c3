;; Speaks of a bar and then of an earlier one.
(func $on-bars (param $call i32) (result i32)
  (call $begin (local.get $call))
  (drop (call $emit (i32.const 7) (i32.const 1)))
  (drop (call $emit (i32.const 3) (i32.const 3)))
  (call $answer))
