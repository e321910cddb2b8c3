(component
  (instance $strategy)
  (export "sentinel:strategy/strategy@0.1.0" (instance $strategy))
)
