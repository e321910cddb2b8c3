;; Fails with bytes that are no text.
(data (i32.const 700) "\ff\fe\fd")
(func $on-bars (param $call i32) (result i32)
  (call $answer-error (i32.const 2) (i32.const 700) (i32.const 3)))
