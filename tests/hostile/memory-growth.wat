;; Takes all the memory it can get.
(func $on-bars (param $call i32) (result i32)
  (loop $more
    (drop (memory.grow (i32.const 16)))
    (br $more))
  (unreachable))
