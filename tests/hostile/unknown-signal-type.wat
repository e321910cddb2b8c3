;; Gives advice of a kind that the contract does not have.
(func $on-bars (param $call i32) (result i32)
  (call $begin (local.get $call))
  (drop (call $emit (i32.const 0) (i32.const 9)))
  (call $answer))
