;; Recognises what its manifest does not name.
(func $on-bars (param $call i32) (result i32)
  (call $begin (local.get $call))
  (i32.store offset=8 (call $emit (i32.const 0) (i32.const 1)) (i32.const 1))
  (call $answer))
