;; Wants its profit taken at infinity.
(func $on-bars (param $call i32) (result i32)
  (call $begin (local.get $call))
  (call $emit-price (i32.const 0) (i32.const 56) (f64.const inf))
  (call $answer))
