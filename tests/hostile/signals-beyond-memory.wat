;; Says that a million signals are there, where it has no memory.
(func $on-bars (param $call i32) (result i32)
  (call $answer-list (i32.const 4096) (i32.const 1000000)))
