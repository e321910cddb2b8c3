;; Crashes at once.
(func $on-bars (param $call i32) (result i32)
  (unreachable))
