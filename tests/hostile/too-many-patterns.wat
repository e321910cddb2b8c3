;; Recognises 257 patterns.
(func $describe (result i32)
  (i32.store (i32.const 28) (i32.const 65536))
  (i32.store (i32.const 32) (i32.const 257))
  (i32.const 0))
