;; Writes all over its memory and table, and buys if it finds traces of an earlier instance.
(table $table 64 funcref)
(elem declare func $leave)
(func $leave
  (memory.fill (i32.const 65536) (i32.const 255) (i32.const 65536))
  (drop (memory.grow (i32.const 2)))
  (memory.fill (i32.const 131072) (i32.const 255) (i32.const 131072))
  (table.fill $table (i32.const 0) (ref.func $leave) (i32.const 64))
  (global.set $last (f64.const 1)))

(func $on-bars (param $call i32) (result i32)
  (call $begin (local.get $call))
  (if (i32.or
        (i32.or (i64.ne (i64.load (i32.const 100000)) (i64.const 0)) (i32.ne (memory.size) (i32.const 2)))
        (i32.or
          (i32.eqz (ref.is_null (table.get $table (i32.const 0))))
          (f64.ne (global.get $last) (f64.const 0)))) (then
    (drop (call $emit (i32.const 0) (i32.const 1)))))
  (call $leave)
  (call $answer))
