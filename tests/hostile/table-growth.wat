;; Takes all the table elements it can get.
(table $table 0 funcref)
(func $on-bars (param $call i32) (result i32)
  (loop $more
    (drop (table.grow $table (ref.null func) (i32.const 1000)))
    (br $more))
  (unreachable))
