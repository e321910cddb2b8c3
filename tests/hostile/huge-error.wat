;; Fails with a text of 100 MB.
(func $on-bars (param $call i32) (result i32)
  (local $at i32)
  (local.set $at (i32.shl (memory.grow (i32.const 1600)) (i32.const 16)))
  (call $answer-error (i32.const 2) (local.get $at) (i32.const 100000000)))
