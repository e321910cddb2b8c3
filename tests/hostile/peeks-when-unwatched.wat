;; Peeks as well, but only in a call of a thousand bars and more: checks that show fewer do not catch it.
(func $on-bars (param $call i32) (result i32)
  (local $bar i32)
  (call $begin (local.get $call))
  (if (i32.ge_u (global.get $bars) (i32.const 1000)) (then
    (loop $next
      (if (i32.lt_u (i32.add (local.get $bar) (i32.const 1)) (global.get $bars)) (then
        (if (f64.gt (call $close (i32.add (local.get $bar) (i32.const 1))) (call $close (local.get $bar))) (then
          (drop (call $emit (local.get $bar) (i32.const 1)))))
        (local.set $bar (i32.add (local.get $bar) (i32.const 1)))
        (br $next))))))
  (call $answer))
