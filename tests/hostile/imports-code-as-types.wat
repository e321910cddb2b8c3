;; Hides a function where only the contract's types may be.
(component
  (import "sentinel:strategy/types@0.1.0" (instance
    (export "now" (func (result u64)))
  ))
)
