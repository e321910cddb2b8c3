;; Has a reason that its manifest does not name.
(func $on-bars (param $call i32) (result i32)
  (call $begin (local.get $call))
  (i64.store offset=24 (call $emit (i32.const 0) (i32.const 1)) (i64.const 3))
  (call $answer))
