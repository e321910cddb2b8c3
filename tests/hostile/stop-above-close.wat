;; Wants its loss stopped where there is none.
(func $on-bars (param $call i32) (result i32)
  (call $begin (local.get $call))
  (call $emit-price (i32.const 0) (i32.const 40) (f64.add (call $close (i32.const 0)) (f64.const 1)))
  (call $answer))
