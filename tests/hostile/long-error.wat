;; Fails with a text of 2,000 bytes, where room for many signals would let it pass.
(func $on-bars (param $call i32) (result i32)
  (memory.fill (i32.const 100000) (i32.const 120) (i32.const 2000))
  (call $answer-error (i32.const 2) (i32.const 100000) (i32.const 2000)))
