;; Has a description of 100 MB.
(func $describe (result i32)
  (i32.store (i32.const 8) (i32.shl (memory.grow (i32.const 1600)) (i32.const 16)))
  (i32.store (i32.const 12) (i32.const 100000000))
  (i32.const 0))
