(component
  (instance $strategy)
  (export "sentinel:strategy/strategy@0.9.0" (instance $strategy))
)
