;; Buys whatever rises on the next bar, as long as that is in the same call.
(func $on-bars (param $call i32) (result i32)
  (local $bar i32)
  (call $begin (local.get $call))
  (loop $next
    (if (i32.lt_u (i32.add (local.get $bar) (i32.const 1)) (global.get $bars)) (then
      (if (f64.gt (call $close (i32.add (local.get $bar) (i32.const 1))) (call $close (local.get $bar))) (then
        (drop (call $emit (local.get $bar) (i32.const 1)))))
      (local.set $bar (i32.add (local.get $bar) (i32.const 1)))
      (br $next))))
  (call $answer))
